"""Rows for the tests of the legal room."""

from datetime import UTC, datetime, timedelta
from importlib import import_module
from typing import Any
from uuid import uuid4

from django.apps import apps
from django.utils import timezone

from legal.acceptance import Circumstances, Declaration, accept
from legal.loading import load_documents
from legal.models import Acceptance, BuyerKind, DfyPackage, Document, DocumentVersion, DraftEdit
from legal.offer import bound_versions
from legal.publishing import publish
from levqor.accounts.models import SlaTerms, User

# Far ahead, since the first texts count from the moment at which the test database was made.
NOW = datetime(2096, 12, 1, 12, 0, tzinfo=UTC)
WORDS = "We answer within two days."


def need_rows() -> None:
    """Emptied tables lose what the migrations put there: their own functions bring it back."""
    if not DfyPackage.objects.exists():
        import_module("legal.migrations.0002_first_packages").create_packages(apps, None)
    if not SlaTerms.objects.exists():
        import_module("levqor.accounts.migrations.0003_plans_and_sla_terms").create_rows(apps, None)
    load_documents(at=timezone.now())


def make_staff(name: str, **changes: Any) -> User:
    return User.objects.create_user(f"{name}@levqor.test", is_staff=True, **changes)


def make_source(words: str = WORDS, *, title: str = "House rules", summary: str = "How we live together.") -> str:
    return f"---\ntitle: {title}\nsummary: {summary}\n---\n\n## Answers {{#answers}}\n\n1. {words} {{#within}}\n"


def make_document(slug: str = "house-rules") -> Document:
    """A document of no page: for what happens to versions whatever they say."""
    return Document.objects.get_or_create(slug=slug)[0]


def make_draft(
    words: str = WORDS, *, document: Document | None = None, by: User | None = None, **changes: Any
) -> DocumentVersion:
    source = changes.pop("source", make_source(words))
    fields = {"created_at": NOW, "changed_at": NOW} | changes
    draft = DocumentVersion.objects.create(document=document or make_document(), source=source, author=by, **fields)
    if by:
        DraftEdit.objects.create(version=draft, user=by, edited_at=NOW)
    return draft


def make_version(
    words: str = WORDS, *, document: Document | None = None, at: datetime = NOW, **how: Any
) -> DocumentVersion:
    """A published version: in force at `at`, or from `effective_at` on."""
    publisher = User.objects.filter(email="publisher@levqor.test").first() or make_staff("publisher")
    draft = make_draft(words, document=document, source=how.pop("source", make_source(words)))
    options: dict[str, Any] = {"by": publisher, "at": at, "reason": "Clearer words."} | how
    return publish(draft, **options)


def make_stuck_version() -> DocumentVersion:
    """One whose day came an hour ago and that no task has noted; what was published cannot be dated back."""
    an_hour_ago = timezone.now() - timedelta(hours=1)
    return make_version(at=an_hour_ago - timedelta(hours=1), effective_at=an_hour_ago)


def renew(slug: str, **how: Any) -> DocumentVersion:
    """A new version of a first text, in force at once where `how` says nothing else."""
    document = Document.objects.get(slug=slug)
    draft = make_draft(document=document, source=document.versions.latest("number").source + "\nOne line more.\n")
    return publish(draft, by=make_staff(f"renews-{slug}"), at=timezone.now(), reason="The law changed.", **how)


def make_declaration(**changes: Any) -> Declaration:
    """A business that orders the Growth Build, as the form shows it now."""
    package = DfyPackage.objects.get(slug="growth")
    said: dict[str, Any] = {
        "full_name": "Jo Fern",
        "email": "jo@fern.test",
        "company": "Fernhill Bakery",
        "kind": BuyerKind.BUSINESS,
        "package": package,
        "wants_early_start": False,
        "acknowledges_loss": False,
        "submission": uuid4(),
        "shown_at": timezone.now(),
        "shown_versions": [version.pk for version in bound_versions(at=timezone.now())],
        "shown_price_cents": package.price_cents,
    }
    return Declaration(**(said | changes))


HERE = Circumstances(network="203.0.113.7", ip_address="203.0.113.7", user_agent="Test", request_id="request-1")


def make_acceptance(*, at: datetime | None = None, **changes: Any) -> Acceptance:
    return accept(make_declaration(**changes), HERE, at=at or timezone.now()).acceptance


def days(number: float) -> timedelta:
    return timedelta(days=number)
