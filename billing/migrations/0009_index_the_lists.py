from django.db import migrations, models
from django.db.models import Q

from levqor.lib.text_search import BeginningIndex

IS_OWED = Q(resolved_at__isnull=True)
CASES = [
    models.Index(fields=["status", "failure_date", "id"], name="failure_queue"),
    models.Index(fields=["failure_date", "id"], name="failure_oldest"),
    models.Index(fields=["amount_cents", "failure_date", "id"], name="failure_amount"),
    models.Index(fields=["invoice_number", "failure_date", "id"], name="failure_number"),
    models.Index(fields=["next_step_at", "failure_date", "id"], name="failure_next_step"),
    models.Index(fields=["failure_date", "id"], condition=IS_OWED, name="failure_owed"),
    models.Index(fields=["amount_cents", "failure_date", "id"], condition=IS_OWED, name="failure_owed_amount"),
    models.Index(fields=["invoice_number", "failure_date", "id"], condition=IS_OWED, name="failure_owed_number"),
    models.Index(fields=["plan_name", "failure_date", "id"], condition=IS_OWED, name="failure_owed_plan"),
    models.Index(
        fields=["currency", "failure_date", "id", "amount_cents"], condition=IS_OWED, name="failure_owed_currency"
    ),
    models.Index(fields=["failure_date", "id"], condition=~Q(flag=""), name="failure_flagged"),
    models.Index(fields=["failure_date", "id"], condition=~Q(hold_reason=""), name="failure_held"),
    models.Index(fields=["failure_date", "id"], condition=Q(paused_at__isnull=False), name="failure_paused"),
]
EVENTS = [
    models.Index(fields=["received_at", "id"], name="stripe_event_received"),
    models.Index(fields=["status", "received_at", "id"], name="stripe_event_of_status"),
    models.Index(fields=["type", "received_at", "id"], name="stripe_event_of_type"),
    models.Index(fields=["customer_id"], name="stripe_event_customer"),
    models.Index(fields=["request_id"], name="stripe_event_request"),
]


class Migration(migrations.Migration):
    """The queue and the Stripe inbox as big tables: each filter, order and search by an index."""

    dependencies = [("billing", "0008_fill_the_next_step")]

    operations = [
        migrations.RemoveIndex(model_name="paymentfailure", name="failure_queue"),
        migrations.RemoveIndex(model_name="stripeevent", name="stripe_event_received"),
        *(migrations.AddIndex(model_name="paymentfailure", index=index) for index in CASES),
        *(migrations.AddIndex(model_name="stripeevent", index=index) for index in EVENTS),
        BeginningIndex("payment_failures", "invoice_number", "failure_number_beginning"),
    ]
