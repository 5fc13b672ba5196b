"""Fluentd: multi_format with JSON and a CRI expression, and one concat for the partial lines of both."""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import replace

from replank.inventory.log_agents.agent import LogAgent
from replank.inventory.log_agents.fluentd.builtin import (
    DAEMONSET_PLUGINS,
    PARSE_FILE,
    PARSE_FILE_FROM,
    is_daemonset_image,
)
from replank.inventory.log_agents.fluentd.joining import CRI_ENDS_AS_DOCKER, after, is_for_cri
from replank.inventory.log_agents.fluentd.reading import (
    configuration,
    filter_of_raw_lines,
    parse_section,
    sample_tag,
    sources,
)
from replank.inventory.log_agents.fluentd.syntax import Parameter, Section
from replank.inventory.log_agents.judgement import judge_input
from replank.inventory.log_agents.mounted import Files
from replank.inventory.log_agents.version import at_least
from replank.inventory.log_agents.workload import AgentContainer
from replank.migrations.runtime_swap.log_agents.model import ByHand, Proposal, cannot_write
from replank.migrations.runtime_swap.log_agents.splice import Splice, indentation, indented

CRI_EXPRESSION = "/^(?<time>[^ ]+) (?<stream>stdout|stderr) (?<logtag>[^ ]*) (?<log>.*)$/"
CRI_TIME = "%Y-%m-%dT%H:%M:%S.%N%:z"
_CARRIED = ("time_key", "time_type", "time_format", "keep_time_key", "time_format_fallbacks", "json_parser")
_OF_THE_PARSER = frozenset((*_CARRIED, "format", "expression", "format_key", "types"))


def propose(container: AgentContainer, files: Files, agent: LogAgent) -> Proposal:
    """The edits for every source that does not read both formats. Raises what reading raises."""
    root = configuration(container, files)
    assert isinstance(agent.inputs, tuple)
    splices: dict[str, list[Splice]] = defaultdict(list)
    by_hand: list[ByHand] = []
    for source, found in zip(sources(root, container), agent.inputs, strict=True):
        judged = judge_input(found)
        fine = not {trap.code for trap in judged.traps} & {"RP424", "RP425", "RP426", "RP427", "RP433"}
        if judged.reads == "both" and fine:
            continue
        if judged.reads == "cri" and found.fields.get("cri") != "log":
            by_hand.append(_cri_only(source))
        else:
            _source(root, source, container, splices, by_hand)
    notes = () if is_daemonset_image(container.image) else (_plugins(container.image),)
    kept = {path: tuple(dict.fromkeys(found)) for path, found in splices.items()}
    return Proposal(splices=kept, by_hand=tuple(by_hand), notes=notes if kept else ())


def _source(
    root: Section,
    source: Section,
    container: AgentContainer,
    splices: dict[str, list[Splice]],
    by_hand: list[ByHand],
) -> None:
    """The section that parses (the source's own, or that of the filter behind it), and the filters after
    it.
    """
    parser = filter_of_raw_lines(root, source)
    parse = next(parser.named("parse"), parser) if parser else parse_section(source)
    block = parse_block(parse)
    stopped = cannot_write(parse.file)
    if stopped is not None:
        by_hand.append(_mounted_over(stopped, container, source, block))
        return
    spaces = indentation(parse.file.text, parse.line)
    if parse is source:
        splices[source.file.path] += _old_way(source, block)
    else:
        new = indented(block, spaces)
        splices[parse.file.path].append(Splice(first=parse.line, last=parse.end, lines=new))
    _filters(root, source, parser, splices, by_hand)


def _mounted_over(stopped: ByHand, container: AgentContainer, source: Section, block: str) -> ByHand:
    if not is_daemonset_image(container.image):
        return replace(stopped, block=f"{block}{filters_block(source)}")
    if at_least(container.image, PARSE_FILE_FROM):
        todo = f"Mount this as {PARSE_FILE} from a ConfigMap (subPath); it joins no partial lines."
        return replace(stopped, todo=todo, block=block)
    todo = "Mount an own /fluentd/etc/kubernetes.conf whose source has this, and the filters after it."
    return replace(stopped, todo=todo, block=f"{block}{filters_block(source)}")


def parse_block(parse: Section) -> str:
    """The parse section that reads both formats; what the old one said of JSON's time is kept."""
    json_section = _json_section(parse)
    carried = [found for found in json_section.parameters if found.name in _CARRIED] if json_section else []
    keeps = [found for found in carried if found.name == "keep_time_key"]
    lines = ["<parse>", "  @type multi_format", "  <pattern>", "    format json"]
    lines += [f"    {_as_written(found)}" for found in carried]
    lines += ["  </pattern>", "  <pattern>", "    format regexp"]
    lines += [f"    expression {CRI_EXPRESSION}", f"    time_format {CRI_TIME}"]
    lines += [f"    {_as_written(found)}" for found in keeps]
    lines += ["  </pattern>", "</parse>"]
    return "\n".join(lines) + "\n"


