"""The back office's pages of one version: writing, previewing, comparing, publishing; and the verbs on acceptances."""

from datetime import date
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.safestring import mark_safe

from legal import acceptance as acceptances
from legal import drafting, publishing
from legal.admin_forms import DraftForm, PublishForm, ReasonForm
from legal.comparison import Comparison, compare
from legal.examination import Examination, examine
from legal.markdown import head
from legal.models import Acceptance, Document, DocumentVersion
from legal.publishing import RefusedError
from legal.retention import erase_annex
from legal.variables import facts_on
from levqor.audit.models import record
from levqor.lib.actors import staff
from levqor.lib.states import IllegalMoveError, StaleStateError

REFUSALS = (RefusedError, IllegalMoveError, StaleStateError)


def _need(request: HttpRequest, *permissions: str) -> None:
    if not request.user.has_perms([f"legal.{name}" for name in permissions]):
        raise PermissionDenied


def _examined(document: Document, source: str, *, on: date | None = None) -> Examination:
    now = timezone.now()
    return examine(document.slug, source, on=on or timezone.localdate(now), at=now)


def _html(examination: Examination) -> str:
    """As it would be published today; cleaned like every text before it is shown."""
    return f"{head(examination.title, examination.summary, 'Draft')}\n{examination.body}\n"


def _compared(version: DocumentVersion, html: str) -> tuple[DocumentVersion | None, Comparison | None]:
    """The version in force, and what changes against it."""
    current = DocumentVersion.objects.in_force(at=timezone.now()).filter(document=version.document_id).first()
    return current, compare(current.html, html) if current else None


def open_draft_view(request: HttpRequest, pk: int) -> HttpResponse:
    _need(request, "change_documentversion")
    if request.method != "POST":
        return HttpResponseNotAllowed(["POST"])
    draft = drafting.open_draft(get_object_or_404(Document, pk=pk), by=request.user, at=timezone.now())  # type: ignore[arg-type]  # staff
    return redirect("admin:legal_documentversion_change", draft.pk)


def draft_view(request: HttpRequest, draft: DocumentVersion, site: admin.AdminSite) -> HttpResponse:
    """The editor: what is posted is saved, or with the button "Preview" only shown."""
    may_write = request.user.has_perm("legal.change_documentversion")
    initial = {
        "source": draft.source,
        "note": draft.change_note,
        "is_material": draft.is_material,
        "edit_count": draft.edit_count,
    }
    form = DraftForm(request.POST or None, initial=initial)
    if request.method == "POST":
        _need(request, "change_documentversion")
        if form.is_valid() and "preview" not in request.POST and _save(request, draft, form):
            after = "admin:legal_changes" if "compare" in request.POST else "admin:legal_documentversion_change"
            return redirect(after, draft.pk)
    source = str(form["source"].value() or "")
    examination = _examined(draft.document, source)
    context = site.each_context(request) | {
        "opts": DocumentVersion._meta,
        "title": f"{draft.document}: draft",
        "original": draft,
        "draft": draft,
        "form": form,
        "examination": examination,
        "preview": mark_safe(_html(examination)),  # noqa: S308  # cleaned by legal.markdown
        "facts": sorted(facts_on(timezone.localdate()).items()),
        "may_write": may_write,
        "may_publish": request.user.has_perm("legal.publish_documentversion"),
        "wrote_it": publishing.wrote(draft, request.user),  # type: ignore[arg-type]  # signed in
    }
    return TemplateResponse(request, "admin/legal/draft.html", context)


def _save(request: HttpRequest, draft: DocumentVersion, form: DraftForm) -> bool:
    said = form.cleaned_data
    try:
        drafting.edit(
            draft,
            source=said["source"],
            note=said["note"],
            is_material=said["is_material"],
            edit_count=said["edit_count"],
            by=request.user,  # type: ignore[arg-type]  # staff
            at=timezone.now(),
        )
    except StaleStateError as refusal:
        messages.error(request, str(refusal))
        return False
    messages.success(request, "The draft is saved.")
    return True


