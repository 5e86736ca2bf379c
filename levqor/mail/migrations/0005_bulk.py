from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("mail", "0004_attachments")]

    operations = [
        migrations.AddField(
            model_name="outgoingmail",
            name="is_bulk",
            field=models.BooleanField(default=False, help_text="One of many: all other mail goes first."),
        ),
        migrations.AlterField(
            model_name="outgoingmail",
            name="is_secret",
            field=models.BooleanField(default=False, help_text="Holds a code or a link that acts for its reader."),
        ),
    ]
