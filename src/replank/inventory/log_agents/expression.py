"""Regular expressions of log agents (Ruby's Onigmo, Go's RE2), tried with Python's."""

from __future__ import annotations

import re
from functools import lru_cache

from replank.inventory.log_agents.refusals import unreadable

LONGEST = 2000
"""Characters. What agents are configured with is far shorter."""

_INLINE_FLAGS = re.compile(r"\(\?([imsU]+)\)")
_UNLIKE_PYTHON = re.compile(r"\[\[:|\\[pPKRXgGQE]|\(\?~|&&\[|\(\?[a-z]*-[a-z]")


@lru_cache(maxsize=512)
def compiled(expression: str) -> re.Pattern[str]:
    """The expression as a Python pattern, to be searched (neither language anchors by itself).

    Raises `Refused` RP483 where it says something that Python would read in another way, or where it could
    take exponential time: repeats within a repeated group.
    """
    if len(expression) > LONGEST:
        raise unreadable("RP483", f"a regular expression has more than {LONGEST} characters")
    if _UNLIKE_PYTHON.search(expression):
        raise unreadable("RP483", "a regular expression uses what only its own engine knows")
    if _repeats_within_repeats(expression):
        raise unreadable("RP483", "a regular expression has repeats within a repeated group")
    flags = "".join(sorted({flag for found in _INLINE_FLAGS.findall(expression) for flag in found} - {"U"}))
    text = _INLINE_FLAGS.sub("", expression)
    text = re.sub(r"\(\?<([A-Za-z_]\w*)>", r"(?P<\1>", text)
    text = text.replace(r"\h", "[0-9a-fA-F]").replace(r"\z", r"\Z")
    try:
        return re.compile(f"(?{flags}){text}" if flags else text)
    except re.error as error:
        raise unreadable("RP483", f"a regular expression cannot be read: {error.msg}") from error


def _repeats_within_repeats(expression: str) -> bool:
    """Whether a group that is repeated without bound holds an unbounded repeat."""
    open_groups: list[bool] = []
    at, in_class = 0, False
    while at < len(expression):
        character = expression[at]
        if character == "\\":
            at += 2
            continue
        if in_class:
            in_class = character != "]"
        elif character == "[":
            in_class = True
        elif character == "(":
            open_groups.append(False)
        elif character == ")" and open_groups:
            repeats = open_groups.pop()
            if repeats and _unbounded(expression[at + 1 :]):
                return True
            if repeats and open_groups:
                open_groups[-1] = True
        elif _unbounded(expression[at:]) and open_groups:
            open_groups[-1] = True
        at += 1
    return False


def _unbounded(rest: str) -> bool:
    return rest[:1] in ("*", "+") or bool(re.match(r"\{\d*,\}", rest))