def preview_view(request: HttpRequest, pk: int) -> HttpResponse:
    """What a source becomes, as a piece of HTML for the editor's preview; nothing is stored."""
    _need(request, "view_documentversion")
    if request.method != "POST":
        return HttpResponseNotAllowed(["POST"])
    draft = get_object_or_404(DocumentVersion.objects.select_related("document"), pk=pk)
    examination = _examined(draft.document, request.POST.get("source", "")[:400_000])
    context = {"examination": examination, "preview": mark_safe(_html(examination))}  # noqa: S308  # cleaned
    return TemplateResponse(request, "admin/legal/_preview.html", context)


def changes_view(request: HttpRequest, pk: int, site: admin.AdminSite) -> HttpResponse:
    """What a draft changes against the version in force, with today's facts."""
    _need(request, "view_documentversion")
    draft = get_object_or_404(DocumentVersion.objects.select_related("document"), pk=pk)
    html = _html(_examined(draft.document, draft.source)) if draft.is_draft else draft.html
    current, comparison = _compared(draft, html)
    context = site.each_context(request) | {
        "opts": DocumentVersion._meta,
        "title": f"What changes: {draft}",
        "original": draft,
        "draft": draft,
        "current": current,
        "comparison": comparison,
    }
    return TemplateResponse(request, "admin/legal/changes.html", context)


def publish_view(request: HttpRequest, pk: int, site: admin.AdminSite) -> HttpResponse:
    """Asks for reason and day, beside everything that changes; publishes what somebody else wrote."""
    _need(request, "publish_documentversion")
    draft = get_object_or_404(DocumentVersion.objects.select_related("document"), pk=pk)
    if not draft.is_draft:
        messages.info(request, f"{draft} is published already.")
        return redirect("admin:legal_documentversion_change", pk)
    initial = {"reason": draft.change_note, "is_material": draft.is_material, "edit_count": draft.edit_count}
    form = PublishForm(draft, request.POST or None, initial=initial)
    day = form.day()
    if request.method == "POST" and form.is_valid() and _publish(request, draft, form):
        return redirect("admin:legal_documentversion_change", pk)
    examination = _examined(draft.document, draft.source, on=day)
    current, comparison = _compared(draft, _html(examination))
    context = site.each_context(request) | {
        "opts": DocumentVersion._meta,
        "title": f"Publish: {draft.document}",
        "original": draft,
        "draft": draft,
        "form": form,
        "examination": examination,
        "shown": examination.fingerprint,
        "day": day,
        "current": current,
        "comparison": comparison,
        "earliest": publishing.earliest_for_material(at=timezone.now()),
        "wrote_it": publishing.wrote(draft, request.user),  # type: ignore[arg-type]  # signed in
    }
    return TemplateResponse(request, "admin/legal/publish.html", context)


def _publish(request: HttpRequest, draft: DocumentVersion, form: PublishForm) -> bool:
    try:
        publishing.publish(
            draft,
            by=request.user,  # type: ignore[arg-type]  # staff
            at=timezone.now(),
            effective_at=form.effective_at(),
            is_material=form.cleaned_data["is_material"],
            reason=form.cleaned_data["reason"],
            shown=form.cleaned_data["shown"],
        )
    except RefusedError as refusal:
        for reason in refusal.reasons:
            form.add_error(None, reason)
        return False
    except (IllegalMoveError, StaleStateError) as refusal:
        form.add_error(None, str(refusal))
        return False
    messages.success(request, f"{draft} is published: {draft.get_status_display().lower()}.")
    return True


