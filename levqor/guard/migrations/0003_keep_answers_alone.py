import uuid

from django.db import migrations, models
from django.utils import timezone


class Migration(migrations.Migration):

    dependencies = [
        ("guard", "0002_forget_claims_on_keys"),
    ]

    operations = [
        migrations.RemoveIndex(model_name="idempotentrequest", name="idempotent_request_claimed"),
        migrations.RenameField(model_name="idempotentrequest", old_name="claimed_at", new_name="answered_at"),
        # With defaults for the way back.
        migrations.AlterField("idempotentrequest", "token", models.UUIDField(default=uuid.uuid4)),
        migrations.AlterField("idempotentrequest", "lease_until", models.DateTimeField(default=timezone.now)),
        migrations.RemoveField(model_name="idempotentrequest", name="token"),
        migrations.RemoveField(model_name="idempotentrequest", name="lease_until"),
        migrations.AlterField("idempotentrequest", "status_code", models.PositiveSmallIntegerField()),
        migrations.AddIndex(
            model_name="idempotentrequest",
            index=models.Index(fields=["answered_at"], name="idempotent_request_answered"),
        ),
    ]
