"""What the desk itself brings: the tasks that run by the clock."""

from django.urls import reverse
from django.utils import timezone

from levqor.desk import schedule
from levqor.desk.models import PeriodicTask
from levqor.lib.desk import Entry, Figure, Figures, Part, register


def _tasks() -> list[Figure]:
    url = reverse("admin:desk_periodictask_changelist")
    now = timezone.now()
    rows = list(PeriodicTask.objects.all())
    failed = sum(bool(row.last_error) for row in rows)
    late = sum(row.is_late(schedule.next_run_at(row, at=now), at=now) for row in rows)
    return [
        Figure(failed, "failed at the last run", url, is_bad=failed > 0),
        Figure(late, "late", url, "is beat running?" if late and late == len(rows) else "", is_bad=late > 0),
    ]


register(
    Part(
        "desk",
        menu=(Entry("System", "Periodic tasks", "desk_periodictask", "schedule"),),
        figures=(Figures("Periodic tasks", "desk.view_periodictask", _tasks),),
        roles={"Support": ["view_*"], "Finance": ["view_*"], "Engineering": ["view_*", "change_periodictask"]},
    )
)
