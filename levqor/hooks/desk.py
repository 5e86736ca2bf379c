"""What outgoing webhooks bring to the back office."""

from levqor.lib.desk import Entry, Part, register

register(
    Part(
        "hooks",
        menu=(
            Entry("Developers", "Webhooks out", "hooks_delivery", "webhook"),
            Entry("Developers", "Webhook endpoints", "hooks_endpoint", "link"),
        ),
        roles={name: ["view_*", "change_delivery", "change_endpoint"] for name in ("Support", "Engineering")},
    )
)
