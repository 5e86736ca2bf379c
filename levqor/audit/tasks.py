import structlog
from celery import shared_task
from django.utils import timezone

from levqor.audit import trail

logger = structlog.get_logger(__name__)


@shared_task(name="audit.seal_entries")
def seal_entries() -> None:
    trail.seal_entries()


@shared_task(name="audit.verify")
def verify() -> None:
    outcome = trail.verify(at=timezone.now())
    if outcome.fault:
        logger.error("audit_trail_tampered", fault=outcome.fault, sealed=outcome.sealed)
    else:
        logger.info("audit_trail_verified", sealed=outcome.sealed, head=outcome.head)
