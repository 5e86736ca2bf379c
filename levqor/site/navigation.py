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
    ("Product", [PRICING, STATUS, DEVELOPERS, DOCS]),
    ("Something wrong?", [HELP, CLAIM, DISPUTE]),
    ("Done-for-you builds", BUILDS),
    ("Policies", [*POLICIES, DOCUMENTS]),
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
class Way:
    """From what is wrong, in a customer's words, to the page that helps; `answer` says what happens there."""

    question: str
    answer: str
    page: Page


WAYS = [
    Way(
        "Is it you or is it me?",
        "See what works right now, what is being repaired, and every incident before.",
        Page("Open the status page", "status:page"),
    ),
    Way(
        "You fell short of your uptime promise",
        "Claim a credit. We compare it with our own measurements and decide within 5 to 7 business days.",
        CLAIM,
    ),
    Way(
        "We do not agree about something",
        "Support, escalation and a formal complaint, each with a time for our answer; and what is open to you outside.",
        DISPUTE,
    ),
    Way(
        "I am building on your API",
        "Get a key for the sandbox, read the documentation, and look up what an error means.",
        Page("Go to the developers’ page", "developer:landing"),
    ),
    Way(
        "I want my money back",
        "What is refunded, when, and how to ask for it.",
        Page("Read the refund policy", "legal:document", "refunds"),
    ),
    Way(
        "I want to see what I agreed to",
        "Every version of every contract stays at its address, with what changed and why.",
        Page("Open the contracts and policies", "legal:index"),
    ),
    Way(
        "I have an account with you",
        "Sign in with your email address: by password, by a code that we send, or with a passkey.",
        Page("Sign in", "account_login"),
    ),
]


def home() -> dict[str, Any]:
    """What the home page links to."""
    return {
        "build_links": links([Page("Compare the packages", "legal:pricing", fragment="builds")]),
        "plan_links": links([Page("Compare the plans", "legal:pricing", fragment="plans")]),
        "api_links": links([Page("Visit the developers’ page", "developer:landing")]),
        "ways": ways(),
    }


def ways() -> list[tuple[Way, Link]]:
    """Those ways that lead somewhere."""
    return [(way, link) for way in WAYS for link in links([way.page])]


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
