"""Sights for the tests of the operator's deciders: an adopted cluster of three control planes and two workers
at rest, and what a test changes about it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from replank.guards.names import PRE_DRAIN, PRE_TERMINATE, WAITING_FOR_PRE_DRAIN, WAITING_FOR_PRE_TERMINATE
from replank.guards.policy import Policy
from replank.guards.sight import (
    BudgetSight,
    CloudSight,
    DeploymentSight,
    MachineSight,
    MemberSight,
    NodeSight,
    PodSight,
    Sight,
    WorkloadSight,
)

AT = 1_764_144_000.0
"""2025-11-26T08:00:00Z, a Wednesday."""
BOTH = frozenset({PRE_DRAIN, PRE_TERMINATE})
POOL = "pool"


def policy(**spec: Any) -> Policy:
    """With the control plane's pool, unless `pools` says otherwise."""
    spec.setdefault("pools", [{"id": POOL, "port": 6443, "subnetId": "subnet"}])
    return Policy.model_validate(spec)


def control_plane(number: int, **more: Any) -> MachineSight:
    name = f"cp-{number}"
    return MachineSight(
        **{
            "name": name,
            "uid": f"uid-{name}",
            "role": "control-plane",
            "node": name,
            "owner": "KubeadmControlPlane/cp",
            "addresses": (f"10.0.0.{10 + number}",),
            "server": f"server-{name}",
            "hooks": BOTH,
            "serving": True,
            **more,
        }
    )


def worker(number: int, **more: Any) -> MachineSight:
    name = f"worker-{number}"
    return MachineSight(
        **{
            "name": name,
            "uid": f"uid-{name}",
            "role": "worker",
            "node": name,
            "owner": "MachineSet/md-1",
            "deployment": "md",
            "addresses": (f"10.0.0.{20 + number}",),
            "server": f"server-{name}",
            "hooks": BOTH,
            "serving": True,
            **more,
        }
    )


def draining(machine: MachineSight, since: float = AT - 10) -> MachineSight:
    """It is deleted, and waits for the hook before its drain."""
    return replace(machine, deleting_since=since - 1, waits_for=WAITING_FOR_PRE_DRAIN, waiting_since=since)


def ending(machine: MachineSight, since: float = AT - 10) -> MachineSight:
    """It is drained, and waits for the hook before its termination."""
    return replace(
        machine,
        deleting_since=since - 100,
        waits_for=WAITING_FOR_PRE_TERMINATE,
        waiting_since=since,
        hooks=frozenset({PRE_TERMINATE}),
    )


def member(number: int, state: str = "ONLINE", **more: Any) -> MemberSight:
    """Of control plane `number`."""
    return MemberSight(
        **{
            "id": f"member-{number}",
            "name": f"legacy-{number}",
            "address": f"10.0.0.{10 + number}",
            "port": 6443,
            "state": state,
            **more,
        }
    )


def cloud(*members: MemberSight, **more: Any) -> CloudSight:
    machines = ("cp-0", "cp-1", "cp-2", "worker-0", "worker-1")
    return CloudSight(
        **{
            "pools": {POOL: members or (member(0), member(1), member(2))},
            "addresses": frozenset({"10.0.0.10", "10.0.0.11", "10.0.0.12", "10.0.0.20", "10.0.0.21"}),
            "floating_ips": (),
            "volumes": {f"server-{name}": () for name in machines},
            **more,
        }
    )


def nodes(*changed: NodeSight) -> dict[str, NodeSight]:
    """Five nodes, open; the control planes reserved."""
    found = {f"cp-{n}": NodeSight(name=f"cp-{n}", reserved=True) for n in range(3)}
    found |= {f"worker-{n}": NodeSight(name=f"worker-{n}") for n in range(2)}
    return found | {node.name: node for node in changed}


def gone_from(name: str) -> NodeSight:
    """A Node with replank's taint."""
    return NodeSight(name=name, going=True, open=False)


def pod(name: str, node: str, owner: str = "Deployment/web", **more: Any) -> PodSight:
    return PodSight(
        **{"namespace": "apps", "name": name, "node": node, "owner": owner, "ready": True, **more}
    )


def budget(name: str = "web", allowed: int = 1, never: bool = False) -> BudgetSight:
    return BudgetSight(place=f"apps/{name}", bound="minAvailable 1", allowed=allowed, pods=2, never=never)


def deployment(name: str = "kept", replicas: int = 1, **more: Any) -> DeploymentSight:
    return DeploymentSight(
        **{
            "namespace": "apps",
            "name": name,
            "replicas": replicas,
            "allowed": True,
            "resource_version": "7",
            **more,
        }
    )


def workload(**more: Any) -> WorkloadSight:
    return WorkloadSight(**{"nodes": nodes(), **more})


def sight(*changed: MachineSight, **more: Any) -> Sight:
    """The cluster at rest, but for the Machines that are given."""
    machines = {m.name: m for m in [*map(control_plane, range(3)), *map(worker, range(2))]}
    machines |= {machine.name: machine for machine in changed}
    return Sight(
        **{
            "namespace": "team",
            "cluster": "legacy",
            "at": AT,
            "machines": tuple(machines[name] for name in sorted(machines)),
            "rolling": frozenset({"KubeadmControlPlane/cp", "MachineDeployment/md"}),
            "workload": workload(),
            "cloud": cloud(),
            **more,
        }
    )
