"""The back office of the API: whose key it is, what they use, another tier, and a key's end. Never a secret."""

from collections.abc import Callable
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import OuterRef, QuerySet, Subquery
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from developer import keys
from developer.admission import Month, quota_of, tier_of
from developer.models import ApiKey, DailyUsage, MonthlyUsage
from developer.portal import state_of
from levqor.accounts.models import Account, ApiTier
from levqor.lib.actors import staff
from levqor.lib.admin import ReadOnlyAdmin, ReadOnlyInline, badge, row_link, row_url, two_lines

# The largest that a column of ids holds.
MOST_PK = 2**63 - 1
TONES = {"success": "good", "warning": "warn", "danger": "bad", "": "plain"}


class ReasonForm(forms.Form):
    reason = forms.CharField(
        label="Why?",
        max_length=1000,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text="Kept in the audit trail with your name.",
    )


class RevokeForm(ReasonForm):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["reason"].help_text = "The members of the account read it in the mail; it is kept with your name."


class TierForm(ReasonForm):
    tier = forms.ChoiceField(choices=[("", "The plan’s"), *ApiTier.choices], required=False)
    field_order = ["tier", "reason"]


def used_of_quota(used: int, quota: int | None) -> str:
    return f"{used:,} of {quota:,}" if quota is not None else f"{used:,}, no limit"


class DayInline(ReadOnlyInline):
    model = DailyUsage
    fields = ["day", "succeeded", "refused", "failed"]
    ordering = ["-day"]
    verbose_name_plural = "Requests by day"


