"""How fast a delivery is acknowledged: Levqor, the bare view and dj-stripe, in alternating rounds of one run.

Each is one Granian process started by the Procfile's own line, with an empty database of its own on the same server or
disk, opened with the same settings. All get the same kind of events over kept-alive connections.
"""

import json
import statistics
from pathlib import Path

from bench.events import SECRET, Story, requests, tell_story
from bench.side_install import NotInstalledError, install
from bench.sides import MIGRATE, Side, run_rounds, served
from bench.tables import spread, table, verdict

ROUNDS = 30
REQUIREMENTS = Path(__file__).with_name("requirements-djstripe.txt")
PATH = "/api/webhooks/stripe"
DJSTRIPE_PATH = "/webhook/5b3f2a9c-8d41-4c7e-9a60-2f1e7d8c4b05/"


KNOWN = {"STRIPE_WEBHOOK_SECRET": SECRET}
LEVQOR, BARE, NORMAL, CALLBACK = "Levqor", "bare view", "dj-stripe", "dj-stripe, callback"


def own_sides() -> list[Side]:
    return [
        Side(LEVQOR, "levqor.wsgi:application", MIGRATE, PATH, variables=KNOWN),
        Side(BARE, "bench.bare:application", ["-m", "bench.bare"], PATH, variables=KNOWN),
    ]


def djstripe_sides(folder: Path, story: Story) -> list[Side]:
    """dj-stripe twice: as it comes, handling each event in the request, and with a callback that handles nothing."""
    python = install(folder / "djstripe", REQUIREMENTS)
    objects = folder / "objects.json"
    objects.write_text(json.dumps(story.objects))
    common = KNOWN | {"BENCH_STRIPE_OBJECTS": str(objects)}
    return [
        Side(
            name,
            "bench.with_djstripe:application",
            ["-m", "bench.with_djstripe"],
            path=DJSTRIPE_PATH,
            python=python,
            variables=common | {"BENCH_DJSTRIPE_MODE": mode},
        )
        for name, mode in ((NORMAL, "normal"), (CALLBACK, "callback"))
    ]


def measure(kind: str, folder: Path, *, rounds: int = ROUNDS) -> None:
    """Runs all sides on one kind of database and prints the table, and the goals."""
    story, sides = tell_story(), own_sides()
    missing = ""
    try:
        sides += djstripe_sides(folder, story)
    except NotInstalledError as error:
        missing = str(error)
    with served(kind, folder, sides) as clients:
        run_rounds(clients, sides, lambda side, count: requests(story, side.path, count), rounds=rounds)
    _report({side.name: side for side in sides}, missing)


def _report(sides: dict[str, Side], missing: str) -> None:
    ours, bare = sides[LEVQOR], sides[BARE]
    rows = [["", "rate ÷ bare", "p99 ÷ bare", "Levqor's rate ÷ its"]]
    for side in sides.values():
        times_faster = "" if side is ours else spread(ours.rate_against(side))
        rows.append([side.name, spread(side.rate_against(bare)), f"{side.p99 / bare.p99:.2f}", times_faster])
    print(table(rows))
    print(verdict("rate against the bare view", statistics.median(ours.rate_against(bare)), at_least=0.6))
    print(verdict("p99 against the bare view's", ours.p99 / bare.p99, at_most=2))
    if missing:
        print(f"  not run: dj-stripe could not be installed here ({missing})")
    else:
        print(verdict("rate against dj-stripe", statistics.median(ours.rate_against(sides[NORMAL])), at_least=7))
