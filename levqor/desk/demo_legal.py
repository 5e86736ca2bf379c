"""Documents and orders that look alive: one build was ordered, and one policy is about to change."""

from datetime import datetime
from uuid import uuid4

from legal.acceptance import Circumstances, Declaration, accept
from legal.drafting import edit, open_draft
from legal.loading import load_documents
from legal.models import Acceptance, BuyerKind, DfyPackage, Document, VersionStatus
from legal.offer import bound_versions
from legal.publishing import earliest_for_material, publish
from levqor.accounts.models import User

REASON = "Files left in the sandbox are now deleted after 30 days, which the policy did not say before."
CLAUSE = "\n1. Sample data that you leave in the sandbox is deleted after 30 days.\n"


def make_legal(*, at: datetime) -> None:
    load_documents(at=at)
    _announce_a_change(at=at)
    _order_a_build(at=at)


def _announce_a_change(*, at: datetime) -> None:
    document = Document.objects.filter(slug="fair-use").first()
    if document is None or document.versions.exclude(number=1).exists() or not document.versions.exists():
        return
    author, publisher = (User.objects.get(email=f"{name}@levqor.test") for name in ("support", "admin"))
    draft = open_draft(document, by=author, at=at)
    source = draft.source.rstrip() + "\n" + CLAUSE
    edit(draft, source=source, note=REASON, is_material=True, edit_count=draft.edit_count, by=author, at=at)
    effective_at = earliest_for_material(at=at)
    publish(draft, by=publisher, at=at, effective_at=effective_at, is_material=True, reason=REASON)
    assert draft.status == VersionStatus.SCHEDULED  # noqa: S101  # a month ahead


def _order_a_build(*, at: datetime) -> None:
    versions = bound_versions(at=at)
    if Acceptance.objects.exists() or not versions:
        return
    package = DfyPackage.objects.get(slug="growth")
    declaration = Declaration(
        full_name="Rosa Fern",
        email="rosa@fernhill.levqor.test",
        company="",
        kind=BuyerKind.CONSUMER,
        package=package,
        wants_early_start=True,
        acknowledges_loss=True,
        submission=uuid4(),
        shown_at=at,
        shown_versions=[version.pk for version in versions],
        shown_price_cents=package.price_cents,
    )
    accept(declaration, Circumstances("192.0.2.7", "192.0.2.7", "Demo", "demo"), at=at)
