"""Every list of this house costs a fixed number of queries, whatever it holds."""

from uuid import uuid4

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries, Settings

from billing.tests.make import Scene
from levqor.desk.schedule import ensure_rows
from levqor.desk.tests.make import make_admin, make_event, signed_in

LOCAL_CACHE = "django.core.cache.backends.locmem.LocMemCache"
# Session, person, and for each list its count and its rows; more where a list shows more.
QUERIES = {
    "/admin/billing/paymentfailure/": 5,
    "/admin/billing/dunningpolicy/": 6,
    "/admin/billing/stripeevent/": 4,
    "/admin/mail/outgoingmail/": 4,
    "/admin/mail/suppression/": 4,
    "/admin/desk/periodictask/": 5,
    "/admin/audit/auditentry/": 4,
    "/admin/accounts/account/": 5,
}


@pytest.fixture
def ada(db: None) -> Client:
    return signed_in(make_admin())


@pytest.mark.parametrize("path", QUERIES)
def test_a_list_costs_the_same_with_more_rows(
    ada: Client, scene: Scene, settings: Settings, django_assert_num_queries: DjangoAssertNumQueries, path: str
) -> None:
    ensure_rows()
    # In memory, where remembered choices cost no query; the embedded cache is a table.
    settings.CACHES = {"default": {"BACKEND": LOCAL_CACHE, "LOCATION": uuid4().hex}}
    for _ in range(3):
        scene.fail(next_attempt=None)
        make_event()
    scene.run(day=1)
    ada.get(path)

    with django_assert_num_queries(QUERIES[path]):
        assert ada.get(path).status_code == 200


def test_the_first_page_costs_the_same_with_more_cases(
    ada: Client, scene: Scene, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for _ in range(3):
        scene.fail()

    with django_assert_num_queries(FIRST_PAGE):
        ada.get("/admin/")


FIRST_PAGE = 19
