"""The packages that Levqor sells. One round of revisions is included in the smallest build, one more in each larger."""

from django.db import migrations

PACKAGES = [
    # slug, name, price in pence, workflows, business days from and to, rounds of revisions
    ("starter", "Starter Build", 9900, 1, 5, 7, 1),
    ("growth", "Growth Build", 24900, 3, 10, 14, 2),
    ("pro", "Pro Build", 59900, 7, 21, 28, 3),
]


def create_packages(apps, schema_editor):
    packages = apps.get_model("legal", "DfyPackage").objects
    for position, (slug, name, price_cents, workflows, first, last, revisions) in enumerate(PACKAGES):
        packages.create(
            slug=slug,
            name=name,
            price_cents=price_cents,
            workflows=workflows,
            delivery_days_min=first,
            delivery_days_max=last,
            revisions=revisions,
            position=position,
        )


def remove_packages(apps, schema_editor):
    apps.get_model("legal", "DfyPackage").objects.filter(slug__in=[row[0] for row in PACKAGES]).delete()


class Migration(migrations.Migration):
    dependencies = [("legal", "0001_dfy_packages")]

    operations = [migrations.RunPython(create_packages, remove_packages)]
