"""Which invoices besides renewals are dunned is the policy's to say (trap 15)."""

import pytest
from django.test import Client

from billing.models import DunningPolicy, PaymentFailure
from billing.models.policy import COVERED_BY, DEFAULT_STEPS, new_version
from billing.reconcile import reconcile_stripe
from billing.tests.make import Scene
from billing.tests.test_admin_policy import ADD, filled, finance  # noqa: F401  # a fixture
from levqor.accounts.models import Plan


def leave_out(*fields: str, plan: Plan | None = None) -> DunningPolicy:
    return new_version(plan=plan, steps=list(DEFAULT_STEPS), note="fewer", covers=dict.fromkeys(fields, False))


@pytest.mark.parametrize(("reason", "field"), COVERED_BY.items())
def test_what_the_policy_leaves_out_opens_no_case(scene: Scene, reason: str, field: str) -> None:
    leave_out(field)

    scene.fail(billing_reason=reason)

    assert not PaymentFailure.objects.exists()


@pytest.mark.parametrize(("reason", "field"), COVERED_BY.items())
def test_what_it_covers_does(scene: Scene, reason: str, field: str) -> None:
    leave_out(*(other for other in COVERED_BY.values() if other != field))

    assert scene.case(scene.fail(billing_reason=reason)).steps.count() == 3


def test_a_renewal_is_always_dunned(scene: Scene) -> None:
    leave_out(*COVERED_BY.values())

    assert scene.case(scene.fail(billing_reason="subscription_cycle"))


def test_a_plan_of_its_own_decides_for_its_customers(scene: Scene) -> None:
    leave_out("covers_changes", plan=Plan.objects.get(slug="pro"))

    assert scene.case(scene.fail(billing_reason="subscription_update"))


def test_a_case_that_runs_is_kept_when_the_policy_changes(scene: Scene) -> None:
    invoice = scene.fail(billing_reason="manual", next_attempt=None)
    leave_out("covers_single_invoices")
    scene.fake.fail_invoice(invoice)
    scene.hear()

    scene.run(day=1)

    assert scene.case(invoice).steps.filter(status="sent").count() == 1


def test_reconciling_opens_none_either(keyed_scene: Scene) -> None:
    leave_out("covers_changes")
    keyed_scene.fake.fail_invoice(billing_reason="subscription_update")

    reconcile_stripe(at=keyed_scene.now)

    assert not PaymentFailure.objects.exists()


def test_finance_chooses_it_with_the_steps(finance: Client) -> None:  # noqa: F811  # the fixture
    form = filled((1, "first_notice", "remind")) | {"covers_changes": "on", "covers_thresholds": "on"}

    finance.post(ADD, form)

    policy = DunningPolicy.objects.current_for(None)
    assert policy.left_out() == ["invoices outside a renewal: by hand, from a quote"]
    again = finance.get(ADD).context["form"]
    assert [field.value() for field in again.kinds()] == [True, True, False]
