"""Volumes: what a machine boots from, and what hangs on it besides."""

from __future__ import annotations

from collections.abc import Iterator

from replank.audit.finding import AuditSettings
from replank.domain.severity import Severity
from replank.domain.unknown import Unknown
from replank.inventory.facts.openstack import Server, Volume
from replank.inventory.facts.snapshot import Snapshot
from replank.migrations.takeover.checks.look import cloud, fact_of_cluster, servers
from replank.migrations.takeover.checks.rule import Sighting, rule, seen, some, unseen


def _attached(volumes: tuple[Volume, ...], server: Server) -> list[Volume]:
    found = (v for v in volumes if any(a.server_id == server.id for a in v.attachments))
    return sorted(found, key=lambda v: v.id)


def _is_root(volume: Volume, server: Server) -> bool:
    """The volume that the server boots from (Nova names no image then)."""
    return volume.bootable and not server.image_id


@rule(
    "RP107",
    Severity.RISK,
    consequence="When Cluster API deletes the machine its root volume stays behind, and nothing owns it.",
    remedy="Set delete_on_termination with Nova (2.85 or later), or remove such volumes by hand after "
    "rollouts.",
)
def root_volume_stays(snapshot: Snapshot, _: AuditSettings) -> Iterator[Sighting]:
    """A root volume that Nova does not delete with its server."""
    volumes = cloud(snapshot, lambda facts: facts.volumes)
    for _machine, server in servers(snapshot):
        for volume in _attached(volumes, server):
            if not _is_root(volume, server):
                continue
            subject = f"volume {volume.name or volume.id} of {server.name}"
            if volume.delete_on_termination is None:
                yield unseen(subject, Unknown("Nova did not tell delete_on_termination"))
            elif not volume.delete_on_termination:
                yield seen(subject, "delete_on_termination is false", f"{volume.size_gib} GiB")


@rule(
    "RP108",
    Severity.RISK,
    consequence="CAPO takes a volume of this name for the machine's root: it uses it for a new server, "
    "and deletes it with a machine whose server is gone.",
    remedy="Rename or remove the volume.",
)
def root_volume_name_is_taken(snapshot: Snapshot, _: AuditSettings) -> Iterator[Sighting]:
    """A volume called `<server>-root` that is not that server's root volume."""
    volumes = cloud(snapshot, lambda facts: facts.volumes)
    for _machine, server in servers(snapshot):
        own = {v.id for v in _attached(volumes, server) if _is_root(v, server)}
        for volume in sorted(volumes, key=lambda v: v.id):
            if volume.name == f"{server.name}-root" and volume.id not in own:
                yield seen(f"volume {volume.name}", f"{volume.id} is not the root volume of {server.name}")


@rule(
    "RP109",
    Severity.RISK,
    consequence="A machine made in place of this one comes without the volume; its data stays where it is.",
    remedy="Move the data to a PersistentVolume, or accept that new machines start without it.",
)
def data_volume_is_attached(snapshot: Snapshot, _: AuditSettings) -> Iterator[Sighting]:
    """A volume on a machine that neither boots it nor belongs to a PersistentVolume."""
    volumes = cloud(snapshot, lambda facts: facts.volumes)
    persistent = fact_of_cluster(snapshot, lambda facts: facts.persistent_volumes)
    handles = set() if isinstance(persistent, Unknown) else {v.handle for v in persistent}
    for _machine, server in servers(snapshot):
        extra = [
            volume
            for volume in _attached(volumes, server)
            if not _is_root(volume, server) and not volume.csi_cluster and volume.id not in handles
        ]
        if not extra:
            continue
        if isinstance(persistent, Unknown):
            yield unseen(f"server {server.name}", persistent)
        else:
            lines = (f"volume {v.name or v.id}, {v.size_gib} GiB" for v in extra)
            yield seen(f"server {server.name}", *some(lines))
