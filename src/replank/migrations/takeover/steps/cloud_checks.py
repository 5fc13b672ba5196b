"""OpenStack before and after: the same servers, ports and pool members, and nothing new.

What is new is told from what others do in the same project: a port or server is the takeover's fault if it
carries a name that CAPO or Cluster API would give, or hangs on a planned server. CAPO names a port
`<server>-<index or suffix>` (v0.14.7, networking/port.go, GetPortName), Cluster API a Machine
`<owner>-<random>`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

from replank.domain.verdict import Verdict, failed, passed, unseen, waiting
from replank.migrations.takeover.steps.at import At
from replank.migrations.takeover.steps.planned import cluster_ref
from replank.plan.parameters import Params, texts
from replank.plan.takeover import PlannedMachine, PortName, TakeoverPlan
from replank.ports.access import Document

_SKEW: Final = timedelta(minutes=5)
"""How far the clocks of OpenStack and of the management cluster may lie apart."""


async def servers_active(at: At, params: Params) -> Verdict:
    """`openstack.servers-active`: ACTIVE and under no task."""
    busy = []
    for server_id in texts(params, "servers"):
        server = await at.access.cloud.server(server_id)
        if server is None:
            return failed(f"there is no server {server_id}", "Survey and plan again.")
        status, task = str(server.get("status") or ""), server.get("OS-EXT-STS:task_state")
        if task or status in ("BUILD", "REBOOT", "HARD_REBOOT", "MIGRATING", "RESIZE", "PASSWORD"):
            busy.append(f"{server['name']} is {status} ({task or 'no task'})")
        elif status != "ACTIVE":
            return failed(
                f"server {server['name']} is {status or 'of unknown status'}",
                "Start it: a server that is not ACTIVE never becomes ready in Cluster API.",
            )
    return waiting("; ".join(busy)) if busy else passed(servers=len(texts(params, "servers")))


async def unchanged(at: At, params: Params) -> Verdict:
    """`openstack.unchanged`, against `Plan.machines` and `Plan.load_balancer`. `networks`: the plan's."""
    since = await _since(at)
    servers = await at.access.cloud.servers()
    ports = [port for net in texts(params, "networks") for port in await at.access.cloud.ports(net)]
    wrong = [*_servers(at.plan, servers, since), *_ports(at.plan, ports, since)]
    pool_id, planned = at.plan.load_balancer.pool_id, at.plan.load_balancer.members
    if pool_id:
        pool = await at.access.cloud.balancing("pool", pool_id)
        if pool is None:
            wrong.append(f"pool {pool_id} is gone")
        elif "members" not in pool:
            return unseen(f"Octavia does not say which members pool {pool_id} has")
        else:
            wrong += _members(planned, pool)
    if wrong:
        return failed(
            "; ".join(wrong),
            "Stop here: `replank undo` the takeover, then find out who made the change.",
            changes=wrong,
        )
    loose = [f"{p['name'] or 'unnamed'} ({p['id']})" for p in _loose(at.plan, ports, since)]
    if loose:
        return waiting(f"new ports without a server on the cluster's networks: {', '.join(loose)}")
    return passed(
        servers=len(at.plan.machines), ports=sum(len(m.ports) for m in at.plan.machines), members=len(planned)
    )


async def _since(at: At) -> datetime | None:
    """When the takeover wrote its Cluster; None before that. What is older nobody's controller made."""
    cluster = await at.access.management.get(cluster_ref(at.plan))
    made = _time(cluster["metadata"].get("creationTimestamp")) if cluster is not None else None
    return made - _SKEW if made is not None else None


