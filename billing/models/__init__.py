from billing.models.failure import (
    CloseReason,
    DunningEmail,
    DunningStep,
    FailureStatus,
    Flag,
    PaymentFailure,
    StepStatus,
)
from billing.models.inbox import EventStatus, StripeEvent, WebhookRefusal
from billing.models.policy import DunningPolicy, DunningPolicyStep, StepAction, StepTemplate

__all__ = [
    "CloseReason",
    "DunningEmail",
    "DunningPolicy",
    "DunningPolicyStep",
    "DunningStep",
    "EventStatus",
    "FailureStatus",
    "Flag",
    "PaymentFailure",
    "StepAction",
    "StepStatus",
    "StepTemplate",
    "StripeEvent",
    "WebhookRefusal",
]
