"""The Statuspage v2 format, strictly: every field, no further one, and no word outside the vocabularies that clients know.

Sources: the typings of the npm package statuspage.io 3.1.1, MongoDB's published OpenAPI of its status page, and the captured
answers in other clients' tests. `under_maintenance` and the indicator `maintenance` are in use and in no list.
"""

from datetime import date
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, StringConstraints

type ComponentStatus = Literal[
    "operational", "degraded_performance", "partial_outage", "major_outage", "under_maintenance"
]
type IncidentStatus = Literal["investigating", "identified", "monitoring", "resolved", "postmortem"]
type MaintenanceStatus = Literal["scheduled", "in_progress", "verifying", "completed"]
type Indicator = Literal["none", "minor", "major", "critical", "maintenance"]
type Time = Annotated[str, StringConstraints(pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$")]
type Day = Annotated[str, AfterValidator(lambda text: str(date.fromisoformat(text)))]
type Link = Annotated[str, StringConstraints(pattern=r"^https?://\S+$")]
type Id = Annotated[str, StringConstraints(min_length=1, pattern=r"^\S+$")]

DESCRIPTIONS = {
    "none": "All Systems Operational",
    "minor": "Partially Degraded Service",
    "major": "Partial System Outage",
    "critical": "Major Service Outage",
    "maintenance": "Service Under Maintenance",
}


class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class Page(Strict):
    id: Id
    name: str
    url: Link
    time_zone: str
    updated_at: Time


class Status(Strict):
    indicator: Indicator
    description: str


class Component(Strict):
    id: Id
    name: str
    status: ComponentStatus
    created_at: Time
    updated_at: Time
    position: int
    description: str | None
    showcase: bool
    start_date: Day | None
    group_id: str | None
    page_id: Id
    group: bool
    only_show_if_degraded: bool


class Affected(Strict):
    code: Id
    name: str
    old_status: ComponentStatus
    new_status: ComponentStatus


class Update[S](Strict):
    id: Id
    status: S
    body: str
    incident_id: Id
    created_at: Time
    updated_at: Time
    display_at: Time
    affected_components: list[Affected] | None
    deliver_notifications: bool
    custom_tweet: None
    tweet_id: None


class Told[S](Strict):
    """What an incident and a maintenance have in common."""

    id: Id
    name: str
    status: S
    created_at: Time
    updated_at: Time
    monitoring_at: Time | None
    resolved_at: Time | None
    shortlink: Link
    started_at: Time
    page_id: Id
    incident_updates: list[Update[S]]
    components: list[Component]


class Incident(Told[IncidentStatus]):
    impact: Literal["none", "minor", "major", "critical"]


class Maintenance(Told[MaintenanceStatus]):
    impact: Literal["maintenance"]
    scheduled_for: Time
    scheduled_until: Time


class OnlyPage(Strict):
    page: Page


class StatusFile(OnlyPage):
    status: Status


class ComponentsFile(OnlyPage):
    components: list[Component]
    # An extra, which statuspage-exporter reads here.
    status: Status


class IncidentsFile(OnlyPage):
    incidents: list[Incident]


class MaintenancesFile(OnlyPage):
    scheduled_maintenances: list[Maintenance]


class SummaryFile(OnlyPage):
    status: Status
    components: list[Component]
    incidents: list[Incident]
    scheduled_maintenances: list[Maintenance]


class Meta(Strict):
    unsubscribe: Link
    documentation: Link
    generated_at: Time


class WebhookPage(Strict):
    id: Id
    status_indicator: Indicator
    status_description: str


class Scheduled(Strict):
    """What the incident of a webhook has beside the fields of the files."""

    scheduled_for: Time | None
    scheduled_until: Time | None
    scheduled_auto_in_progress: bool
    scheduled_auto_completed: bool
    postmortem_body: str | None
    impact_override: str | None
    backfilled: bool


class WebhookIncident(Scheduled, Told[IncidentStatus | MaintenanceStatus]):
    impact: Literal["none", "minor", "major", "critical", "maintenance"]


class Webhook(Strict):
    """A webhook to subscribers, in the shape of the captured ones, beside the two words of Standard Webhooks."""

    type: Literal["incident.updated"]
    timestamp: str
    meta: Meta
    page: WebhookPage
    incident: WebhookIncident


FILES: dict[str, type[OnlyPage]] = {
    "summary": SummaryFile,
    "status": StatusFile,
    "components": ComponentsFile,
    "incidents": IncidentsFile,
    "incidents/unresolved": IncidentsFile,
    "scheduled-maintenances": MaintenancesFile,
    "scheduled-maintenances/upcoming": MaintenancesFile,
    "scheduled-maintenances/active": MaintenancesFile,
}
