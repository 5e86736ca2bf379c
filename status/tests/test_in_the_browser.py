"""The status pages in a real browser: no barrier in any state, of use without script, and renewed without disturbing."""

import time
from collections.abc import Callable

import pytest
from django.contrib.auth.models import Permission
from django.utils import timezone
from playwright.sync_api import Page

from levqor.accounts.models import User
from status import watcher
from status.memory import StatusMemory, memory
from status.models import Incident, Subscriber, SubscriberState
from status.subscriber_links import token_of
from status.tests import scenes
from status.tests.make import NOON, component, make_incident
from testing.browser import OpenBrowser, Scheme, Window
from testing.soak import soak_all_but

pytestmark = pytest.mark.proof

SCENES = {
    "calm": (scenes.calm, "All Systems Operational"),
    "slow": (scenes.slow, "Partially Degraded Service"),
    "incident": (scenes.incident, "Partial System Outage"),
    "outage": (scenes.outage, "Major Service Outage"),
    "maintenance": (scenes.maintenance, "Service Under Maintenance"),
    "database down": (scenes.database_down, "Major Service Outage"),
    "stale": (scenes.stale, "Status Unknown"),
    "nothing known": (scenes.nothing_known, "Status Unknown"),
}
# Colours depend on the scheme alone, and the layout on the width alone.
type SetScene = Callable[[scenes.Scene], None]
VIEWS: list[tuple[Scheme, int]] = [("light", 1280), ("dark", 320)]
# The lists of the back office are wider than the narrowest window; a phone of today holds them.
DESK_VIEWS: list[tuple[Scheme, int]] = [("light", 1280), ("dark", 390)]
SCROLLS_SIDEWAYS = "document.documentElement.scrollWidth > innerWidth"


@pytest.fixture
def set_scene(monkeypatch: pytest.MonkeyPatch) -> SetScene:
    """Makes a scene that stays as it is, however long the browser takes: its evidence grows no older."""
    monkeypatch.setattr(watcher, "PAUSE_SECONDS", float("inf"))

    def prepare(scene: scenes.Scene) -> None:
        monkeypatch.setattr(memory, "_sight", StatusMemory._sight.__get__(memory))
        scene(timezone.now())
        sight = memory._sight(time.monotonic())
        monkeypatch.setattr(memory, "_sight", lambda now: sight)

    return prepare


def faults(window: Window) -> list[str]:
    return window.barriers() + (["scrolls sideways"] if window.page.evaluate(SCROLLS_SIDEWAYS) else [])


@pytest.mark.parametrize("scene", SCENES)
def test_no_state_of_the_page_puts_up_a_barrier(open_browser: OpenBrowser, set_scene: SetScene, scene: str) -> None:
    prepare, headline = SCENES[scene]
    set_scene(prepare)

    for scheme, width in VIEWS:
        window = open_browser(scheme=scheme, width=width)
        window.go("/status")
        assert (scene, scheme, width, faults(window)) == (scene, scheme, width, [])
        assert window.page.locator(".banner-text").inner_text() == headline


@pytest.mark.parametrize(("scheme", "width"), VIEWS)
def test_no_page_around_it_puts_up_a_barrier(
    open_browser: OpenBrowser, set_scene: SetScene, scheme: Scheme, width: int
) -> None:
    set_scene(scenes.incident)
    window = open_browser(scheme=scheme, width=width)

    found = {path: (window.go(path), faults(window))[1] for path in pages_around()}

    assert {path: what for path, what in found.items() if what} == {}


def pages_around() -> list[str]:
    """The history, an incident, and every page of a subscriber in each of its states."""
    rows = {
        state: Subscriber.objects.create(email=f"{state}@example.com", state=state, asked_at=timezone.now())
        for state in SubscriberState
    }
    tokens = {state: token_of(row) for state, row in rows.items()}
    of_subscribers = [
        f"/status/subscribe/{page}/{token}" for token in tokens.values() for page in ("confirm", "manage", "end")
    ]
    incident = f"/status/incidents/{Incident.objects.get().public_id}"
    return ["/status/history", incident, "/status/subscribe", "/status/subscribe/asked", *of_subscribers]


