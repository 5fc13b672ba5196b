"""Node, Machine and server are one machine, and nobody has one too many."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import Final

from replank.domain.unknown import Unknown
from replank.domain.uuids import same_uuid
from replank.inventory.cluster_api.object_meta import part
from replank.verify.check import CLOUD, NODES, Check, Found
from replank.verify.sight import Document, Sight, name_of, node_of, server_in


def _pairs(sight: Sight) -> Iterator[Found]:
    assert not isinstance(sight.nodes, Unknown)
    nodes = {name_of(node) for node in sight.nodes}
    machines: defaultdict[str, list[str]] = defaultdict(list)
    for name, machine in sight.of("Machine").items():
        node = node_of(machine)
        machines[node].append(name)
        if not node or node not in nodes:
            yield Found(
                outcome="fail",
                subject=f"Machine {name}",
                why=f"its Node {node} is not in the cluster" if node else "it has no Node",
                todo="A new machine needs some minutes. If it stays so, `kubectl describe machine` says why.",
            )
    for node in sorted(nodes - machines.keys()):
        yield Found(
            outcome="fail",
            subject=f"Node {node}",
            why="no Machine has it",
            todo="Cluster API neither upgrades nor replaces it. Take it out, or find out who made it.",
        )
    for node, names in sorted(machines.items()):
        if node and len(names) > 1:
            yield Found(
                outcome="fail",
                subject=f"Node {node}",
                why=f"Machines {', '.join(names)} have it",
                todo="Find out which is the right one before anything is deleted.",
            )


def _one_identity(sight: Sight) -> Iterator[Found]:
    assert not isinstance(sight.nodes, Unknown)
    nodes = {name_of(node): node for node in sight.nodes}
    for name, machine in sight.of("Machine").items():
        wrong = [*_contradictions(sight, machine, nodes.get(node_of(machine)))]
        if wrong:
            yield Found(
                outcome="fail",
                subject=f"Machine {name}",
                why="; ".join(wrong),
                todo="Delete nothing of it before this is settled: Cluster API would delete the server that "
                "it believes in.",
            )


def _contradictions(sight: Sight, machine: Document, node: Document | None) -> Iterator[str]:
    provider_id = str(part(machine, "spec").get("providerID") or "")
    if not provider_id:
        yield "it has no providerID"
        return
    infrastructure = sight.infrastructure(machine)
    if infrastructure is None:
        yield "its OpenStackMachine is not there"
        return
    told = str(part(infrastructure, "spec").get("providerID") or "")
    if told != provider_id:
        yield f"its providerID is {provider_id}, that of its OpenStackMachine {told or 'empty'}"
    server, uuid = sight.get("OpenStackServer", name_of(infrastructure)), server_in(provider_id)
    instance = str(part(server, "status").get("instanceID") or "")
    if instance != uuid:
        has = "is not there" if server is None else f"has {instance or 'no server'}"
        yield f"its providerID names server {uuid or 'none'}, its OpenStackServer {has}"
    if node is None:
        return
    seen = str(part(node, "spec").get("providerID") or "")
    if seen != provider_id:
        yield f"its providerID is {provider_id}, that of its Node {seen or 'empty'}"
    info = part(node, "status", "nodeInfo")
    system, machine_id = str(info.get("systemUUID") or ""), str(info.get("machineID") or "")
    # Without DMI the kubelet gives the machine-id, which tells no server (docs/seen-on-the-ground.md).
    if system and not same_uuid(system, machine_id) and not same_uuid(system, uuid):
        yield f"its providerID names server {uuid}, the Node runs on {system}"


def _servers_live(sight: Sight) -> Iterator[Found]:
    assert not isinstance(sight.cloud, Unknown)
    assert not isinstance(sight.cloud.servers, Unknown)
    live = {server.id: server for server in sight.cloud.servers}
    for name, machine in sight.of("Machine").items():
        wanted = sight.server_of(machine)
        server = live.get(wanted)
        if not wanted:
            why, todo = "no server of it is known", "See RP741; a machine that is being made has none yet."
        elif server is None:
            why = f"its server {wanted} does not exist in the project"
            todo = "CAPO makes no other: delete the Machine, so that its owner makes a new one."
        elif server.status != "ACTIVE":
            why = f"its server {wanted} is {server.status}"
            todo = "Start it: CAPO takes no server for ready that is not ACTIVE."
        else:
            continue
        yield Found(outcome="fail", subject=f"Machine {name}", why=why, todo=todo)


CHECKS: Final = (
    Check(
        code="RP740",
        says="Every Node has exactly one Machine, and every Machine a Node",
        needs=("Machine", NODES),
        look=_pairs,
    ),
    Check(
        code="RP741",
        says="Machine, OpenStackMachine, OpenStackServer and Node name one server",
        needs=("Machine", "OpenStackMachine", "OpenStackServer", NODES),
        look=_one_identity,
    ),
    Check(
        code="RP742",
        says="Every Machine's server exists and is ACTIVE",
        needs=("Machine", "OpenStackMachine", "OpenStackServer", f"{CLOUD} servers"),
        look=_servers_live,
    ),
)
