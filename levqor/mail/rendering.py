"""Turning a mail's three templates into the subject, text and HTML that are frozen in its row."""

import re
import unicodedata
from dataclasses import dataclass
from typing import Any

import css_inline
from django.conf import settings
from django.template.loader import render_to_string

SUBJECT_LIMIT = 150
NAME_LIMIT = 80
# What mail programs make a link of, or a telephone number, in a name that somebody typed at a checkout.
LINK_IN_NAME = re.compile(
    r"[@\\]|://|www\.|[^\W_][.。．｡][^\W\d_]{2,}|\d+\.\d+\.\d+\.\d+|\d(?:[\s().\-/+]*\d){6,}", re.IGNORECASE
)
_INLINER = css_inline.CSSInliner(keep_style_tags=True, keep_at_rules=True, load_remote_stylesheets=False)


@dataclass(frozen=True)
class RenderedMail:
    subject: str
    text: str
    html: str


def render(name: str, context: dict[str, Any]) -> RenderedMail:
    """Renders `templates/emails/<name>/{subject.txt,body.txt,body.html}`; raises TemplateDoesNotExist for a wrong name."""
    everything = {"site_url": settings.SITE_URL, "support_email": settings.SUPPORT_EMAIL, **context}
    subject = render_to_string(f"emails/{name}/subject.txt", everything)
    text = render_to_string(f"emails/{name}/body.txt", everything)
    html = render_to_string(f"emails/{name}/body.html", everything | {"subject": one_line(subject)})
    return RenderedMail(one_line(subject), _tidy(text), _INLINER.inline(_clean(html)))


def one_line(text: str, limit: int = SUBJECT_LIMIT) -> str:
    """The text without control characters, on one line: a line break in a subject would add headers to the mail."""
    flat = " ".join(re.sub(r"[\x00-\x1f\x7f\u2028\u2029]+", " ", text).split())
    return flat if len(flat) <= limit else flat[: limit - 1] + "…"


def name_in_mail(name: str) -> str:
    """The name as a mail may greet by it; empty where it carries a link or a message of its own, so that nobody has us
    deliver one: names are typed by strangers."""
    flat = " ".join(_clean(unicodedata.normalize("NFC", name)).split())
    is_plain = flat == name.strip() and len(flat) <= NAME_LIMIT
    return flat if is_plain and not LINK_IN_NAME.search(unicodedata.normalize("NFKC", flat)) else ""


def _tidy(text: str) -> str:
    """At most one empty line in a row, as template tags leave several."""
    return re.sub(r"\n{3,}", "\n\n", _clean(text).strip()) + "\n"


def _clean(text: str) -> str:
    """Without control characters but tab and line feed: no mail program shows them, and PostgreSQL takes no NUL."""
    return re.sub(r"[\x00-\x08\x0b-\x1f\x7f]", "", text)
