import structlog
from celery import shared_task
from django.utils import timezone

from levqor.audit import trail

logger = structlog.get_logger(__name__)


@shared_task(name="audit.seal_entries")
def seal_entries() -> None:
    trail.seal_entries(whole=False)


@shared_task(name="audit.seal_late_entries")
def seal_late_entries() -> None:
    """What a transaction of many minutes wrote, far behind the end of the trail."""
    trail.seal_entries()


@shared_task(name="audit.verify")
def verify() -> None:
    """Fails where something is wrong, so that the periodic task stands as failed in the back office until it is right."""
    outcome = trail.verify(at=timezone.now())
    if outcome.fault:
        logger.error("audit_trail_tampered", fault=outcome.fault, sealed=outcome.sealed)
        raise trail.BrokenTrailError(outcome.fault)
    logger.info("audit_trail_verified", sealed=outcome.sealed, head=outcome.head)