# What is drawn in a colour of its own, and on which ground: the contrast of each, as WCAG 2.2 reckons it.
CONTRASTS = """() => {
  const parts = (colour) => { const c = document.createElement("canvas").getContext("2d"); c.fillStyle = colour;
    c.fillRect(0, 0, 1, 1); return [...c.getImageData(0, 0, 1, 1).data]; };
  const light = (colour) => parts(colour).slice(0, 3).map((one) => one / 255)
    .map((one) => one <= 0.04045 ? one / 12.92 : ((one + 0.055) / 1.055) ** 2.4)
    .reduce((sum, one, index) => sum + one * [0.2126, 0.7152, 0.0722][index], 0);
  const isClear = (colour) => parts(colour)[3] === 0;
  const ground = (element) => { for (let at = element; at; at = at.parentElement) {
    const found = getComputedStyle(at).backgroundColor; if (!isClear(found)) return found; } return "white"; };
  const contrast = (one, other) => { const [dark, bright] = [light(one), light(other)].sort((a, b) => a - b);
    return (bright + 0.05) / (dark + 0.05); };
  const found = {};
  const see = (query, colour, onto) => document.querySelectorAll(query).forEach((element) => {
    const name = `${query}${element.className.baseVal ?? ""}`, ratio = contrast(colour(element), ground(onto(element)));
    found[name] = Math.min(found[name] ?? 99, ratio); });
  see(".banner-text", (one) => getComputedStyle(one).color, (one) => one);
  see(".state", (one) => getComputedStyle(one).color, (one) => one);
  see(".sign", (one) => getComputedStyle(one).backgroundColor, (one) => one.parentElement);
  see(".days g", (one) => getComputedStyle(one).fill, (one) => one.closest("svg").parentElement);
  return found; }"""
NEEDED = {".banner-text": 4.5, ".state": 4.5, ".sign": 3}
# Days without data are drawn as the absence that they are; in words they are told like the others.
FAINT = ".days gday-none"


def too_faint(page: Page) -> dict[str, float]:
    found: dict[str, float] = page.evaluate(CONTRASTS)
    assert {".banner-text", ".state", ".sign", ".days gday-critical"} <= set(found)
    return {what: ratio for what, ratio in found.items() if what != FAINT and ratio < NEEDED.get(what, 3)}


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_forced_colours_hide_nothing(open_browser: OpenBrowser, set_scene: SetScene, scheme: Scheme) -> None:
    set_scene(scenes.outage_of_an_hour)
    window = open_browser(scheme=scheme, width=320)
    window.page.emulate_media(forced_colors="active", color_scheme=scheme)
    page = window.go("/status")

    assert page.evaluate("matchMedia('(forced-colors: active)').matches")
    assert too_faint(page) == {}
    assert page.locator(".status-banner").evaluate("one => getComputedStyle(one).borderTopStyle") == "solid"
    assert not page.evaluate(SCROLLS_SIDEWAYS)


def test_paper_says_what_the_screen_does(open_browser: OpenBrowser, set_scene: SetScene) -> None:
    """Printers leave grounds out: the banner must not be white on white."""
    set_scene(scenes.outage_of_an_hour)
    window = open_browser(scheme="dark")
    window.page.emulate_media(media="print")
    page = window.go("/status")

    grounds = page.evaluate(
        "['.status-banner', 'body'].map(one => getComputedStyle(document.querySelector(one)))"
        ".map(one => one.backgroundColor)"
    )
    assert grounds[0] == "rgba(0, 0, 0, 0)"
    assert too_faint(page) == {}


def test_without_script_it_says_the_same(open_browser: OpenBrowser, set_scene: SetScene) -> None:
    set_scene(scenes.incident)
    with_script, without = open_browser().go("/status"), open_browser(script=False).go("/status")

    texts = [page.locator("main").inner_text() for page in (with_script, without)]

    assert texts[0] == texts[1]
    without.get_by_text("How uptime is computed").click()
    assert "Figures are rounded down" in without.locator("main").inner_text()


def test_it_renews_itself_and_disturbs_nobody(open_browser: OpenBrowser, set_scene: SetScene) -> None:
    set_scene(scenes.calm)
    page = open_browser(height=500).page
    page.clock.install()
    page.goto(open_browser().base + "/status")
    page.get_by_text("How uptime is computed").click()
    page.get_by_role("link", name="The whole history").focus()
    before = page.evaluate("scrollY")

    set_scene(scenes.outage)
    page.clock.fast_forward(31_000)
    page.get_by_text("Major Service Outage").first.wait_for()

    assert page.title() == "Status: Major Service Outage – Levqor"
    assert page.locator("#status-news").inner_text() == "Major Service Outage"
    assert page.locator(".footer-status .status-word").inner_text() == "Major Service Outage"
    assert page.locator("details.rule").evaluate("one => one.open")
    assert page.locator(":focus").inner_text() == "The whole history"
    assert (before > 0, page.evaluate("scrollY")) == (True, before)


