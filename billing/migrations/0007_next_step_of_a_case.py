from django.db import migrations, models


class Migration(migrations.Migration):
    """When a case's first unsent step is due, so that the queue is filtered and ordered by an index."""

    dependencies = [("billing", "0006_policy_covers_kinds_of_invoices")]

    operations = [
        migrations.AddField(
            model_name="paymentfailure",
            name="next_step_at",
            field=models.DateTimeField(
                blank=True,
                help_text="When the first unsent step is due; kept by billing/steps.py, for the queue.",
                null=True,
            ),
        ),
    ]
