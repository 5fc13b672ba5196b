"""Checks of names, owners and tags in OpenStack."""

from __future__ import annotations

from dataclasses import dataclass

from replank.domain.verdict import Verdict, failed, passed, waiting
from replank.migrations.takeover.manifest import key
from replank.migrations.takeover.openstack.names import port_name
from replank.migrations.takeover.steps.at import At
from replank.migrations.takeover.steps.live_object import spec_of
from replank.plan.parameters import Params, optional, text
from replank.plan.takeover import TakeoverPlan
from replank.ports.access import Document

SURVEY_AGAIN = "Find out who changed it; then survey and plan again."


async def port_is(at: At, params: Params) -> Verdict:
    """`openstack.port.is`: `name`, or `new` where that is given too; its `server`; its `tag`."""
    port_id = text(params, "port")
    port = await at.access.cloud.port(port_id)
    if port is None:
        return failed(f"there is no port {port_id}", SURVEY_AGAIN)
    server, tag = optional(params, "server"), optional(params, "tag")
    if server and port.get("device_id") != server:
        return failed(
            f"port {port_id} belongs to {port.get('device_id') or 'no server'}, not to server {server}",
            SURVEY_AGAIN,
        )
    verdict = _named(f"port {port_id}", str(port["name"]), params)
    if verdict.outcome == "pass" and tag and tag not in (port.get("tags") or ()):
        return waiting(f"port {port_id} has no tag {tag!r}", tags=list(port.get("tags") or ()))
    return verdict


async def port_name_free(at: At, params: Params) -> Verdict:
    """`openstack.port.name-free`: on the network of `port` nothing else has the name. CAPO takes the first
    that it finds."""
    port_id, name = text(params, "port"), text(params, "name")
    port = await at.access.cloud.port(port_id)
    if port is None:
        return failed(f"there is no port {port_id}", SURVEY_AGAIN)
    others = await at.access.cloud.ports(str(port["network_id"]))
    taken = [str(other["id"]) for other in others if other["name"] == name and other["id"] != port_id]
    return _free("port", name, taken)


async def found_by_name(at: At, _: Params) -> Verdict:
    """`openstack.found-by-name`: CAPO's look-ups by name find each machine's own server and ports, alone.

    On a miss CAPO makes a port before it asks for the server's user data (v0.14.7, getPortName and
    getOrCreateServer), so this is looked at before it is let at the machines.
    """
    wrong: list[str] = []
    servers = await at.access.cloud.servers()
    ports: dict[str, tuple[Document, ...]] = {}
    for machine in at.plan.machines:
        named = [str(server["id"]) for server in servers if server["name"] == machine.machine]
        if named != [machine.server_id]:
            there = ", ".join(sorted(named)) or "no server"
            wrong.append(f"'{machine.machine}' names {there}, not server {machine.server_id}")
        for name, network in _port_look_ups(at.plan, machine.machine):
            if network not in ports:
                ports[network] = await at.access.cloud.ports(network)
            found = [port for port in ports[network] if port["name"] == name]
            if [port.get("device_id") for port in found] != [machine.server_id]:
                there = ", ".join(sorted(str(port["id"]) for port in found)) or "no port"
                wrong.append(
                    f"'{name}' names {there} on network {network}, not the port of {machine.machine}"
                )
    if wrong:
        return failed(
            "; ".join(wrong),
            "Do not unpause: CAPO would make a port or a server. Undo the run, then survey and plan again.",
            wrong=list(wrong),
        )
    return passed(machines=len(at.plan.machines))


def _port_look_ups(plan: TakeoverPlan, machine: str) -> list[tuple[str, str]]:
    """Name and network ID of each port of an OpenStackMachine, as CAPO looks for it."""
    spec = spec_of(plan.manifests[key("OpenStackMachine", machine)])
    return [
        (
            port_name(machine, index, str(port.get("nameSuffix") or "")),
            str((port.get("network") or {}).get("id") or ""),
        )
        for index, port in enumerate(spec.get("ports") or [])
    ]


async def server_is(at: At, params: Params) -> Verdict:
    """`openstack.server.is`: `name`, or `new` where that is given too."""
    server_id = text(params, "server")
    server = await at.access.cloud.server(server_id)
    if server is None:
        return failed(f"there is no server {server_id}", SURVEY_AGAIN)
    return _named(f"server {server_id}", str(server["name"]), params)


async def server_name_free(at: At, params: Params) -> Verdict:
    """`openstack.server.name-free`: no server but `server` has the name. CAPO fails on two."""
    server_id, name = text(params, "server"), text(params, "name")
    servers = await at.access.cloud.servers()
    taken = [str(s["id"]) for s in servers if s["name"] == name and s["id"] != server_id]
    return _free("server", name, taken)


@dataclass(frozen=True, slots=True)
class BalancingIs:
    """`openstack.<kind>.is`: a part of the load balancer is called `name`."""

    kind: str

    async def __call__(self, at: At, params: Params) -> Verdict:
        part_id = text(params, "id")
        part = await at.access.cloud.balancing(self.kind, part_id, optional(params, "pool"))
        if part is None:
            return failed(f"there is no {self.kind} {part_id}", SURVEY_AGAIN)
        return _named(f"{self.kind} {part_id}", str(part.get("name") or ""), params)


async def load_balancer_active(at: At, params: Params) -> Verdict:
    """`openstack.load-balancer.active`: Octavia takes no change before (409 immutable)."""
    balancer_id = text(params, "id")
    balancer = await at.access.cloud.balancing("load-balancer", balancer_id)
    if balancer is None:
        return failed(f"there is no load balancer {balancer_id}", SURVEY_AGAIN)
    status = str(balancer.get("provisioning_status") or "")
    if status == "ACTIVE":
        return passed(status=status)
    if status.startswith("PENDING_"):
        return waiting(f"load balancer {balancer_id} is {status}")
    return failed(
        f"load balancer {balancer_id} is {status or 'of unknown status'}",
        "Mend it (`openstack loadbalancer failover`), then go on.",
    )


def _named(what: str, name: str, params: Params) -> Verdict:
    wanted = [text(params, "name")]
    if new := optional(params, "new"):
        wanted.append(new)
    if name in wanted:
        return passed(name=name)
    says = " or ".join(f"'{each}'" if each else "no name" for each in wanted)
    return failed(f"{what} is called '{name}', not {says}", SURVEY_AGAIN)


def _free(kind: str, name: str, taken: list[str]) -> Verdict:
    if not taken:
        return passed()
    return failed(
        f"{kind} {', '.join(sorted(taken))} is called '{name}' already",
        f"Rename or remove that {kind}: CAPO looks for its own by this name.",
    )
