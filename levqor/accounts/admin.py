from datetime import date
from typing import TYPE_CHECKING, Any

from django.contrib import admin, messages
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.core.exceptions import ValidationError
from django.forms import BaseInlineFormSet
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html

from levqor.accounts.models import Account, AccountContact, Membership, Plan, SlaBand, SlaTerms, Suspension, User
from levqor.lib.admin import BaseAdmin, TabularInline, badge
from levqor.lib.events import emit

if TYPE_CHECKING:
    # Unfold carries no types; its inlines and forms are Django's with another face.
    UserBase = DjangoUserAdmin[User]
else:
    from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm

    class UserBase(DjangoUserAdmin, BaseAdmin):
        form = UserChangeForm
        add_form = UserCreationForm
        change_password_form = AdminPasswordChangeForm


class Labelled(BaseAdmin):
    """Words for people in the place of the names of columns."""

    labels: dict[str, str] = {}

    def formfield_for_dbfield(self, db_field: Any, request: Any, **kwargs: Any) -> Any:
        words = {"label": self.labels[db_field.name]} if db_field.name in self.labels else {}
        return super().formfield_for_dbfield(db_field, request, **kwargs | words)


@admin.register(User)
class UserAdmin(Labelled, UserBase):
    list_title = "People"
    list_help = "Everybody who can sign in: customers, and the staff who may also open this back office."
    search_help_text = "E-mail address or name"
    labels = {
        "email": "E-mail address",
        "is_active": "May sign in",
        "is_staff": "Staff",
        "is_superuser": "May do everything",
        "user_permissions": "Single permissions",
    }
    list_display = ["email", "full_name", "desk", "can_sign_in", "date_joined"]
    list_filter = ["is_staff", "is_active", "groups"]
    search_fields = ["email", "full_name"]
    ordering = ["email"]
    readonly_fields = ["last_login", "date_joined"]
    filter_horizontal = ["groups", "user_permissions"]
    fieldsets = [
        (None, {"fields": ["email", "full_name", "password"]}),
        ("What they may do", {"fields": ["is_active", "is_staff", "is_superuser", "groups", "user_permissions"]}),
        ("Dates", {"fields": ["last_login", "date_joined"]}),
    ]
    add_fieldsets = [(None, {"fields": ["email", "full_name", "usable_password", "password1", "password2"]})]

    @admin.display(description="Back office", ordering="is_staff")
    def desk(self, user: User) -> str:
        return badge("Everything", "warn") if user.is_superuser else badge("Staff") if user.is_staff else "–"

    @admin.display(description="Sign-in", ordering="is_active")
    def can_sign_in(self, user: User) -> str:
        return badge("Allowed", "good") if user.is_active else badge("Switched off", "bad")


