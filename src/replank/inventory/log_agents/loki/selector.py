"""The selector of a match stage: labels and line filters of LogQL."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from replank.inventory.log_agents.expression import compiled
from replank.inventory.log_agents.refusals import unreadable

_MATCHER = re.compile(r"""\s*(\w+)\s*(=~|!~|!=|=)\s*("(?:[^"\\]|\\.)*"|`[^`]*`)\s*,?""")
_FILTER = re.compile(r"""\s*(\|=|\|~|!=|!~)\s*("(?:[^"\\]|\\.)*"|`[^`]*`)""")


@dataclass(frozen=True, slots=True)
class Matcher:
    """One label's condition."""

    label: str
    operator: str
    value: str

    def holds(self, value: str) -> bool:
        if self.operator in ("=", "!="):
            return (value == self.value) == (self.operator == "=")
        matched = compiled(f"^(?:{self.value})$").search(value) is not None
        return matched == (self.operator == "=~")


@dataclass(frozen=True, slots=True)
class Selector:
    """`{matchers}` and the filters on the line that follow."""

    matchers: tuple[Matcher, ...]
    filters: tuple[tuple[str, str], ...]

    def unknown_labels(self, known: Mapping[str, str]) -> tuple[str, ...]:
        """Labels that are asked for and whose values are not known here."""
        return tuple(matcher.label for matcher in self.matchers if matcher.label not in known)

    def holds(self, labels: Mapping[str, str], line: str) -> bool:
        return all(m.holds(labels.get(m.label, "")) for m in self.matchers) and all(
            _FILTERS[operator](text, line) for operator, text in self.filters
        )


_FILTERS: Mapping[str, Callable[[str, str], bool]] = {
    "|=": lambda text, line: text in line,
    "!=": lambda text, line: text not in line,
    "|~": lambda text, line: compiled(text).search(line) is not None,
    "!~": lambda text, line: compiled(text).search(line) is None,
}


def selector(text: str) -> Selector:
    """Raises `Refused` RP484 for what is more than labels and line filters."""
    whole = re.fullmatch(r"\s*\{((?:[^{}\"`]|\"(?:[^\"\\]|\\.)*\"|`[^`]*`)*)\}(.*)", text, re.DOTALL)
    if whole is None:
        raise unreadable("RP484", "a match stage's selector cannot be read")
    matchers, rest = _all(_MATCHER, whole[1])
    filters, left = _all(_FILTER, whole[2])
    if rest or left:
        raise unreadable("RP484", "a match stage's selector has more than labels and line filters")
    return Selector(
        tuple(Matcher(found[1], found[2], _unquoted(found[3])) for found in matchers),
        tuple((found[1], _unquoted(found[2])) for found in filters),
    )


def _all(pattern: re.Pattern[str], text: str) -> tuple[list[re.Match[str]], str]:
    found, at = [], 0
    while (matched := pattern.match(text, at)) is not None:
        found.append(matched)
        at = matched.end()
    return found, text[at:].strip()


def _unquoted(text: str) -> str:
    if text.startswith("`"):
        return text[1:-1]
    return re.sub(r"\\(.)", lambda m: {"n": "\n", "t": "\t"}.get(m[1], m[1]), text[1:-1])
