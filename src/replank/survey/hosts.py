"""Which machines to reach over SSH, at which address, and what to write down for one that is not reached."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from typing import Any

from replank.domain.roles import Role
from replank.domain.unknown import Unknown, is_known
from replank.inventory.facts.hosts import HostFacts
from replank.inventory.facts.identity import LegacyMachine
from replank.inventory.facts.kubernetes import Node
from replank.inventory.facts.openstack import FloatingIP, Port, Server
from replank.inventory.fleet.model import SshAccess


def machines_to_reach(machines: Sequence[LegacyMachine], *, workers: bool) -> tuple[LegacyMachine, ...]:
    """Control planes and etcd machines; workers too where asked."""
    wanted = {Role.CONTROL_PLANE, Role.ETCD} | ({Role.WORKER} if workers else set())
    return tuple(m for m in machines if is_known(m.role) and m.role in wanted)


def ssh_address(
    machine: LegacyMachine,
    access: SshAccess,
    servers: Sequence[Server],
    ports: Sequence[Port],
    floating_ips: Sequence[FloatingIP],
    nodes: Sequence[Node],
) -> str | None:
    """The address that `access.address` asks for, or None if the machine has none of that kind.

    Fixed addresses come from Nova, then from the Node; floating ones from Nova, then from Neutron.
    """
    server = next((s for s in servers if s.id == machine.server_id), None)
    node = next((n for n in nodes if n.name == machine.node), None)
    fixed = [a.address for a in server.addresses if a.kind == "fixed"] if server else []
    fixed += [a.address for a in node.addresses if a.type == "InternalIP"] if node else []
    floating = [a.address for a in server.addresses if a.kind == "floating"] if server else []
    own_ports = {p.id for p in ports if server and p.device_id == server.id}
    floating += [f.address for f in floating_ips if f.port_id in own_ports]
    wanted = {"fixed": fixed, "floating": floating, "any": fixed + floating}[access.address]
    return wanted[0] if wanted else None


def unseen_host(server: str, address: str, why: Unknown) -> HostFacts:
    """The facts of a machine that could not be reached: each is unknown for the same reason."""
    facts: dict[str, Any] = {
        field.name: why for field in fields(HostFacts) if field.name not in ("server", "address")
    }
    return HostFacts(server=server, address=address, **facts)
