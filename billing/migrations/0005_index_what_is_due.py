from django.db import migrations, models
from django.db.models import Q


class Migration(migrations.Migration):
    """The drains look by status and time, through indexes that SQLite uses as well as PostgreSQL does."""

    dependencies = [("billing", "0004_name_the_setup")]

    operations = [
        migrations.RemoveIndex(model_name="dunningstep", name="step_due"),
        migrations.RemoveIndex(model_name="paymentfailure", name="failure_suspend_due"),
        migrations.RemoveIndex(model_name="stripeevent", name="stripe_event_due"),
        migrations.AddIndex(
            model_name="dunningstep",
            index=models.Index(fields=["status", "scheduled_for"], name="step_due"),
        ),
        migrations.AddIndex(
            model_name="paymentfailure",
            index=models.Index(
                fields=["status", "suspend_at"], condition=Q(suspended_at__isnull=True), name="failure_suspend_due"
            ),
        ),
        migrations.AddIndex(
            model_name="stripeevent",
            index=models.Index(fields=["status", "next_attempt_at"], name="stripe_event_due"),
        ),
    ]
