"""The long texts behind the codes: one Markdown file a code in `audit/texts/`.

A text starts with `# RPnnn Title`, then `Severity: error|blocker|risk|note` and `Source: ...` lines, a blank
line, and paragraphs that say what the code means, what would happen, and what to do.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib.resources import files


@dataclass(frozen=True, slots=True)
class CodeText:
    """The text of one code. `severity` is `error` for codes of errors (RP0xx)."""

    code: str
    title: str
    severity: str
    source: str
    body: str


def parse_text(text: str) -> CodeText:
    """Parses one file of `audit/texts/`. Raises ValueError with what is wrong in it."""
    head, _, body = text.partition("\n\n")
    lines = head.splitlines()
    if not lines or not lines[0].startswith("# RP"):
        raise ValueError("the first line must be `# RPnnn Title`")
    code, _, title = lines[0].removeprefix("# ").partition(" ")
    fields = dict(line.split(": ", 1) for line in lines[1:] if ": " in line)
    if missing := [name for name in ("Severity", "Source") if name not in fields]:
        raise ValueError(f"{code}: no line {missing[0]!r}")
    return CodeText(
        code=code, title=title, severity=fields["Severity"], source=fields["Source"], body=body.strip()
    )


@cache
def catalogue() -> dict[str, CodeText]:
    """All codes that have a text, by code."""
    texts = (
        parse_text(entry.read_text(encoding="utf-8"))
        for entry in files("replank.audit").joinpath("texts").iterdir()
        if entry.name.endswith(".md")
    )
    return {text.code: text for text in sorted(texts, key=lambda text: text.code)}
