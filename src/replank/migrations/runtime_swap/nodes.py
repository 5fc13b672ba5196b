"""One node of the plan: what it runs, what it will run, its settings, its files and its instructions."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final

from replank.domain.severity import Severity
from replank.domain.unknown import Unknown
from replank.inventory.facts.kubernetes import Node
from replank.inventory.runtime.facts import NodeRuntime
from replank.inventory.runtime.versions import Version, parse_version
from replank.migrations.runtime_swap.hops import is_supported, route
from replank.migrations.runtime_swap.node.order import to_json
from replank.migrations.runtime_swap.orders import order_for
from replank.migrations.runtime_swap.programs import programs_for
from replank.migrations.runtime_swap.settings import RuntimeSwapSettings
from replank.migrations.runtime_swap.translation.containerd import from_containerd
from replank.migrations.runtime_swap.translation.docker import from_docker
from replank.migrations.runtime_swap.translation.model import Notice, Target, Translation
from replank.migrations.runtime_swap.translation.needs import kubelet_cgroup_driver
from replank.plan.model import PlanFinding
from replank.plan.runtime_swap import PlannedFile, PlannedNode, PlannedSetting

_IN_PLACE_CONFIG: Final = "/etc/containerd/replank-{version}.toml"
_CONTROL_PLANE: Final = ("node-role.kubernetes.io/control-plane", "node-role.kubernetes.io/master")


@dataclass(frozen=True, slots=True, kw_only=True)
class NodePlan:
    """`node` None: it cannot be planned, or there is nothing to do (then without findings). `hop`: one that
    upstream does not support, `1.6.20 -> 2.3.5`."""

    node: PlannedNode | None
    findings: tuple[PlanFinding, ...] = ()
    hop: str = ""


def plan_node(runtime: NodeRuntime | None, live: Node, settings: RuntimeSwapSettings) -> NodePlan:
    """What becomes of one node. `runtime` None: the survey has nothing of it."""
    if runtime is None:
        return _not_planned(_unseen(live.name, Unknown("its runtime was not surveyed")))
    name, version, kubelet = runtime.name, runtime.version, runtime.kubelet_version
    if isinstance(name, Unknown):
        return _not_planned(_unseen(runtime.node, name))
    if isinstance(version, Unknown):
        return _not_planned(_unseen(runtime.node, version))
    if isinstance(kubelet, Unknown):
        return _not_planned(_unseen(runtime.node, kubelet))
    old, kubelets = parse_version(version), parse_version(kubelet)
    if old is None or kubelets is None:
        return _not_planned(_unseen(runtime.node, Unknown(f"{version} and {kubelet} are no versions")))
    if name not in ("containerd", "docker"):
        return _not_planned(_another_runtime(runtime.node, name))
    if name == "containerd" and old == settings.to:
        return NodePlan(node=None)
    hop = _hop(runtime.node, old, settings) if name == "containerd" else None
    if hop is not None and not settings.unsupported:
        return _not_planned(hop)
    target = _target(runtime, name, kubelets, settings)
    translation = (from_docker if name == "docker" else from_containerd)(runtime, target)
    planned = _planned(runtime, live, translation, target, settings, f"{name}://{version}")
    findings = tuple(_findings(translation))
    if isinstance(planned, Unknown):
        return _not_planned(*findings, _unseen(runtime.node, planned))
    if isinstance(planned, PlanFinding):
        return _not_planned(*findings, planned)
    return NodePlan(node=planned, findings=findings, hop=f"{old} -> {settings.to}" if hop else "")


def is_control_plane(node: Node) -> bool:
    """By its labels, as kubeadm writes them."""
    return any(label in node.labels for label in _CONTROL_PLANE)


def told_once(nodes: tuple[PlannedNode, ...]) -> tuple[PlannedNode, ...]:
    """Nodes with the settings and files of one before them only name that one."""
    first: dict[object, str] = {}
    told = []
    for node in nodes:
        same = first.setdefault((node.settings, node.files), node.node)
        told.append(node if same == node.node else replace(node, settings=(), files=(), settings_of=same))
    return tuple(told)


def _not_planned(*findings: PlanFinding) -> NodePlan:
    return NodePlan(node=None, findings=findings)


def _target(runtime: NodeRuntime, name: str, kubelet: Version, settings: RuntimeSwapSettings) -> Target:
    if name == "docker":
        return Target(
            containerd=settings.to,
            kubelet=kubelet,
            root=settings.root,
            state="/run/containerd-replank",
            socket="/run/containerd-replank/containerd.sock",
            config_path="/etc/containerd-replank/config.toml",
            opt="/opt/containerd-replank",
            unit="containerd-replank.service",
        )
    daemon = runtime.daemon
    return Target(
        containerd=settings.to,
        kubelet=kubelet,
        root=_or(runtime.data_root, "/var/lib/containerd"),
        state=_or(runtime.state_dir, "/run/containerd"),
        socket=_or(runtime.endpoint, "/run/containerd/containerd.sock").removeprefix("unix://"),
        in_place=True,
        config_path=_IN_PLACE_CONFIG.format(version=settings.to),
        unit="containerd.service" if isinstance(daemon, Unknown) or daemon is None else daemon.unit,
    )


def _or(fact: str | Unknown, usual: str) -> str:
    """The translation stops by itself where the fact is unknown; this only fills its place."""
    return usual if isinstance(fact, Unknown) or not fact else fact


def _planned(
    runtime: NodeRuntime,
    live: Node,
    translation: Translation,
    target: Target,
    settings: RuntimeSwapSettings,
    before: str,
) -> PlannedNode | PlanFinding | Unknown:
    if isinstance(runtime.kubelet, Unknown):
        return runtime.kubelet
    programs = programs_for(runtime, settings)
    if isinstance(programs, PlanFinding):
        return programs
    driver = kubelet_cgroup_driver(runtime.kubelet)
    order = order_for(
        runtime,
        translation,
        target,
        programs,
        cgroup_driver=driver,
        deadline_seconds=settings.deadline_seconds,
    )
    if isinstance(order, Unknown):
        return order
    return PlannedNode(
        node=runtime.node,
        role="control-plane" if is_control_plane(live) else "worker",
        address=next((a.address for a in live.addresses if a.type == "InternalIP"), ""),
        strategy="in-place" if target.in_place else "switch",
        runtime=before,
        to=f"containerd://{settings.to}",
        instructions=json.loads(to_json(order)),
        settings=tuple(_settings(translation)),
        files=tuple(
            PlannedFile(path=file.path, mode=file.mode, content=file.content, diff=file.diff)
            for file in translation.files
        ),
    )


def _settings(translation: Translation) -> Iterator[PlannedSetting]:
    for row in translation.rows:
        yield PlannedSetting(
            setting=row.setting,
            where=row.where,
            value=row.value,
            outcome=row.outcome.value,
            became=row.became,
            why=row.why,
            source=row.source,
            code=row.code,
        )


def _findings(translation: Translation) -> Iterator[PlanFinding]:
    for severity, notices in (
        (Severity.BLOCKER, translation.stops),
        (Severity.RISK, translation.warnings),
    ):
        for notice in notices:
            yield _finding(translation.node, notice, severity)


def _finding(node: str, notice: Notice, severity: Severity) -> PlanFinding:
    return PlanFinding(
        code=notice.code,
        severity=severity.value,
        subject=f"node {node}",
        evidence=(f"{notice.setting} in {notice.where}",),
        consequence=notice.why,
        remedy=notice.todo,
    )


def _blocker(code: str, node: str, evidence: str, consequence: str, remedy: str) -> PlanFinding:
    return PlanFinding(
        code=code,
        severity=Severity.BLOCKER.value,
        subject=f"node {node}",
        evidence=(evidence,),
        consequence=consequence,
        remedy=remedy,
    )


def _unseen(node: str, fact: Unknown) -> PlanFinding:
    found = _blocker(
        "RP417",
        node,
        fact.unknown,
        "What the node runs is not known, so nothing can be planned for it.",
        "Make it visible (`replank permissions survey`), then survey with --runtime and plan again.",
    )
    return replace(found, unknown=True)


def _another_runtime(node: str, name: str) -> PlanFinding:
    return _blocker(
        "RP416",
        node,
        f"it runs {name}",
        "replank swaps Docker and containerd, and nothing else.",
        "Leave the node as it is, or replace it by a machine with containerd.",
    )


def _hop(node: str, old: Version, settings: RuntimeSwapSettings) -> PlanFinding | None:
    """None where upstream supports it."""
    if is_supported(old.line, settings.to.line) and settings.to >= old:
        return None
    way = " -> ".join(f"{major}.{minor}" for major, minor in route(old.line, settings.to.line))
    return _blocker(
        "RP416",
        node,
        f"containerd {old} to {settings.to} in one hop",
        "Upstream supports sequential minors, and one LTS to the next (containerd, RELEASES.md).",
        f"Go by {way}, a plan for each, or plan with --unsupported."
        if way
        else "There is no supported way. --unsupported plans it all the same, and says so everywhere.",
    )