def filters_block(source: Section) -> str:
    """What makes CRI records end as Docker's do, and joins the partial lines of both."""
    return f"{_newline_filter(source)}{_concat_filter(source)}"


def _newline_filter(source: Section) -> str:
    return f"""<filter {_pattern(source)}>
  @type record_transformer
  enable_ruby true
  remove_keys logtag
  <record>
    log {CRI_ENDS_AS_DOCKER}
  </record>
</filter>
"""


def _concat_filter(source: Section) -> str:
    return f"""<filter {_pattern(source)}>
  @type concat
  key log
  stream_identity_key stream
  multiline_end_regexp /\\n$/
  separator ""
  flush_interval 0
</filter>
"""


def _filters(
    root: Section,
    source: Section,
    parser: Section | None,
    splices: dict[str, list[Splice]],
    by_hand: list[ByHand],
) -> None:
    """The filters come right after what parses, in the source's label if it has one; concats for CRI alone
    go.
    """
    fields = {"docker": "log", "cri": "log"}
    existing = after(root, source, sample_tag(source), fields, parser)
    if set(existing.joins) >= {"docker", "cri"} and not existing.losses:
        return
    gone = [concat for concat in existing.concats if is_for_cri(concat)]
    block = _newline_filter(source) if "docker" in existing.joins else filters_block(source)
    place, first = _after(root, source, parser)
    stopped = next((found for one in (place, *gone) if one and (found := cannot_write(one.file))), None)
    if place is None or stopped is not None:
        why = stopped.why if stopped else "the label that the source sends to is not here"
        todo = "Put this where records of the source come first, for concats that join by CRI's tag."
        by_hand.append(ByHand(where=str(source.file.place(source.line)), why=why, todo=todo, block=block))
        return
    spaces = indentation(place.file.text, place.line) + ("  " if place.name == "label" else "")
    splices[place.file.path].append(Splice(first=first, last=first - 1, lines=indented(block, spaces)))
    for concat in gone:
        splices[concat.file.path].append(Splice(first=concat.line, last=concat.end, lines=()))


def _after(root: Section, source: Section, parser: Section | None) -> tuple[Section | None, int]:
    """The section that the filters follow, and the line that they begin on."""
    label = source.value("@label")
    if parser is not None or not label:
        place = parser or source
        return place, place.end + 1
    found = next((section for section in root.named("label") if section.argument == label), None)
    return found, found.line + 1 if found else 0


def _old_way(source: Section, block: str) -> list[Splice]:
    """`format json` and its like in the source itself: those lines go, a parse section comes."""
    spaces = indentation(source.file.text, source.line) + "  "
    gone = [(found.line, found.line) for found in source.parameters if found.name in _OF_THE_PARSER]
    gone += [(found.line, found.end) for found in source.sections if found.name in ("pattern", "format")]
    found = [Splice(first=first, last=last, lines=()) for first, last in gone]
    return [*found, Splice(first=source.end, last=source.end - 1, lines=indented(block, spaces))]


def _json_section(parse: Section) -> Section | None:
    kind = parse.value("@type") or parse.value("format")
    if kind == "json":
        return parse
    return next((found for found in parse.sections if found.value("format") == "json"), None)


def _as_written(found: Parameter) -> str:
    """The parameter's own line, with its comment and its embedded Ruby."""
    return found.file.text.splitlines()[found.line - 1].strip()


def _pattern(source: Section) -> str:
    """Tags of container logs alone: other sources may share the prefix."""
    tag = source.value("tag")
    if "*" not in tag:
        return tag
    folders = dict.fromkeys(
        re.split(r"/[^/]*[*?\[]", path.strip())[0].strip("/").replace("/", ".")
        for path in source.value("path").split(",")
    )
    return " ".join(tag.replace("*", f"{folder}.**") for folder in folders)


def _plugins(image: str) -> str:
    return f"The image {image} must have {' and '.join(DAEMONSET_PLUGINS)} (`fluent-gem list`)."


def _cri_only(source: Section) -> ByHand:
    return ByHand(
        where=str(source.file.place(source.line)),
        why="it reads CRI only, and which field its outputs expect cannot be told",
        todo="Put a JSON pattern before the CRI one, and give both the same field.",
        block="<pattern>\n  format json\n  time_key time\n  time_format %Y-%m-%dT%H:%M:%S.%NZ\n</pattern>\n",
    )
