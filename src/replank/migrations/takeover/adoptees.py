"""The machines that will be adopted: server, Node and host of each, joined."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from replank.domain.roles import Role
from replank.domain.unknown import Unknown
from replank.inventory.facts.hosts import HostFacts
from replank.inventory.facts.identity import LegacyMachine
from replank.inventory.facts.kubernetes import Node
from replank.inventory.facts.openstack import Port, Server
from replank.migrations.takeover.naming import is_dns_subdomain, server_object_name
from replank.migrations.takeover.notes import Notes
from replank.migrations.takeover.openstack.names import in_order
from replank.migrations.takeover.seen import Seen
from replank.migrations.takeover.settings import TakeoverSettings
from replank.plan.slug import limited, slug


@dataclass(frozen=True, slots=True, kw_only=True)
class Adoptee:
    """One machine that becomes a Machine.

    `name`: of its Machine and OpenStackMachine, and of its server from then on (CAPO finds the server by it).
    `ports`: in the order of the network cards. `version`: the kubelet's, as `v1.34.4`. `host` None: nobody
    looked at it over SSH.
    """

    name: str
    role: Literal["control-plane", "worker"]
    group: str
    server: Server
    node: Node
    host: HostFacts | None
    ports: tuple[Port, ...]

    @property
    def version(self) -> str:
        """The kubelet's version."""
        return self.node.kubelet_version

    @property
    def addresses(self) -> frozenset[str]:
        """The Node's internal addresses."""
        return frozenset(a.address for a in self.node.addresses if a.type == "InternalIP")


def adoptees(seen: Seen, settings: TakeoverSettings, notes: Notes) -> tuple[Adoptee, ...]:
    """All machines that can be adopted: control planes first, then by name. Notes say which cannot, and
    why.
    """
    joined = [pair for m in seen.machines if (pair := _joined(m, seen, notes)) is not None]
    others = tuple(n.name for n in seen.cloud.namesakes if n.kind == "server")
    names = _object_names({server.id: server.name for _, server, _ in joined}, others, settings, notes)
    found = []
    for machine, server, node in joined:
        addresses = frozenset(a.address for a in node.addresses if a.type == "InternalIP")
        found.append(
            Adoptee(
                name=names[server.id],
                role="control-plane" if machine.role == Role.CONTROL_PLANE else "worker",
                group=machine.group,
                server=server,
                node=node,
                host=seen.hosts.get(server.name),
                ports=in_order(server, seen.cloud.ports_of(server.id), addresses, seen.resources),
            )
        )
    return tuple(sorted(found, key=lambda a: (a.role, a.name, a.server.id)))


def _joined(machine: LegacyMachine, seen: Seen, notes: Notes) -> tuple[LegacyMachine, Server, Node] | None:
    subject = f"machine {machine.name}"
    if isinstance(machine.role, Unknown):
        notes.gap(subject, f"its role is unknown: {machine.role.unknown}")
        return None
    if machine.role not in (Role.CONTROL_PLANE, Role.WORKER):
        return None
    for what, fact in (("its server", machine.server_id), ("its Node", machine.node)):
        if isinstance(fact, Unknown):
            notes.gap(subject, f"{what} is unknown: {fact.unknown}")
            return None
        if fact is None:
            notes.gap(subject, f"{what} does not exist, so it cannot be adopted", unknown=False)
            return None
    server = seen.cloud.server(str(machine.server_id))
    node = seen.nodes.get(str(machine.node))
    if server is None or node is None:
        notes.gap(subject, f"{'its server' if server is None else 'its Node'} was not seen")
        return None
    return machine, server, node


def _object_names(
    servers: Mapping[str, str], others: Sequence[str], settings: TakeoverSettings, notes: Notes
) -> dict[str, str]:
    """Object name by server ID: the server's own wherever CAPO can find it by that.

    CAPO looks a server up by `^name$` and fails on more than one (v0.14.7, compute/instance.go), and
    Kubernetes wants a DNS-1123 subdomain. `others`: names of servers outside the cluster.
    """
    counted = Counter([*servers.values(), *others])
    taken = {name for name in counted if counted[name] == 1 and is_dns_subdomain(name)}
    names: dict[str, str] = {}
    for server_id, name in sorted(servers.items(), key=lambda item: (item[1], item[0])):
        if name in taken:
            names[server_id] = name
            continue
        wished = server_object_name(name)
        if counted[name] > 1 or wished in taken:
            wished = limited(f"{slug(name) or 'server'}-{slug(server_id)[:8]}")
        taken.add(wished)
        names[server_id] = wished
        if not settings.rename_servers:
            alike = "another server has the same name" if counted[name] > 1 else "it is no DNS-1123 subdomain"
            notes.bad_name(
                f"server {name} ({server_id})",
                f"CAPO looks servers up by name, and {alike}",
                f"Allow it with `rename_servers: true` in fleet.yaml (it would become {wished}), or rename "
                "the server yourself.",
            )
    return names
