"""What the audit trail brings to the back office."""

from levqor.lib.desk import Entry, Part, register

register(
    Part(
        "audit",
        menu=(Entry("System", "Audit trail", "audit_auditentry", "history"),),
        roles={name: ["view_*"] for name in ("Finance", "Legal")},
    )
)
