"""What beat posts and when: the one static table of periodic tasks, by the names that the back office shows.

A message that no worker took within `expires` seconds is dropped: rows are the to-do list, and the next one does as well.
"""

from datetime import timedelta
from typing import Any, Final

from celery.schedules import crontab


def entry(task: str, schedule: timedelta | crontab, *, expires: int) -> dict[str, Any]:
    return {"task": task, "schedule": schedule, "options": {"expires": expires}}


SCHEDULE: Final = {
    "Stripe event inbox": entry("billing.process_stripe_events", timedelta(seconds=5), expires=30),
    "Billing dunning processor": entry("billing.send_due_steps", timedelta(minutes=1), expires=120),
    "Charging new cards": entry("billing.charge_new_cards", timedelta(seconds=30), expires=60),
    "SLA credits to Stripe": entry("claims.send_credits", timedelta(seconds=30), expires=60),
    "Stripe reconciliation": entry("billing.reconcile", timedelta(minutes=15), expires=900),
    "Mail outbox": entry("mail.deliver_due", timedelta(seconds=10), expires=60),
    "Webhooks out": entry("hooks.deliver_due", timedelta(seconds=10), expires=60),
    "Webhook log clean-up": entry("hooks.forget_old", crontab(hour=3, minute=40), expires=3600),
    "Status canary": entry("status.canary", timedelta(seconds=10), expires=10),
    "Status notices": entry("status.write_notices", timedelta(seconds=10), expires=30),
    "Status refresh": entry("status.refresh", timedelta(seconds=10), expires=10),
    "Document versions": entry("legal.bring_into_force", timedelta(minutes=5), expires=300),
    "Acceptance retention": entry("legal.forget", crontab(hour=3, minute=50), expires=3600),
    "Document drafts": entry("legal.draft_changes", timedelta(hours=1), expires=3600),
    "Audit seal": entry("audit.seal_entries", timedelta(seconds=30), expires=60),
    "Audit seal of late entries": entry("audit.seal_late_entries", crontab(minute=15), expires=3600),
    "Audit verification": entry("audit.verify", crontab(hour=3, minute=20), expires=3600),
    "Expired limits and keys": entry("guard.prune", timedelta(minutes=15), expires=900),
    "SLA credits without a claim": entry("claims.draft_credits", timedelta(minutes=10), expires=600),
    "Claims that nobody moves": entry("claims.follow_up", timedelta(minutes=5), expires=300),
    "Disputes that nobody moves": entry("disputes.follow_up", timedelta(minutes=5), expires=300),
    "Chargeback evidence warnings": entry("disputes.warn_of_evidence", timedelta(minutes=15), expires=900),
    "Case retention": entry("cases.forget", crontab(hour=4, minute=10), expires=3600),
    "Case deadline warnings": entry("cases.warn_of_deadlines", timedelta(minutes=5), expires=300),
}