def _servers(plan: TakeoverPlan, servers: Sequence[Document], since: datetime | None) -> Iterator[str]:
    live = {str(server["id"]): server for server in servers}
    for machine in plan.machines:
        server = live.get(machine.server_id)
        if server is None:
            yield f"server {machine.machine} ({machine.server_id}) is gone"
        elif server["name"] != machine.machine:
            yield f"server {machine.server_id} is called {server['name']}, not {machine.machine}"
    planned = {machine.server_id for machine in plan.machines}
    names = {machine.machine for machine in plan.machines}
    owners = tuple(f"{group.name}-" for group in plan.groups)
    for server_id in sorted(live.keys() - planned):
        name = str(live[server_id]["name"])
        if name in names or (name.startswith(owners) and _new(live[server_id].get("created"), since)):
            yield f"server {name} ({server_id}) is new"


def _ports(plan: TakeoverPlan, ports: Sequence[Document], since: datetime | None) -> Iterator[str]:
    live = {str(port["id"]): port for port in ports}
    for machine in plan.machines:
        for planned in machine.ports:
            port = live.get(planned.id)
            if port is None:
                yield f"port {planned.new} ({planned.id}) is gone"
            else:
                yield from _port(machine, planned, port)
    servers = {machine.server_id for machine in plan.machines}
    names = tuple(f"{machine.machine}-" for machine in plan.machines)
    names += tuple(f"{group.name}-" for group in plan.groups)
    for port in _unplanned(plan, ports):
        plugged = port.get("device_id") in servers
        if plugged or (str(port["name"]).startswith(names) and _new(port.get("created_at"), since)):
            yield f"port {port['name'] or 'unnamed'} ({port['id']}) is new"


def _port(machine: PlannedMachine, planned: PortName, port: Document) -> Iterator[str]:
    what = f"port {planned.new} ({planned.id})"
    if port["name"] != planned.new:
        yield f"{what} is called '{port['name']}'"
    if port.get("device_id") != machine.server_id:
        yield f"{what} is on server {port.get('device_id') or 'none'}"
    pairs = (_pair(pair, port.get("mac_address")) for pair in port.get("allowed_address_pairs") or ())
    for says, before, now in (
        ("addresses", planned.fixed_ips, (fixed["ip_address"] for fixed in port.get("fixed_ips") or ())),
        ("security groups", planned.security_groups, port.get("security_groups") or ()),
        ("allowed address pairs", planned.address_pairs, pairs),
    ):
        yield from _compared(f"{what}: its {says}", before, now)


def _pair(pair: Document, own_mac: object) -> str:
    """As `PortName.address_pairs`: Neutron fills in the port's own MAC address, which says nothing."""
    mac = pair.get("mac_address")
    return f"{pair['ip_address']} {mac}" if mac and mac != own_mac else str(pair["ip_address"])


def _compared(what: str, before: Sequence[str], now: Iterable[str]) -> Iterator[str]:
    live = sorted(now)
    if live != list(before):
        yield f"{what} were {', '.join(before) or 'none'} and are {', '.join(live) or 'none'}"


def _members(planned: Sequence[str], pool: Document) -> list[str]:
    live = (member["id"] if isinstance(member, dict) else str(member) for member in pool["members"] or ())
    return list(_compared(f"pool {pool['id']}: its members", planned, live))


def _unplanned(plan: TakeoverPlan, ports: Sequence[Document]) -> list[Document]:
    planned = {port.id for machine in plan.machines for port in machine.ports}
    return sorted((port for port in ports if port["id"] not in planned), key=lambda port: str(port["id"]))


def _loose(plan: TakeoverPlan, ports: Sequence[Document], since: datetime | None) -> list[Document]:
    """New ports of nobody: CAPO makes the port before the server. Another cluster's get a server soon."""
    if since is None:
        return []
    return [
        port
        for port in _unplanned(plan, ports)
        if not port.get("device_id") and not port.get("device_owner") and _new(port.get("created_at"), since)
    ]


def _new(created: object, since: datetime | None) -> bool:
    """Made since then; where either time is not known, it counts as new."""
    time = _time(created)
    return time is None or since is None or time >= since


def _time(value: object) -> datetime | None:
    if not isinstance(value, str):
        return None
    try:
        time = datetime.fromisoformat(value)
    except ValueError:
        return None
    return time if time.tzinfo is not None else time.replace(tzinfo=UTC)
