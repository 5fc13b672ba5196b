"""From a snapshot to the plan of a runtime swap. Pure: the same snapshot and settings give the same plan.

Workers first, then the control planes, one node after another: so no two replicas of one workload, and no two
members of etcd, are touched at once.
"""

from __future__ import annotations

from collections.abc import Sequence

from replank import __version__
from replank.audit.finding import Finding
from replank.domain.severity import Severity
from replank.domain.unknown import Fact, Unknown
from replank.inventory.facts import codec as snapshot_codec
from replank.inventory.facts.kubernetes import Node
from replank.inventory.facts.snapshot import Snapshot
from replank.migrations.runtime_swap.checks.ship_first import ship_first
from replank.migrations.runtime_swap.cluster_api.alignment import decide
from replank.migrations.runtime_swap.measure_steps import sandbox_images
from replank.migrations.runtime_swap.nodes import NodePlan, is_control_plane, plan_node, told_once
from replank.migrations.runtime_swap.settings import RuntimeSwapSettings
from replank.migrations.runtime_swap.stages import points_of_no_return, stages_for
from replank.plan.model import PlanFinding
from replank.plan.runtime_swap import RuntimeSwapPlan


def plan_runtime_swap(
    snapshot: Snapshot, settings: RuntimeSwapSettings, findings: Sequence[Finding]
) -> RuntimeSwapPlan:
    """The plan. `findings`: of `audit runtime` on the same snapshot; a blocker among them keeps it from being
    ready."""
    told = [_told(finding) for finding in findings]
    plans = _node_plans(snapshot, settings)
    if isinstance(plans, Unknown):
        told.append(_nothing_seen(snapshot.cluster, plans))
        plans = []
    known = {(finding.code, finding.subject) for finding in told}
    told += [f for plan in plans for f in plan.findings if (f.code, f.subject) not in known]
    nodes = tuple(plan.node for plan in plans if plan.node is not None)
    controlled = decide(snapshot, settings)
    told += controlled.findings
    images = sandbox_images(snapshot.runtimes) if settings.measure else None
    stages = stages_for(nodes, settings, controlled.part, images)
    return RuntimeSwapPlan(
        migration="runtime-swap",
        cluster=snapshot.cluster,
        made_by=f"replank {__version__}",
        snapshot_sha256=snapshot_codec.sha256(snapshot),
        kubernetes_version=_kubernetes_version(snapshot),
        ready=bool(stages) and not any(f.severity == Severity.BLOCKER for f in told),
        settings=settings.as_json(),
        findings=tuple(sorted(told, key=_rank)),
        points_of_no_return=points_of_no_return(stages),
        stages=stages,
        to=f"containerd {settings.to}",
        bundle=settings.bundle,
        archive=settings.archive,
        package=settings.package,
        nodes=told_once(nodes),
        ship_first=ship_first(findings),
        unsupported=tuple(sorted({plan.hop for plan in plans if plan.hop})),
        cluster_api=controlled.part,
    )


def _node_plans(snapshot: Snapshot, settings: RuntimeSwapSettings) -> list[NodePlan] | Unknown:
    """Of every Node that is there, in the order in which they are swapped."""
    nodes, runtimes = _nodes(snapshot), snapshot.runtimes
    if isinstance(nodes, Unknown):
        return nodes
    if isinstance(runtimes, Unknown):
        return runtimes
    seen = {runtime.node: runtime for runtime in runtimes.nodes}
    ordered = sorted(nodes, key=lambda node: (is_control_plane(node), node.name))
    return [plan_node(seen.get(node.name), node, settings) for node in ordered]


def _nodes(snapshot: Snapshot) -> Fact[tuple[Node, ...]]:
    kubernetes = snapshot.kubernetes
    return kubernetes if isinstance(kubernetes, Unknown) else kubernetes.nodes


def _kubernetes_version(snapshot: Snapshot) -> str:
    """The newest kubelet's, "" = none was seen. Versions of one cluster differ by little."""
    nodes = _nodes(snapshot)
    return "" if isinstance(nodes, Unknown) else max((n.kubelet_version for n in nodes), default="")


def _told(finding: Finding) -> PlanFinding:
    return PlanFinding(
        code=finding.code,
        severity=finding.severity.value,
        subject=finding.subject,
        evidence=finding.evidence,
        consequence=finding.consequence,
        remedy=finding.remedy,
        unknown=finding.unknown,
    )


def _nothing_seen(cluster: str, why: Unknown) -> PlanFinding:
    return PlanFinding(
        code="RP417",
        severity=Severity.BLOCKER.value,
        subject=f"cluster {cluster}",
        evidence=(why.unknown,),
        consequence="What the nodes run is not known, so nothing can be planned.",
        remedy="Survey with --runtime, then plan again.",
        unknown=True,
    )


def _rank(finding: PlanFinding) -> tuple[int, str, bool, str]:
    return (Severity(finding.severity).rank, finding.code, finding.unknown, finding.subject)
