"""The one list of what the site links to. A page whose room is not there yet (its URL name is unknown) is shown nowhere."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.urls import NoReverseMatch, reverse

from legal.catalogue import BY_SLUG


@dataclass(frozen=True)
class Page:
    """A page to link to: its label, the name of its URL, and for a document its slug."""

    label: str
    name: str
    slug: str = ""
    fragment: str = ""
    about: str = ""

    @property
    def url(self) -> str:
        """The address, or an empty text where there is no such page."""
        try:
            path = reverse(self.name, kwargs={"slug": self.slug} if self.slug else None)
        except NoReverseMatch:
            return ""
        return f"{path}#{self.fragment}" if self.fragment else path


@dataclass(frozen=True)
class Link:
    """A page as it is linked from one place: `current` is `page` on the page itself and `true` on those below it."""

    label: str
    url: str
    current: str = ""
    about: str = ""


PRICING = Page("Pricing", "legal:pricing", about="Plans by the month and done-for-you builds at fixed prices.")
STATUS = Page("Status", "status:page", about="What works right now, and every incident of the past.")
CLAIM = Page("Claim an SLA credit", "claims:start", about="When a month fell short of the uptime promise.")
DISPUTE = Page(
    "Raise a dispute", "disputes:start", about="When we disagree: three steps, each with a time for our answer."
)
DEVELOPERS = Page(
    "Developers",
    "developer:landing",
    about="A sandbox API, its documentation, and status for programs.",
)
DOCS = Page("API documentation", "developer:docs", about="Every call with samples, errors, limits and OpenAPI.")
HELP = Page("Help", "site:home", fragment="help", about="Where to go when something is wrong.")


DOCUMENTS = Page("Policies and agreements", "legal:index", about="Every contract and policy, in every version.")


def documents(*slugs: str) -> list[Page]:
    return [Page(BY_SLUG[slug].title, "legal:document", slug) for slug in slugs]


POLICIES = documents("terms", "privacy", "refunds", "sla", "acceptable-use", "fair-use")
BUILDS = documents("dfy-agreement", "onboarding", "delivery", "revisions")

STARTING_POINTS = [PRICING, STATUS, CLAIM, DISPUTE, DEVELOPERS, DOCUMENTS]
PUBLIC = [Page("Levqor", "site:home"), *STARTING_POINTS, DOCS, *POLICIES, *BUILDS]

HEADER = [PRICING, STATUS, DEVELOPERS, HELP]
FOOTER = [
    ("Product", [PRICING, *BUILDS]),
    ("Help", [STATUS, CLAIM, DISPUTE, HELP]),
    ("Legal", [*POLICIES, DOCUMENTS]),
    ("Developers", [DEVELOPERS, DOCS]),
]
ACCOUNT = [
    Page("Overview", "site:account"),
    Page("API keys and usage", "developer:keys"),
    Page("Email addresses", "account_email"),
    Page("Password", "account_change_password"),
    Page("Two-factor and passkeys", "mfa_index"),
    Page("Sessions", "usersessions_list"),
]


@dataclass(frozen=True)
class Door:
    """From a need, in a customer's words, to the page that helps; `answer` says what happens there."""

    need: str
    answer: str
    icon: str
    page: Page


DOORS = [
    Door(
        "A payment failed",
        "The button in our last email opens your invoice on a secure page; your account shows it too. A paused account "
        "comes back by itself as soon as the payment arrives.",
        "credit-card",
        Page("See what is open", "site:account"),
    ),
    Door(
        "Is it down?",
        "See what works right now, what is being repaired, and every incident before.",
        "activity",
        Page("Open the status page", "status:page"),
    ),
    Door(
        "Claim a credit",
        "When a month fell short of the uptime promise. We compare it with our own measurements and decide within 5 to 7 "
        "business days.",
        "badge-percent",
        CLAIM,
    ),
    Door(
        "Raise a dispute",
        "Support, escalation and a formal complaint, each with a time for our answer; and what is open to you outside.",
        "scale",
        DISPUTE,
    ),
    Door(
        "Use the API",
        "Get a key for the sandbox, read the documentation, and look up what an error means.",
        "terminal",
        Page("Go to the developers’ page", "developer:landing"),
    ),
]
BESIDE = [
    Page("Get money back", "legal:document", "refunds"),
    Page("See what I agreed to", "legal:index"),
    Page("Sign in", "account_login"),
]


def home() -> dict[str, Any]:
    """What the home page links to."""
    return {
        "doors": [(door, link) for door in DOORS for link in links([door.page])],
        "beside": links(BESIDE),
    }


def links(pages: Sequence[Page], *, path: str = "") -> list[Link]:
    """Those of `pages` that exist, as seen from `path`."""
    return [Link(page.label, url, _current(url, path), page.about) for page in pages if (url := page.url)]


def groups(*, path: str = "") -> list[tuple[str, list[Link]]]:
    """The columns of the footer; one without a page is left out."""
    return [(title, found) for title, pages in FOOTER if (found := links(pages, path=path))]


def _current(url: str, path: str) -> str:
    if url == path:
        return "page"
    below = url.rstrip("/") + "/"
    return "true" if "#" not in url and below != "/" and path.startswith(below) else ""
