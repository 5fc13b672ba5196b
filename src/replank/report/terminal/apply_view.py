"""What `replank apply` is about to do, in a few lines a cluster."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rich.console import Group, RenderableType

from replank.plan.codec import AnyPlan
from replank.plan.runtime_swap import RuntimeSwapPlan
from replank.report.headline import headline
from replank.report.terminal.layout import say, section, table
from replank.report.words import count


@dataclass(frozen=True, slots=True, kw_only=True)
class AboutToApply:
    """`begun`: an earlier run goes on. `approved`: points of no return were approved beforehand. `until`: the
    stage to stop after, "" = the last."""

    plan: AnyPlan
    begun: bool
    approved: bool
    until: str


def apply_view(plans: Sequence[AboutToApply]) -> RenderableType:
    """A row a cluster."""
    rows = [(p.plan.cluster, _what(p.plan), _way(p), _points(p)) for p in plans]
    return Group(
        section(
            f"About to apply ({count(len(plans), 'cluster')})",
            table(("Cluster", "What", "Stages", "Points of no return"), rows),
        ),
        say(""),
    )


def _what(plan: AnyPlan) -> str:
    if isinstance(plan, RuntimeSwapPlan):
        restarted = sum(1 for node in plan.nodes if node.strategy == "switch")
        pods = f"pods of {count(restarted, 'node')} restart once" if restarted else "no pod restarts"
        return f"{count(len(plan.nodes), 'node')} to {plan.to}\n{pods}"
    h = headline(plan)
    return (
        f"{count(h.servers, 'server')} kept, 0 replaced\n{count(h.objects, 'object')}, "
        f"{count(h.secrets, 'Secret')} in namespace {plan.namespace}"
    )


def _way(about: AboutToApply) -> str:
    usual = [stage.name for stage in about.plan.stages if not stage.on_request]
    way = f"up to {about.until or (usual[-1] if usual else 'nowhere')}"
    return f"{way}\ngoes on where it stood" if about.begun else way


def _points(about: AboutToApply) -> str:
    points = len(about.plan.points_of_no_return)
    if not points:
        return "none"
    return f"{points}, {'approved beforehand' if about.approved else 'asked when it comes to them'}"
