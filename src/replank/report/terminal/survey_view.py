"""What a survey saw, in the terminal: the machines and why we believe so, and what could not be seen."""

from __future__ import annotations

from collections import Counter

from rich.console import Group, RenderableType
from rich.text import Text

from replank.domain.unknown import Fact, Unknown, is_known, known_or
from replank.inventory.facts.identity import LegacyMachine
from replank.inventory.facts.kubernetes import Node
from replank.inventory.facts.openstack import Server
from replank.inventory.facts.snapshot import Snapshot
from replank.inventory.runtime.runtimes import NOT_ASKED
from replank.inventory.unseen import unseen_sources
from replank.report.json_view import survey_dict
from replank.report.terminal.layout import bullets, say, section, table
from replank.report.words import count, short_id

__all__ = ["survey_dict", "survey_view"]


def survey_view(snapshot: Snapshot) -> RenderableType:
    """Sources, machines with evidence, conflicts, and every fact that could not be seen by its cause."""
    return Group(
        Text.assemble((say(snapshot.cluster).plain, "bold"), ": ", count(len(snapshot.machines), "machine")),
        _sources(snapshot),
        _machines(snapshot),
        _conflicts(snapshot),
        _unseen(snapshot),
        Text(""),
    )


def _sources(snapshot: Snapshot) -> Group:
    openstack = snapshot.infrastructure.openstack
    kubernetes = snapshot.kubernetes
    rows = [
        _source("Terraform", snapshot.terraform, _terraform(snapshot)),
        _source("OpenStack", openstack, _openstack(snapshot)),
        _source("Kubernetes", kubernetes, _kubernetes(snapshot)),
        _source("management cluster", snapshot.management, "seen"),
    ]
    reached = sum(1 for host in snapshot.hosts if is_known(host.hostname))
    if snapshot.hosts:
        rows.append(("machines by SSH", say(f"{reached} of {len(snapshot.hosts)} seen")))
    else:
        rows.append(("machines by SSH", say("none reached")))
    if snapshot.runtimes != NOT_ASKED:
        rows.append(_source("runtimes", snapshot.runtimes, _runtimes(snapshot)))
    return section("Sources", table(("Source", "What was seen"), rows))


def _source(name: str, fact: Fact[object], seen: str) -> tuple[str, Text]:
    if isinstance(fact, Unknown):
        return (name, say(f"NOT SEEN: {fact.unknown} [{fact.code}]", "yellow"))
    return (name, say(seen))


def _terraform(snapshot: Snapshot) -> str:
    if isinstance(snapshot.terraform, Unknown):
        return ""
    states = snapshot.terraform.states
    resources = count(len(snapshot.terraform.resources), "resource")
    locked = sum(1 for state in states if state.lock is not None)
    return f"{resources} in {count(len(states), 'state')}" + (f", {locked} LOCKED" if locked else "")


def _openstack(snapshot: Snapshot) -> str:
    facts = snapshot.infrastructure.openstack
    if isinstance(facts, Unknown):
        return ""
    parts = []
    for noun, listing in (
        ("server", facts.servers),
        ("port", facts.ports),
        ("load balancer", facts.load_balancers),
        ("volume", facts.volumes),
    ):
        parts.append(f"{noun}s not seen" if isinstance(listing, Unknown) else count(len(listing), noun))
    extra = [
        f"{len(items)} {says}"
        for items, says in (
            (facts.missing, "in the state but gone"),
            (facts.differences, "other than the state says"),
            (facts.discovered, "in no state"),
            (facts.shared, "shared"),
        )
        if items
    ]
    return ", ".join(parts) + (f"; {', '.join(extra)}" if extra else "")


def _kubernetes(snapshot: Snapshot) -> str:
    facts = snapshot.kubernetes
    if isinstance(facts, Unknown):
        return ""
    nodes = "Nodes not seen" if isinstance(facts.nodes, Unknown) else count(len(facts.nodes), "Node")
    return f"{known_or(facts.version, 'version not seen')}, {nodes}"


def _runtimes(snapshot: Snapshot) -> str:
    if isinstance(snapshot.runtimes, Unknown):
        return ""
    nodes = snapshot.runtimes.nodes
    names = Counter(node.name for node in nodes if is_known(node.name))
    told = ", ".join(f"{number} on {name}" for name, number in sorted(names.items()))
    return f"{sum(names.values())} of {count(len(nodes), 'Node')} seen" + (f": {told}" if told else "")


def _machines(snapshot: Snapshot) -> Group:
    if not snapshot.machines:
        return Group()
    servers = _servers(snapshot)
    nodes = _nodes(snapshot)
    rows = [
        (
            machine.name,
            say(f"UNKNOWN: {machine.role.unknown}", "yellow")
            if isinstance(machine.role, Unknown)
            else machine.role.value,
            _server(machine, servers),
            _node(machine, nodes),
            ", ".join(dict.fromkeys(e.key for e in machine.evidence)),
        )
        for machine in snapshot.machines
    ]
    return section("Machines", table(("Machine", "Role", "Server", "Node", "Known by"), rows))


def _servers(snapshot: Snapshot) -> dict[str, Server]:
    facts = snapshot.infrastructure.openstack
    if isinstance(facts, Unknown) or isinstance(facts.servers, Unknown):
        return {}
    return {server.id: server for server in facts.servers}


def _nodes(snapshot: Snapshot) -> dict[str, Node]:
    facts = snapshot.kubernetes
    if isinstance(facts, Unknown) or isinstance(facts.nodes, Unknown):
        return {}
    return {node.name: node for node in facts.nodes}


def _server(machine: LegacyMachine, servers: dict[str, Server]) -> str:
    if isinstance(machine.server_id, Unknown):
        return "not seen"
    if machine.server_id is None:
        return "none"
    server = servers.get(machine.server_id)
    if server is None:
        return short_id(machine.server_id)
    words = [short_id(server.id), server.status, server.flavor, server.availability_zone]
    return " ".join(word for word in words if word)


def _node(machine: LegacyMachine, nodes: dict[str, Node]) -> str:
    if isinstance(machine.node, Unknown):
        return "not seen"
    if machine.node is None:
        return "none"
    node = nodes.get(machine.node)
    name = "" if machine.node == machine.name else f"{machine.node} "
    if node is None:
        return machine.node
    states = [node.kubelet_version, "Ready" if node.ready else "NOT READY"]
    if node.unschedulable:
        states.append("cordoned")
    return name + " ".join(states)


def _conflicts(snapshot: Snapshot) -> Group:
    if not snapshot.conflicts:
        return Group()
    items = [
        f"{c.subject}: {c.says}" + "".join(f"\n{e.key}: {e.says}" for e in c.evidence)
        for c in snapshot.conflicts
    ]
    return section(f"Conflicts ({len(items)})", bullets(items, mark="!"))


def _unseen(snapshot: Snapshot) -> Group:
    causes: dict[tuple[str, str], list[str]] = {}
    for unseen in unseen_sources(snapshot):
        causes.setdefault((unseen.code, unseen.why), []).append(unseen.path)
    if not causes:
        return Group()
    items = [f"{code} {why}: {_few(paths)}" for (code, why), paths in causes.items()]
    return section("Not seen, by cause", bullets(items, mark="?"))


def _few(paths: list[str], most: int = 3) -> str:
    rest = len(paths) - most
    return ", ".join(paths[:most]) + (f" and {count(rest, 'more fact')}" if rest > 0 else "")
