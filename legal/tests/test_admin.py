"""The back office: drafts are written, looked at and published by different people; acceptances are read."""

import pytest
from django.contrib.auth.models import Permission
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from legal.models import AcceptanceAnnex, DfyPackage, Document, DocumentVersion
from legal.tests.make import make_acceptance, make_draft, make_source, make_staff, make_stuck_version
from levqor.accounts.models import User
from testing.html import Document as Html

pytestmark = pytest.mark.django_db


def sign_in(client: Client, name: str, *codenames: str) -> User:
    user = make_staff(name)
    permissions = Permission.objects.filter(content_type__app_label="legal")
    user.user_permissions.set(permissions.filter(codename__in=codenames) if codenames else permissions)
    client.force_login(user)
    return user


def url(name: str, *args: object) -> str:
    return reverse(f"admin:{name}", args=args)


def refunds_draft(extra: str = "\nOne line more.\n") -> DocumentVersion:
    document = Document.objects.get(slug="refunds")
    return make_draft(document=document, source=document.versions.get().source + extra)


def as_read(client: Client, draft: DocumentVersion) -> dict[str, str]:
    """What the page of publishing says by itself of the text that it shows."""
    page = client.get(url("legal_publish", draft.pk)).content.decode()
    read = {name: str(Html(page).one("input", name=name).get("value")) for name in ("edit_count", "shown")}
    return read | {"reason": "x"}


def test_each_document_leads_to_its_draft(client: Client) -> None:
    sign_in(client, "author")
    refunds = Document.objects.get(slug="refunds")

    assert "Refund policy" in client.get(url("legal_document_changelist")).content.decode()
    response = client.post(url("legal_open_draft", refunds.pk))
    assert response.headers["Location"] == url("legal_documentversion_change", refunds.versions.get(status="draft").pk)


def test_reading_never_opens_a_draft(client: Client) -> None:
    sign_in(client, "author")
    client.get(url("legal_open_draft", Document.objects.get(slug="refunds").pk))

    assert not DocumentVersion.objects.filter(status="draft").exists()


def test_saving_previewing_and_comparing(client: Client) -> None:
    sign_in(client, "author")
    draft = refunds_draft()
    page, words = url("legal_documentversion_change", draft.pk), draft.source + "\nAnother line.\n"
    said = {"source": words, "note": "Why", "edit_count": "0"}

    preview = client.post(page, said | {"preview": "1"}).content.decode()
    draft.refresh_from_db()
    assert ("Another line." in preview, "Another line." in draft.source) == (True, False)
    assert client.post(page, said).status_code == 302
    changes = client.get(url("legal_changes", draft.pk)).content.decode()
    assert "<ins>" in changes
    assert "Another line." in changes


def test_a_stale_form_loses_nothing(client: Client) -> None:
    sign_in(client, "author")
    draft = refunds_draft()
    page = url("legal_documentversion_change", draft.pk)
    client.post(page, {"source": draft.source + "First.", "edit_count": "0"})

    late = client.post(page, {"source": draft.source + "Second.", "edit_count": "0"}).content.decode()
    assert "changed by somebody else" in late
    assert "Second." in late


def test_the_live_preview_says_what_is_wrong_and_runs_nothing(client: Client) -> None:
    sign_in(client, "author")
    source = make_source("{{ nothing }} <script>alert(1)</script>")

    piece = client.post(url("legal_preview", refunds_draft().pk), {"source": source}).content.decode()
    assert "Unknown variable “nothing”." in piece
    assert "<script>" not in piece


def test_somebody_else_publishes(client: Client) -> None:
    sign_in(client, "publisher")
    draft = refunds_draft()

    response = client.post(url("legal_publish", draft.pk), as_read(client, draft))
    draft.refresh_from_db()
    assert (response.status_code, draft.status, draft.number) == (302, "in_force", 2)
    assert "One line more." in client.get("/refunds").content.decode()


def test_the_author_does_not(client: Client) -> None:
    author = sign_in(client, "author")
    draft = refunds_draft()
    draft.draft_edits.create(user=author, edited_at=draft.created_at)

    page = client.post(url("legal_publish", draft.pk), as_read(client, draft) | {"edit_count": "0"}).content.decode()
    draft.refresh_from_db()
    assert ("somebody else has to publish it" in page, draft.status) == (True, "draft")


def test_a_broken_draft_is_refused_with_its_reasons(client: Client) -> None:
    sign_in(client, "publisher")
    draft = refunds_draft("\n## Odd {#odd}\n\n1. It costs {{ no.price }}, see [there](/nowhere).\n")

    page = client.post(url("legal_publish", draft.pk), as_read(client, draft) | {"edit_count": "0"}).content.decode()
    draft.refresh_from_db()
    assert "Unknown variable “no.price”." in page
    assert "leads to a page that is not there" in page
    assert (draft.status, draft.number) == ("draft", None)


