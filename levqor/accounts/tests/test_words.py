"""allauth's pages speak our words: the compiled catalogue is that of the source, and its keys are still allauth's."""

from collections.abc import Sequence
from pathlib import Path

import allauth
import pytest
from babel.messages.mofile import read_mo
from babel.messages.pofile import read_po
from django.test import Client

from testing.html import Document

FOLDER = Path(__file__).parent.parent / "locale/en_GB/LC_MESSAGES"
THEIRS = Path(allauth.__file__).parent / "locale/de/LC_MESSAGES/django.po"


def catalogue(path: Path) -> dict[str, str]:
    """From what allauth says to what we say instead; of a plural its forms together."""
    with path.open("rb") as file:
        messages = read_mo(file) if path.suffix == ".mo" else read_po(file)
    return {forms(message.id)[0]: " | ".join(forms(message.string)) for message in messages if message.id}


def forms(text: str | Sequence[str] | None) -> list[str]:
    return [text] if isinstance(text, str) else list(text or [])


def test_the_compiled_words_are_those_of_the_source() -> None:
    assert catalogue(FOLDER / "django.mo") == catalogue(FOLDER / "django.po"), "Run: make words"


def test_every_sentence_that_we_replace_is_still_one_of_allauths() -> None:
    assert set(catalogue(FOLDER / "django.po")) <= set(catalogue(THEIRS))


@pytest.mark.django_db
def test_a_page_of_allauth_speaks_our_words(client: Client) -> None:
    assert Document(client.get("/accounts/signup/").content.decode()).one("h1").text == "Create an account"
