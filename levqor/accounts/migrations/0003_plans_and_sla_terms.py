"""The plans that Levqor sells and the first version of its SLA terms. Rows that are there already keep their prices."""

from datetime import date
from decimal import Decimal

from django.db import migrations

PLANS = [
    ("starter", "Starter", 2900, "sandbox", 3),
    ("growth", "Growth", 9900, "pro", 2),
    ("pro", "Pro", 24900, "pro", 1),
    ("business", "Business", 59900, "enterprise", 1),
]
BANDS = [("99.00", 10), ("95.00", 25), ("0.00", 50)]


def create_rows(apps, schema_editor):
    plans = apps.get_model("accounts", "Plan").objects
    for position, (slug, name, price_cents, api_tier, response_days) in enumerate(PLANS):
        new = {"name": name, "price_cents": price_cents, "api_tier": api_tier, "position": position}
        plan, _ = plans.get_or_create(slug=slug, defaults=new)
        plans.filter(pk=plan.pk).update(response_days=response_days)
    terms = apps.get_model("accounts", "SlaTerms").objects.create(
        version=1,
        valid_from=date(2026, 1, 1),
        target_percent=Decimal("99.90"),
        cap_percent=50,
        claim_days=30,
        note="The terms Levqor starts with.",
    )
    bands = apps.get_model("accounts", "SlaBand").objects
    for floor, credit in BANDS:
        bands.create(terms=terms, floor_percent=Decimal(floor), credit_percent=credit)


def remove_terms(apps, schema_editor):
    """The plans stay: accounts may be on them."""
    apps.get_model("accounts", "SlaTerms").objects.filter(version=1).delete()


class Migration(migrations.Migration):
    dependencies = [("accounts", "0002_plan_promises_and_sla_terms")]

    operations = [migrations.RunPython(create_rows, remove_terms)]
