"""What a room brings to the back office: it says so in its own `desk.py`, and levqor/desk finds those files as Django
finds `admin.py`. So a room comes or goes without a table elsewhere that names it.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from django.utils import timezone
from django.utils.timesince import timesince

# From the top of the menu down; a group that no room fills is not shown.
MENU_GROUPS: Final = ("Billing", "Cases", "Customers", "Developers", "Status", "Legal", "System")
# Of a kind of hits, and of what waits for a person.
SHOWN: Final = 10


@dataclass(frozen=True)
class Entry:
    """One line of the side menu: its group and words, its model (`billing_paymentfailure`), its icon in Material Symbols."""

    group: str
    title: str
    model: str
    icon: str

    @property
    def permission(self) -> str:
        return "{}.view_{}".format(*self.model.split("_", 1))


@dataclass(frozen=True)
class Figure:
    """A number on the first page, and the list of the rows that it counts."""

    value: object
    label: str
    url: str
    note: str = ""
    is_bad: bool = False


@dataclass(frozen=True)
class Figures:
    """A group of figures, for those who have the permission; `count` asks the database."""

    title: str
    permission: str
    count: Callable[[], list[Figure]]


@dataclass(frozen=True)
class Waiting:
    """A row that a person has to look at."""

    title: str
    why: str
    since: datetime
    url: str


@dataclass(frozen=True)
class Chart:
    """A drawing on the first page: the page that it opens, and the partial template that draws `drawing` as `chart`."""

    title: str
    url: str
    template: str
    drawing: Any


@dataclass(frozen=True)
class Search:
    """What staff typed, and the accounts that it fits: looked up once, since most kinds of rows belong to one."""

    words: str
    account_ids: list[int]


@dataclass(frozen=True)
class Hit:
    title: str
    detail: str
    url: str


@dataclass(frozen=True)
class Finder:
    """One kind of what the search finds, best first; `is_case` where a single hit opens at once although others fit."""

    title: str
    permission: str
    find: Callable[[Search], Iterable[Hit]]
    is_case: bool = False


@dataclass(frozen=True)
class Part:
    """What one room registers. `roles` has for each group of staff the patterns of the room's own permissions."""

    label: str
    menu: tuple[Entry, ...] = ()
    figures: tuple[Figures, ...] = ()
    finders: tuple[Finder, ...] = ()
    roles: dict[str, list[str]] = field(default_factory=dict)
    # For the first page, and for those alone who have `permission`: partial templates of warnings, rows that wait for a
    # person, charts.
    permission: str = ""
    notices: tuple[str, ...] = ()
    waiting: Callable[[], list[Waiting]] | None = None
    charts: Callable[[], list[Chart]] | None = None


_parts: dict[str, Part] = {}


def register(part: Part) -> None:
    """Called once by each room's `desk.py`; a second call for the same label is a mistake of two rooms."""
    if part.label in _parts:
        raise ValueError(f"{part.label} has registered its part of the back office already")
    _parts[part.label] = part


def parts() -> list[Part]:
    """In the order of INSTALLED_APPS, in which Django finds them."""
    return list(_parts.values())


def age_in_words(oldest: datetime | None) -> str:
    """The note of a figure that counts a queue: `oldest: 3 hours`."""
    return f"oldest: {timesince(oldest, timezone.now(), depth=1)}" if oldest else ""
