"""JSON may nest, but not until the process dies of it."""

import json
import time

import pytest

from levqor.lib.bodies import DEEPEST, nests_too_deep


@pytest.mark.parametrize(
    "text",
    [
        "[" * DEEPEST + "]" * DEEPEST,
        json.dumps([[], {}] * 1000),
        json.dumps(["[" * 1000, '{"' * 1000, "\\"]),
        json.dumps({"a": [{"b": ["x", {"c": []}]}] * 500}, indent=2),
    ],
)
def test_width_and_brackets_in_words_are_no_depth(text: str) -> None:
    assert not nests_too_deep(text)


@pytest.mark.parametrize(
    "text",
    [
        "[" * (DEEPEST + 1) + "]" * (DEEPEST + 1),
        '{"a":' * 9000 + "1" + "}" * 9000,
        '[{"a":' * 9000 + "1" + "}]" * 9000,
        "[" * 9000,
        '"' + "[" * 9000 + '"' + "[" * 9000,
    ],
)
def test_depth_is_refused(text: str) -> None:
    assert nests_too_deep(text)


@pytest.mark.parametrize("text", ["[" * 2_500_000, "[" + "[]," * 800_000 + "[]]", '"' + '\\"' * 1_200_000 + "[" * 200])
def test_the_largest_body_is_judged_at_once(text: str) -> None:
    began = time.process_time()
    nests_too_deep(text)

    assert time.process_time() - began < 1
