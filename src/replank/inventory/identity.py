"""Joins servers, Nodes and hosts into legacy machines, by several keys, keeping the evidence.

Keys from strong to weak: providerID, systemUUID (Nova gives its UUID to the guest's DMI), address, name. Two
strong keys that name different servers are a conflict, and the join stays unknown: replank never guesses.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase

from replank.domain.provider_id import parse_provider_id
from replank.domain.roles import Role
from replank.domain.unknown import Fact, Unknown, is_known
from replank.domain.uuids import same_uuid
from replank.inventory.facts.hosts import HostFacts
from replank.inventory.facts.identity import Conflict, Evidence, LegacyMachine
from replank.inventory.facts.kubernetes import Node
from replank.inventory.facts.openstack import LoadBalancer
from replank.inventory.fleet.model import Override
from replank.inventory.roles import role_of_metadata, role_of_name, role_of_node

STRONG_KEYS = frozenset({"provider-id", "system-uuid"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A server that may be a machine of the cluster, from the cloud or (offline) from the state alone."""

    id: str
    name: str
    addresses: tuple[str, ...] = ()
    metadata: tuple[tuple[str, str], ...] = ()
    state_addresses: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class JoinInput:
    """All that the join looks at. `candidates` and `nodes` unknown = that side could not be seen."""

    candidates: Fact[tuple[Candidate, ...]]
    nodes: Fact[tuple[Node, ...]]
    hosts: tuple[HostFacts, ...] = ()
    load_balancers: tuple[LoadBalancer, ...] = ()
    api_port: int = 6443
    overrides: tuple[Override, ...] = ()


def join_machines(given: JoinInput) -> tuple[tuple[LegacyMachine, ...], tuple[Conflict, ...]]:
    """The machines of one cluster, sorted by name, and the contradictions met on the way."""
    candidates = given.candidates if is_known(given.candidates) else ()
    nodes = given.nodes if is_known(given.nodes) else ()
    conflicts: list[Conflict] = []
    machines: list[LegacyMachine] = []
    joined: dict[str, list[str]] = {}
    for node in nodes:
        server, evidence, conflict = _server_of(node, candidates, given.candidates)
        conflicts.extend(conflict)
        role, says = role_of_node(node)
        candidate = next((c for c in candidates if c.id == server), None)
        if isinstance(server, str):
            joined.setdefault(server, []).append(node.name)
        machines.append(
            LegacyMachine(
                name=candidate.name if candidate else node.name,
                role=role,
                server_id=server,
                node=node.name,
                state_addresses=candidate.state_addresses if candidate else (),
                evidence=(*evidence, says),
            )
        )
    conflicts.extend(_claimed_twice(joined, candidates))
    machines.extend(_without_node(c, given) for c in candidates if c.id not in joined)
    machines = [_overridden(_with_host(m, given.hosts), given.overrides) for m in machines]
    conflicts.extend(_host_conflicts(machines, given.hosts))
    return (
        tuple(sorted(machines, key=lambda m: (m.name, str(m.server_id), str(m.node)))),
        tuple(sorted(conflicts, key=lambda c: (c.subject, c.says))),
    )


def _server_of(
    node: Node, candidates: Sequence[Candidate], seen: Fact[tuple[Candidate, ...]]
) -> tuple[Fact[str | None], tuple[Evidence, ...], tuple[Conflict, ...]]:
    """The server of a Node: its ID, None (the cloud was seen and has none), or unknown."""
    hints = _hints(node, candidates)
    if isinstance(seen, Unknown):
        claimed = parse_provider_id(node.provider_id)
        says = tuple(e for _, e in hints)
        if claimed is None:
            return Unknown(seen.unknown, seen.code), says, ()
        return (
            claimed.server_id,
            (*says, Evidence(key="provider-id", says=f"providerID {node.provider_id}")),
            (),
        )
    strong = {server for server, e in hints if e.key in STRONG_KEYS}
    weak = {server for server, e in hints if e.key not in STRONG_KEYS}
    evidence = tuple(e for _, e in hints)
    contradiction = (
        len(strong) > 1 or (not strong and len(weak) > 1) or bool(strong and weak and strong != weak)
    )
    claimed = parse_provider_id(node.provider_id)
    dangling = claimed is not None and all(claimed.server_id != c.id for c in candidates)
    if contradiction or dangling:
        why = (
            f"its providerID {node.provider_id} names a server that the cloud does not have"
            if dangling
            else "its keys name different servers: " + "; ".join(e.says for e in evidence)
        )
        conflict = Conflict(subject=f"Node {node.name}", says=why, evidence=evidence)
        return Unknown(f"Node {node.name}: {why}", "RP601"), evidence, (conflict,)
    found = strong or weak
    return (next(iter(found)) if found else None), evidence, ()


