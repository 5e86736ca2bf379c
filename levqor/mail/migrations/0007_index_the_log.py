from django.db import migrations, models

from levqor.lib.text_search import PartIndex


class Migration(migrations.Migration):
    """The mail log of a big table: newest first, by status, by kind, and by a part of the address or subject."""

    dependencies = [("mail", "0006_acting_links")]

    operations = [
        migrations.RemoveIndex(model_name="outgoingmail", name="mail_created"),
        migrations.AddIndex(
            model_name="outgoingmail", index=models.Index(fields=["created_at", "id"], name="mail_created")
        ),
        migrations.AddIndex(
            model_name="outgoingmail", index=models.Index(fields=["status", "created_at", "id"], name="mail_of_status")
        ),
        migrations.AddIndex(
            model_name="outgoingmail", index=models.Index(fields=["name", "created_at", "id"], name="mail_of_kind")
        ),
        PartIndex("mail_outgoingmail", "to_email", "mail_address_parts"),
        PartIndex("mail_outgoingmail", "subject", "mail_subject_parts"),
    ]
