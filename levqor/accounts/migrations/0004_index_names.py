from django.db import migrations, models

from levqor.lib.text_search import PartIndex


class Migration(migrations.Migration):
    """Customers in the order of their names, and by a part of the name or address."""

    dependencies = [("accounts", "0003_plans_and_sla_terms")]

    operations = [
        migrations.AddIndex(model_name="account", index=models.Index(fields=["name", "id"], name="account_name")),
        PartIndex("accounts_account", "name", "account_name_parts"),
        PartIndex("accounts_account", "billing_email", "account_email_parts"),
    ]