def test_without_an_answer_it_leaves_green_by_itself(open_browser: OpenBrowser, set_scene: SetScene) -> None:
    set_scene(scenes.calm)
    window = open_browser()
    page = window.page
    page.clock.install()
    window.go("/status")
    page.route("**/status", lambda route: route.abort())

    for _ in range(4):
        page.clock.fast_forward(31_000)
    page.get_by_text("could not be renewed").first.wait_for()
    blind = page.locator(".banner-text").inner_text(), page.locator(".footer-status .status-word").inner_text()
    assert faults(window) == []
    page.unroute("**/status")
    page.clock.fast_forward(31_000)
    page.get_by_text("All Systems Operational").first.wait_for()

    assert blind == ("Status Unknown", "Status Unknown")
    window.complaints.clear()  # the browser minds the request that was cut, which is what this test is about


def test_a_selection_is_left_alone(open_browser: OpenBrowser, set_scene: SetScene) -> None:
    set_scene(scenes.calm)
    page = open_browser().page
    page.clock.install()
    page.goto(open_browser().base + "/status")
    page.evaluate("getSelection().selectAllChildren(document.querySelector('#components'))")

    set_scene(scenes.outage)
    page.clock.fast_forward(31_000)

    assert page.evaluate("getSelection().toString()") == "Components"
    assert page.locator(".banner-text").inner_text() == "All Systems Operational"


# The back office


@pytest.fixture
def support(transactional_db: None) -> User:
    user = User.objects.create_user("ann@levqor.test", "a long enough passphrase", is_staff=True)
    rights = Permission.objects.filter(content_type__app_label__in=["status", "hooks"])
    user.user_permissions.set(rights)
    return user


def test_an_incident_is_opened_with_a_preview_in_few_presses(open_browser: OpenBrowser, support: User) -> None:
    api = component("api").name
    window = open_browser(support)
    page = window.go("/admin/status/incident/")
    window.click("Open an incident")
    page.get_by_label("Title").fill("Slow answers")
    page.get_by_label("What do we tell?").fill("Requests are slow. We are looking, and write again by noon.")
    page.get_by_label(f"{api}:", exact=True).select_option("partial_outage")

    window.click("Preview")
    assert "[Investigating] Slow answers" in window.text
    assert not Incident.objects.exists()
    window.click("Publish")

    assert "is on the page" in window.text
    assert Incident.objects.get().updates.count() == 1
    assert window.clicks == 3


def test_an_update_is_posted_in_one_press(open_browser: OpenBrowser, support: User) -> None:
    incident = make_incident(at=timezone.now())
    window = open_browser(support)
    page = window.go(f"/admin/status/incident/{incident.pk}/change/")
    page.get_by_label("Status").select_option("resolved")
    page.get_by_label("What do we tell?").fill("It is over.")

    window.click("Publish")

    incident.refresh_from_db()
    assert incident.status == "resolved"
    assert window.clicks == 1


@pytest.mark.parametrize(("scheme", "width"), soak_all_but([1], DESK_VIEWS))
def test_no_page_of_the_back_office_puts_up_a_barrier(
    open_browser: OpenBrowser, support: User, scheme: Scheme, width: int
) -> None:
    incident = make_incident(at=timezone.now())
    Subscriber.objects.create(email="ada@example.com", state=SubscriberState.ACTIVE, asked_at=NOON)
    window = open_browser(support, scheme=scheme, width=width)
    lists = [f"/admin/status/{name}/" for name in ("incident", "component", "incidenttemplate", "subscriber")]
    forms = [f"{lists[0]}add/", f"{lists[0]}add/?kind=maintenance", f"{lists[0]}{incident.pk}/change/"]

    paths = [*lists, *forms, "/admin/status/stateinterval/", "/admin/hooks/delivery/", "/admin/hooks/endpoint/"]
    found = {path: (window.go(path), faults(window))[1] for path in paths}

    assert {path: what for path, what in found.items() if what} == {}