@admin.register(ApiKey)
class ApiKeyAdmin(ReadOnlyAdmin):
    list_title = "API keys"
    list_help = (
        "Keys by how they begin; the keys themselves are kept nowhere. The first 13 characters find whose it is."
    )
    empty_title = "Nobody has made a key yet"
    search_help_text = "Beginning of the key, its name, account or billing address"
    list_display = ["masked_key", "of_account", "tier", "used_this_month", "last_used_at", "state"]
    search_fields = ["prefix", "name", "account__name", "account__billing_email"]
    list_select_related = ["account__plan", "replaced_by"]
    list_filter = [("revoked_at", admin.EmptyFieldListFilter)]
    ordering = ["-created_at"]
    fields = [
        "masked_key", "what_you_can_do", "of_account", "tier", "used_this_month", "state", "may", "created_at",
        "created_by", "expires_at", "revoked_at", "last_used_at", "last_used_from",
    ]  # fmt: skip
    readonly_fields = ["masked_key", "what_you_can_do", "of_account", "tier", "used_this_month", "state", "may"]
    inlines = [DayInline]

    def get_queryset(self, request: HttpRequest) -> QuerySet[ApiKey]:
        month = Month.of(timezone.now()).name
        used = MonthlyUsage.objects.filter(account=OuterRef("account"), month=month).values("used")[:1]
        return ApiKey.objects.select_related("account__plan", "replaced_by", "created_by").annotate(used=Subquery(used))

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[ApiKey], search_term: str
    ) -> tuple[QuerySet[ApiKey], bool]:
        # Whoever pastes a whole key finds it; what is searched for is its beginning.
        term = search_term[: keys.PREFIX_SHOWN] if search_term.startswith("lvq_") else search_term
        found: tuple[QuerySet[ApiKey], bool] = super().get_search_results(request, queryset, term)
        return found

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        return [
            path("<int:pk>/revoke/", view(self.revoke_view), name="developer_apikey_revoke"),
            path("<int:pk>/tier/", view(self.tier_of_key_view), name="developer_apikey_tier"),
            path("of-account/<int:pk>/tier/", view(self.tier_of_account_view), name="developer_account_tier"),
            *super().get_urls(),
        ]

    @admin.display(description="Key", ordering="name")
    def masked_key(self, key: ApiKey) -> SafeString:
        return two_lines(key.name, key.masked)

    @admin.display(description="Account", ordering="account__name")
    def of_account(self, key: ApiKey) -> SafeString:
        url = reverse("admin:accounts_account_change", args=[key.account_id])
        return format_html('<a class="row-link" href="{}">{}</a>', url, key.account)

    @admin.display(description="Tier")
    def tier(self, key: ApiKey) -> str:
        return tier_of(key.account).label

    @admin.display(description="Used this month")
    def used_this_month(self, key: ApiKey) -> str:
        return used_of_quota(getattr(key, "used", None) or 0, quota_of(tier_of(key.account)))

    @admin.display(description="State")
    def state(self, key: ApiKey) -> SafeString:
        found = state_of(key, at=timezone.now())
        return badge(found.word, TONES[found.tone])

    @admin.display(description="May")
    def may(self, key: ApiKey) -> str:
        return ", ".join(key.scope_words)

    @admin.display(description="What you can do")
    def what_you_can_do(self, key: ApiKey) -> SafeString:
        links = [("tier", "Give the account another tier"), *([] if key.revoked_at else [("revoke", "Revoke the key")])]
        parts = [
            format_html('<a href="{}">{}</a>', reverse(f"admin:developer_apikey_{verb}", args=[key.pk]), words)
            for verb, words in links
        ]
        return SafeString(" &nbsp; ".join(parts))

    def revoke_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        key = self._key(request, pk, "developer.change_apikey")

        def revoke(said: dict[str, Any]) -> str:
            done = keys.revoke_key(key, by=staff(request.user), at=timezone.now(), reason=said["reason"])
            return f"{key} is revoked." if done else f"{key} had been revoked before."

        words = (
            "Revoke the key",
            f"{key}, {key.account}. The very next request with it is refused. The members of the account get a mail.",
        )
        return self._ask(request, key, RevokeForm(request.POST or None), words, revoke)

    def tier_of_key_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        key = self._key(request, pk, "developer.change_tier")
        return self._ask_for_tier(request, key.account, key)

    def tier_of_account_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """The same from an account's page: one that has no key yet can be given a tier as well."""
        _require(request, "developer.change_tier")
        account = get_object_or_404(Account.objects.select_related("plan"), pk=min(pk, MOST_PK))
        return self._ask_for_tier(request, account, account)

    def _ask_for_tier(self, request: HttpRequest, account: Account, page_of: ApiKey | Account) -> HttpResponse:
        def change(said: dict[str, Any]) -> str:
            by, at = staff(request.user), timezone.now()
            done = keys.change_tier(account, said["tier"], by=by, at=at, reason=said["reason"])
            return f"{account} is on the tier {tier_of(account).label} now." if done else "It had that tier already."

        form = TierForm(request.POST or None, initial={"tier": account.api_tier})
        explanation = (
            f"{account}, now on {tier_of(account).label}. Another tier holds from the next request on; what was used "
            "stays counted. The members of the account get a mail."
        )
        return self._ask(request, page_of, form, ("Give another tier", explanation), change)

    @staticmethod
    def _key(request: HttpRequest, pk: int, permission: str) -> ApiKey:
        _require(request, permission)
        return get_object_or_404(ApiKey.objects.select_related("account__plan"), pk=min(pk, MOST_PK))

    def _ask(
        self,
        request: HttpRequest,
        page_of: ApiKey | Account,
        form: ReasonForm,
        words: tuple[str, str],
        deed: Callable[[dict[str, Any]], str],
    ) -> HttpResponse:
        back_url = row_url(page_of._meta.label_lower, page_of.pk)
        if request.method == "POST" and form.is_valid():
            messages.success(request, deed(form.cleaned_data))
            return redirect(back_url)
        context = self.admin_site.each_context(request) | {
            "opts": page_of._meta,
            "title": f"{words[0]}: {page_of}",
            "original": page_of,
            "label": words[0],
            "explanation": words[1],
            "form": form,
            "back_url": back_url,
        }
        return TemplateResponse(request, "admin/developer/ask.html", context)


def _require(request: HttpRequest, permission: str) -> None:
    if not request.user.has_perm(permission):
        raise PermissionDenied


@admin.register(MonthlyUsage)
class MonthlyUsageAdmin(ReadOnlyAdmin):
    list_title = "API usage"
    list_help = "What each account has used in a calendar month (UTC); the newest month and the most used first."
    empty_title = "Nobody has called the API yet"
    search_help_text = "Account or billing address"
    list_display = ["month", "of_account", "used_of_quota", "key"]
    list_display_links = ["month"]
    list_select_related = ["account"]
    search_fields = ["account__name", "account__billing_email"]
    ordering = ["-month", "-used"]
    fields = ["month", "of_account", "used_of_quota", "key"]
    readonly_fields = ["of_account", "used_of_quota", "key"]

    @admin.display(description="Account", ordering="account__name")
    def of_account(self, usage: MonthlyUsage) -> SafeString:
        url = reverse("admin:accounts_account_change", args=[usage.account_id])
        return format_html('<a class="row-link" href="{}">{}</a>', url, usage.account)

    @admin.display(description="Used", ordering="used")
    def used_of_quota(self, usage: MonthlyUsage) -> str:
        return used_of_quota(usage.used, usage.quota)

    @admin.display(description="Key of the newest request")
    def key(self, usage: MonthlyUsage) -> SafeString:
        return row_link("developer.apikey", usage.key_id)
