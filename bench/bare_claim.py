"""The bare operation: django-ninja validates the claim's schema and one row is inserted. What any such POST costs."""

import json
import os
from datetime import UTC, datetime
from typing import Annotated, Literal

import django
from django.conf import settings
from django.core.validators import validate_email
from django.core.wsgi import get_wsgi_application
from django.db import connection, models
from django.http import HttpRequest
from django.urls import path
from pydantic import AfterValidator, ConfigDict, Field
from pydantic.alias_generators import to_camel

settings.configure(
    ALLOWED_HOSTS=["*"],
    DATABASES={"default": json.loads(os.environ["BENCH_DATABASE"])},
    LOGGING_CONFIG=None,
    MIDDLEWARE=[],
    ROOT_URLCONF=__name__,
    SECRET_KEY=os.environ["SECRET_KEY"],
    USE_TZ=True,
)
django.setup()

# ninja reads the settings as it is imported.
from ninja import NinjaAPI, Schema, Status  # noqa: E402


class Claimed(models.Model):
    full_name = models.CharField(max_length=200)
    email = models.EmailField()
    plan = models.CharField(max_length=20)
    incident_at = models.DateTimeField()
    description = models.TextField()
    account = models.CharField(max_length=200)
    submitted_at = models.DateTimeField()

    class Meta:
        app_label = "bare"


def _is_address(text: str) -> str:
    validate_email(text)
    return text


class ClaimIn(Schema):
    model_config = ConfigDict(extra="forbid", alias_generator=to_camel)

    full_name: str = Field(min_length=1, max_length=200)
    email: Annotated[str, AfterValidator(_is_address), Field(max_length=254)]
    plan: Literal["starter", "growth", "pro", "business"]
    incident_date: datetime
    description: str = Field(min_length=10, max_length=5000)
    account: str | None = Field(None, max_length=200)


class ClaimOut(Schema):
    ok: Literal[True] = True
    reference: str
    status: str
    submitted_at: datetime


api = NinjaAPI(docs_url=None, openapi_url=None)


@api.post("/sla/claim", response={201: ClaimOut})
def submit_claim(request: HttpRequest, body: ClaimIn) -> Status[dict[str, object]]:
    now = datetime.now(UTC)
    claimed = Claimed.objects.create(
        full_name=body.full_name,
        email=body.email,
        plan=body.plan,
        incident_at=body.incident_date,
        description=body.description,
        account=body.account or "",
        submitted_at=now,
    )
    return Status(201, {"reference": str(claimed.pk), "status": "received", "submitted_at": now})


urlpatterns = [path("api/", api.urls)]
application = get_wsgi_application()

if __name__ == "__main__":
    with connection.schema_editor() as editor:
        editor.create_model(Claimed)
