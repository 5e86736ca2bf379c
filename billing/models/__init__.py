from billing.models.cards import CardAttemptStatus, NewCardAttempt
from billing.models.disputed import InvoicePayment, PaymentDispute
from billing.models.failure import CloseReason, FailureStatus, Flag, PaymentFailure, RecoveryMethod
from billing.models.hold import DunningHold, HoldReason
from billing.models.inbox import EventStatus, StripeEvent, WebhookRefusal
from billing.models.policy import DunningPolicy, DunningPolicyStep, StepAction, StepTemplate
from billing.models.preference import ReminderPreference
from billing.models.setup import Alarm, AlarmKind, SetupConfirmation, SetupItem
from billing.models.step import DunningEmail, DunningStep, StepStatus

__all__ = [
    "Alarm",
    "AlarmKind",
    "CardAttemptStatus",
    "CloseReason",
    "DunningEmail",
    "DunningHold",
    "DunningPolicy",
    "DunningPolicyStep",
    "DunningStep",
    "EventStatus",
    "FailureStatus",
    "Flag",
    "HoldReason",
    "InvoicePayment",
    "NewCardAttempt",
    "PaymentDispute",
    "PaymentFailure",
    "RecoveryMethod",
    "ReminderPreference",
    "SetupConfirmation",
    "SetupItem",
    "StepAction",
    "StepStatus",
    "StepTemplate",
    "StripeEvent",
    "WebhookRefusal",
]
