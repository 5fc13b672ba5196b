"""Who is who: a takeover must never take one machine for another."""

from __future__ import annotations

import re
from collections.abc import Iterator

from replank.audit.finding import AuditSettings
from replank.domain.roles import Role
from replank.domain.severity import Severity
from replank.domain.unknown import Fact, Unknown
from replank.domain.uuids import same_uuid
from replank.inventory.facts.hosts import HostFacts
from replank.inventory.facts.snapshot import Snapshot
from replank.migrations.takeover.checks.look import (
    ADOPTED,
    adopted,
    cloud,
    control_planes,
    hosts,
    kubernetes,
    machines,
    nodes,
    of_host,
    seen_hosts,
    servers,
    terraform,
)
from replank.migrations.takeover.checks.rule import Sighting, rule, seen, some, unseen

MAX_NAME = 63
"""A cluster's name is a label value on every object (cluster.x-k8s.io/cluster-name)."""
_NAME = re.compile(r"[a-z]([-a-z0-9]*[a-z0-9])?")


@rule(
    "RP601",
    Severity.BLOCKER,
    consequence="A Machine bound to the wrong server means that the wrong server is drained and deleted "
    "later.",
    remedy="Look at the evidence, find out which source is wrong, and correct it; replank never guesses.",
)
def identity_is_contradictory(snapshot: Snapshot, _: AuditSettings) -> Iterator[Sighting]:
    """Sources contradict each other, or a machine's server or Node could not be told."""
    kubernetes(snapshot, lambda facts: facts.nodes)
    cloud(snapshot, lambda facts: facts.servers)
    told = set()
    for conflict in snapshot.conflicts:
        told.add(conflict.subject)
        if not conflict.claimed_by:
            yield seen(conflict.subject, conflict.says, *(f"{e.key}: {e.says}" for e in conflict.evidence))
    for machine in adopted(snapshot):
        blind = [fact for fact in (machine.server_id, machine.node) if isinstance(fact, Unknown)]
        if blind and not told & {f"Node {machine.node}", f"server {machine.name}"}:
            yield unseen(f"machine {machine.name}", *blind)


@rule(
    "RP603",
    Severity.BLOCKER,
    consequence="A control plane that is left out of the takeover loses its etcd member, and a worker in "
    "the wrong group is replaced at the first rollout.",
    remedy="Name its role in fleet.yaml (`overrides: [{server: NAME, role: worker}]`); `other` keeps it out.",
)
def role_is_unknown(snapshot: Snapshot, _: AuditSettings) -> Iterator[Sighting]:
    """A machine of which nobody can tell what it is for."""
    machines(snapshot)
    for machine in snapshot.machines:
        if isinstance(machine.role, Unknown):
            yield unseen(f"machine {machine.name}", machine.role)


@rule(
    "RP604",
    Severity.BLOCKER,
    consequence="Two Clusters would own one server, and either would delete it for the other.",
    remedy="Correct fleet.yaml (`only:`) or the states, so that each server belongs to one cluster.",
)
def server_is_claimed_twice(snapshot: Snapshot, _: AuditSettings) -> Iterator[Sighting]:
    """Another cluster of the fleet claims the server too."""
    terraform(snapshot)
    for conflict in snapshot.conflicts:
        if conflict.claimed_by:
            yield seen(conflict.subject, conflict.says, f"claimed by {conflict.claimed_by}")


@rule(
    "RP605",
    Severity.BLOCKER,
    consequence="Without its server the machine cannot be described: left out, a control plane loses its "
    "etcd member and a worker is nobody's.",
    remedy="Find its server (another project or region?), or remove the Node.",
)
def node_has_no_server(snapshot: Snapshot, _: AuditSettings) -> Iterator[Sighting]:
    """A Node for which the cloud has no server."""
    for machine in adopted(snapshot):
        if machine.server_id is None and isinstance(machine.node, str):
            yield seen(f"Node {machine.node}", "no server of the project belongs to it")


@rule(
    "RP606",
    Severity.RISK,
    consequence="It is not in the cluster, so it becomes no Machine; Terraform keeps it.",
    remedy="Let it join, remove it, or give it the role `other` in fleet.yaml.",
)
def server_has_no_node(snapshot: Snapshot, _: AuditSettings) -> Iterator[Sighting]:
    """A server that should be in the cluster has no Node. A blocker for a control plane."""
    for machine in adopted(snapshot):
        if machine.node is None:
            severity = Severity.BLOCKER if machine.role == Role.CONTROL_PLANE else None
            evidence = f"no Node belongs to server {machine.server_id}"
            yield seen(f"server {machine.name}", evidence, severity=severity)


@rule(
    "RP607",
    Severity.BLOCKER,
    consequence="Keys, files, etcd and hand edits of this machine are not known; the plan would have to "
    "assume them.",
    remedy="Make the machine reachable as fleet.yaml says (user, key, jump host, sudo) and survey again.",
)
def control_plane_was_not_read(snapshot: Snapshot, _: AuditSettings) -> Iterator[Sighting]:
    """A control plane that could not be read over SSH. Always an unknown."""
    for machine in control_planes(snapshot):
        facts = (
            of_host(snapshot, machine, lambda host: host.hostname),
            of_host(snapshot, machine, lambda host: host.static_pods),
            of_host(snapshot, machine, lambda host: host.keys),
        )
        blind = [fact for fact in facts if isinstance(fact, Unknown)]
        if blind:
            yield unseen(f"host {machine.name}", *blind)


