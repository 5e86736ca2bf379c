"""The three components that are measured, and texts for common incidents to start from."""

from django.db import migrations

COMPONENTS = [
    ("lvqc0frontend", "frontend", "Dashboard", "The pages that you see, and signing in.", 1),
    ("lvqc1api", "api", "API", "Requests of programs, and the data behind pages and API.", 2),
    ("lvqc2jobs", "jobs", "Background Jobs", "Mails, webhooks and everything that runs by the clock.", 3),
]
TEMPLATES = [
    (
        "Pages or API slow",
        "incident",
        "Slow answers",
        "investigating",
        "minor",
        "Pages and the API answer more slowly than usual. Nothing is lost. We are finding out why and will write again "
        "within 30 minutes.",
    ),
    (
        "Service not reachable",
        "incident",
        "Levqor cannot be reached",
        "investigating",
        "critical",
        "Pages and the API cannot be reached at the moment. We are working on it and will write again within 30 minutes.",
    ),
    (
        "Mails late",
        "incident",
        "Mails and webhooks are late",
        "investigating",
        "major",
        "Mails and webhooks leave late. They are kept and will be sent in order. We will write again within an hour.",
    ),
    (
        "Supplier trouble",
        "incident",
        "Trouble at a supplier",
        "identified",
        "major",
        "One of our suppliers has trouble that touches Levqor. What can wait is kept and done later. We will write again "
        "when we know more.",
    ),
    (
        "Planned maintenance",
        "maintenance",
        "Planned maintenance",
        "scheduled",
        "maintenance",
        "We will carry out planned work in this window. Pages may be away for some minutes; nothing is lost.",
    ),
]


def add_rows(apps, schema_editor):
    component = apps.get_model("status", "Component")
    template = apps.get_model("status", "IncidentTemplate")
    for public_id, slug, name, description, position in COMPONENTS:
        component.objects.get_or_create(
            slug=slug,
            defaults={"public_id": public_id, "name": name, "description": description, "position": position},
        )
    for position, (name, kind, title, status, impact, body) in enumerate(TEMPLATES, start=1):
        template.objects.get_or_create(
            name=name,
            defaults={
                "kind": kind, "title": title, "status": status, "impact": impact, "body": body, "position": position
            },
        )


def remove_rows(apps, schema_editor):
    apps.get_model("status", "IncidentTemplate").objects.filter(name__in=[row[0] for row in TEMPLATES]).delete()
    apps.get_model("status", "Component").objects.filter(slug__in=[row[1] for row in COMPONENTS]).delete()


class Migration(migrations.Migration):
    dependencies = [("status", "0001_status")]

    operations = [migrations.RunPython(add_rows, remove_rows)]
