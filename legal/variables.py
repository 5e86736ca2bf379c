"""The facts that a legal text may name: prices, promises, company details. Rows and settings are their only source."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from django.conf import settings

from legal.models import DfyPackage
from legal.retention import ACCEPTANCE_YEARS, ANNEX_DAYS
from legal.sla_example import example_rows
from levqor.accounts.models import Plan, SlaTerms, percent_words
from levqor.lib.money import format_price


@dataclass(frozen=True)
class Fact:
    """A value to be put into a text. `source` tells where it is changed; a table's value is a Markdown table."""

    value: str
    source: str
    is_table: bool = False


def facts_on(day: date) -> dict[str, Fact]:
    """Every fact by the name under which a text asks for it, as it holds on this day."""
    return {
        **_company(),
        **_packages(),
        **_plans(),
        **_sla(day),
        "retention.acceptance_years": Fact(str(ACCEPTANCE_YEARS), "the code"),
        "retention.annex_days": Fact(str(ANNEX_DAYS), "the code"),
        "effective_date": Fact(in_words(day), "the day on which the version comes into force"),
    }


def in_words(day: date) -> str:
    """`1 December 2026`."""
    return f"{day.day} {day:%B %Y}"


def _company() -> dict[str, Fact]:
    names = {
        "company.name": "COMPANY_NAME",
        "company.number": "COMPANY_NUMBER",
        "company.office": "REGISTERED_OFFICE",
        "company.registered_in": "REGISTERED_IN",
        "company.vat": "VAT_NUMBER",
        "support_email": "SUPPORT_EMAIL",
        "complaints_email": "COMPLAINTS_EMAIL",
        "site_url": "SITE_URL",
    }
    return {
        name: Fact(" ".join(str(getattr(settings, setting, "")).split()), f"the setting {setting}")
        for name, setting in names.items()
    }


def _packages() -> dict[str, Fact]:
    packages = list(DfyPackage.objects.on_sale())
    facts = {
        name: Fact(value, "the DFY packages") for package in packages for name, value in package_facts(package).items()
    }
    heads = ["Package", "Price", "Workflows", "Delivered in", "Revisions included"]
    table = "\n".join([_table(heads, []), *map(package_row, packages)])
    return facts | {"dfy_table": Fact(table, "the DFY packages", is_table=True)}


def package_facts(package: DfyPackage) -> dict[str, str]:
    """What a text may say of the package, by the names under which it asks."""
    values = {
        "name": package.name,
        "price": package.price,
        "workflows": package.workflows_in_words,
        "delivery": package.delivery,
        "revisions": package.revisions_in_words,
    }
    return {f"dfy.{package.slug}.{key}": value for key, value in values.items()}


def package_row(package: DfyPackage) -> str:
    """The package's line in the table of all."""
    return _row(list(package_facts(package).values()))


def _plans() -> dict[str, Fact]:
    plans = list(Plan.objects.all())
    facts: dict[str, Fact] = {}
    for plan in plans:
        values = {
            "name": plan.name,
            "price": plan.price,
            "uptime": percent_words(plan.uptime_percent),
            "response": _business_days(plan.response_days),
        }
        facts |= {f"plan.{plan.slug}.{key}": Fact(value, "the plans") for key, value in values.items()}
    rows = [
        [plan.name, plan.price, percent_words(plan.uptime_percent), f"within {_business_days(plan.response_days)}"]
        for plan in plans
    ]
    heads = ["Plan", "Price a month", "Uptime in a month", "Support answers"]
    return facts | {"plans_table": Fact(_table(heads, rows), "the plans", is_table=True)}


def _business_days(number: int) -> str:
    return "1 business day" if number == 1 else f"{number} business days"


def _sla(day: date) -> dict[str, Fact]:
    terms = SlaTerms.objects.valid_on(day)
    return {
        "sla.target": Fact(percent_words(terms.target_percent), "the SLA terms"),
        "sla.claim_days": Fact(str(terms.claim_days), "the SLA terms"),
        "sla.cap": Fact(f"{terms.cap_percent}%", "the SLA terms"),
        "sla.bands_table": Fact(_bands(terms), "the SLA terms", is_table=True),
        "sla.example_table": Fact(_example(terms), "the SLA terms and the plans", is_table=True),
    }


def _bands(terms: SlaTerms) -> str:
    rows = [[span, f"{credit}% of the month’s price"] for span, credit in terms.bands_in_words()]
    return _table(["Uptime in the month", "Credit"], rows)


def _example(terms: SlaTerms) -> str:
    """A month on both sides of each edge, and what that is in money on the plan in the middle of the list."""
    plans = list(Plan.objects.all())
    plan = plans[(len(plans) - 1) // 2]
    rows = []
    for row in example_rows(terms):
        credit = f"{row.credit_percent}%" if row.credit_percent else "none"
        money = format_price(row.credit_cents(plan.price_cents), plan.currency) if row.credit_percent else "–"
        rows.append([f"{row.downtime:,} minutes", f"{row.uptime}%", credit, money])
    heads = ["Downtime", "Uptime, rounded down", "Credit", f"{plan.name} at {plan.price}"]
    return _table(heads, rows)


def _table(heads: list[str], rows: Iterable[list[str]]) -> str:
    return "\n".join(_row(cells) for cells in [heads, ["---"] * len(heads), *rows])


def _row(cells: list[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"