def _hints(node: Node, candidates: Sequence[Candidate]) -> list[tuple[str, Evidence]]:
    """(server ID, evidence) for each key that matches exactly one server."""
    hints: list[tuple[str, Evidence]] = []
    provider = parse_provider_id(node.provider_id)
    addresses = {a.address for a in node.addresses if a.type in ("InternalIP", "ExternalIP")}
    short = node.name.partition(".")[0]
    keys = (
        ("provider-id", [c for c in candidates if provider and c.id == provider.server_id]),
        ("system-uuid", [c for c in candidates if same_uuid(c.id, node.system_uuid)]),
        ("address", [c for c in candidates if addresses & set(c.addresses)]),
        ("name", [c for c in candidates if c.name in (node.name, short)]),
    )
    words = {
        "provider-id": f"providerID {node.provider_id}",
        "system-uuid": f"systemUUID {node.system_uuid}",
        "address": f"address {', '.join(sorted(addresses))}",
        "name": f"name {node.name}",
    }
    for key, found in keys:
        if len(found) == 1:
            says = f"{words[key]} of Node {node.name} is that of server {found[0].name} ({found[0].id})"
            hints.append((found[0].id, Evidence(key=key, says=says)))
    return hints


def _claimed_twice(joined: dict[str, list[str]], candidates: Sequence[Candidate]) -> list[Conflict]:
    names = {c.id: c.name for c in candidates}
    return [
        Conflict(
            subject=f"server {names.get(server, server)}",
            says=f"{len(nodes)} Nodes are joined to it: {', '.join(sorted(nodes))}",
        )
        for server, nodes in joined.items()
        if len(nodes) > 1
    ]


def _without_node(candidate: Candidate, given: JoinInput) -> LegacyMachine:
    """A server that no Node was joined to: its role from what is written about it."""
    hints = [
        hint
        for hint in (
            _role_of_membership(candidate, given.load_balancers, given.api_port),
            role_of_metadata(dict(candidate.metadata)),
            role_of_name(candidate.name),
        )
        if hint
    ]
    node: Fact[str | None] = None
    if isinstance(given.nodes, Unknown):
        node = Unknown(given.nodes.unknown, given.nodes.code)
    role: Fact[Role]
    if hints:
        role = hints[0][0]
    else:
        role = Unknown("neither a Node, a load balancer, metadata nor the name tells what it is for", "RP603")
    return LegacyMachine(
        name=candidate.name,
        role=role,
        server_id=candidate.id,
        node=node,
        state_addresses=candidate.state_addresses,
        evidence=tuple(e for _, e in hints),
    )


def _role_of_membership(
    candidate: Candidate, load_balancers: Sequence[LoadBalancer], api_port: int
) -> tuple[Role, Evidence] | None:
    for balancer in load_balancers:
        for pool in balancer.pools:
            for member in pool.members:
                if member.address in candidate.addresses and member.protocol_port == api_port:
                    says = f"{member.address}:{api_port} is a member of pool {pool.name} of {balancer.name}"
                    return Role.CONTROL_PLANE, Evidence(key="load-balancer", says=says)
    return None


def _with_host(machine: LegacyMachine, hosts: Sequence[HostFacts]) -> LegacyMachine:
    host = next((h for h in hosts if h.server == machine.name), None)
    if host is None or not is_known(host.static_pods):
        return machine
    if not any(pod.component == "kube-apiserver" for pod in host.static_pods):
        return machine
    evidence = Evidence(key="static-pod", says=f"{machine.name} has a kube-apiserver manifest")
    role = Role.CONTROL_PLANE if isinstance(machine.role, Unknown) else machine.role
    return replace(machine, role=role, evidence=(*machine.evidence, evidence))


def _overridden(machine: LegacyMachine, overrides: Sequence[Override]) -> LegacyMachine:
    """fleet.yaml has the last word; of several matching overrides the last one that says something."""
    for override in overrides:
        if not fnmatchcase(machine.name, override.server):
            continue
        if override.role is not None:
            says = Evidence(key="override", says=f"fleet.yaml: {override.server} is {override.role.value}")
            machine = replace(machine, role=override.role, evidence=(*machine.evidence, says))
        if override.group:
            machine = replace(machine, group=override.group)
    return machine


def _host_conflicts(machines: Sequence[LegacyMachine], hosts: Sequence[HostFacts]) -> list[Conflict]:
    """A host that says by its DMI that it is another server than the one SSH was meant to reach."""
    conflicts = []
    by_name = {m.name: m for m in machines}
    for host in hosts:
        machine = by_name.get(host.server)
        if machine is None or not isinstance(machine.server_id, str) or not is_known(host.system_uuid):
            continue
        if host.system_uuid and not same_uuid(host.system_uuid, machine.server_id):
            conflicts.append(
                Conflict(
                    subject=f"host {host.server}",
                    says=f"SSH to {host.address} reached a machine whose system UUID is {host.system_uuid}, "
                    f"but server {host.server} is {machine.server_id}",
                )
            )
    return conflicts
