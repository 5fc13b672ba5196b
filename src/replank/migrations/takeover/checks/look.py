"""Ways to look at a snapshot from a rule. Each raises `Unseen` where the fact is unknown."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TypeVar

from replank.domain.roles import Role
from replank.domain.unknown import Fact, Unknown
from replank.inventory.facts.hosts import HostFacts
from replank.inventory.facts.identity import LegacyMachine
from replank.inventory.facts.kubernetes import ClusterConfiguration, KubernetesFacts, Node
from replank.inventory.facts.management import ManagementFacts
from replank.inventory.facts.openstack import OpenStackFacts, Server
from replank.inventory.facts.snapshot import Snapshot
from replank.inventory.facts.terraform import TerraformFacts
from replank.migrations.takeover.checks.rule import Unseen

T = TypeVar("T")
ADOPTED = frozenset({Role.CONTROL_PLANE, Role.WORKER})
"""Roles whose machines become Machines of Cluster API."""


def known(fact: Fact[T], subject: str = "") -> T:
    """The fact. Raises `Unseen` for `subject` if it is unknown."""
    if isinstance(fact, Unknown):
        raise Unseen(fact, subject)
    return fact


def cloud(snapshot: Snapshot, pick: Callable[[OpenStackFacts], Fact[T]]) -> T:
    """One fact of the OpenStack project."""
    return known(pick(known(snapshot.infrastructure.openstack)))


def kubernetes(snapshot: Snapshot, pick: Callable[[KubernetesFacts], Fact[T]]) -> T:
    """One fact of the workload cluster."""
    return known(pick(known(snapshot.kubernetes)))


def fact_of_cluster(snapshot: Snapshot, pick: Callable[[KubernetesFacts], Fact[T]]) -> Fact[T]:
    """One fact of the workload cluster, unknown where it or the whole cluster is. Raises nothing."""
    facts = snapshot.kubernetes
    return facts if isinstance(facts, Unknown) else pick(facts)


def management(snapshot: Snapshot, pick: Callable[[ManagementFacts], Fact[T]]) -> T:
    """One fact of the management cluster."""
    return known(pick(known(snapshot.management)))


def terraform(snapshot: Snapshot) -> TerraformFacts:
    """All states."""
    return known(snapshot.terraform)


def kubeadm(snapshot: Snapshot) -> ClusterConfiguration:
    """kubeadm's ClusterConfiguration; its absence is unseen here (RP220 reports the absence itself)."""
    config = kubernetes(snapshot, lambda facts: facts.kubeadm_config)
    if config is None:
        raise Unseen(Unknown("the cluster has no ConfigMap kube-system/kubeadm-config"))
    return config


def machines(snapshot: Snapshot, *roles: Role) -> tuple[LegacyMachine, ...]:
    """Machines of these roles; those of unknown role are RP603's. Unseen if there is no machine at all."""
    if not snapshot.machines:
        raise Unseen(Unknown("no machine of the cluster is known"))
    return tuple(m for m in snapshot.machines if m.role in roles)


def adopted(snapshot: Snapshot) -> tuple[LegacyMachine, ...]:
    """Control planes and workers. Unseen if there is none: a cluster has some."""
    found = machines(snapshot, *ADOPTED)
    if not found:
        raise Unseen(Unknown("no machine is known to be a control plane or a worker"))
    return found


def control_planes(snapshot: Snapshot) -> tuple[LegacyMachine, ...]:
    """Control planes. Unseen if there is none: a cluster has one at least."""
    found = machines(snapshot, Role.CONTROL_PLANE)
    if not found:
        raise Unseen(Unknown("no machine is known to be a control plane"))
    return found


def hosts(
    snapshot: Snapshot, pick: Callable[[HostFacts], Fact[T]]
) -> Iterator[tuple[LegacyMachine, Fact[T]]]:
    """Each control plane with one fact of its host; unknown where the machine was not read over SSH."""
    for machine in control_planes(snapshot):
        yield machine, of_host(snapshot, machine, pick)


def of_host(snapshot: Snapshot, machine: LegacyMachine, pick: Callable[[HostFacts], Fact[T]]) -> Fact[T]:
    """One fact of a machine's host."""
    host = next((h for h in snapshot.hosts if h.server == machine.name), None)
    return pick(host) if host else Unknown(f"{machine.name} was not read over SSH", "RP060")


def seen_hosts(
    snapshot: Snapshot, pick: Callable[[HostFacts], Fact[T]]
) -> tuple[list[tuple[LegacyMachine, T]], list[tuple[LegacyMachine, Unknown]]]:
    """Control planes whose host shows the fact, and those whose host does not; both sorted by name."""
    found: list[tuple[LegacyMachine, T]] = []
    blind: list[tuple[LegacyMachine, Unknown]] = []
    for machine, fact in sorted(hosts(snapshot, pick), key=lambda pair: pair[0].name):
        if isinstance(fact, Unknown):
            blind.append((machine, fact))
        else:
            found.append((machine, fact))
    return found, blind


def servers(snapshot: Snapshot, *roles: Role) -> tuple[tuple[LegacyMachine, Server], ...]:
    """Adopted machines (of these roles, or all) with their live servers, sorted by name.

    A machine whose server is unknown (RP601) or gone (RP101) is left out.
    """
    by_id = {server.id: server for server in cloud(snapshot, lambda facts: facts.servers)}
    pairs = (
        (machine, by_id[machine.server_id])
        for machine in adopted(snapshot)
        if isinstance(machine.server_id, str) and machine.server_id in by_id
    )
    wanted = [pair for pair in pairs if not roles or pair[0].role in roles]
    return tuple(sorted(wanted, key=lambda pair: (pair[1].name, pair[1].id)))


def nodes(snapshot: Snapshot, *roles: Role) -> tuple[tuple[LegacyMachine, Node], ...]:
    """Adopted machines (of these roles, or all) with their Nodes, sorted by name."""
    by_name = {node.name: node for node in kubernetes(snapshot, lambda facts: facts.nodes)}
    pairs = (
        (machine, by_name[machine.node])
        for machine in adopted(snapshot)
        if isinstance(machine.node, str) and machine.node in by_name
    )
    wanted = [pair for pair in pairs if not roles or pair[0].role in roles]
    return tuple(sorted(wanted, key=lambda pair: pair[1].name))
