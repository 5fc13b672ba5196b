"""Diffs of configurations as people see them: lines that may hold secrets are masked, with their blocks."""

from __future__ import annotations

import difflib
import re
from typing import Final

MASK: Final = "***"

_NAMES = re.compile(
    r"(?i)pass(word|wd|phrase)?\b|passw|secret|token|api[-_]?key|access[-_]?key|private|credential|bearer|authori[sz]ation"
    r"|basic[-_]?auth|\bauth\b|user(name)?\b|cloud\.?(id|auth)|license|dsn\b|connection[-_]?string|account|webhook|sasl|hec\b"
    r"|headers?\b|cert|\bpem\b|tenant|client[-_]?id|shared_key|community|login"
)
_VALUES = re.compile(
    r"://[^/\s@]+@|-----BEGIN|\beyJ[\w-]{10,}|\bAKIA[0-9A-Z]{12,}"
    r"|(?<![\w/.-])(?=[A-Za-z0-9+/=_-]*[0-9])(?=[A-Za-z0-9+/=_-]*[A-Za-z])[A-Za-z0-9+=_-]{20,}(?![\w/.-])"
)
_NAME = re.compile(r"^(\s*(?:-\s+)?[\"']?[\w.@/-]+[\"']?\s*[:=]?)")


def unified(before: str, after: str, name: str) -> str:
    """A unified diff with three lines of context; of lines that look like secrets only the names are shown.

    It is for reading: what is applied is computed anew from the live object.
    """
    old, new = masked(before), masked(after)
    return "\n".join(difflib.unified_diff(old, new, f"{name} (now)", f"{name} (then)", lineterm="", n=3))


def masked(text: str) -> list[str]:
    """The lines of a text with everything masked that may be a secret.

    A name that sounds like one masks its value and every deeper line that follows; so does a PEM block to
    its end.
    """
    found: list[str] = []
    deeper: int | None = None
    in_pem = False
    for line in text.splitlines():
        depth = len(line) - len(line.lstrip())
        within = deeper is not None and (
            depth > deeper or (depth == deeper and line.strip().startswith("- "))
        )
        if line.strip() and (in_pem or within):
            found.append(f"{line[:depth]}{MASK}")
        elif _sounds_secret(line):
            deeper = depth
            found.append(_without_value(line))
            in_pem = "-----BEGIN" in line
            continue
        else:
            if line.strip():
                deeper = None
            found.append(_without_value(line) if _VALUES.search(line) else line)
        in_pem = ("-----BEGIN" in line or in_pem) and "-----END" not in line
    return found


def _sounds_secret(line: str) -> bool:
    """By the name on the line; of a comment by all of it: settings are commented out with their values."""
    bare = line.strip()
    if bare.startswith(("#", "//", "<", "[", "@")):
        return _NAMES.search(bare) is not None and re.search(r"[:=\s]\S", bare) is not None
    name = _NAME.match(line)
    if name is None:
        return _NAMES.search(line) is not None
    return _NAMES.search(name[1]) is not None or _NAMES.search(_inner_names(line[name.end() :])) is not None


def _inner_names(value: str) -> str:
    """Names in a mapping that stands on one line: `{user: x, password: y}`."""
    return " ".join(re.findall(r"([\w.-]+)[\"']?\s*[:=](?!/)", value))


def _without_value(line: str) -> str:
    depth = len(line) - len(line.lstrip())
    name = _NAME.match(line)
    if name is None or line.strip().startswith(("#", "//")):
        return f"{line[:depth]}{MASK}"
    return f"{name[1].rstrip()} {MASK}"
