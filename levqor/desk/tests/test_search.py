import pytest
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from billing.models import PaymentFailure, StripeEvent
from billing.tests.make import Scene
from levqor.accounts.models import AccountContact
from levqor.desk.tests.make import make_staff, make_staff_with, signed_in


@pytest.fixture
def sam(db: None) -> Client:
    return signed_in(make_staff("Support"))


def page_of(case: PaymentFailure) -> str:
    return reverse("admin:billing_paymentfailure_change", args=[case.pk])


def test_one_failed_payment_opens_at_once_by_every_name_it_has(sam: Client, scene: Scene) -> None:
    case = scene.case(scene.fail())
    scene.fail()
    AccountContact.objects.create(account=case.account, email="cfo@example.com")

    for words in (case.invoice_id, f" {case.invoice_number.lower()} ", "CFO@example.com"):
        answer = sam.get("/admin/find/", {"q": words})
        assert answer.headers.get("Location") == page_of(case), words


def test_several_hits_are_listed_by_kind(sam: Client, scene: Scene) -> None:
    cases = [scene.case(scene.fail()) for _ in range(2)]

    answer = sam.get("/admin/find/", {"q": cases[0].account.billing_email})

    assert [group.title for group in answer.context["groups"]] == ["Failed payments", "Accounts"]
    assert {hit.url for hit in answer.context["groups"][0].hits} == {page_of(case) for case in cases}


def test_an_event_is_found_by_its_id(sam: Client, scene: Scene) -> None:
    scene.fail()
    event = StripeEvent.objects.earliest("pk")

    answer = sam.get("/admin/find/", {"q": event.event_id})

    assert answer.headers["Location"] == reverse("admin:billing_stripeevent_change", args=[event.pk])


def test_nothing_is_found_of_what_the_person_may_not_see(scene: Scene) -> None:
    case = scene.case(scene.fail())
    client = signed_in(make_staff_with("view_plan"))

    assert client.get("/admin/find/", {"q": case.invoice_id}).context["groups"] == []


@pytest.mark.parametrize("words", ["", " ", "%", "x" * 5000, "'; DROP TABLE payment_failures; --", "<script>"])
def test_odd_words_are_answered_with_a_page(sam: Client, words: str) -> None:
    assert sam.get("/admin/find/", {"q": words}).status_code == 200


def test_a_nul_is_refused_before_any_database_sees_it(sam: Client) -> None:
    assert sam.get("/admin/find/", {"q": "\0"}).status_code == 400


def test_many_hits_are_cut_off_and_say_so(sam: Client, scene: Scene) -> None:
    cases = [scene.case(scene.fail()) for _ in range(12)]

    answer = sam.get("/admin/find/", {"q": cases[0].account.billing_email})

    assert [len(group.hits) for group in answer.context["groups"]] == [10, 10]
    assert b"search for something narrower" in answer.content


def test_a_search_costs_the_same_with_more_rows(
    sam: Client, scene: Scene, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    case = scene.case(scene.fail())
    for _ in range(2):
        scene.fail()

    with django_assert_num_queries(15):
        sam.get("/admin/find/", {"q": case.account.billing_email})
