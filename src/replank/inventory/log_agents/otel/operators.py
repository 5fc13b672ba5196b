"""The operators of a filelog receiver, tried on a line.

Source: opentelemetry-collector-contrib v0.149 `pkg/stanza/operator` (Apache-2.0).
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from replank.inventory.log_agents.agent import Format, Place
from replank.inventory.log_agents.expression import compiled
from replank.inventory.log_agents.otel.conditions import holds, store, value_of
from replank.inventory.log_agents.probes import Content, Decode
from replank.inventory.log_agents.refusals import unreadable
from replank.inventory.log_agents.times import layout_reads, strptime_reads

MOST_STEPS = 100
PATH = "/var/log/pods/shop_web-1_11111111-2222-3333-4444-555555555555/web/0.log"
_CRIO = re.compile(r"^(?P<time>[^ Z]+) (?P<stream>stdout|stderr) (?P<logtag>[^ ]*) ?(?P<log>.*)$")
_CONTAINERD = re.compile(r"^(?P<time>[^ ^Z]+Z) (?P<stream>stdout|stderr) (?P<logtag>[^ ]*) ?(?P<log>.*)$")
_INDIFFERENT: Final = (
    *(
        "noop",
        "add",
        "recombine",
        "severity_parser",
        "time_parser",
        "trace_parser",
        "scope_name_parser",
        "retain",
    ),
    *("uri_parser", "key_value_parser", "csv_parser", "stdout", "flatten", "unquote", "sanitize_utf8"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Operator:
    """One operator. `settings`: as written."""

    kind: str
    id: str
    output: str
    place: Place
    settings: Mapping[str, Any] = field(default_factory=dict)

    def text(self, name: str, default: str = "") -> str:
        return str(self.settings.get(name, default))


def decoder(operators: Sequence[Operator]) -> Decode:
    """A decoder of these operators. Raises `Refused` RP483 or RP484 (also when it is used)."""
    by_id = {operator.id: index for index, operator in enumerate(operators)}

    def decode(line: str) -> Content | None:
        entry: dict[str, Any] = {"body": line, "attributes": {"log.file.path": PATH}, "resource": {}}
        at: int | None = 0 if operators else None
        for _ in range(MOST_STEPS):
            if at is None:
                return _content(entry, line)
            operator = operators[at]
            following = _step(operator, entry)
            if following is None:
                return None
            name = following or operator.output
            at = by_id.get(name) if name else _following(at, operators)
        raise unreadable("RP484", "the operators go in a circle", str(operators[0].place))

    return decode


def _following(at: int, operators: Sequence[Operator]) -> int | None:
    return at + 1 if at + 1 < len(operators) else None


def joined(operators: Sequence[Operator]) -> tuple[Format, ...]:
    """The container operator joins CRI's partial lines and not Docker's; a recombine by the tag does too."""
    found: list[Format] = []
    for operator in operators:
        if operator.kind == "container" and operator.text("format") != "docker":
            found.append("cri")
        if operator.kind == "recombine":
            last = operator.text("is_last_entry")
            if re.search(r"logtag\s*==\s*['\"]F['\"]", last):
                found.append("cri")
            if re.search(r"(endsWith\s*[\"']\\n[\"']|matches\s*[\"'].*\\n\$[\"'])", last):
                found.append("docker")
    return tuple(dict.fromkeys(found))


def _step(operator: Operator, entry: dict[str, Any]) -> str | None:
    """Runs one operator: "" = go on, an ID = go there, None = the line is dropped."""
    condition = operator.text("if")
    if condition and not holds(condition, entry):
        return ""
    if operator.kind in _INDIFFERENT:
        return ""
    run = _OPERATORS.get(operator.kind)
    if run is None:
        raise unreadable("RP484", f"the operator `{operator.kind}` is not known", str(operator.place))
    return run(operator, entry)


def _route(operator: Operator, entry: dict[str, Any]) -> str | None:
    for route in operator.settings.get("routes") or ():
        if holds(str(route.get("expr", "false")), entry):
            return str(route.get("output", "")) or ""
    default = operator.text("default")
    return default or None


def _container(operator: Operator, entry: dict[str, Any]) -> str | None:
    line, written = str(entry["body"]), operator.text("format")
    if written == "docker" or (not written and line.startswith("{")):
        found = _json(line)
    else:
        patterns = {"crio": (_CRIO,), "containerd": (_CONTAINERD,)}.get(written, (_CRIO, _CONTAINERD))
        matched = next((m for pattern in patterns if (m := pattern.search(line))), None)
        found = matched.groupdict() if matched else None
    if found is None or not isinstance(found.get("log"), str):
        return _failed(operator)
    entry["attributes"] |= {name: value for name, value in found.items() if name != "log"}
    entry["body"] = found["log"]
    return ""


def _json_parser(operator: Operator, entry: dict[str, Any]) -> str | None:
    return _parsed(operator, entry, _json(value_of(entry, operator.text("parse_from", "body"))))


def _regex_parser(operator: Operator, entry: dict[str, Any]) -> str | None:
    return _parsed(operator, entry, _regex(operator, value_of(entry, operator.text("parse_from", "body"))))


def _filter(operator: Operator, entry: dict[str, Any]) -> str | None:
    return None if holds(operator.text("expr"), entry) else ""


def _move(operator: Operator, entry: dict[str, Any]) -> str | None:
    value = value_of(entry, operator.text("from"))
    if value is not None:
        store(entry, operator.text("to"), value)
        if operator.kind == "move":
            store(entry, operator.text("from"), None)
    return ""


def _remove(operator: Operator, entry: dict[str, Any]) -> str | None:
    if operator.text("field") not in ("body", "attributes", "resource"):
        store(entry, operator.text("field"), None)
    return ""


def _parsed(operator: Operator, entry: dict[str, Any], found: dict[str, Any] | None) -> str | None:
    if found is None:
        return _failed(operator)
    timestamp = operator.settings.get("timestamp")
    if isinstance(timestamp, Mapping) and not _time_reads(timestamp, found):
        return _failed(operator)
    target = operator.text("parse_to", "attributes")
    held = value_of(entry, target)
    if target.lstrip("$") == "body" or not isinstance(held, dict):
        store(entry, target, dict(found))
    else:
        held.update(found)
    return ""


def _time_reads(timestamp: Mapping[str, Any], found: Mapping[str, Any]) -> bool:
    time = found.get(re.split(r"[.\[]", str(timestamp.get("parse_from", "time")))[-1].strip("\"']"))
    layout = str(timestamp.get("layout", ""))
    if not isinstance(time, str) or not layout:
        return True
    return (
        layout_reads(layout, time)
        if timestamp.get("layout_type") == "gotime"
        else strptime_reads(layout, time)
    )


def _failed(operator: Operator) -> str | None:
    """A parser that fails passes its entry on as it is, by default."""
    return None if operator.text("on_error", "send").startswith("drop") else ""


def _json(value: Any) -> dict[str, Any] | None:
    try:
        found = json.loads(value) if isinstance(value, str) else None
    except ValueError:
        return None
    return found if isinstance(found, dict) else None


def _regex(operator: Operator, value: Any) -> dict[str, Any] | None:
    if not isinstance(value, str):
        return None
    matched = compiled(operator.text("regex")).search(value)
    return {name: text or "" for name, text in matched.groupdict().items()} if matched else None


def _content(entry: Mapping[str, Any], line: str) -> Content:
    """The body where it is a text that was made of the line, else a field that is named as usual."""
    attributes = entry["attributes"]
    tagged = any(value in ("P", "F") for value in attributes.values())
    body = entry["body"]
    if isinstance(body, str) and body != line:
        return Content(text=body, field="body", tagged=tagged)
    for holder, name in ((body, "body"), (attributes, "attributes")):
        for key in ("log", "message", "content"):
            if isinstance(holder, Mapping) and isinstance(holder.get(key), str):
                return Content(text=holder[key], field=f"{name}.{key}", tagged=tagged)
    return Content(text=line, field="body")


_OPERATORS: Final[Mapping[str, Callable[[Operator, dict[str, Any]], str | None]]] = {
    "router": _route,
    "filter": _filter,
    "container": _container,
    "json_parser": _json_parser,
    "regex_parser": _regex_parser,
    "move": _move,
    "copy": _move,
    "remove": _remove,
}
