from status.models.components import Component
from status.models.evidence import Snapshot, Stamp
from status.models.incidents import (
    Impact,
    Incident,
    IncidentComponent,
    IncidentKind,
    IncidentSource,
    IncidentStatus,
    IncidentTemplate,
    IncidentUpdate,
)
from status.models.ledger import StateInterval
from status.models.subscribers import Notice, NoticeStatus, Subscriber, SubscriberState

__all__ = [
    "Component",
    "Impact",
    "Incident",
    "IncidentComponent",
    "IncidentKind",
    "IncidentSource",
    "IncidentStatus",
    "IncidentTemplate",
    "IncidentUpdate",
    "Notice",
    "NoticeStatus",
    "Snapshot",
    "Stamp",
    "StateInterval",
    "Subscriber",
    "SubscriberState",
]