def ask_view(request: HttpRequest, pk: int, site: admin.AdminSite, *, verb: str) -> HttpResponse:
    """Asks why on GET; on POST discards a draft or withdraws an announced version."""
    _need(request, "change_documentversion" if verb == "discard" else "publish_documentversion")
    version = get_object_or_404(DocumentVersion.objects.select_related("document"), pk=pk)
    deed = drafting.discard if verb == "discard" else publishing.withdraw
    words = {
        "discard": ("Throw the draft away", "Its words are gone; what was published stays as it is."),
        "withdraw": ("Withdraw the announcement", "It keeps its number and address, and never comes into force."),
    }[verb]
    form = ReasonForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            deed(version, by=request.user, at=timezone.now(), reason=form.cleaned_data["reason"])  # type: ignore[arg-type]  # staff
        except REFUSALS as refusal:
            messages.error(request, str(refusal))
        else:
            messages.success(request, "Done.")
        return redirect("admin:legal_documentversion_changelist")
    return _ask(request, site, form, version, words=words, back_url=_version_url(pk))


def _version_url(pk: int) -> str:
    return reverse("admin:legal_documentversion_change", args=[pk])


def _ask(
    request: HttpRequest, site: admin.AdminSite, form: ReasonForm, row: Any, *, words: tuple[str, str], back_url: str
) -> HttpResponse:
    context = site.each_context(request) | {
        "opts": row._meta,
        "title": f"{words[0]}: {row}",
        "original": row,
        "label": words[0],
        "explanation": words[1],
        "form": form,
        "back_url": back_url,
    }
    return TemplateResponse(request, "admin/legal/ask.html", context)


def version_view(request: HttpRequest, version: DocumentVersion, site: admin.AdminSite) -> HttpResponse:
    """A published version: its facts, and what may still be done."""
    context = site.each_context(request) | {
        "opts": DocumentVersion._meta,
        "title": str(version),
        "original": version,
        "version": version,
        "address": reverse("legal:version", args=[version.document.slug, version.number]),
        "may_withdraw": version.status == version.Status.SCHEDULED
        and request.user.has_perm("legal.publish_documentversion"),
        "is_genuine": version.is_genuine(),
        "is_overdue": version.is_overdue(at=timezone.now()),
    }
    return TemplateResponse(request, "admin/legal/version.html", context)


def _erase(request: HttpRequest, row: Acceptance, reason: str) -> None:
    if row.has_annex:
        erase_annex(row.annex, by=staff(request.user), at=timezone.now(), reason=reason)
        messages.success(request, "Done.")
    else:
        messages.warning(request, "The annex is erased already.")


def _resend(request: HttpRequest, row: Acceptance, reason: str) -> None:
    now = timezone.now()
    with transaction.atomic():
        is_sent = acceptances.send_copy_again(row, at=now)
        if is_sent:
            record("copy_sent_again", row, by=staff(request.user), at=now, reason=reason)
    if is_sent:
        messages.success(request, "Done.")
    else:
        messages.warning(request, "A copy went out today already, and no second one was sent: one a day is enough.")


def acceptance_verb_view(request: HttpRequest, pk: int, site: admin.AdminSite, *, verb: str) -> HttpResponse:
    """Asks why on GET; on POST sends the copy again, or erases the annex."""
    _need(request, "view_acceptance", "delete_acceptanceannex" if verb == "erase" else "change_acceptance")
    row = get_object_or_404(Acceptance, pk=pk)
    words = {
        "erase": ("Erase the annex", "Network address and browser are forgotten; the acceptance stays as it is."),
        "resend": (
            "Send the copy again",
            "The receipt and all documents go to the address of the acceptance once more.",
        ),
    }[verb]
    form = ReasonForm(request.POST or None)
    back_url = reverse("admin:legal_acceptance_change", args=[pk])
    if request.method == "POST" and form.is_valid():
        deed = _erase if verb == "erase" else _resend
        deed(request, row, form.cleaned_data["reason"])
        return redirect(back_url)
    return _ask(request, site, form, row, words=words, back_url=back_url)
