import pytest
from django.test import Client
from django.urls import reverse

from billing.models import DunningPolicy
from billing.tests.make import Scene
from billing.tests.test_admin_case import staff_with
from levqor.audit.models import AuditEntry

ADD = "/admin/billing/dunningpolicy/add/"


@pytest.fixture
def finance(db: None) -> Client:
    return staff_with("view_dunningpolicy", "add_dunningpolicy", "view_paymentfailure")


def filled(*rows: tuple[int, str, str]) -> dict[str, object]:
    form: dict[str, object] = {"note": "gentler", "plan": "", "steps-TOTAL_FORMS": 6, "steps-INITIAL_FORMS": 6}
    for place in range(6):
        day, template, action = rows[place] if place < len(rows) else ("", "first_notice", "remind")
        form |= {f"steps-{place}-day": day, f"steps-{place}-template": template, f"steps-{place}-action": action}
    return form


def test_publishing_makes_the_next_version_and_tells_the_trail(finance: Client) -> None:
    finance.post(ADD, filled((2, "first_notice", "remind"), (9, "final_notice", "suspend")))

    policy = DunningPolicy.objects.current_for(None)
    assert (policy.version, [step.offset_days for step in policy.ordered_steps()]) == (2, [2, 9])
    assert AuditEntry.objects.about(policy).get().reason == "gentler"


def test_the_form_begins_with_the_current_steps(finance: Client) -> None:
    answer = finance.get(ADD)

    assert [row["day"].value() for row in answer.context["rows"]] == [1, 7, 14, None, None, None]


@pytest.mark.parametrize(
    "rows",
    [
        (),
        ((7, "first_notice", "remind"), (1, "final_notice", "suspend")),
        ((1, "first_notice", "remind"), (2, "final_notice", "suspend")),
        ((1, "first_notice", "suspend"), (7, "final_notice", "suspend")),
        ((91, "first_notice", "remind"),),
        ((1, "a_poem", "remind"),),
    ],
)
def test_steps_that_make_no_policy_are_explained_at_the_form(
    finance: Client, rows: tuple[tuple[int, str, str], ...]
) -> None:
    answer = finance.post(ADD, filled(*rows))

    assert answer.status_code == 200
    assert "errorlist" in answer.content.decode()
    assert DunningPolicy.objects.count() == 1


def test_an_older_version_can_be_made_current_again(finance: Client) -> None:
    first = DunningPolicy.objects.get()
    finance.post(ADD, filled((3, "first_notice", "remind")))

    answer = finance.get(f"{ADD}?from={first.pk}")

    assert [row["day"].value() for row in answer.context["rows"]][:3] == [1, 7, 14]


def test_a_mail_is_previewed_on_a_real_case_in_a_cage(finance: Client, scene: Scene) -> None:
    case = scene.case(scene.fail(amount=4321))

    page = finance.get(reverse("admin:billing_dunningpolicy_change", args=[case.policy_id])).content.decode()
    html = finance.get(f"{reverse('admin:billing_preview_html')}?case={case.pk}&template=final_notice")

    assert "£43.21" in page
    assert "£43.21" in html.content.decode()
    assert html.headers["Content-Security-Policy"].startswith("sandbox; default-src 'none'")


def test_a_reader_cannot_publish_nor_preview(db: None) -> None:
    client = staff_with("view_dunningpolicy")

    assert client.post(ADD, filled((1, "first_notice", "remind"))).status_code == 403
    assert client.get(reverse("admin:billing_preview_html")).status_code == 403
