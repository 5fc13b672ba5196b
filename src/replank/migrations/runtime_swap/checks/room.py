"""Room for a second copy of the images."""

from __future__ import annotations

from collections.abc import Iterator

from replank.audit.finding import AuditSettings
from replank.audit.rule import Sighting, seen, unseen
from replank.domain.severity import Severity
from replank.domain.unknown import Unknown
from replank.inventory.facts.snapshot import Snapshot
from replank.migrations.runtime_swap.checks.book import rule
from replank.migrations.runtime_swap.checks.look import name_of, on_docker

_GIB = 2**30


@rule(
    "RP411",
    Severity.BLOCKER,
    consequence="Until commit Docker's images and containerd's copies of them lie side by side, packed and "
    "unpacked: the disk fills up while the old runtime serves, and the kubelet evicts pods.",
    remedy="Remove unused images, enlarge the disk, or give the new containerd a root on another one.",
)
def there_is_no_room_for_images(snapshot: Snapshot, _: AuditSettings) -> Iterator[Sighting]:
    """Less free space than the images; room for one copy but not for two is a risk, since Docker counts
    layers that images share in each of them."""
    for node in on_docker(snapshot):
        facts = (node.disk, node.image_bytes)
        if blind := [fact for fact in facts if isinstance(fact, Unknown)]:
            yield unseen(name_of(node), *blind)
            continue
        disk, images = node.disk, node.image_bytes
        if isinstance(disk, Unknown) or isinstance(images, Unknown) or disk.free >= 2 * images:
            continue
        evidence = f"{disk.mount}: {_gib(disk.free)} free, images {_gib(images)}, twice that is needed"
        yield seen(name_of(node), evidence, severity=Severity.RISK if disk.free >= images else None)


def _gib(size: int) -> str:
    return f"{size / _GIB:.1f} GiB"
