"""Two at once: one acceptance, one version. On PostgreSQL these are real commits on real connections."""

import time
from collections.abc import Callable
from functools import partial
from threading import Event
from typing import Any

import pytest
from django.utils import timezone

from legal.acceptance import OutdatedError, accept
from legal.drafting import discard, edit
from legal.models import Acceptance, DocumentVersion, ReceiptLink
from legal.publishing import RefusedError, publish
from legal.tests.make import (
    HERE,
    make_declaration,
    make_document,
    make_draft,
    make_source,
    make_staff,
    need_rows,
    renew,
)
from levqor.lib.states import IllegalMoveError, StaleStateError
from levqor.mail.models import OutgoingMail
from testing.soak import soak_all_but
from testing.together import together

pytestmark = [pytest.mark.proof, pytest.mark.django_db(transaction=True)]


def at_once(*deeds: Callable[[], object]) -> list[object]:
    """What the deeds, which begin together, return or raise, in their order."""

    def attempt(number: int) -> object:
        try:
            return deeds[number]()
        except Exception as error:  # the test looks at it
            return error

    return together(len(deeds), attempt)


def test_one_declaration_pressed_eight_times_is_one_acceptance() -> None:
    need_rows()
    results = at_once(*[lambda: accept(make_declaration(), HERE, at=timezone.now())] * 8)

    assert [result for result in results if isinstance(result, Exception)] == []
    assert Acceptance.objects.count() == 1


def test_one_form_pressed_eight_times_at_once_opens_one_receipt() -> None:
    need_rows()
    declaration = make_declaration()
    results = at_once(*[lambda: accept(declaration, HERE, at=timezone.now())] * 8)

    assert len({getattr(result, "token", str(result)) for result in results}) == 1
    assert Acceptance.objects.count() == ReceiptLink.objects.count() == 1
    assert OutgoingMail.objects.filter(name="legal/accepted").count() == 1


def test_two_publishers_make_one_version() -> None:
    need_rows()
    draft, first, second = make_draft(document=make_document()), make_staff("first"), make_staff("second")

    def by(user: object) -> Callable[[], object]:
        version = DocumentVersion.objects.get(pk=draft.pk)
        return lambda: publish(version, by=user, at=timezone.now(), reason="x")  # type: ignore[arg-type]  # a user

    results = at_once(by(first), by(second))
    refused = [result for result in results if isinstance(result, RefusedError | StaleStateError | IllegalMoveError)]
    assert len(refused) == 1
    assert DocumentVersion.objects.filter(document=draft.document, status="in_force").count() == 1


@pytest.mark.parametrize("rounds", soak_all_but([0], [6, 50]))
def test_what_goes_public_while_its_author_saves_is_what_was_read_or_nothing(rounds: int) -> None:
    need_rows()
    document, author, publisher = make_document(), make_staff("author"), make_staff("publisher")
    ends = set()
    for turn in range(rounds):
        draft = make_draft(document=document, by=author, source=make_source(f"Read in turn {turn}."))
        read = DocumentVersion.objects.get(pk=draft.pk)
        words: dict[str, Any] = {
            "source": make_source(f"Saved in turn {turn}."),
            "note": "More.",
            "is_material": False,
        }
        results = at_once(
            partial(edit, draft, **words, edit_count=draft.edit_count, by=author, at=timezone.now()),
            partial(publish, read, by=publisher, at=timezone.now(), reason="Read."),
        )

        draft.refresh_from_db()
        lost = [result for result in results if isinstance(result, Exception)]
        assert all(isinstance(loss, StaleStateError | IllegalMoveError) for loss in lost), lost
        assert len(lost) == 1
        assert (f"Read in turn {turn}." in draft.html) != draft.is_draft
        assert f"Saved in turn {turn}." not in draft.html
        ends.add(draft.status)
        if draft.is_draft:
            discard(draft, by=author, at=timezone.now(), reason="Lost.")
    assert ends


def test_what_is_being_published_is_not_passed_by(monkeypatch: pytest.MonkeyPatch) -> None:
    need_rows()
    declaration, is_under_way = make_declaration(), Event()

    def slow_pdf(version: DocumentVersion) -> bytes:
        is_under_way.set()
        time.sleep(0.5)
        return b"%PDF"

    def order() -> object:
        assert is_under_way.wait(10)
        return accept(declaration, HERE, at=timezone.now())

    monkeypatch.setattr("legal.pdf.of_version", slow_pdf)
    published, refused = at_once(lambda: renew("refunds"), order)
    assert isinstance(published, DocumentVersion)
    assert isinstance(refused, OutdatedError)
    assert not Acceptance.objects.exists()