def test_what_changed_since_the_page_was_shown_is_not_published(client: Client) -> None:
    sign_in(client, "publisher")
    draft = refunds_draft()
    DocumentVersion.objects.filter(pk=draft.pk).update(edit_count=3)

    page = client.post(url("legal_publish", draft.pk), as_read(client, draft) | {"edit_count": "0"}).content.decode()
    assert "The draft was changed since this page was shown." in page


def test_an_announcement_is_withdrawn_and_a_draft_thrown_away(client: Client) -> None:
    sign_in(client, "publisher")
    draft = refunds_draft()
    said = as_read(client, draft) | {"effective_date": "2096-12-01"}
    client.post(url("legal_publish", draft.pk), said)
    client.post(url("legal_withdraw", draft.pk), {"reason": "A mistake."})
    draft.refresh_from_db()
    other = make_draft()
    client.post(url("legal_discard", other.pk), {"reason": "No need."})

    assert draft.status == "withdrawn"
    assert not DocumentVersion.objects.filter(pk=other.pk).exists()
    assert client.get(url("legal_documentversion_change", draft.pk)).status_code == 200


@pytest.mark.parametrize("name", ["legal_publish", "legal_withdraw", "legal_discard", "legal_preview"])
def test_whoever_may_only_read_is_refused(client: Client, name: str) -> None:
    sign_in(client, "reader", "view_document" if name == "legal_preview" else "view_documentversion")

    assert client.post(url(name, refunds_draft().pk), {"reason": "x", "edit_count": "0"}).status_code == 403


def test_a_changed_price_drafts_and_says_so(client: Client) -> None:
    sign_in(client, "finance")
    package = DfyPackage.objects.get(slug="growth")
    fields = ["name", "currency", "workflows", "delivery_days_min", "delivery_days_max", "revisions", "position"]
    said = {name: getattr(package, name) for name in fields} | {"price_cents": 26900, "is_active": "on"}

    page = client.post(url("legal_dfypackage_change", package.pk), said, follow=True).content.decode()
    assert "New versions wait to be published of: Done-for-you agreement" in page
    assert DocumentVersion.objects.filter(status="draft", origin="facts").count() == 2


def test_acceptances_are_read_exported_and_their_annex_erased(client: Client) -> None:
    sign_in(client, "support")
    acceptance = make_acceptance(full_name="=HYPERLINK(1)")

    assert acceptance.reference in client.get(url("legal_acceptance_change", acceptance.pk)).content.decode()
    export = client.post(
        url("legal_acceptance_changelist"), {"action": "export_csv", "_selected_action": [acceptance.pk]}
    )
    assert b"'=HYPERLINK" in b"".join(export.streaming_content)  # type: ignore[attr-defined]  # a streaming answer
    client.post(url("legal_acceptance_erase", acceptance.pk), {"reason": "Asked for."})
    assert not AcceptanceAnnex.objects.exists()


def test_a_stranger_erases_nothing(client: Client) -> None:
    sign_in(client, "reader", "view_acceptance")
    acceptance = make_acceptance()

    assert client.post(url("legal_acceptance_erase", acceptance.pk), {"reason": "x"}).status_code == 403
    assert client.post(url("legal_acceptance_resend", acceptance.pk), {"reason": "x"}).status_code == 403
    assert AcceptanceAnnex.objects.exists()


def test_a_version_that_could_not_be_noted_is_shown_to_staff(client: Client) -> None:
    User.objects.create_superuser("chief@levqor.test")
    client.force_login(User.objects.get(email="chief@levqor.test"))
    stuck = make_stuck_version()

    page = client.get(url("legal_documentversion_change", stuck.pk)).content.decode()
    listed = client.get(url("legal_documentversion_changelist"), {"overdue": "yes"}).content.decode()
    home = client.get(reverse("admin:index")).content.decode()
    assert "could not be noted" in page
    assert "but not noted yet" in listed
    assert "Refund policy version 1" not in listed
    assert "stuck on their day" in home


@pytest.mark.parametrize("day", ["0001-01-01", "2020-01-01", f"{timezone.localdate()}"])
def test_a_day_that_is_past_is_refused_with_a_word(client: Client, day: str) -> None:
    sign_in(client, "publisher")
    draft = refunds_draft()

    page = client.post(
        url("legal_publish", draft.pk),
        as_read(client, draft) | {"effective_date": day},
    )
    assert "Choose a day after today" in page.content.decode()
    draft.refresh_from_db()
    assert draft.is_draft


@pytest.mark.parametrize("count", ["", "many"])
def test_words_that_cannot_be_saved_are_kept_and_it_is_said(client: Client, count: str) -> None:
    sign_in(client, "author")
    draft = refunds_draft()

    page = client.post(
        url("legal_documentversion_change", draft.pk), {"source": "My words.", "note": "", "edit_count": count}
    ).content.decode()
    assert "open the draft again" in page
    assert "My words." in page
