"""Many at the same moment: not one unit too many and not one too few, and no success after a revocation."""

import threading
from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.test import Client

from developer.admission import admit
from developer.models import DailyUsage, MonthlyUsage, SandboxJob, Scope, digest_of
from developer.tests.make import Api, make_account, make_key, use_up
from developer.usage import buffer
from levqor.accounts.models import Membership
from levqor.accounts.tests.make import make_user
from testing.together import together

pytestmark = [pytest.mark.proof, pytest.mark.django_db(transaction=True)]

BEGIN = datetime(2026, 1, 1, tzinfo=UTC)


def test_of_many_at_once_through_two_keys_as_many_pass_as_are_left() -> None:
    account = make_account()
    digests = [digest_of(make_key(account, created_at=BEGIN)[0]) for _ in range(2)]
    use_up(account, 900)
    at = datetime(2026, 11, 24, 10, 0, tzinfo=UTC)

    def ten(number: int) -> int:
        return sum(admit(digests[number % 2], Scope.METRICS_READ, at=at) is not None for _ in range(10))

    assert sum(together(20, ten)) == 100
    assert MonthlyUsage.objects.get().used == 1000


@pytest.mark.parametrize("end", ["2026-12-01", "2027-01-01", "2027-03-01", "2028-03-01"])
def test_across_the_end_of_a_month_each_month_has_its_own_count(end: str) -> None:
    after = datetime.fromisoformat(end).replace(tzinfo=UTC)
    before = after - timedelta(microseconds=1)
    account = make_account()
    digest = digest_of(make_key(account, created_at=BEGIN)[0])
    use_up(account, 990, month=f"{before:%Y-%m}")

    def some(number: int) -> Counter[str]:
        at = after if number % 2 else before
        return Counter(f"{at:%Y-%m}" for _ in range(5) if admit(digest, Scope.JOBS_READ, at=at))

    passed = sum(together(16, some), Counter[str]())

    assert passed == {f"{before:%Y-%m}": 10, f"{after:%Y-%m}": 40}


def test_units_that_were_given_back_can_be_had_again() -> None:
    account = make_account()
    digest = digest_of(make_key(account, created_at=BEGIN)[0])
    use_up(account, 980)
    at = datetime(2026, 11, 24, 10, 0, tzinfo=UTC)

    def one(number: int) -> bool:
        admission = admit(digest, Scope.METRICS_READ, at=at)
        if admission and number % 2:
            admission.give_back()
        return admission is not None and not number % 2

    kept = sum(together(20, one))

    assert (kept, MonthlyUsage.objects.get().used) == (10, 990)


def test_no_request_that_begins_after_the_answer_to_a_revocation_passes() -> None:
    secret, row = make_key(created_at=BEGIN)
    ada = make_user()
    Membership.objects.create(account=row.account, user=ada)
    api_answers: list[int] = []
    revoked = threading.Event()

    def loop(number: int) -> list[int]:
        if number == 0:
            portal = Client()
            portal.force_login(ada)
            answer = portal.post(f"/developer/keys/{row.pk}/revoke")
            revoked.set()
            assert answer.status_code == 303
            return []
        api = Api(secret)
        late: list[int] = []
        while len(late) < 3:
            is_late = revoked.is_set()
            status = api.get("metrics").status_code
            if is_late:
                late.append(status)
        return late

    for answers in together(21, loop):
        api_answers += answers

    assert Counter(api_answers) == {401: 60}


def test_of_equal_requests_at_once_one_job_is_made_and_one_unit_is_spent() -> None:
    secret, _ = make_key(created_at=BEGIN)

    answers = together(12, lambda _: Api(secret).post("jobs", {"workflow": "a"}, key="same"))

    assert {answer.status_code for answer in answers} <= {201, 409}
    assert SandboxJob.objects.count() == 1
    assert Api(secret).used() == 1


def test_the_notes_of_many_threads_are_all_written() -> None:
    secret, _ = make_key(created_at=BEGIN)
    with time_machine.travel(datetime(2026, 11, 24, 10, 0, tzinfo=UTC)):
        together(8, lambda _: [Api(secret).get("metrics").status_code for _ in range(5)])

    together(2, lambda _: buffer.flush())

    assert DailyUsage.objects.get().succeeded == 40
