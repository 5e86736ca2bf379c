from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.safestring import SafeString

from levqor.hooks.delivery import DELIVER_TASK, send_test
from levqor.hooks.models import Delivery, DeliveryAttempt, DeliveryStatus, Endpoint
from levqor.lib.actors import staff
from levqor.lib.admin import ReadOnlyAdmin, ReadOnlyInline, badge
from levqor.lib.nudge import nudge
from levqor.lib.states import IllegalMoveError, StaleStateError

TONES = {
    DeliveryStatus.PENDING: "wait",
    DeliveryStatus.SENDING: "wait",
    DeliveryStatus.DELIVERED: "good",
    DeliveryStatus.FAILED: "bad",
    DeliveryStatus.CANCELLED: "plain",
}


@admin.register(Endpoint)
class EndpointAdmin(ReadOnlyAdmin):
    list_display = ["url", "owner", "state", "event_types", "created_at"]
    list_filter = [("disabled_at", admin.EmptyFieldListFilter)]
    search_fields = ["url", "owner", "public_id"]
    fields = ["public_id", "owner", "url", "description", "event_types", "state", "disabled_reason", "created_at"]
    readonly_fields = ["state"]
    actions = ["switch_on", "switch_off", "send_test"]
    list_title = "Webhook endpoints"
    list_help = (
        "Addresses of customers that we call when something happens. One that takes nothing for three days, or answers "
        "410, is switched off by itself. Switch it on again when its owner says that it works; what was missed meanwhile "
        "is in the list of deliveries and can be sent again from there."
    )
    empty_title = "Nobody has us call an address"

    @admin.display(description="State")
    def state(self, row: Endpoint) -> SafeString:
        if not row.is_live:
            return badge("Switched off", "bad")
        return badge("Failing", "warn") if row.failing_since else badge("On", "good")

    @admin.action(description="Switch on", permissions=["steer"])
    def switch_on(self, request: HttpRequest, queryset: QuerySet[Endpoint]) -> None:
        by, at = staff(request.user), timezone.now()
        done = sum(row.switch_on(by=by, at=at, reason="Switched on by hand.") for row in queryset)
        messages.success(request, f"Switched on: {done}.")

    @admin.action(description="Switch off", permissions=["steer"])
    def switch_off(self, request: HttpRequest, queryset: QuerySet[Endpoint]) -> None:
        by, at = staff(request.user), timezone.now()
        done = sum(row.switch_off("Switched off by our staff.", by=by, at=at) for row in queryset)
        messages.success(request, f"Switched off: {done}. What waited for them is cancelled.")

    @admin.action(description="Send a test", permissions=["steer"])
    def send_test(self, request: HttpRequest, queryset: QuerySet[Endpoint]) -> None:
        live = [row for row in queryset if row.is_live]
        for row in live:
            send_test(row, at=timezone.now())
        messages.success(request, f"Tests on their way: {len(live)}. Their answers appear among the deliveries.")

    def has_steer_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("hooks.change_endpoint")


class AttemptInline(ReadOnlyInline):
    model = DeliveryAttempt
    fields = ["at", "status_code", "milliseconds", "error", "answer"]


@admin.register(Delivery)
class DeliveryAdmin(ReadOnlyAdmin):
    list_display = ["message", "endpoint", "state", "attempts", "next_attempt_at", "delivered_at"]
    list_filter = ["status", "message__type"]
    list_select_related = ["message", "endpoint"]
    search_fields = ["message__public_id", "endpoint__url"]
    inlines = [AttemptInline]
    list_title = "Webhooks out"
    list_help = (
        "Every message to a customer's address, with every attempt. What was given up, or is asked for once more, goes "
        "out again under the same id, by which the receiver knows it."
    )
    actions = ["send_again"]

    @admin.display(description="State")
    def state(self, row: Delivery) -> SafeString:
        return badge(row.get_status_display(), TONES[DeliveryStatus(row.status)])

    @admin.action(description="Send again", permissions=["replay"])
    def send_again(self, request: HttpRequest, queryset: QuerySet[Delivery]) -> None:
        sent = 0
        for row in queryset.select_related("message", "endpoint"):
            try:
                row.replay(by=staff(request.user), at=timezone.now(), reason="Sent again by hand.")
                sent += 1
            except (IllegalMoveError, StaleStateError):
                messages.warning(request, f"{row} is under way already and was left alone.")
        if sent:
            nudge(DELIVER_TASK)
            messages.success(request, f"{sent} {'delivery goes' if sent == 1 else 'deliveries go'} out again.")

    def has_replay_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("hooks.change_delivery")
