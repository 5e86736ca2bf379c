"""One template draws every form: label, hint, error and control belong together for whoever cannot see them."""

import pytest
from django import forms
from django.template.loader import render_to_string

from testing.html import Document


class SampleForm(forms.Form):
    email = forms.EmailField(help_text="We answer to this address.")
    note = forms.CharField(required=False, widget=forms.Textarea)
    kind = forms.ChoiceField(choices=[("a", "One"), ("b", "Two")], widget=forms.RadioSelect)
    agreed = forms.BooleanField(label="I agree")
    token = forms.CharField(widget=forms.HiddenInput, required=False)


def drawn(data: dict[str, str] | None = None) -> Document:
    return Document(str(SampleForm(data)))


def test_every_control_has_its_label() -> None:
    page = drawn()

    labels = {label.get("for") for label in page.all("label")}
    controls = {e.get("id") for e in page.all("input", "textarea") if e.get("type") != "hidden"}
    assert controls <= labels


def test_an_optional_field_says_so() -> None:
    assert drawn().one("label", **{"for": "id_note"}).text == "Note (optional)"


def test_choices_are_a_group_with_a_legend() -> None:
    assert drawn().one("legend").text == "Kind"


def test_a_control_is_described_by_its_hint_and_its_error() -> None:
    page = drawn({"email": "nobody"})

    described_by = page.one("input", name="email").get("aria-describedby").split()
    assert described_by == ["id_email_helptext", "id_email_error"]
    assert page.one("p", id="id_email_error").text == "Error: Enter a valid email address."
    assert page.one("input", name="email").get("aria-invalid") == "true"


def test_the_summary_leads_to_every_field_at_fault() -> None:
    form = SampleForm({"email": "nobody"})
    page = Document(render_to_string("_error_summary.html", {"form": form}))
    ids = {element.get("id") for element in Document(str(form)).elements}

    targets = [link.get("href").removeprefix("#") for link in page.all("a")]
    assert targets == ["id_email", "id_kind_0", "id_agreed"]
    assert set(targets) <= ids
    assert page.one("div", role="alert").get("tabindex") == "-1"


def test_an_error_of_the_whole_form_is_in_the_summary() -> None:
    form = SampleForm({})
    form.add_error(None, "These two do not fit together.")

    assert "These two do not fit together." in render_to_string("_error_summary.html", {"form": form})


@pytest.mark.parametrize("value", ["<script>alert(1)</script>", '"><img src=x onerror=alert(1)>'])
def test_what_was_typed_comes_back_as_text(value: str) -> None:
    page = drawn({"email": value, "note": value})

    assert list(page.inline_code()) == []
    assert page.all("script", "img") == []


@pytest.mark.parametrize("kind", ["info", "success", "warning", "danger"])
def test_a_notice_is_spoken(kind: str) -> None:
    page = Document(render_to_string("_notice.html", {"kind": kind, "text": "Saved."}))

    assert page.all("div")[0].get("role") == ("alert" if kind == "danger" else "status")


def test_steps_say_where_one_is() -> None:
    page = Document(render_to_string("_steps.html", {"steps": ["Facts", "Check", "Done"], "current": 2}))

    assert [step.text for step in page.all("li")] == ["Facts (done)", "Check", "Done"]
    assert [step.get("aria-current") for step in page.all("li")] == ["", "step", ""]


def test_breadcrumbs_end_at_this_page() -> None:
    page = Document(render_to_string("_breadcrumbs.html", {"breadcrumbs": [("Status", "/status"), ("History", "/h")]}))

    assert [link.get("href") for link in page.all("a")] == ["/", "/status"]
    assert page.one("span", **{"aria-current": "page"}).text == "History"
