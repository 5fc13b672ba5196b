"""Lines that a configuration is tried on. What becomes of them is the fact that judgements are made of."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from replank.inventory.log_agents.agent import Format


@dataclass(frozen=True, slots=True, kw_only=True)
class Probe:
    """A line of a log file, and the content that must come out. Docker's content has its final newline."""

    name: str
    format: Format
    line: str
    content: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """What a configuration makes of a line: the text, the record's field it stands in ("" = the line
    itself), and whether the P/F tag is still there for whoever joins partial lines."""

    text: str
    field: str = ""
    tagged: bool = False


Decode = Callable[[str], Content | None]
"""Tries a line; None: it is not read. Raises `Refused` RP48x where that cannot be told."""

_DOCKER = '{{"log":{},"stream":"stdout","time":"2026-05-01T10:00:00.123456789Z"}}'
_NESTED = "2026-05-01T10:00:01.5Z stderr F nested"

PROBES: Final = (
    Probe(name="docker", format="docker", line=_DOCKER.format(r'"hello\n"'), content="hello\n"),
    Probe(name="docker-empty", format="docker", line=_DOCKER.format(r'"\n"'), content="\n"),
    Probe(
        name="docker-like-cri",
        format="docker",
        line=_DOCKER.format(f'"{_NESTED}\\n"'),
        content=f"{_NESTED}\n",
    ),
    Probe(
        name="docker-json",
        format="docker",
        line=_DOCKER.format(r'"{\"log\":\"x\"}\n"'),
        content='{"log":"x"}\n',
    ),
    Probe(name="cri", format="cri", line="2026-05-01T10:00:00.123456789Z stdout F hello", content="hello"),
    Probe(
        name="cri-stderr", format="cri", line="2026-05-01T10:00:00.123456789Z stderr F hello", content="hello"
    ),
    Probe(
        name="cri-offset",
        format="cri",
        line="2026-05-01T12:00:00.123456789+02:00 stdout F hello",
        content="hello",
    ),
    Probe(name="cri-empty", format="cri", line="2026-05-01T10:00:00.123456789Z stdout F ", content=""),
    Probe(
        name="cri-partial", format="cri", line="2026-05-01T10:00:00.123456789Z stdout P hel", content="hel"
    ),
    Probe(
        name="cri-json",
        format="cri",
        line='2026-05-01T10:00:00.123456789Z stdout F {"log":"x"}',
        content='{"log":"x"}',
    ),
)


def understood(decode: Decode) -> tuple[str, ...]:
    """Names of the probes whose content comes out right, in the order of `PROBES`."""
    return tuple(probe.name for probe in PROBES if _right(probe, decode(probe.line)))


def fields(decode: Decode) -> dict[str, str]:
    """For each format that is read the field its content stands in."""
    found: dict[str, str] = {}
    for probe in PROBES:
        content = decode(probe.line)
        if _right(probe, content) and content is not None:
            found.setdefault(probe.format, content.field)
    return found


def keeps_tag(decode: Decode) -> bool:
    """Whether a partial CRI line can still be told from a full one."""
    content = decode(next(probe.line for probe in PROBES if probe.name == "cri-partial"))
    return content is not None and content.tagged


def _right(probe: Probe, content: Content | None) -> bool:
    """Some agents take Docker's final newline away."""
    if content is None:
        return False
    wanted = probe.content
    return content.text == wanted or (probe.format == "docker" and content.text == wanted.removesuffix("\n"))
