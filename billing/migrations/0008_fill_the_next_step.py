from django.db import migrations
from django.db.models import Exists, OuterRef, Subquery


def fill(apps, schema_editor):
    cases, steps = apps.get_model("billing", "PaymentFailure"), apps.get_model("billing", "DunningStep")
    planned = steps.objects.filter(failure=OuterRef("pk"), status__in=["pending", "sending"])
    moment = Subquery(planned.order_by("attempt_number").values("scheduled_for")[:1])
    cases.objects.filter(Exists(planned)).update(next_step_at=moment)


class Migration(migrations.Migration):
    dependencies = [("billing", "0007_next_step_of_a_case")]

    operations = [migrations.RunPython(fill, migrations.RunPython.noop, elidable=True)]
