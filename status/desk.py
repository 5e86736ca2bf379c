"""What status brings to the back office."""

from levqor.lib.desk import Entry, Part, register

register(
    Part(
        "status",
        menu=(
            Entry("Status", "Incidents", "status_incident", "emergency_home"),
            Entry("Status", "Components", "status_component", "widgets"),
            Entry("Status", "Incident texts", "status_incidenttemplate", "article"),
            Entry("Status", "Subscribers", "status_subscriber", "notifications"),
            Entry("Status", "Uptime ledger", "status_stateinterval", "timeline"),
        ),
        roles={
            name: ["view_*", "publish_incident", "change_component", "change_subscriber", "*_incidenttemplate"]
            for name in ("Support", "Engineering")
        },
    )
)
