"""Typed readers of the environment. A value that makes no sense stops the start with an error that names it."""

import re
from collections.abc import Collection, Mapping
from email.utils import parseaddr
from typing import Any
from urllib.parse import urlsplit

import environ
from django.core.exceptions import ImproperlyConfigured

TRUE = frozenset({"true", "yes", "on", "1"})
FALSE = frozenset({"false", "no", "off", "0"})
POSTGRES = frozenset({"postgres", "postgresql", "pgsql", "psql"})
HOST = re.compile(r"\.?[a-z0-9._-]+|\[[0-9a-f:.]+\]|\*", re.IGNORECASE)


class Environment:
    """Reads the values of one mapping and remembers under which names, so that a test can hold the documents to them.

    An empty value is a missing one: a container's environment cannot unset a name.
    """

    def __init__(self, values: Mapping[str, str]) -> None:
        self._values = values
        self.names: set[str] = set()

    def text(self, name: str, default: str = "") -> str:
        self.names.add(name)
        return self._values.get(name, "").strip() or default

    def required(self, name: str, *, unless: str = "") -> str:
        """The value, or `unless` (what a laptop does with); where both are empty nothing starts."""
        value = self.text(name, unless)
        if not value:
            raise ImproperlyConfigured(f"Set {name} in the environment: it is required when DEBUG is off.")
        return value

    def flag(self, name: str, *, default: bool) -> bool:
        value = self.text(name).lower()
        if value and value not in TRUE | FALSE:
            raise _nonsense(name, value, "true or false")
        return value in TRUE if value else default

    def number(self, name: str, *, default: int, most: int = 999_999_999) -> int:
        """A whole number from 0."""
        value = self.text(name, str(default))
        if not (value.isascii() and value.isdigit() and len(value) < 10 and int(value) <= most):
            raise _nonsense(name, value, f"a whole number from 0 to {most}")
        return int(value)

    def choice(self, name: str, options: Collection[str], *, default: str) -> str:
        value = self.text(name, default)
        if value not in options:
            raise _nonsense(name, value, " or ".join(options))
        return value

    def items(self, name: str, default: list[str]) -> list[str]:
        """A comma list, without blanks around its items and without empty ones."""
        return [item for raw in self.text(name).split(",") if (item := raw.strip())] or default

    def hosts(self, name: str, default: list[str]) -> list[str]:
        hosts = self.items(name, default)
        for host in hosts:
            if not HOST.fullmatch(host):
                raise _nonsense(name, host, "host names, without scheme, port or path")
        return hosts

    def origins(self, name: str, default: list[str]) -> list[str]:
        return [self._address(name, origin, with_path=False) for origin in self.items(name, default)]

    def address(self, name: str, default: str = "", *, with_path: bool = True) -> str:
        """An http(s) address without a slash at its end; empty where neither it nor a default is there."""
        value = self.text(name, default)
        return self._address(name, value, with_path=with_path) if value else ""

    def email(self, name: str, default: str, *, with_name: bool = False) -> str:
        """An address, such as `support@levqor.ai`; with a name also `Levqor <billing@levqor.ai>`."""
        value = self.text(name, default)
        shown, address = parseaddr(value)
        if not re.fullmatch(r"[^@\s]+@[^@\s]+", address) or (shown and not with_name) or not value.isprintable():
            raise _nonsense(name, value, "an e-mail address")
        return value

    def secret(self, name: str, shape: str = ".+", *, looks_like: str = "") -> str:
        """A secret of this shape, empty where there is none. Its value never stands in an error."""
        value = self.text(name)
        if value and not re.fullmatch(shape, value):
            raise ImproperlyConfigured(f"{name} does not look like one: it takes {looks_like}.")
        return value

    def redis(self, name: str) -> str:
        """A Redis address, empty where there is none; it may hold a password, so no error shows it."""
        value = self.text(name)
        if value and not (re.match(r"rediss?://[^/?#]+(/[0-9]*)?([?#]|$)", value) and _host_of(value)):
            raise ImproperlyConfigured(f"{name} makes no sense: it takes redis://[user:password@]host:6379/0.")
        return value

    def database(self, name: str, default: str) -> dict[str, Any]:
        """Django's settings of the database; the address may hold a password, so no error shows it."""
        value = self.text(name, default)
        parts = urlsplit(value)
        is_known = parts.scheme in POSTGRES or (parts.scheme == "sqlite" and parts.netloc in {"", ":memory:"})
        try:
            # A # in a password that is not encoded ends the address there, and the rest of it is lost.
            database = dict(environ.Env.db_url_config(value)) if is_known and not parts.fragment else {}
        except (ValueError, KeyError, ImproperlyConfigured):
            database = {}
        if not database.get("NAME"):
            hint = "postgres://user:password@host:5432/name (special characters percent-encoded) or sqlite:///file"
            raise ImproperlyConfigured(f"{name} makes no sense: it takes {hint}.")
        return database

    @staticmethod
    def _address(name: str, value: str, *, with_path: bool) -> str:
        value = value.rstrip("/")
        is_web = re.match(r"https?://", value) and _host_of(value) and value.isprintable() and " " not in value
        if not is_web or urlsplit(value).fragment:
            raise _nonsense(name, value, "an address that begins with http:// or https://")
        if not with_path and not re.fullmatch(r"https?://[a-z0-9._*:\[\]-]+", value, re.IGNORECASE):
            raise _nonsense(name, value, "an address of a host, with a port at most, such as https://app.example.com")
        return value


def _host_of(address: str) -> str:
    """The host of the address; empty where it has none, or a port that is no number."""
    try:
        parts = urlsplit(address)
        _ = parts.port
    except ValueError:
        return ""
    return parts.hostname or ""


def _nonsense(name: str, value: str, wanted: str) -> ImproperlyConfigured:
    return ImproperlyConfigured(f"{name} is {value!r}; it takes {wanted}.")