@rule(
    "RP608",
    Severity.BLOCKER,
    consequence="Keys and files were read from another machine than the Node runs on: the plan would "
    "carry them over.",
    remedy="Check addresses, jump host and known_hosts; survey again.",
)
def host_is_another_machine(snapshot: Snapshot, _: AuditSettings) -> Iterator[Sighting]:
    """The host's own system UUID is not the one that its Node reports."""
    by_name = {node.name: node for node in kubernetes(snapshot, lambda facts: facts.nodes)}
    for machine, uuid in hosts(snapshot, _reported_uuid):
        if isinstance(uuid, Unknown):
            yield unseen(f"host {machine.name}", uuid)
            continue
        node = by_name.get(machine.node) if isinstance(machine.node, str) else None
        if node and node.system_uuid and uuid and not same_uuid(node.system_uuid, uuid):
            evidence = f"host {uuid}, Node {node.name} {node.system_uuid}"
            yield seen(f"host {machine.name}", f"system UUID: {evidence}")


def _reported_uuid(host: HostFacts) -> Fact[str]:
    """What the kubelet of this host reports as its system UUID: the machine-id where firmware gives none
    (cadvisor v0.53, utils/sysfs/sysfs.go, GetSystemUUID)."""
    return host.machine_id if host.system_uuid == "" else host.system_uuid


@rule(
    "RP609",
    Severity.RISK,
    consequence="The strongest key after the providerID does not confirm the join; on KVM the two are "
    "always equal.",
    remedy="Check with the hypervisor's operators, and compare addresses.",
)
def node_reports_another_server(snapshot: Snapshot, _: AuditSettings) -> Iterator[Sighting]:
    """The Node's system UUID is not its server's ID. A machine-id in its place says nothing of servers."""
    for machine, node in nodes(snapshot):
        if not isinstance(machine.server_id, str) or not node.system_uuid:
            continue
        is_machine_id = same_uuid(node.system_uuid, node.machine_id)
        if not is_machine_id and not same_uuid(node.system_uuid, machine.server_id):
            evidence = f"system UUID {node.system_uuid}, server {machine.server_id}"
            yield seen(f"Node {node.name}", evidence)


@rule(
    "RP615",
    Severity.BLOCKER,
    consequence="The management cluster refuses a Cluster of this name.",
    remedy="Give the cluster a name of at most 63 lower-case letters, digits and hyphens in fleet.yaml.",
)
def cluster_name_is_not_allowed(snapshot: Snapshot, _: AuditSettings) -> Iterator[Sighting]:
    """The cluster's name is no valid label value and object name."""
    name = snapshot.cluster
    if len(name) > MAX_NAME:
        yield seen(f"cluster {name}", f"{len(name)} characters, {MAX_NAME} are allowed")
    elif not _NAME.fullmatch(name):
        yield seen(f"cluster {name}", "it is no DNS-1123 label that begins with a letter")


@rule(
    "RP616",
    Severity.NOTE,
    consequence="Machine, server and Node are joined by providerID, so this works; machines made later "
    "have one name for all.",
    remedy="Nothing to do; look for tools that derive one name from the other.",
)
def node_is_not_called_as_the_server(snapshot: Snapshot, _: AuditSettings) -> Iterator[Sighting]:
    """The Node's name is not the server's."""
    lines = [
        f"Node {machine.node}: its server is called {server.name}"
        for machine, server in servers(snapshot)
        if isinstance(machine.node, str) and machine.node != server.name
    ]
    if lines:
        yield seen(f"cluster {snapshot.cluster}", *some(lines))


@rule(
    "RP617",
    Severity.RISK,
    consequence="Somebody between replank and the machine could have answered in its place.",
    remedy="Add the host keys to known_hosts and take `check_host_key: false` out of fleet.yaml.",
)
def host_key_was_not_checked(snapshot: Snapshot, _: AuditSettings) -> Iterator[Sighting]:
    """fleet.yaml switches the check of SSH host keys off."""
    found, blind = seen_hosts(snapshot, lambda facts: facts.host_key_checked)
    unchecked = [machine.name for machine, checked in found if not checked]
    if unchecked:
        yield seen(f"cluster {snapshot.cluster}", *some(f"host {name}" for name in unchecked))
    elif blind:
        yield unseen(f"cluster {snapshot.cluster}", *(fact for _, fact in blind))


@rule(
    "RP618",
    Severity.NOTE,
    consequence="They become no Machines and stay with Terraform.",
    remedy="Nothing to do if that is what they are; otherwise name their role in fleet.yaml.",
)
def machines_stay_outside(snapshot: Snapshot, _: AuditSettings) -> Iterator[Sighting]:
    """Servers of the cluster that are neither control plane nor worker."""
    machines(snapshot)
    outside = [m for m in snapshot.machines if isinstance(m.role, Role) and m.role not in ADOPTED]
    if outside:
        lines = (f"{m.name}: {m.role.value}" for m in outside if isinstance(m.role, Role))
        yield seen(f"cluster {snapshot.cluster}", *some(lines))
