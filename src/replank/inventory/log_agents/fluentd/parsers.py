"""What the parsers of a Fluentd source make of a line.

Sources: Fluentd 1.x `parser_json.rb`, `parser_regexp.rb`; fluent-plugin-parser-cri 0.1 `parser_cri.rb`;
fluent-plugin-multi-format-parser 1.0 `parser_multi_format.rb`.
"""

from __future__ import annotations

from collections.abc import Iterator

from replank.inventory.log_agents.decoding import cri_content, json_content, json_time, regexp_content
from replank.inventory.log_agents.expression import compiled
from replank.inventory.log_agents.fluentd.syntax import Section
from replank.inventory.log_agents.probes import Content, Decode
from replank.inventory.log_agents.refusals import unreadable
from replank.inventory.log_agents.times import strptime_reads

CRI_TIME = "%Y-%m-%dT%H:%M:%S.%L%z"


def decoder(parse: Section, kind: str = "") -> Decode:
    """The decoder of a `<parse>` or `<pattern>` section. `kind`: its type, where another key than `@type`
    says it.

    Raises `Refused` RP482, RP483 or RP484 (a parser that is not known).
    """
    kind = kind or parse.value("@type") or parse.value("format")
    if kind == "multi_format":
        return _first_of(tuple(decoder(pattern) for pattern in _patterns(parse)))
    if kind.startswith("/") or kind == "regexp":
        return _regexp(parse, kind if kind.startswith("/") else parse.value("expression"))
    if kind == "json":
        return _json(parse)
    if kind == "cri":
        return _cri(parse)
    if kind == "none":
        return lambda line: Content(text=line, field=parse.value("message_key", "message"))
    raise unreadable("RP484", f"the parser `{kind}` is not known", str(parse.file.place(parse.line)))


def words(parse: Section) -> Iterator[str]:
    """What the section says, for people: types and time formats."""
    kind = parse.value("@type") or parse.value("format") or "json"
    yield kind if kind.startswith("/") else f"@type {kind}"
    if time_format := parse.value("time_format"):
        yield f"time_format {time_format}"
    for pattern in _patterns(parse):
        yield from words(pattern)


def _patterns(parse: Section) -> Iterator[Section]:
    return (section for section in parse.sections if section.name in ("pattern", "format"))


def _first_of(decoders: tuple[Decode, ...]) -> Decode:
    def decode(line: str) -> Content | None:
        return next((found for one in decoders if (found := one(line)) is not None), None)

    return decode


def _json(parse: Section) -> Decode:
    time_key, time_format = parse.value("time_key", "time"), parse.value("time_format")

    def decode(line: str) -> Content | None:
        time = json_time(line, time_key)
        if time and not strptime_reads(time_format, time):
            return None
        return json_content(line)

    return decode


def _regexp(parse: Section, written: str) -> Decode:
    text = written.strip()
    flags = ""
    if text.startswith("/"):
        text, _, flags = text[1:].rpartition("/")
    pattern = compiled(f"(?s){text}" if "m" in flags else text)
    time_key, time_format = parse.value("time_key", "time"), parse.value("time_format")

    def decode(line: str) -> Content | None:
        matched = pattern.search(line)
        time = (matched.groupdict().get(time_key) or "") if matched else ""
        if time and not strptime_reads(time_format, time):
            return None
        return regexp_content(pattern, line)

    return decode


def _cri(parse: Section) -> Decode:
    time_format = parse.value("time_format", CRI_TIME)
    inner = next(parse.named("parse"), None)
    sub = decoder(inner) if inner else None

    def decode(line: str) -> Content | None:
        found = cri_content(line, "message")
        if found is None or not strptime_reads(time_format, line.split(" ", 1)[0]):
            return None
        if sub is None:
            return found
        # The content itself is parsed: what is not of that format is dropped.
        within = sub(found.text)
        return None if within is None else Content(text=found.text, field=within.field, tagged=True)

    return decode
