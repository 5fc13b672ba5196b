"""Servers: what CAPO must find by name, and what a new server of the same kind would need."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterator

from replank.audit.finding import AuditSettings
from replank.domain.roles import Role
from replank.domain.severity import Severity
from replank.domain.unknown import Unknown
from replank.inventory.facts.snapshot import Snapshot
from replank.migrations.takeover.checks.look import adopted, cloud, servers
from replank.migrations.takeover.checks.rule import Sighting, rule, seen, some, unseen

# A Kubernetes object name (k8s.io/apimachinery validation.IsDNS1123Subdomain): the OpenStackMachine has it.
_DNS_1123 = re.compile(r"(?=.{1,253}$)[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")


def can_be_object_name(name: str) -> bool:
    """True if a Kubernetes object can have this name."""
    return bool(_DNS_1123.fullmatch(name))


@rule(
    "RP101",
    Severity.BLOCKER,
    consequence="CAPO would find no server under this name and, with real user data, make a second one.",
    remedy="Find out what became of the server; take its Node and its state entry away if it is gone for "
    "good.",
)
def server_is_gone(snapshot: Snapshot, _: AuditSettings) -> Iterator[Sighting]:
    """A machine's server is not among the live ones."""
    live = {server.id for server in cloud(snapshot, lambda facts: facts.servers)}
    for machine in adopted(snapshot):
        if isinstance(machine.server_id, str) and machine.server_id not in live:
            evidence = f"OpenStack has no server {machine.server_id}"
            yield seen(f"server {machine.name}", evidence, *machine.state_addresses)


@rule(
    "RP102",
    Severity.BLOCKER,
    consequence="CAPO waits for ACTIVE: the Machine never becomes ready, and the takeover hangs half-way.",
    remedy="Bring the server back to ACTIVE, or remove the machine from the cluster first.",
)
def server_is_not_active(snapshot: Snapshot, _: AuditSettings) -> Iterator[Sighting]:
    """A server that is not ACTIVE."""
    for _machine, server in servers(snapshot):
        if server.status != "ACTIVE":
            yield seen(f"server {server.name}", f"status {server.status}")


@rule(
    "RP103",
    Severity.RISK,
    consequence="The takeover works, but every later deletion of this machine is refused (409) until "
    "unlocked.",
    remedy="Unlock it when the takeover is settled, unless somebody locked it for a reason.",
)
def server_is_locked(snapshot: Snapshot, _: AuditSettings) -> Iterator[Sighting]:
    """A server under a Nova lock."""
    for _machine, server in servers(snapshot):
        if server.locked:
            yield seen(f"server {server.name}", "Nova says locked: true")


@rule(
    "RP104",
    Severity.RISK,
    consequence="Its zone, flavor or status may be another one when the plan is carried out.",
    remedy="Wait until Nova is done and survey again.",
)
def server_is_in_transition(snapshot: Snapshot, _: AuditSettings) -> Iterator[Sighting]:
    """A server that Nova works on right now."""
    for _machine, server in servers(snapshot):
        if server.task_state:
            yield seen(f"server {server.name}", f"task state {server.task_state}")


@rule(
    "RP105",
    Severity.BLOCKER,
    consequence="CAPO looks for a server with the name of the OpenStackMachine, and no object can have "
    "this name.",
    remedy="Let replank rename the server (`rename_servers: true`, approved on its own), or rename it "
    "yourself.",
)
def server_name_is_no_object_name(snapshot: Snapshot, settings: AuditSettings) -> Iterator[Sighting]:
    """A server name that no OpenStackMachine could have. Quiet where fleet.yaml lets replank rename it."""
    for _machine, server in servers(snapshot):
        if not can_be_object_name(server.name) and not settings.rename_servers:
            yield seen(f"server {server.name}", f"{server.name!r} is no DNS-1123 subdomain", server.id)


@rule(
    "RP106",
    Severity.BLOCKER,
    consequence="CAPO refuses a name that more than one server of the project has.",
    remedy="Rename or remove the other server.",
)
def server_name_is_not_unique(snapshot: Snapshot, _: AuditSettings) -> Iterator[Sighting]:
    """Two servers of one name, in this cluster or elsewhere in the project."""
    live = cloud(snapshot, lambda facts: facts.servers)
    elsewhere = cloud(snapshot, lambda facts: facts.namesakes)
    count = Counter(server.name for server in live)
    for _machine, server in servers(snapshot):
        others = [s.id for s in live if s.name == server.name and s.id != server.id]
        others += [n.id for n in elsewhere if n.kind == "server" and n.name == server.name]
        if count[server.name] > 1 or others:
            evidence = some(f"server {other} has the same name" for other in others)
            yield seen(f"server {server.name} ({server.id})", *evidence)


