"""What becomes of records after a Fluentd source: partial lines joined, or records lost on the way.

Sources: fluent-plugin-concat 2.x `filter_concat.rb`; Fluentd 1.x `filter_parser.rb`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from replank.inventory.log_agents.agent import Format, Loss
from replank.inventory.log_agents.expression import compiled
from replank.inventory.log_agents.fluentd.syntax import Section, tag_pattern
from replank.inventory.log_agents.refusals import unreadable

CRI_ENDS_AS_DOCKER = r'${record["logtag"].to_s.start_with?("F") ? record["log"] + "\n" : record["log"]}'
"""Ruby of a record_transformer that gives a full CRI record Docker's final newline: one concat joins both
then.
"""

MOST_HOPS = 10


@dataclass(slots=True)
class After:
    """`joins`, `losses`: as in LogInput. `concats`: the filters that join lines, as far as they concern
    them.
    """

    joins: list[Format] = field(default_factory=list)
    losses: list[Loss] = field(default_factory=list)
    concats: list[Section] = field(default_factory=list)


def raw_parser(root: Section, source: Section, tag: str, key: str) -> Section | None:
    """The filter that parses lines which the source passes on as they are, in `key`."""
    for stage in _stages(root, tag, source.value("@label")):
        if stage.value("@type") == "parser" and stage.value("key_name") == key:
            return stage
    return None


def after(
    root: Section, source: Section, tag: str, fields: Mapping[str, str], parser: Section | None = None
) -> After:
    """Follows records of `tag` through filters until they are put out.

    `fields`: where each format's content is. `parser`: the filter that makes them; what stands before it is
    passed over. Raises `Refused` RP482 to RP484 where a filter that decides cannot be read.
    """
    found = After()
    ends_in_newline = {"docker": True, "cri": False}
    begun = parser is None
    for stage in _stages(root, tag, source.value("@label")):
        if not begun:
            begun = stage is parser
            continue
        kind = stage.value("@type")
        if kind == "record_transformer" and _ends_cri(stage):
            ends_in_newline["cri"] = True
        elif kind == "concat":
            _concat(stage, fields, ends_in_newline, found)
        elif kind == "parser":
            _parser(stage, fields, found)
    return found


def is_for_cri(concat: Section) -> bool:
    """Whether a concat joins by CRI's tag."""
    return concat.value("use_partial_cri_logtag") == "true" or bool(concat.value("partial_key"))


def _stages(root: Section, tag: str, label: str) -> Iterator[Section]:
    """Filters that a record meets, in order, over relabelling and over tags that detect_exceptions
    rewrites.
    """
    for _ in range(MOST_HOPS):
        ended = None
        for section in _scope(root, label):
            if section.name == "filter" and tag_pattern(section.argument)(tag):
                yield section
            elif section.name == "match" and tag_pattern(section.argument)(tag):
                ended = section
                break
        if ended is None:
            return
        kind = ended.value("@type")
        if kind == "relabel":
            label = ended.value("@label")
        elif kind == "detect_exceptions":
            prefix = ended.value("remove_tag_prefix")
            tag = tag.removeprefix(f"{prefix}.") if prefix else tag
        else:
            return


def _scope(root: Section, label: str) -> tuple[Section, ...]:
    if not label or label == "@ROOT":
        return root.sections
    return tuple(
        inner for section in root.named("label") if section.argument == label for inner in section.sections
    )


def _ends_cri(stage: Section) -> bool:
    return any(
        parameter.name == "log" and parameter.value == CRI_ENDS_AS_DOCKER
        for record in stage.named("record")
        for parameter in record.parameters
    )


def _parser(stage: Section, fields: Mapping[str, str], found: After) -> None:
    """A record without the key is an error for it; where reserve_data is off, it ends there."""
    if stage.value("reserve_data") == "true":
        return
    key = stage.value("key_name")
    for name in _formats(fields, lambda field: field != key):
        found.losses.append(
            Loss(format=name, why=f"a parser filter asks for `{key}`, which it does not have")
        )


def _concat(stage: Section, fields: Mapping[str, str], newline: Mapping[str, bool], found: After) -> None:
    key = stage.value("key")
    concerned = _formats(fields, lambda field: field == key)
    if not concerned:
        return
    found.concats.append(stage)
    if stage.value("use_partial_cri_logtag") == "true":
        if "cri" in concerned:
            found.joins.append("cri")
        if "docker" in concerned:
            why = "concat with use_partial_cri_logtag fails on records without a tag"
            found.losses.append(Loss(format="docker", why=why))
    elif stage.value("partial_key"):
        if "cri" in concerned and stage.value("partial_value") == "P":
            found.joins.append("cri")
    elif stage.value("multiline_end_regexp") and not stage.value("multiline_start_regexp"):
        end = stage.value("multiline_end_regexp").strip()
        if len(end) < 2 or not end.startswith("/"):
            place = str(stage.file.place(stage.line))
            raise unreadable("RP484", "concat's end is no regular expression", place)
        search = compiled(end[1:-1]).search
        if search("hello\n") and not search("hello"):
            _joined_by_newline(concerned, newline, found)


def _joined_by_newline(concerned: tuple[Format, ...], newline: Mapping[str, bool], found: After) -> None:
    for name in concerned:
        if newline[name]:
            found.joins.append(name)
        else:
            why = "concat waits for a final newline that CRI records do not have"
            found.losses.append(Loss(format=name, why=why))


def _formats(fields: Mapping[str, str], wanted: Callable[[str], bool]) -> tuple[Format, ...]:
    both: tuple[Format, Format] = ("docker", "cri")
    return tuple(name for name in both if name in fields and wanted(fields[name]))
