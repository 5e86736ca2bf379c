"""Accepting the agreement: one row that says who accepted which bytes in which words, and a mail with all of it."""

import hashlib
import secrets
from base64 import urlsafe_b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import IntegrityError, transaction
from django.urls import reverse
from django.utils.crypto import salted_hmac

from legal import emails, receipts, wording
from legal.models import (
    Acceptance,
    AcceptanceAnnex,
    AcceptedDocument,
    BuyerKind,
    DfyPackage,
    Document,
    DocumentVersion,
    ReceiptLink,
)
from legal.models.document import HEAVY
from legal.offer import Change, Offer, bound_versions, changes, sentence, standing, versions_shown
from legal.references import new_reference
from legal.retention import ACCEPTANCE_KEPT
from levqor.audit.models import record
from levqor.guard import limits
from levqor.guard.limits import Limit
from levqor.lib.actors import CUSTOMER

PER_NETWORK = Limit("acceptance.network", 10)
PER_EMAIL = Limit("acceptance.email", 5)
# What stood on a page for longer may have changed in more than its texts.
OLDEST_ORDER = timedelta(days=1)
LINK_SALT = "legal.receipt"


class OutdatedError(Exception):
    """What the form showed is no longer what would be agreed; the text says why, `changes` which documents changed."""

    def __init__(self, why: str, changes: Sequence[Change] = ()) -> None:
        super().__init__(why)
        self.changes = list(changes)


@dataclass(frozen=True)
class Declaration:
    """What somebody said by pressing the button, and what they had before them when they did."""

    full_name: str
    email: str
    company: str
    kind: BuyerKind
    package: DfyPackage
    wants_early_start: bool
    acknowledges_loss: bool
    submission: UUID
    shown_at: datetime
    shown_versions: list[int]
    shown_price_cents: int


@dataclass(frozen=True)
class Circumstances:
    """Where the declaration came from."""

    network: str
    ip_address: str
    user_agent: str
    request_id: str


@dataclass(frozen=True)
class Outcome:
    """The acceptance; `token` opens its receipt for whoever pressed the button, and is empty for anybody else."""

    acceptance: Acceptance
    is_new: bool
    token: str


def accept(declaration: Declaration, circumstances: Circumstances, *, at: datetime) -> Outcome:
    """Records the acceptance and writes the mail with its copies; the same declaration again gives the first one.

    What was accepted already stays so, whatever has changed since. Raises OutdatedError where a document or the price
    changed since the form was shown, and LimitReachedError where too many came from one network or address within the hour.
    """
    same = Acceptance.objects.same_as(Acceptance(**_identity(declaration, versions_shown(declaration.shown_versions))))
    existing = same.first()
    if existing is None:
        standing_offer = standing(at=at)
        _check_what_was_shown(declaration, standing_offer, at=at)
        acceptance = _unsaved(declaration, circumstances, standing_offer.versions, at=at)
        try:
            return _store(acceptance, standing_offer.versions, circumstances, at=at)
        except IntegrityError:
            # Pressed twice in the same moment: the other press was first.
            existing = same.first()
            if existing is None:
                raise
    return _repeat(existing, declaration, at=at)


def _check_what_was_shown(declaration: Declaration, standing_offer: Offer, *, at: datetime) -> None:
    package, versions = declaration.package, standing_offer.versions
    if at - declaration.shown_at > OLDEST_ORDER:
        raise OutdatedError("This order was open for more than a day. Please look at it again.")
    if not versions:
        raise OutdatedError(
            "The agreement cannot be accepted at the moment, because one of its documents is not in force."
        )
    if not package.is_active:
        raise OutdatedError(f"The {package} is no longer sold. Please choose again.")
    if package.price_cents != declaration.shown_price_cents:
        raise OutdatedError(f"The price of the {package} changed to {package.price} just now.")
    _check_same(declaration.shown_versions, versions)
    if package not in standing_offer.packages:
        raise OutdatedError(f"What the {package} includes changed just now, and its agreement is being renewed.")


def _check_same(shown: Sequence[int], versions: Sequence[DocumentVersion]) -> None:
    if [version.pk for version in versions] != list(shown):
        raise OutdatedError(
            "A new version of the documents came into force while you were reading. Please look at it.",
            changes(shown, versions),
        )


def _identity(declaration: Declaration, versions: Sequence[DocumentVersion]) -> dict[str, Any]:
    """What makes two acceptances one."""
    is_consumer = declaration.kind == BuyerKind.CONSUMER
    return {
        "email": declaration.email,
        "company": declaration.company,
        "kind": declaration.kind,
        "package_slug": declaration.package.slug,
        "price_cents": declaration.shown_price_cents,
        "currency": declaration.package.currency,
        "wants_early_start": is_consumer and declaration.wants_early_start,
        "acknowledges_loss": is_consumer and declaration.acknowledges_loss,
        "bound_sha256": hashlib.sha256("".join(version.sha256 for version in versions).encode()).hexdigest(),
    }


