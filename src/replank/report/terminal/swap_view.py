"""The plan of a runtime swap in the terminal: what a reviewer reads in five minutes."""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import Group, RenderableType
from rich.text import Text

from replank.plan.runtime_swap import Alignment, PlannedNode, RuntimeSwapPlan
from replank.report.terminal.findings import findings_by_severity, plan_blockers
from replank.report.terminal.layout import bullets, labelled, say, section, table
from replank.report.terminal.steps import points_section, stages_section
from replank.report.words import count

_TOLD = ("replaced", "stop")
"""Outcomes that are shown one by one; what is carried over as it is, or not needed, is counted."""


_HEADS = ("+++", "---")


def swap_view(plan: RuntimeSwapPlan) -> RenderableType:
    """Everything a reviewer needs; whole files are in the plan."""
    return Group(
        _top(plan),
        plan_blockers(plan),
        _ship_first(plan),
        _nodes(plan),
        *(_settings(node) for node in plan.nodes if node.settings),
        *(_files(node) for node in plan.nodes if node.files),
        _cluster_api(plan),
        points_section(plan),
        stages_section(plan),
        findings_by_severity(plan.findings, blockers=False),
        section(
            "Plan",
            labelled((("made by", plan.made_by), ("snapshot", f"sha256 {plan.snapshot_sha256}"))),
        ),
    )


def _top(plan: RuntimeSwapPlan) -> Group:
    ready = ("ready", "bold green") if plan.ready else ("not ready", "bold red")
    hops = [
        Text(f"NOT SUPPORTED by upstream, and asked for: {hop} in one hop", style="bold red")
        for hop in plan.unsupported
    ]
    return Group(
        say(f"{plan.cluster}: {count(len(plan.nodes), 'node')} to {plan.to}, in place", "bold"),
        Text.assemble(say(f"Kubernetes {plan.kubernetes_version}, ", "dim"), ready),
        *_origin(plan),
        *hops,
    )


def _origin(plan: RuntimeSwapPlan) -> Iterator[RenderableType]:
    """Where the new programs come from, unless it is a folder of the reader's."""
    if plan.package is not None:
        yield say(f"Programs: package {plan.package}, fetched by each node's apt and not installed", "dim")
    if plan.archive is not None:
        yield say(f"Programs: {plan.archive.source}, sha256 {plan.archive.sha256}", "dim")


def _ship_first(plan: RuntimeSwapPlan) -> Group:
    if not plan.ship_first:
        return Group()
    rows = [(each.code, each.what, each.why, each.todo) for each in plan.ship_first]
    return section("Ship first, to every node", table(("Code", "What", "Why", "Do"), rows))


def _nodes(plan: RuntimeSwapPlan) -> Group:
    rows = [
        (str(number), node.node, node.role, f"{node.runtime} -> {node.to}", _how(node))
        for number, node in enumerate(plan.nodes, 1)
    ]
    return section("Nodes, in this order", table(("", "Node", "Role", "Runtime", "How"), rows))


def _how(node: PlannedNode) -> str:
    return "in place, no pod restarts" if node.strategy == "in-place" else "switch, its pods restart once"


def _settings(node: PlannedNode) -> Group:
    shown = [row for row in node.settings if row.outcome in _TOLD or row.code]
    rest = len(node.settings) - len(shown)
    rows = [(row.outcome, row.setting, row.value, row.became, row.why) for row in shown]
    return section(
        f"Settings of {node.node} that change",
        *([table(("", "Setting", "Was", "Becomes", "Why"), rows)] if rows else []),
        say(f"{count(rest, 'setting')} carried over as they are, or not needed: all are in the plan.", "dim"),
    )


def _files(node: PlannedNode) -> Group:
    return section(f"Files of {node.node}", bullets(_lines(node)))


def _lines(node: PlannedNode) -> Iterator[str]:
    for file in node.files:
        lines = [line for line in file.diff.splitlines() if not line.startswith(_HEADS)]
        added = sum(1 for line in lines if line.startswith("+"))
        removed = sum(1 for line in lines if line.startswith("-"))
        yield f"{file.path} ({file.mode}): +{added} -{removed} lines"


def _cluster_api(plan: RuntimeSwapPlan) -> Group:
    """What is changed of a cluster that Cluster API has, as a diff of each object."""
    part = plan.cluster_api
    if part is None:
        return Group()
    if not part.alignments:
        return section("Cluster API", say("None of its objects is changed.", "dim"))
    made = [
        f"new OpenStackMachineTemplate {template.name}: as {template.like}, but its image "
        f"{template.image_was} becomes {template.image_becomes}"
        for template in part.templates
    ]
    return section(
        "Cluster API: changed together, paused, so that no machine is replaced",
        *([bullets(made)] if made else []),
        *(_alignment(alignment) for alignment in part.alignments),
    )


def _alignment(alignment: Alignment) -> Group:
    lines: list[Text] = [say(f"{alignment.keeper} (paused: {', '.join(alignment.pauses)})", "bold")]
    for name in dict.fromkeys(edit.object for edit in alignment.edits):
        lines.append(say(f"  {name}"))
        for edit in (edit for edit in alignment.edits if edit.object == name):
            lines.append(say(f"    {edit.at}{f' --{edit.argument}' if edit.argument else ''}", "dim"))
            lines.append(say(f"    - {edit.was}", "red"))
            if edit.becomes:
                lines.append(say(f"    + {edit.becomes}", "green"))
    return Group(*lines)
