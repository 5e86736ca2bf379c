"""What the command says beside its line of counts."""

import json
from io import StringIO

from django.core.management import call_command

from billing.tests.make import Scene


def run(day: int, scene: Scene) -> tuple[dict[str, object], str]:
    out, err = StringIO(), StringIO()
    call_command("run_dunning_job", now=scene.move_to(day=day, hour=12), stdout=out, stderr=err)
    return json.loads(out.getvalue()), err.getvalue()


def test_it_says_that_nothing_is_due(scene: Scene) -> None:
    scene.fail()

    counts, said = run(0, scene)

    assert (counts["due"], said) == (0, "Nothing is due.\n")


def test_it_says_why_steps_are_held(scene: Scene) -> None:
    scene.fail()
    run(8, scene)

    counts, said = run(9, scene)

    assert (counts["due"], counts["held"]) == (1, 1)
    assert said == "1 held: 48 h after the last mail\n"


def test_it_adds_nothing_to_a_pass_that_sends(scene: Scene) -> None:
    scene.fail()

    counts, said = run(1, scene)

    assert (counts["sent"], said) == (1, "")
