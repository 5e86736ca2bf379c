import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.test import RequestFactory

from levqor.guard.idempotency import answer_once, early_answer, idempotent
from levqor.guard.models import IdempotentRequest, ReferenceCounter
from levqor.guard.references import Series, next_reference
from levqor.guard.tasks import prune_guard

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 11, 24, 10, 0, tzinfo=UTC)


def make_post(key: str | None = "key-1", body: str = '{"a": 1}', path: str = "/api/things") -> HttpRequest:
    headers = {} if key is None else {"Idempotency-Key": key}
    return RequestFactory().post(path, data=body, content_type="application/json", headers=headers)


class Work:
    """Makes a numbered thing each time it is called, and can be told to end otherwise."""

    def __init__(self, status: int = 201) -> None:
        self.status = status
        self.done = 0

    def __call__(self) -> HttpResponse:
        self.done += 1
        reference = next_reference(Series.DISPUTE, at=NOW)
        return JsonResponse({"reference": reference}, status=self.status, headers={"Location": f"/{self.done}"})


def code_of(response: HttpResponse) -> str:
    return str(json.loads(response.content)["code"])


def test_the_same_request_twice_is_done_once_and_answered_twice() -> None:
    work = Work()

    first, second = [answer_once(make_post(), work, at=NOW) for _ in range(2)]

    assert work.done == 1
    assert (first.content, first.status_code, first.headers["Location"]) == (
        second.content,
        second.status_code,
        second.headers["Location"],
    )
    assert second.headers["Content-Type"] == "application/json"
    assert ("Idempotent-Replayed" in first.headers, second.headers["Idempotent-Replayed"]) == (False, "true")


def test_another_body_under_the_key_is_refused() -> None:
    work = Work()
    answer_once(make_post(), work, at=NOW)

    refused = answer_once(make_post(body='{"a": 2}'), work, at=NOW)

    assert (refused.status_code, code_of(refused), work.done) == (422, "idempotency_mismatch", 1)


def test_a_blank_more_is_another_body() -> None:
    answer_once(make_post(), Work(), at=NOW)

    assert answer_once(make_post(body='{"a":  1}'), Work(), at=NOW).status_code == 422


@pytest.mark.parametrize(
    "other",
    [
        lambda work: answer_once(make_post(key="key-2"), work, at=NOW),
        lambda work: answer_once(make_post(path="/api/others"), work, at=NOW),
        lambda work: answer_once(make_post(), work, at=NOW, account_id=7),
        lambda work: answer_once(make_post(key=None), work, at=NOW),
    ],
    ids=["key", "path", "account", "no key"],
)
def test_another_key_path_or_account_is_another_request(other: Callable[[Work], HttpResponse]) -> None:
    work = Work()
    answer_once(make_post(), work, at=NOW)

    other(work)

    assert work.done == 2


def test_a_repeat_while_the_first_is_running_is_a_conflict() -> None:
    inner: list[HttpResponse] = []

    def work() -> HttpResponse:
        inner.append(answer_once(make_post(), Work(), at=NOW))
        return HttpResponse(status=201)

    answer_once(make_post(), work, at=NOW)

    assert (inner[0].status_code, code_of(inner[0]), inner[0].headers["Retry-After"]) == (409, "conflict", "1")


def test_a_door_that_writes_first_learns_early_that_the_first_is_running() -> None:
    early: list[HttpResponse | None] = []

    def work() -> HttpResponse:
        early.extend([early_answer(make_post(), at=NOW), early_answer(make_post(key="other"), at=NOW)])
        return HttpResponse(status=201)

    answer_once(make_post(), work, at=NOW)

    assert [one and one.status_code for one in early] == [409, None]


def test_a_day_later_the_key_is_new() -> None:
    work = Work()
    answer_once(make_post(), work, at=NOW)

    answer_once(make_post(), work, at=NOW + timedelta(hours=23, minutes=59))
    answer_once(make_post(body="other"), work, at=NOW + timedelta(hours=24))

    assert work.done == 2


@pytest.mark.parametrize("status", [400, 404, 422, 429, 503])
def test_an_answer_that_did_nothing_gives_the_key_back(status: int) -> None:
    answer_once(make_post(), Work(status), at=NOW)

    corrected = answer_once(make_post(body='{"a": 2}'), Work(), at=NOW)

    assert corrected.status_code == 201


def test_work_that_raises_leaves_no_trace() -> None:
    def work() -> HttpResponse:
        next_reference(Series.DISPUTE, at=NOW)
        raise ValueError("broken")

    with pytest.raises(ValueError, match="broken"):
        answer_once(make_post(), work, at=NOW)

    assert not IdempotentRequest.objects.exists()
    assert not ReferenceCounter.objects.exists()


@pytest.mark.parametrize("key", ["", "ü", "x" * 256, "line\nbreak", "tab\t"])
def test_a_key_that_is_none_is_a_bad_request(key: str) -> None:
    answer = answer_once(make_post(key=key), Work(), at=NOW)

    assert (answer.status_code, code_of(answer)) == (400, "bad_request")


def test_the_decorator_keeps_the_views_arguments() -> None:
    @idempotent
    def view(request: HttpRequest, number: int) -> HttpResponse:
        return JsonResponse({"number": number}, status=201)

    first, second = view(make_post(), 7), view(make_post(), number=7)

    assert first.content == second.content == b'{"number": 7}'
    assert second.headers["Idempotent-Replayed"] == "true"


def test_a_replay_may_be_had_without_a_claim() -> None:
    request = make_post()
    assert early_answer(request, at=NOW) is None
    answer_once(make_post(), Work(), at=NOW)

    replay = early_answer(request, at=NOW)

    assert replay is not None
    assert replay.status_code == 201
    assert early_answer(make_post(body="other"), at=NOW) is None
    assert early_answer(make_post(key=None), at=NOW) is None
    assert early_answer(request, at=NOW, account_id=7) is None


def test_pruning_forgets_answers_after_a_day() -> None:
    answer_once(make_post(), Work(), at=NOW)

    assert prune_guard(at=NOW + timedelta(hours=23)) == 0
    assert prune_guard(at=NOW + timedelta(hours=24)) == 1
