"""Which facts about the company the pages cannot state yet."""

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Info, register

# Company, Limited Liability Partnership and Business (Names and Trading Disclosures) Regulations 2015 (SI 2015/17), regs 24
# and 25: a company's site states its name, number, place of registration and registered office.
REQUIRED_FACTS = ["COMPANY_NAME", "COMPANY_NUMBER", "REGISTERED_IN", "REGISTERED_OFFICE"]


@register(deploy=True)
def check_company_facts(**kwargs: Any) -> list[CheckMessage]:
    missing = [name for name in REQUIRED_FACTS if not getattr(settings, name)]
    if not missing:
        return []
    return [
        Info(
            f"The pages say nothing about {', '.join(missing)}, which UK law wants on a company's site.",
            hint="Set them in the environment; an empty fact is left out of every page.",
            id="site.I001",
        )
    ]
