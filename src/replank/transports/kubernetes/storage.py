"""PersistentVolumes and where they are attached, as facts."""

from __future__ import annotations

from collections.abc import Iterable

from replank.inventory.facts.kubernetes import PersistentVolumeFact
from replank.transports.kubernetes.resources import PersistentVolume, VolumeAttachment, VolumeSpec


def volume_facts(
    volumes: Iterable[PersistentVolume], attachments: Iterable[VolumeAttachment]
) -> tuple[PersistentVolumeFact, ...]:
    """By name."""
    nodes: dict[str, set[str]] = {}
    for attachment in attachments:
        if attachment.status.attached:
            nodes.setdefault(attachment.spec.source.persistent_volume_name, set()).add(
                attachment.spec.node_name
            )
    facts = (_fact(volume, nodes.get(volume.metadata.name, set())) for volume in volumes)
    return tuple(sorted(facts, key=lambda fact: fact.name))


def _fact(volume: PersistentVolume, nodes: set[str]) -> PersistentVolumeFact:
    driver, handle = _source(volume.spec)
    claim = volume.spec.claim_ref
    return PersistentVolumeFact(
        name=volume.metadata.name,
        driver=driver,
        handle=handle,
        claim=f"{claim.namespace}/{claim.name}" if claim else "",
        phase=volume.status.phase,
        attached_nodes=tuple(sorted(nodes)),
    )


def _source(spec: VolumeSpec) -> tuple[str, str]:
    """Driver and handle. In-tree Cinder goes by the name of its plugin (pkg/volume/cinder)."""
    if spec.csi:
        return spec.csi.driver, spec.csi.volume_handle
    if spec.cinder:
        return "kubernetes.io/cinder", spec.cinder.volume_id
    for name in ("nfs", "host_path", "local"):
        if getattr(spec, name) is not None:
            return name.replace("_p", "P"), ""
    return "other", ""
