"""Specs in any number, for benchmarks: the features vary, the defects are few."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

from replank.testbed.fleet.mint import Mint
from replank.testbed.fleet.spec import (
    ClusterSpec,
    Cni,
    LoadBalancerKind,
    PortKind,
    ProviderIdKind,
    StateShape,
    WorkerGroup,
    Workload,
)

T = TypeVar("T")

_SHAPES: tuple[StateShape, ...] = ("count", "for_each", "module", "workspace", "opentofu", "legacy")
_VERSIONS = ("v1.33.5", "v1.34.4", "v1.35.4")
_CNIS: tuple[Cni, ...] = ("calico", "cilium")
_PORTS: tuple[PortKind, ...] = ("explicit", "explicit", "implicit")
_PROVIDER_IDS: tuple[ProviderIdKind, ...] = ("plain", "plain", "plain", "regional")
_LOAD_BALANCERS: tuple[LoadBalancerKind, ...] = ("octavia", "octavia", "octavia", "keepalived")
# About one cluster in six has something that an operator has to look at.
_DEFECTS = ((), (), (), (), (), ("tainted",), ("address-pairs",), ("budget-never-allows",), (), (), (), ())
_CLOUDS = 4


def scaled_specs(count: int, seed: int) -> tuple[ClusterSpec, ...]:
    """`count` specs, the same for the same arguments: 3 control planes, 2 to 7 workers each."""
    return tuple(_spec(Mint(seed), index, count) for index in range(count))


def _spec(mint: Mint, index: int, count: int) -> ClusterSpec:
    name = f"legacy-{index + 1:03d}"

    def pick(topic: str, choices: Sequence[T]) -> T:
        return choices[mint.number("scaled", name, topic, below=len(choices))]

    groups = [
        WorkerGroup(
            name="worker",
            count=2 + mint.number("scaled", name, "workers", below=3),
            zones=pick("zones", (("az1",), ("az1", "az2"), ("az1", "az2", "az3"))),
        )
    ]
    if mint.number("scaled", name, "second group", below=3) == 0:
        groups.append(
            WorkerGroup(
                name="large",
                count=1 + mint.number("scaled", name, "large", below=3),
                flavor="m1.xlarge",
                labels={"example.org/pool": "large"},
                taints=("example.org/dedicated=large:NoSchedule",),
            )
        )
    audited = mint.number("scaled", name, "audit", below=2) == 0
    version = pick("version", _VERSIONS)
    return ClusterSpec(
        name=name,
        workers=tuple(groups),
        version=version,
        kubeadm_api="v1beta4",
        load_balancer=pick("load balancer", _LOAD_BALANCERS),
        ports=pick("ports", _PORTS),
        boot="volume" if mint.number("scaled", name, "boot", below=4) == 0 else "image",
        provider_id=pick("provider id", _PROVIDER_IDS),
        audit_policy=audited,
        encryption=mint.number("scaled", name, "encryption", below=3) == 0,
        terraform=pick("terraform", _SHAPES),
        cni=pick("cni", _CNIS),
        workloads=(
            Workload(name="web", replicas=2, budget=1, load_balancer=index % 2 == 0),
            Workload(name="store", kind="StatefulSet", replicas=2, claims=True, budget=1),
        ),
        cloud=f"legacy-{index * min(_CLOUDS, count) // count + 1}",
        defects=pick("defects", _DEFECTS),
    )