@rule(
    "RP110",
    Severity.RISK,
    consequence="Running machines are not touched, but no new machine of this kind can be made.",
    remedy="Name an image in fleet.yaml (`new_machines.image`, `new_control_planes.image`) or activate "
    "the old one.",
)
def image_is_gone(snapshot: Snapshot, settings: AuditSettings) -> Iterator[Sighting]:
    """The image of a machine is not in Glance or not active. Quiet where fleet.yaml names another."""
    images = {image.id: image for image in cloud(snapshot, lambda facts: facts.images)}
    named = {Role.CONTROL_PLANE: settings.new_control_plane_image, Role.WORKER: settings.new_image}
    users: dict[str, list[str]] = defaultdict(list)
    for machine, server in servers(snapshot):
        if not (isinstance(machine.role, Role) and named.get(machine.role)):
            users[server.image_id or _image_of_root_volume(snapshot, server.id)].append(server.name)
    for image_id, names in sorted(users.items()):
        image = images.get(image_id)
        if image is not None and image.status == "active":
            continue
        why = f"it is {image.status}" if image else "it is not in Glance"
        if not image_id:
            why = "neither the server nor its root volume names an image"
        subject = f"image {image.name if image else image_id or 'of servers without one'}"
        yield seen(subject, why, *some(f"server {name}" for name in names))


def _image_of_root_volume(snapshot: Snapshot, server_id: str) -> str:
    volumes = cloud(snapshot, lambda facts: facts.volumes)
    roots = (
        v.image_id for v in volumes if v.bootable and any(a.server_id == server_id for a in v.attachments)
    )
    return next((image for image in sorted(roots) if image), "")


@rule(
    "RP111",
    Severity.RISK,
    consequence="Running machines are not touched, but no new machine of this kind can be made.",
    remedy="Name a flavor in fleet.yaml (`new_machines.flavor`), or have the old one made visible again.",
)
def flavor_is_gone(snapshot: Snapshot, _: AuditSettings) -> Iterator[Sighting]:
    """The flavor of a machine is not among those the project can use."""
    flavors = cloud(snapshot, lambda facts: facts.flavors)
    offered = {flavor.id for flavor in flavors} | {flavor.name for flavor in flavors}
    users: dict[str, list[str]] = defaultdict(list)
    for _machine, server in servers(snapshot):
        if not {server.flavor_id, server.flavor} & offered:
            users[server.flavor or server.flavor_id].append(server.name)
    for flavor, names in sorted(users.items()):
        yield seen(f"flavor {flavor}", *some(f"server {name}" for name in names))


@rule(
    "RP112",
    Severity.NOTE,
    consequence="A new machine needs a hypervisor without a member before the old one goes, or it is not "
    "scheduled.",
    remedy="Make sure there is a spare hypervisor, or use soft-anti-affinity for new machines.",
)
def anti_affinity_is_hard(snapshot: Snapshot, _: AuditSettings) -> Iterator[Sighting]:
    """Machines in a server group with the hard policy."""
    names = {server.id: server.name for _, server in servers(snapshot)}
    for group in cloud(snapshot, lambda facts: facts.server_groups):
        members = [names[member] for member in group.member_ids if member in names]
        if group.policy == "anti-affinity" and members:
            yield seen(f"server group {group.name}", f"policy {group.policy}", *some(members))


@rule(
    "RP113",
    Severity.RISK,
    consequence="Nova refuses new machines whose keypair the user of CAPO's credential does not have.",
    remedy="Create the keypair for the user of the takeover's credential, or name another in fleet.yaml.",
)
def keypair_is_not_visible(snapshot: Snapshot, _: AuditSettings) -> Iterator[Sighting]:
    """A keypair that the surveying user does not have (keypairs belong to users, not to projects)."""
    keypairs = cloud(snapshot, lambda facts: facts.keypairs)
    missing = {
        server.key_name
        for _, server in servers(snapshot)
        if server.key_name and server.key_name not in keypairs
    }
    for name in sorted(missing):
        users = [server.name for _, server in servers(snapshot) if server.key_name == name]
        yield seen(f"keypair {name}", *some(f"{user} was made with it" for user in users))


@rule(
    "RP114",
    Severity.RISK,
    consequence="CAPO publishes no such failure domain: KCP moves machines out of it at the first rollout.",
    remedy="Decide where these machines are to stand, and have the zone made available if it should be "
    "this one.",
)
def zone_is_not_offered(snapshot: Snapshot, _: AuditSettings) -> Iterator[Sighting]:
    """A server in a compute zone that is not offered; unseen where Nova does not tell the zone."""
    zones = cloud(snapshot, lambda facts: facts.zones)
    offered = {zone.name for zone in zones if zone.service == "compute" and zone.available}
    users: dict[str, list[str]] = defaultdict(list)
    for _machine, server in servers(snapshot):
        if not server.availability_zone:
            why = Unknown(f"Nova did not tell the zone of {server.name}")
            yield unseen(f"server {server.name}", why)
        elif server.availability_zone not in offered:
            users[server.availability_zone].append(server.name)
    for zone, names in sorted(users.items()):
        yield seen(f"zone {zone}", *some(f"server {name}" for name in names))