def _unsaved(
    declaration: Declaration, circumstances: Circumstances, versions: list[DocumentVersion], *, at: datetime
) -> Acceptance:
    boxes = [
        {"words": wording.EARLY_START, "ticked": declaration.wants_early_start},
        {"words": wording.RIGHT_LOST, "ticked": declaration.acknowledges_loss},
    ]
    return Acceptance(
        **_identity(declaration, versions),
        reference=new_reference(),
        accepted_at=at,
        full_name=declaration.full_name,
        package_name=declaration.package.name,
        sentence=sentence(declaration.package, versions),
        button=wording.BUTTON,
        declarations=boxes if declaration.kind == BuyerKind.CONSUMER else [],
        locale=settings.LANGUAGE_CODE,
        request_id=circumstances.request_id,
        submission=declaration.submission,
        keep_until=at + ACCEPTANCE_KEPT,
    )


def _store(
    acceptance: Acceptance, versions: list[DocumentVersion], circumstances: Circumstances, *, at: datetime
) -> Outcome:
    # Drawn before the transaction, since it takes longer than all the rest; and for nobody who is to be refused anyway.
    takes = [(PER_NETWORK, circumstances.network), (PER_EMAIL, acceptance.email)]
    limits.check(*takes, at=at)
    receipt = receipts.canonical(receipts.content_of(acceptance, versions))
    acceptance.receipt = receipt.decode()
    acceptance.receipt_sha256 = hashlib.sha256(receipt).hexdigest()
    acceptance.receipt_pdf = receipts.as_pdf(acceptance, versions)
    acceptance.receipt_pdf_sha256 = hashlib.sha256(acceptance.receipt_pdf).hexdigest()
    with transaction.atomic():
        # A version that is being published counts from before its transaction ends: that is waited for.
        Document.objects.hold([version.document_id for version in versions])
        _check_same([version.pk for version in versions], bound_versions(at=at))
        acceptance.save(force_insert=True)
        AcceptedDocument.objects.bulk_create(
            AcceptedDocument(acceptance=acceptance, version=version, position=position, sha256=version.sha256)
            for position, version in enumerate(versions)
        )
        AcceptanceAnnex.objects.create(
            acceptance=acceptance,
            ip_address=circumstances.ip_address,
            user_agent=circumstances.user_agent[:500],
            recorded_at=at,
        )
        limits.accept(*takes, at=at)
        record("accepted", acceptance, by=CUSTOMER, at=at, changes={"documents": [version.pk for version in versions]})
        token = _own_link(acceptance, at=at)
        emails.accepted(acceptance, versions, link=receipt_url(token), key=f"acceptance:{acceptance.pk}", at=at)
        emails.order_received(acceptance, at=at)
    return Outcome(acceptance, is_new=True, token=token)


def _repeat(acceptance: Acceptance, declaration: Declaration, *, at: datetime) -> Outcome:
    """A second press of the same form opens the receipt; anybody else only makes the mail go out once more, to its owner."""
    if acceptance.submission == declaration.submission:
        return Outcome(acceptance, is_new=False, token=_own_link(acceptance, at=at))
    send_copy_again(acceptance, at=at)
    return Outcome(acceptance, is_new=False, token="")


def send_copy_again(acceptance: Acceptance, *, at: datetime) -> bool:
    """The mail with its copies once more, to the address of the acceptance; False where one went out that day already."""
    key = f"acceptance:{acceptance.pk}:{at:%Y-%m-%d}"
    if emails.was_sent(key):
        return False
    with transaction.atomic():
        link = receipt_url(_further_link(acceptance, at=at))
        emails.accepted(acceptance, versions_of(acceptance), link=link, key=key, at=at)
    return True


def versions_of(acceptance: Acceptance) -> list[DocumentVersion]:
    """What the acceptance binds to, in its order, with the PDFs' hashes and without the texts."""
    parts = acceptance.accepted_documents.select_related("version__document", "version__pdf")
    return [part.version for part in parts.defer(*(f"version__{name}" for name in HEAVY))]


def _own_link(acceptance: Acceptance, *, at: datetime) -> str:
    """The token for whoever pressed the button: the same at each press, and to be worked out by nobody without our key."""
    secret = salted_hmac(LINK_SALT, acceptance.submission.hex, algorithm="sha256").digest()
    token = urlsafe_b64encode(secret).decode().rstrip("=")
    ReceiptLink.objects.get_or_create(
        token_sha256=_digest(token), defaults={"acceptance": acceptance, "created_at": at}
    )
    return token


def _further_link(acceptance: Acceptance, *, at: datetime) -> str:
    token = secrets.token_urlsafe(32)
    ReceiptLink.objects.create(acceptance=acceptance, token_sha256=_digest(token), created_at=at)
    return token


def acceptance_of_token(token: str) -> Acceptance | None:
    """The acceptance whose receipt the token opens; None for a token that was not given out."""
    link = ReceiptLink.objects.select_related("acceptance").filter(token_sha256=_digest(token)).first()
    return link.acceptance if link else None


def receipt_url(token: str) -> str:
    return settings.SITE_URL + reverse("legal:receipt", args=[token])


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
