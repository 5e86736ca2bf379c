"""The first page of the back office: what waits for a person, and figures that open the rows they count."""

from typing import Any

from django.http import HttpRequest

from levqor.lib.desk import SHOWN, parts


def add_figures(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """Adds the groups of figures that this person may see, and the charts; Unfold calls it for `admin/index.html`."""
    may = request.user.has_perm
    seen = [part for part in parts() if may(part.permission)]
    waiting = [row for part in seen if part.waiting for row in part.waiting()]
    return context | {
        "figure_groups": [
            (group.title, group.count()) for part in parts() for group in part.figures if may(group.permission)
        ],
        "waiting": sorted(waiting, key=lambda row: row.since)[:SHOWN],
        "charts": [chart for part in seen if part.charts for chart in part.charts()],
        "notices": [template for part in seen for template in part.notices],
    }
