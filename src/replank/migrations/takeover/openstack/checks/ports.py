"""Ports: CAPO finds them by name and network, and makes an unattached one where it finds none."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from replank.audit.finding import AuditSettings
from replank.domain.severity import Severity
from replank.inventory.facts.openstack import Port, Server
from replank.inventory.facts.snapshot import Snapshot
from replank.migrations.takeover.checks.look import cloud, servers
from replank.migrations.takeover.checks.rule import Sighting, rule, seen, some
from replank.migrations.takeover.openstack.names import port_name


def ports_of(snapshot: Snapshot, server: Server) -> tuple[Port, ...]:
    """The ports that are plugged into `server`, sorted by ID. Raises `Unseen`."""
    ports = cloud(snapshot, lambda facts: facts.ports)
    return tuple(sorted((p for p in ports if p.device_id == server.id), key=lambda p: p.id))


def called(port: Port) -> str:
    """How to speak of a port: its name, or its ID where Nova left it without."""
    return f"port {port.name}" if port.name else f"port {port.id} (unnamed: Nova made it)"


def _each(snapshot: Snapshot) -> Iterator[tuple[Server, Port]]:
    for _machine, server in servers(snapshot):
        for port in ports_of(snapshot, server):
            yield server, port


@rule(
    "RP120",
    Severity.NOTE,
    consequence="CAPO would not find these ports and would make unattached ones beside them.",
    remedy="Nothing to do: the plan renames them, or gives their names as suffixes, before anything else.",
)
def port_names_differ(snapshot: Snapshot, _: AuditSettings) -> Iterator[Sighting]:
    """Ports that are not called `<server>-<index>`, all in one finding: most clusters have no other."""
    lines = []
    for _machine, server in servers(snapshot):
        ports = ports_of(snapshot, server)
        wanted = {port_name(server.name, index, "") for index in range(len(ports))}
        lines += [f"{called(port)} of {server.name}" for port in ports if port.name not in wanted]
    if lines:
        yield seen(f"ports of cluster {snapshot.cluster}", *some(lines))


@rule(
    "RP121",
    Severity.BLOCKER,
    consequence="CAPO would take the other port for the machine's, or refuse because the name is there "
    "twice.",
    remedy="Remove the other port if it is a left-over (an earlier try makes such), or rename it.",
)
def port_name_is_taken(snapshot: Snapshot, _: AuditSettings) -> Iterator[Sighting]:
    """A port that is not the server's has the name by which CAPO looks for the server's port."""
    ports = cloud(snapshot, lambda facts: facts.ports)
    elsewhere = cloud(snapshot, lambda facts: facts.namesakes)
    for _machine, server in servers(snapshot):
        own = ports_of(snapshot, server)
        networks = {port.network_id for port in own}
        wanted = {port_name(server.name, index, "") for index in range(max(1, len(own)))}
        for port in sorted(ports, key=lambda p: p.id):
            if port.name in wanted and port.device_id != server.id and port.network_id in networks:
                where = f"is plugged into {port.device_id}" if port.device_id else "is plugged into nothing"
                yield seen(f"port {port.name} ({port.id})", f"it {where}, not into {server.name}")
        for other in elsewhere:
            if other.kind == "port" and other.name in wanted:
                yield seen(f"port {other.name} ({other.id})", f"it does not belong to {server.name}")


@rule(
    "RP122",
    Severity.RISK,
    consequence="CAPO 0.15 writes the pairs of the template to the port and clears all others: pod "
    "networks or a virtual IP that rest on them break. New machines have only the pairs of their group's "
    "template.",
    remedy="Review the pairs that the plan puts into each template; pairs of one machine alone will be lost.",
)
def port_has_allowed_address_pairs(snapshot: Snapshot, _: AuditSettings) -> Iterator[Sighting]:
    """Allowed address pairs on ports that CAPO will own, by pair."""
    users: dict[str, list[str]] = defaultdict(list)
    for server, port in _each(snapshot):
        for pair in port.allowed_address_pairs:
            users[f"{pair.address} {pair.mac}".strip()].append(f"{called(port)} of {server.name}")
    for told, ports in sorted(users.items()):
        yield seen(f"allowed address pair {told}", *some(ports))


@rule(
    "RP123",
    Severity.RISK,
    consequence="CAPO does not know the trunk: Neutron refuses to delete its parent port with the "
    "machine, and new machines come without subports.",
    remedy="Move the VLANs to own ports, or keep such machines out of groups that are rolled out.",
)
def port_is_a_trunk(snapshot: Snapshot, _: AuditSettings) -> Iterator[Sighting]:
    """A port that is the parent of a Neutron trunk."""
    for server, port in _each(snapshot):
        if port.trunk_id:
            yield seen(f"{called(port)} of {server.name}", f"trunk {port.trunk_id}")


@rule(
    "RP124",
    Severity.NOTE,
    consequence="The plan sets disablePortSecurity: such a port has no security groups and no "
    "anti-spoofing, on new machines too.",
    remedy="Check that this is meant; many set it for a CNI that no longer needs it.",
)
def port_security_is_off(snapshot: Snapshot, _: AuditSettings) -> Iterator[Sighting]:
    """Port security switched off."""
    found = [(s, port) for s, port in _each(snapshot) if not port.port_security]
    if found:
        lines = (f"{called(port)} of {server.name}" for server, port in found)
        yield seen(f"ports of cluster {snapshot.cluster}", *some(lines))


@rule(
    "RP125",
    Severity.RISK,
    consequence="A new machine needs the same kind of network card on its hypervisor, and CAPO's user may "
    "not be allowed to set the binding profile.",
    remedy="Check capacity and rights before the first rollout of this group.",
)
def port_is_not_normal(snapshot: Snapshot, _: AuditSettings) -> Iterator[Sighting]:
    """SR-IOV, macvtap and other vNIC types."""
    for server, port in _each(snapshot):
        if port.vnic_type not in ("", "normal"):
            yield seen(f"{called(port)} of {server.name}", f"vNIC type {port.vnic_type}")


@rule(
    "RP126",
    Severity.NOTE,
    consequence="The order of the cards is an index in the template: an image that configures them by "
    "name sees another order as another network.",
    remedy="Compare the order that the plan shows with the machine's own.",
)
def server_has_several_ports(snapshot: Snapshot, _: AuditSettings) -> Iterator[Sighting]:
    """More than one network card."""
    for _machine, server in servers(snapshot):
        ports = ports_of(snapshot, server)
        if len(ports) > 1:
            lines = (f"{called(port)} in network {port.network_id}" for port in ports)
            yield seen(f"server {server.name}", *some(lines))


@rule(
    "RP127",
    Severity.BLOCKER,
    consequence="A machine without ports in its description gets a new, unattached port in the cluster's "
    "network.",
    remedy="Find out why no port is seen: another project, missing rights, or a port that was taken off.",
)
def server_has_no_port(snapshot: Snapshot, _: AuditSettings) -> Iterator[Sighting]:
    """A server on whose behalf no port is seen."""
    for _machine, server in servers(snapshot):
        if not ports_of(snapshot, server):
            yield seen(f"server {server.name}", f"no port has device_id {server.id}")
