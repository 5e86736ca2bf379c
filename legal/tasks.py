from celery import shared_task
from django.utils import timezone

from legal.drafting import follow_facts
from legal.loading import load_documents
from legal.publishing import bring_into_force
from legal.retention import forget


@shared_task(name="legal.bring_into_force")
def bring_versions_into_force() -> None:
    bring_into_force(at=timezone.now())


@shared_task(name="legal.draft_changes")
def draft_changes() -> None:
    """What could not be published at first, for want of a fact, and facts that changed past the back office."""
    load_documents(at=timezone.now())
    follow_facts(by=None, at=timezone.now())


@shared_task(name="legal.forget")
def forget_old_acceptances() -> None:
    forget(at=timezone.now())
