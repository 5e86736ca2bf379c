"""A start with nonsense in the environment stops with an error that names it, and shows no secret."""

import runpy
from pathlib import Path
from typing import Any

import environ
import pytest
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

PRODUCTION = {"SECRET_KEY": "k" * 50, "SITE_URL": "https://app.example.com", "DATABASE_URL": "postgres://db/levqor"}
# Read by the processes and the scripts, not by the settings.
OF_THE_PROCESSES = {"HOST", "PORT", "WEB_CONCURRENCY"}


@pytest.fixture
def load(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Loads the settings anew with this environment and nothing else, no `.env` either."""
    monkeypatch.setattr(environ.Env, "read_env", lambda *args, **kwargs: None)

    def load(**values: str) -> dict[str, Any]:
        for name in names_in_the_example():
            monkeypatch.delenv(name, raising=False)
        for name, value in values.items():
            monkeypatch.setenv(name, value)
        return runpy.run_path(str(settings.BASE_DIR / "levqor" / "settings.py"))

    return load


def names_in_the_example() -> set[str]:
    lines = (settings.BASE_DIR / ".env.example").read_text().splitlines()
    return {line.partition("=")[0] for line in lines if line and not line.startswith("#")}


NONSENSE = [
    ("DEBUG", "maybe"), ("DEBUG", "2"), ("SITE_URL", "app.example.com"), ("SITE_URL", "https://app.example.com/levqor"),
    ("SITE_URL", "ftp://app.example.com"), ("SITE_URL", "https://app example.com"), ("SITE_URL", "https://"),
    ("SITE_URL", "https://app.example.com?a=b"), ("SITE_URL", "https://ada:geheim@app.example.com"),
    ("SITE_URL", "https://bücher.example"), ("CSRF_TRUSTED_ORIGINS", "https://app.example.com/levqor"),
    ("NEXT_PUBLIC_API_URL", "/api"), ("ALLOWED_HOSTS", "https://app.example.com"), ("ALLOWED_HOSTS", "a.com,b.com:80"),
    ("ALLOWED_HOSTS", "*"), ("CSRF_TRUSTED_ORIGINS", "app.example.com"), ("TRUSTED_PROXIES", "-1"),
    ("TRUSTED_PROXIES", "one"), ("TRUSTED_PROXIES", "1.5"), ("TRUSTED_PROXIES", "١"),
    ("DATABASE_URL", "levqor.db"), ("DATABASE_URL", "postgres://host"), ("DATABASE_URL", "mysql://host/levqor"),
    ("DATABASE_URL", "postgres://user:pa#ss@host/levqor"), ("DATABASE_URL", "postgres://host:port/levqor"),
    ("DATABASE_URL", "sqlite://levqor.db"), ("REDIS_URL", "localhost:6379"), ("REDIS_URL", "http://localhost"),
    ("REDIS_URL", "redis://"), ("REDIS_URL", "redis://host:x/0"), ("STRIPE_SECRET_KEY", "pk_test_123456"),
    ("STRIPE_SECRET_KEY", "sk_123"), ("STRIPE_API_BASE", "api.stripe.com"), ("RESEND_API_URL", "resend"),
    ("RESEND_API_KEY", "re key"), ("RESEND_SIGNING_SECRET", "whsec_not base64"), ("FROM_EMAIL", "Levqor"),
    ("FROM_EMAIL", "Levqor <billing@levqor.ai>\nBcc: eve@example.com"), ("SUPPORT_EMAIL", "support"),
    ("COMPLAINTS_EMAIL", "a b@example.com"), ("SECURITY_EMAIL", "@"), ("DUNNING_ENABLED", "nope"),
    ("DUNNING_SUSPEND_AFTER_HOURS", "-3"), ("BILLING_PORTAL_URL", "billing"), ("CASE_LIMIT_PER_NETWORK", "many"),
    ("CASE_LIMIT_PER_EMAIL", "-1"), ("LOG_FORMAT", "xml"), ("SENTRY_DSN", "nonsense"),
    ("REDIS_URL", "redis://host/one"), ("REDIS_URL", "redis://host/-1"), ("DUNNING_SUSPEND_AFTER_HOURS", "999999999"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "value"), NONSENSE)
def test_nonsense_stops_the_start_and_is_named(load: Any, name: str, value: str) -> None:
    with pytest.raises(ImproperlyConfigured, match=name):
        load(**PRODUCTION | {name: value})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DATABASE_URL", "postgres://user:geheim#1@host/levqor"),
        ("REDIS_URL", "redis:/geheim@host"),
        ("STRIPE_SECRET_KEY", "geheim"),
        ("RESEND_SIGNING_SECRET", "geheim geheim"),
        ("SENTRY_DSN", "https://geheim"),
    ],
)
def test_an_error_shows_no_secret(load: Any, name: str, value: str) -> None:
    with pytest.raises(ImproperlyConfigured) as error:
        load(**PRODUCTION | {name: value})

    assert "geheim" not in str(error.value)


@pytest.mark.parametrize("value", ["", "   "])
def test_with_debug_off_the_key_is_required(load: Any, value: str) -> None:
    with pytest.raises(ImproperlyConfigured, match="SECRET_KEY"):
        load(SECRET_KEY=value)


def test_a_laptop_needs_nothing() -> None:
    assert settings.SECRET_KEY


def test_production_starts_with_what_it_must_have(load: Any) -> None:
    loaded = load(**PRODUCTION)

    assert (loaded["DEBUG"], loaded["HTTPS"], loaded["SITE_HOST"]) == (False, True, "app.example.com")
    assert "app.example.com" in loaded["ALLOWED_HOSTS"]
    assert loaded["SESSION_COOKIE_NAME"] == "__Host-session"
    assert "Argon2" in loaded["PASSWORD_HASHERS"][0]


@pytest.mark.parametrize(("value", "is_on"), [("true", True), ("1", True), ("Yes", True), ("off", False), ("0", False)])
def test_a_flag_is_written_in_several_ways(load: Any, value: str, is_on: bool) -> None:
    assert load(**PRODUCTION, DUNNING_ENABLED=value)["DUNNING_ENABLED"] is is_on


def test_an_empty_value_is_a_missing_one(load: Any) -> None:
    loaded = load(**PRODUCTION, DUNNING_ENABLED="", REDIS_URL="", CASE_LIMIT_PER_EMAIL=" ", STRIPE_WEBHOOK_SECRET="")

    assert (loaded["DUNNING_ENABLED"], loaded["REDIS_URL"], loaded["CASE_LIMIT_PER_EMAIL"]) == (True, "", 3)
    assert loaded["STRIPE_WEBHOOK_SECRETS"] == []


def test_lists_bear_blanks(load: Any) -> None:
    loaded = load(
        **PRODUCTION, ALLOWED_HOSTS=" a.example.com , .b.example.com,", STRIPE_WEBHOOK_SECRET="whsec_a, whsec_b"
    )

    assert loaded["ALLOWED_HOSTS"] == ["a.example.com", ".b.example.com"]
    assert loaded["STRIPE_WEBHOOK_SECRETS"] == ["whsec_a", "whsec_b"]


@pytest.mark.parametrize(
    ("url", "wanted"),
    [
        ("postgres://root@127.0.0.1:5432/lv", {"USER": "root", "PASSWORD": "", "PORT": 5432, "NAME": "lv"}),
        ("postgres://u:p%23ss%40word@db/lv", {"PASSWORD": "p#ss@word", "HOST": "db"}),
        ("postgresql://u:a+b$c@db/lv", {"PASSWORD": "a+b$c"}),
        ("sqlite:////tmp/levqor.db", {"NAME": "/tmp/levqor.db"}),
    ],
)
def test_an_address_of_the_database_is_read_as_it_is_meant(load: Any, url: str, wanted: dict[str, object]) -> None:
    database = load(**PRODUCTION | {"DATABASE_URL": url})["DATABASES"]["default"]

    assert {name: database[name] for name in wanted} == wanted


def test_the_address_of_the_database_may_ask_for_tls(load: Any) -> None:
    loaded = load(**PRODUCTION | {"DATABASE_URL": "postgres://db/lv?sslmode=require"})

    assert loaded["DATABASES"]["default"]["OPTIONS"]["sslmode"] == "require"
    assert "pool" in loaded["DATABASES"]["default"]["OPTIONS"]


def test_a_key_that_begins_with_a_dollar_is_taken_as_it_is(load: Any) -> None:
    key = "$" + "k" * 60

    assert load(**PRODUCTION | {"SECRET_KEY": key})["SECRET_KEY"] == key


def test_the_mark_that_windows_puts_before_a_text_is_no_part_of_a_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read_env, file = environ.Env.read_env, tmp_path / ".env"
    file.write_bytes(b"\xef\xbb\xbfCOMPANY_NAME=Ours Ltd\r\n")
    monkeypatch.setattr(environ.Env, "read_env", lambda path, **options: read_env(file, overwrite=True, **options))
    monkeypatch.setenv("COMPANY_NAME", "")

    loaded = runpy.run_path(str(settings.BASE_DIR / "levqor" / "settings.py"))

    assert loaded["COMPANY_NAME"] == "Ours Ltd"


def test_every_name_that_is_read_is_documented_and_the_other_way_round(load: Any) -> None:
    read = load(**PRODUCTION, RESEND_API_KEY="re_1")["env"].names

    assert names_in_the_example() - OF_THE_PROCESSES == read


def test_the_examples_own_values_start(load: Any) -> None:
    lines = (settings.BASE_DIR / ".env.example").read_text().splitlines()
    example = dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))

    assert load(**example | {"SECRET_KEY": "k" * 50})["SITE_URL"] == "http://localhost:8000"
