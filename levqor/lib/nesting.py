"""How deep JSON may nest. Python's writer of JSON recurses on the stack of its thread, and no error is raised where that
ends: the process dies. A body of 50 kB, from anybody, would stop a web server."""

import re
from typing import Final

# Stripe's events nest ten deep, our own bodies three.
DEEPEST: Final = 100
_STRINGS = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+"?', re.DOTALL)
_NO_BRACKETS = re.compile(r"[^][{}]++")


def nests_too_deep(text: str) -> bool:
    """True where the text nests deeper than any JSON of ours or Stripe's, or where its brackets do not fit together."""
    if text.count("[") + text.count("{") <= DEEPEST:
        return False
    brackets = _NO_BRACKETS.sub("", _STRINGS.sub("", text))
    for _ in range(DEEPEST):
        # The innermost pairs go, and what was around them is innermost next.
        left = brackets.replace("[]", "").replace("{}", "")
        if not left or left == brackets:
            return bool(left)
        brackets = left
    return True
