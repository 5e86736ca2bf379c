"""What only people can know or settle about the set-up at Stripe, and what the data says about it."""

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils import timezone


class SetupItem(models.TextChoices):
    """Settings of Stripe's Dashboard (and Resend's) that no API tells: a person looks, and signs with name and date."""

    FAILURE_MAILS_OFF = "failure_mails_off", "Stripe’s own mails about failed payments are off"
    CONFIRMATION_MAILS_OFF = "confirmation_mails_off", "Stripe’s own mails about payments to confirm are off"
    RETRY_WINDOW = "retry_window", "Stripe’s retries end before the final notice"
    ENDPOINT_VERSION = "endpoint_version", "The webhook endpoint speaks a version that Levqor is tested with"
    ENDPOINT_EVENTS = "endpoint_events", "The webhook endpoint sends every type that Levqor handles"
    MAIL_TRACKING = "mail_tracking", "Resend’s tracking webhook points at Levqor and is signed"


class SetupConfirmation(models.Model):
    """That somebody looked and found it so. Withdrawn when it is no longer so; a new look is a new row."""

    item = models.CharField(max_length=40, choices=SetupItem)
    livemode = models.BooleanField(help_text="Test and live mode have settings of their own at Stripe.")
    confirmed_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    confirmed_name = models.CharField(max_length=200, help_text="As the person was called on that day.")
    confirmed_at = models.DateTimeField()
    note = models.CharField(max_length=500, blank=True)
    withdrawn_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        db_table = "billing_setup_confirmations"
        verbose_name = "confirmation of the set-up"
        verbose_name_plural = "set-up at Stripe"
        permissions = [("confirm_setup", "May confirm the set-up at Stripe and clear alarms")]
        constraints = [
            models.UniqueConstraint(
                fields=["item", "livemode"], condition=Q(withdrawn_at__isnull=True), name="setup_confirmed_once"
            ),
            models.CheckConstraint(condition=Q(item__in=SetupItem.values), name="setup_item_known"),
        ]

    def __str__(self) -> str:
        return f"{self.get_item_display()}: {self.confirmed_name}, {self.confirmed_at:%d %b %Y}"


class AlarmKind(models.TextChoices):
    API_VERSION = "api_version", "Events of an API version that Levqor was not tested with"
    SUBSCRIPTION_STATE = "subscription_state", "A subscription in a state that Levqor does not know"
    INVOICE_STATE = "invoice_state", "An invoice in a state that Levqor does not know"
    DISPUTE_STATE = "dispute_state", "A dispute in a state that Levqor does not know"
    CONNECTED_ACCOUNT = "connected_account", "Events of a connected account, which Levqor refuses"
    STRIPE_RIGHTS = "stripe_rights", "Our key at Stripe is refused, or may not do this"
    UNREADABLE = "unreadable", "An invoice that Stripe does not show us"


class Alarm(models.Model):
    """Something that Stripe sent and nobody foresaw. One open row for each thing, however often it is met."""

    Kind = AlarmKind

    kind = models.CharField(max_length=32, choices=AlarmKind)
    subject = models.CharField(max_length=255, help_text="The version, status or account that it is about.")
    detail = models.CharField(max_length=500, blank=True, help_text="Where it was last met.")
    count = models.PositiveIntegerField(default=1)
    raised_at = models.DateTimeField(default=timezone.now)
    last_raised_at = models.DateTimeField(default=timezone.now)
    cleared_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        db_table = "billing_alarms"
        ordering = [F("cleared_at").asc(nulls_first=True), "-last_raised_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["kind", "subject"], condition=Q(cleared_at__isnull=True), name="alarm_open_once"
            ),
            models.CheckConstraint(condition=Q(kind__in=AlarmKind.values), name="alarm_kind_known"),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()}: {self.subject}"
