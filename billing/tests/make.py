"""Scenes for billing's tests: a fake Stripe whose events reach our webhook through Django's client."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from django.test import Client
from django.utils import timezone

from billing.dunning import PassReport, run_dunning_job
from billing.inbox import process_due_events
from billing.models import PaymentFailure, StripeEvent
from billing.sample_events import Sample, event
from billing.webhooks import sign
from levqor.accounts.models import Account
from levqor.mail.models import OutgoingMail
from levqor.mail.outbox import deliver
from testing.fake_stripe import FakeStripe

SECRET = "whsec_test"
START = datetime(2026, 11, 2, 10, 0, tzinfo=UTC)


class Scene:
    """One fake Stripe and our side of it. Time is the fake's clock, moved by the test."""

    def __init__(self, fake: FakeStripe) -> None:
        self.fake = fake
        self.fake.send = self._post
        self._client = Client()

    def _post(self, body: bytes, headers: Mapping[str, str]) -> int:
        answer = self._client.post(
            "/api/webhooks/stripe",
            data=body,
            content_type="application/json",
            headers={"Stripe-Signature": headers["Stripe-Signature"]},
        )
        return answer.status_code

    @property
    def now(self) -> datetime:
        return datetime.fromtimestamp(self.fake.now, UTC)

    def fail(self, **options: object) -> str:
        """An invoice fails and we hear of it; returns its id."""
        invoice = self.fake.fail_invoice(**options)  # type: ignore[arg-type]  # passed on as they are
        self.hear()
        return invoice

    def hear(self) -> None:
        """All pending events reach us and are processed."""
        self.fake.deliver_all()
        process_due_events(at=timezone.now())

    def hear_stored(self) -> None:
        """What has reached us is processed; nothing more is delivered."""
        process_due_events(at=timezone.now())

    def forget(self, events: list[str]) -> None:
        """We never received these events."""
        StripeEvent.objects.filter(event_id__in=events).delete()

    def move_to(self, *, day: float, hour: int | None = None) -> datetime:
        moment = START + timedelta(days=day)
        moment = moment if hour is None else moment.replace(hour=hour)
        self.fake.now = int(moment.timestamp())
        return moment

    def run(self, *, day: float, hour: int | None = None, dry_run: bool = False) -> PassReport:
        """One pass at START plus so many days, and the ordinary mails with it."""
        at = self.move_to(day=day, hour=hour)
        report = run_dunning_job(at=at, dry_run=dry_run)
        if not dry_run:
            self.deliver_mail(at)
        return report

    def deliver_mail(self, at: datetime | None = None) -> None:
        for mail in OutgoingMail.objects.filter(status="pending", is_driven_by_flow=False):
            deliver(mail, at=max(at or timezone.now(), mail.next_attempt_at))

    def case(self, invoice: str) -> PaymentFailure:
        return PaymentFailure.objects.select_related("account").get(invoice_id=invoice)

    def account(self) -> Account:
        return Account.objects.get()

    def mails(self) -> list[str]:
        """The names of the mails that went out, oldest first."""
        sent = OutgoingMail.objects.filter(status="sent").order_by("sent_at", "created_at")
        return [name.removeprefix("billing/") for name in sent.values_list("name", flat=True)]


def hand_in(scene: Scene, kind: str, **changes: object) -> StripeEvent:
    """An event made by hand reaches us and is processed."""
    body = json.dumps(event(kind, Sample(created=timezone.now(), invoice="in_hand")) | changes).encode()
    header = sign(body, SECRET, at=timezone.now())
    Client().post(
        "/api/webhooks/stripe", data=body, content_type="application/json", headers={"Stripe-Signature": header}
    )
    scene.hear_stored()
    return StripeEvent.objects.latest("pk")
