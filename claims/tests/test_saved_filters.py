"""Saved filters: kept under a name, opened, renamed, shared and deleted, by whoever they belong to."""

import pytest
from django.db import IntegrityError, transaction
from django.test import Client

from claims.tests.make import make_claim
from levqor.accounts.models import User
from levqor.cases.models import SavedFilter
from levqor.desk.tests.make import make_staff, signed_in

pytestmark = pytest.mark.django_db
QUEUE = "/admin/claims/claim/"
LABEL = "claims.claim"


@pytest.fixture
def sam(db: None) -> User:
    return make_staff("Support")


@pytest.fixture
def support(sam: User) -> Client:
    return signed_in(sam)


def keep(
    owner: User, name: str = "Mine, waiting", query: str = "owner=me&state=waiting", **changes: bool
) -> SavedFilter:
    return SavedFilter.objects.create(owner=owner, queue=LABEL, name=name, query=query, **changes)


def test_the_filter_in_force_is_kept_under_a_name(support: Client, sam: User) -> None:
    page = support.get(f"{QUEUE}?state=waiting&owner=me&p=1").content.decode()
    assert "filters/save/?owner=me&amp;state=waiting" in page

    answer = support.post(f"{QUEUE}filters/save/?state=waiting&owner=me&p=1", {"name": " Mine,  waiting "}, follow=True)

    row = SavedFilter.objects.get()
    assert (row.owner, row.name, row.query, row.is_shared) == (sam, "Mine, waiting", "owner=me&state=waiting", False)
    assert answer.redirect_chain[-1][0] == f"{QUEUE}?owner=me&state=waiting"
    assert f'href="/admin/claims/claim/filters/{row.pk}/" aria-current="page"' in answer.content.decode()


def test_opening_one_shows_the_list_behind_it(support: Client, sam: User) -> None:
    make_claim()

    answer = support.get(f"{QUEUE}filters/{keep(sam, query='q=ada%40fern.test&state=all').pk}/", follow=True)

    assert answer.redirect_chain[-1][0] == f"{QUEUE}?q=ada%40fern.test&state=all"
    assert "ada@fern.test" in answer.content.decode()


def test_one_is_renamed_shared_and_deleted(support: Client, sam: User) -> None:
    row = keep(sam)
    support.post(f"{QUEUE}filters/{row.pk}/edit/", {"name": "Waiting", "is_shared": "on"})
    row.refresh_from_db()
    assert (row.name, row.is_shared) == ("Waiting", True)

    support.post(f"{QUEUE}filters/{row.pk}/edit/", {"delete": "yes"})
    assert not SavedFilter.objects.exists()


def test_looking_at_the_page_deletes_nothing(support: Client, sam: User) -> None:
    support.get(f"{QUEUE}filters/{keep(sam).pk}/edit/?delete=yes")

    assert SavedFilter.objects.exists()


@pytest.mark.parametrize(("is_shared", "opened", "edited"), [(False, 404, 404), (True, 302, 403)])
def test_others_open_what_is_shared_and_change_nothing(sam: User, is_shared: bool, opened: int, edited: int) -> None:
    row = keep(sam, is_shared=is_shared)
    finance = signed_in(make_staff("Finance"))

    assert finance.get(f"{QUEUE}filters/{row.pk}/").status_code == opened
    assert finance.post(f"{QUEUE}filters/{row.pk}/edit/", {"delete": "yes"}).status_code == edited
    assert ("Mine, waiting" in finance.get(QUEUE).content.decode()) == is_shared
    assert SavedFilter.objects.exists()


def test_who_may_not_see_the_queue_sees_no_filter(sam: User) -> None:
    row = keep(sam, is_shared=True)
    stranger = signed_in(make_staff(""))

    for path in (f"{row.pk}/", f"{row.pk}/edit/", "save/?state=all"):
        assert stranger.get(f"{QUEUE}filters/{path}").status_code == 403


def test_a_name_is_shown_as_text(support: Client, sam: User) -> None:
    keep(sam, name="<script>alert(1)</script>", query="q=%22%3E%3Cimg%3E")

    for path in (QUEUE, f"{QUEUE}filters/{SavedFilter.objects.get().pk}/edit/"):
        page = support.get(path).content.decode()
        assert "&lt;script&gt;alert(1)" in page
        assert "<script>alert(1)" not in page
        assert "<img>" not in page


@pytest.mark.parametrize(
    "query", ["no_such_field=1", "plan__id__exact=x", "case__owner__password__startswith=p", "e=1", "p=x"]
)
def test_a_filter_that_does_not_fit_any_more_is_harmless(support: Client, sam: User, query: str) -> None:
    answer = support.get(f"{QUEUE}filters/{keep(sam, query=query).pk}/", follow=True)

    assert answer.status_code == 200
    assert answer.redirect_chain[-1][0].partition("?")[0] == QUEUE
    assert ("does not fit this list any more" in answer.content.decode()) == (query not in {"e=1", "p=x"})


def test_what_the_list_does_not_take_is_not_kept(support: Client) -> None:
    answer = support.post(f"{QUEUE}filters/save/?no_such_field=1", {"name": "Nonsense"}, follow=True)

    assert "there is nothing to save" in answer.content.decode()
    assert not SavedFilter.objects.exists()


@pytest.mark.parametrize(
    ("name", "said"), [("", "Give it a name."), ("Mine, waiting", "of this name already"), ("x" * 61, "60")]
)
def test_a_name_that_cannot_be_is_refused_with_a_reason(support: Client, sam: User, name: str, said: str) -> None:
    keep(sam)

    assert said in support.post(f"{QUEUE}filters/save/?state=all", {"name": name}).content.decode()
    assert SavedFilter.objects.count() == 1


def test_the_same_name_twice_is_refused_by_the_database(sam: User) -> None:
    keep(sam)

    with pytest.raises(IntegrityError), transaction.atomic():
        keep(sam)


def test_nobody_keeps_more_than_thirty(support: Client, sam: User) -> None:
    for number in range(30):
        keep(sam, name=f"Filter {number}")

    assert (
        "which is the most"
        in support.post(f"{QUEUE}filters/save/?state=all", {"name": "One more"}, follow=True).content.decode()
    )
    assert SavedFilter.objects.count() == 30
