"""Pipeline stages, tried on a line.

Sources: Loki v1.6.1 `pkg/logentry/stages` (Apache-2.0: docker and cri are pipelines of json, regex, labels,
timestamp and output); Promtail's documentation of stages, 3.x; the CRI stage joins partial lines from 2.6.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from replank.inventory.log_agents.agent import Place
from replank.inventory.log_agents.decoding import json_content
from replank.inventory.log_agents.expression import compiled
from replank.inventory.log_agents.loki.selector import selector
from replank.inventory.log_agents.probes import Content, Decode
from replank.inventory.log_agents.refusals import unreadable

DECIDING: Final = ("docker", "cri")
_CRI = re.compile(r"(?s)^(?P<time>\S+?) (?P<stream>stdout|stderr) (?P<flags>\S+?) (?P<content>.*)$")
_INDIFFERENT: Final = frozenset(
    (
        *("labels", "labeldrop", "labelallow", "label_drop", "label_keep", "static_labels", "timestamp"),
        *("metrics", "tenant", "drop", "limit", "pack", "logfmt", "multiline", "decolorize", "sampling"),
        *(
            "structured_metadata",
            "structured_metadata_drop",
            "geoip",
            "eventlogmessage",
            "non_indexed_labels",
        ),
        *("luhn", "truncate", "pattern", "windowsevent"),
    )
)
"""Stages that take nothing out of a line: they label, count, drop or look at it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """One stage. `settings`: its scalars and mappings. `stages`: those inside of a match."""

    kind: str
    place: Place
    settings: Mapping[str, Any] = field(default_factory=dict)
    stages: tuple[Stage, ...] = ()


@dataclass(slots=True)
class _Entry:
    line: str
    labels: dict[str, str]
    extracted: dict[str, str]
    tagged: bool = False


def decoder(stages: Sequence[Stage], runtime_labels: Sequence[str]) -> Decode:
    """A decoder of these stages. `runtime_labels`: labels that relabelling fills with the container's
    runtime.

    Raises `Refused` RP483 or RP484 (also when it is used): a stage that decides and cannot be followed.
    """

    def decode(line: str) -> Content | None:
        runtime = "docker" if line.startswith("{") else "containerd"
        labels = {"filename": "/var/log/pods/a/b/0.log", **dict.fromkeys(runtime_labels, runtime)}
        entry = _Entry(line=line, labels=labels, extracted={})
        _run(stages, entry)
        return Content(text=entry.line, tagged=entry.tagged)

    return decode


def holds(stages: Sequence[Stage], kind: str) -> bool:
    """Whether a stage of that kind stands anywhere in the pipeline."""
    return any(stage.kind == kind or holds(stage.stages, kind) for stage in stages)


def says(stages: Sequence[Stage]) -> tuple[str, ...]:
    """The stages by name, for people."""
    found: list[str] = []
    for stage in stages:
        found.append(stage.kind)
        if stage.kind == "match":
            found[-1] = f"match {stage.settings.get('selector', '')}"
            found += [f"  {inner}" for inner in says(stage.stages)]
    return tuple(found)


def _run(stages: Sequence[Stage], entry: _Entry) -> None:
    for stage in stages:
        _STAGES.get(stage.kind, _other)(stage, entry)


def _docker(_: Stage, entry: _Entry) -> None:
    found = json_content(entry.line)
    if found is not None:
        entry.line = found.text
        entry.labels["stream"] = "stdout"


def _cri(_: Stage, entry: _Entry) -> None:
    found = _CRI.search(entry.line)
    if found is not None:
        entry.line, entry.tagged = found["content"], True
        entry.labels["stream"] = found["stream"]
        entry.extracted |= {name: value for name, value in found.groupdict().items() if value is not None}


def _json(stage: Stage, entry: _Entry) -> None:
    source = str(stage.settings.get("source") or "")
    text = entry.extracted.get(source) if source else entry.line
    try:
        found = json.loads(text or "")
    except ValueError:
        return
    if not isinstance(found, dict):
        return
    for name, path in _mapping(stage.settings.get("expressions")).items():
        value = found.get(str(path or name).strip('"'))
        if value is not None:
            entry.extracted[name] = value if isinstance(value, str) else json.dumps(value)


def _regex(stage: Stage, entry: _Entry) -> None:
    source = str(stage.settings.get("source") or "")
    text = entry.extracted.get(source) if source else entry.line
    found = (
        compiled(str(stage.settings.get("expression", ""))).search(text or "") if text is not None else None
    )
    if found is not None:
        groups = {name: value or "" for name, value in found.groupdict().items()}
        entry.extracted |= groups
        entry.tagged = entry.tagged or any(value in ("P", "F") for value in groups.values())


def _output(stage: Stage, entry: _Entry) -> None:
    entry.line = entry.extracted.get(str(stage.settings.get("source", "")), entry.line)


def _labels(stage: Stage, entry: _Entry) -> None:
    values = stage.settings.get("values", stage.settings)
    for name, source in _mapping(values).items():
        if (value := entry.extracted.get(str(source or name))) is not None:
            entry.labels[name] = value


def _match(stage: Stage, entry: _Entry) -> None:
    wanted = selector(str(stage.settings.get("selector", "")))
    unknown = wanted.unknown_labels(entry.labels)
    if unknown and "stream" not in unknown:
        if any(holds(stage.stages, kind) for kind in DECIDING):
            raise unreadable("RP484", f"the format depends on the label `{unknown[0]}`", str(stage.place))
        return
    if wanted.holds(entry.labels, entry.line) and stage.settings.get("action", "keep") != "drop":
        _run(stage.stages, entry)


def _other(stage: Stage, entry: _Entry) -> None:
    if stage.kind in _INDIFFERENT:
        return
    if stage.kind in ("template", "replace") and stage.settings.get("source"):
        # Extracted values only; what they would be is not needed but where the line is made of one.
        entry.extracted.pop(str(stage.settings["source"]), None)
        return
    raise unreadable("RP484", f"the stage `{stage.kind}` changes lines or is not known", str(stage.place))


_STAGES = {
    "docker": _docker,
    "cri": _cri,
    "json": _json,
    "regex": _regex,
    "output": _output,
    "labels": _labels,
    "match": _match,
}


def _mapping(value: object) -> dict[str, Any]:
    return {str(key): found for key, found in value.items()} if isinstance(value, Mapping) else {}
