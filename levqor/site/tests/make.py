"""A site with something on it, for tests that see every page: prices, unpaid invoices, a customer who signs in."""

from importlib import import_module

from django.apps import apps
from django.utils import timezone

from billing.models import PaymentFailure
from billing.pay_links import pay_url
from legal.loading import load_documents
from legal.models import DfyPackage
from levqor.accounts.models import SlaTerms, User
from levqor.site import navigation

ENTRANCE = ["/accounts/login/", "/accounts/signup/", "/accounts/login/code/", "/accounts/password/reset/"]
ACCOUNT = [link.url for link in navigation.links(navigation.ACCOUNT)]
PAGES = [link.url for link in navigation.links(navigation.PUBLIC)]


def make_contents() -> None:
    """Plans, packages and documents come with the migrations; a test on a live server finds them gone after another."""
    if not SlaTerms.objects.exists():
        import_module("levqor.accounts.migrations.0003_plans_and_sla_terms").create_rows(apps, None)
    if not DfyPackage.objects.exists():
        import_module("legal.migrations.0002_first_packages").create_packages(apps, None)
    load_documents(at=timezone.now())


def make_customer() -> User:
    return User.objects.create_user("chris@levqor.test", "a long enough pass phrase", full_name="Chris Customer")


def pay_path(case: PaymentFailure) -> str:
    return "/billing/pay/" + pay_url(case).rsplit("/", 1)[-1]
