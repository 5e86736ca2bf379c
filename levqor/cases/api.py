"""Taking a case in from a program: the fields of its body go through the page's own form."""

from collections.abc import Callable
from datetime import datetime
from typing import Any, Protocol

from django import forms
from django.db import models
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from ninja import Status

from levqor.cases.intake import Sender, sender_of
from levqor.cases.models import Source
from levqor.lib.api import CamelSchema, form_problem


class PointedForm(Protocol):
    """A form whose fields say under which name a body gives them."""

    POINTERS: dict[str, str]

    def __call__(self, data: dict[str, Any]) -> forms.Form: ...


def answer_intake[R: models.Model](
    request: HttpRequest,
    body: CamelSchema,
    form_class: PointedForm,
    file: Callable[[dict[str, Any], Sender, datetime], tuple[R, bool]],
    answer: Callable[[R], dict[str, Any]],
) -> HttpResponse | Status[dict[str, Any]]:
    """201 with the new row, 200 with the one that said the same before, or 422 with what is wrong at which field."""
    said_in = body.model_dump(by_alias=True)
    form = form_class({ours: said_in[theirs] for ours, theirs in form_class.POINTERS.items()})
    if not form.is_valid():
        return form_problem(request, form, form_class.POINTERS)
    said = form.cleaned_data
    sender = sender_of(
        request, source=Source.API, full_name=said["full_name"], email=said["email"], account_name=said["account"]
    )
    row, is_new = file(said, sender, timezone.now())
    return Status(201 if is_new else 200, answer(row))