@admin.register(Plan)
class PlanAdmin(Labelled):
    list_help = (
        "What customers subscribe to. A price or promise that is changed here stands on the live pages at once, and new "
        "versions of the documents that name it are drafted."
    )
    search_help_text = "Name"
    labels = {
        "slug": "Name in addresses and forms",
        "price_cents": "Price in pence or cents",
        "stripe_price_ids": "Prices at Stripe",
        "api_tier": "API tier",
        "uptime_percent": "Uptime promise in percent",
        "position": "Place in the order",
    }
    list_display = ["name", "monthly", "tier", "uptime", "response"]
    search_fields = ["name", "slug"]

    @admin.display(description="Price per month", ordering="price_cents")
    def monthly(self, plan: Plan) -> str:
        return plan.price

    @admin.display(description="API tier", ordering="api_tier")
    def tier(self, plan: Plan) -> str:
        return plan.get_api_tier_display()

    def save_model(self, request: Any, obj: Any, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        tell_of_promises(request)


def tell_of_promises(request: Any, valid_from: date | None = None) -> None:
    """Lets the rooms that print prices and promises follow, and passes on what they say."""
    notes: list[str] = []
    emit("promises.changed", by=request.user, at=timezone.now(), valid_from=valid_from, notes=notes)
    for note in notes:
        messages.warning(request, f"Live pages show this now. {note}")


class BandFormSet(BaseInlineFormSet):  # type: ignore[type-arg]  # Django takes no parameter at run time
    def clean(self) -> None:
        super().clean()
        floors = [row.get("floor_percent") for row in self.cleaned_data if row] if self.is_valid() else [0]
        if 0 not in floors:
            raise ValidationError("One band must begin at 0, so that every uptime below the target falls into one.")


class BandInline(TabularInline):
    model = SlaBand
    formset = BandFormSet
    extra = 3
    fields = ["floor_percent", "credit_percent"]


@admin.register(SlaTerms)
class SlaTermsAdmin(BaseAdmin):
    """Versions: a new one is added with a later day, and none is ever changed."""

    list_display = ["version", "valid_from", "target_percent", "cap_percent", "claim_days", "note"]
    ordering = ["-valid_from"]
    inlines = [BandInline]

    def has_change_permission(self, request: Any, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: Any, obj: Any = None) -> bool:
        return False

    def save_related(self, request: Any, form: Any, formsets: Any, change: bool) -> None:
        super().save_related(request, form, formsets, change)
        tell_of_promises(request, form.instance.valid_from)


class MembershipInline(TabularInline):
    model = Membership
    verbose_name = "person"
    verbose_name_plural = "People who sign in for this customer"
    extra = 0
    autocomplete_fields = ["user"]
    fields = ["user"]


class ContactInline(TabularInline):
    model = AccountContact
    verbose_name = "address"
    verbose_name_plural = "Other addresses for billing mail"
    extra = 0
    fields = ["email", "name", "position"]


class SuspensionInline(TabularInline):
    model = Suspension
    extra = 0
    fields = ["reason", "suspended_at", "lifted_at"]
    readonly_fields = ["reason", "suspended_at", "lifted_at"]
    can_delete = False

    def has_add_permission(self, request: Any, obj: Any = None) -> bool:
        return False


STANDING_TONES = {"active": "good", "past_due": "warn", "suspended": "bad"}


@admin.register(Account)
class AccountAdmin(Labelled):
    """Standing and exemption move by the verbs on a failed payment's page, the API tier by one of its own; here they are
    shown."""

    list_help = (
        "The customers. Whether the service is on follows from their payments: it is changed on the page of a failed "
        "payment, never here."
    )
    search_help_text = "Name, e-mail or Stripe id"
    labels = {"billing_email": "Billing e-mail"}
    list_display = ["__str__", "billing_email", "plan", "standing_badge", "exemption", "created_at"]
    list_filter = ["standing", "plan", "is_exempt_from_dunning"]
    list_select_related = ["plan"]
    search_fields = ["name", "billing_email", "stripe_customer_id", "members__email"]
    readonly_fields = [
        "tier",
        "changeable_tier",
        "standing_badge",
        "stripe_id",
        "exemption",
        "all_of_them",
        "created_at",
    ]
    fields = [
        "name",
        "billing_email",
        "plan",
        "tier",
        "time_zone",
        "standing_badge",
        "exemption",
        "all_of_them",
        "stripe_id",
        "created_at",
    ]
    inlines = [MembershipInline, ContactInline, SuspensionInline]

    @admin.display(description="Standing", ordering="standing")
    def standing_badge(self, account: Account) -> str:
        return badge(account.get_standing_display(), STANDING_TONES[account.standing])

    def get_fields(self, request: HttpRequest, obj: Account | None = None) -> Any:
        """The way to another tier is shown to those who may go it."""
        may_change = obj is not None and request.user.has_perm("developer.change_tier")
        return ["changeable_tier" if name == "tier" and may_change else name for name in self.fields]

    @admin.display(description="API tier")
    def tier(self, account: Account) -> str:
        return account.get_api_tier_display() or "the plan’s"

    @admin.display(description="API tier")
    def changeable_tier(self, account: Account) -> str:
        url = reverse("admin:developer_account_tier", args=[account.pk])
        link = '{} <a class="row-link" href="{}">Give another, with a reason</a>'
        return format_html(link, self.tier(account), url)

    @admin.display(description="Reminders", ordering="is_exempt_from_dunning")
    def exemption(self, account: Account) -> str:
        if not account.is_exempt_from_dunning:
            return "as the policy says"
        return format_html("{} {}", badge("Exempt", "warn"), account.exemption_reason)

    @admin.display(description="Customer at Stripe")
    def stripe_id(self, account: Account) -> str:
        return account.stripe_customer_id or "none"

    @admin.display(description="Failed payments, claims, mail")
    def all_of_them(self, account: Account) -> str:
        """The search by what is certainly theirs: Stripe's id, else the address."""
        words = account.billing_email or account.stripe_customer_id
        url = reverse("admin:desk_find", query={"q": words}) if words else ""
        return format_html('<a class="row-link" href="{}">All that is known of {}</a>', url, words) if url else "–"

    def has_delete_permission(self, request: Any, obj: Any = None) -> bool:
        return False
