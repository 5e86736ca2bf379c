from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin

from levqor.accounts.models import Account, AccountContact, Membership, Plan, Suspension, User
from levqor.lib.admin import BaseAdmin, badge

if TYPE_CHECKING:
    # Unfold carries no types; its inlines and forms are Django's with another face.
    TabularInline = admin.TabularInline[Any, Any]
    UserBase = DjangoUserAdmin[User]
else:
    from unfold.admin import TabularInline
    from unfold.forms import AdminPasswordChangeForm

    class UserBase(DjangoUserAdmin, BaseAdmin):
        change_password_form = AdminPasswordChangeForm


@admin.register(User)
class UserAdmin(UserBase):
    list_display = ["email", "full_name", "is_staff", "is_active", "date_joined"]
    list_filter = ["is_staff", "is_active", "groups"]
    search_fields = ["email", "full_name"]
    ordering = ["email"]
    readonly_fields = ["last_login", "date_joined"]
    filter_horizontal = ["groups", "user_permissions"]
    fieldsets = [
        (None, {"fields": ["email", "full_name", "password"]}),
        ("May", {"fields": ["is_active", "is_staff", "is_superuser", "groups", "user_permissions"]}),
        ("Dates", {"fields": ["last_login", "date_joined"]}),
    ]
    add_fieldsets = [(None, {"fields": ["email", "full_name", "usable_password", "password1", "password2"]})]


@admin.register(Plan)
class PlanAdmin(BaseAdmin):
    list_display = ["name", "slug", "price_cents", "currency", "api_tier"]
    search_fields = ["name", "slug"]


class MembershipInline(TabularInline):
    model = Membership
    extra = 0
    autocomplete_fields = ["user"]
    fields = ["user"]


class ContactInline(TabularInline):
    model = AccountContact
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
class AccountAdmin(BaseAdmin):
    """Standing and exemption move by the verbs on a failed payment's page; here they are shown."""

    list_display = ["__str__", "billing_email", "plan", "standing_badge", "is_exempt_from_dunning", "created_at"]
    list_filter = ["standing", "plan", "is_exempt_from_dunning"]
    list_select_related = ["plan"]
    search_fields = ["name", "billing_email", "stripe_customer_id", "members__email"]
    readonly_fields = [
        "standing_badge",
        "stripe_customer_id",
        "is_exempt_from_dunning",
        "exemption_reason",
        "created_at",
    ]
    fields = [
        "name",
        "billing_email",
        "plan",
        "api_tier",
        "time_zone",
        "standing_badge",
        "stripe_customer_id",
        "is_exempt_from_dunning",
        "exemption_reason",
        "created_at",
    ]
    inlines = [MembershipInline, ContactInline, SuspensionInline]

    @admin.display(description="Standing", ordering="standing")
    def standing_badge(self, account: Account) -> str:
        return badge(account.get_standing_display(), STANDING_TONES[account.standing])

    def has_delete_permission(self, request: Any, obj: Any = None) -> bool:
        return False
