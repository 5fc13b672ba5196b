"""What the operator chooses for a runtime swap."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from replank.inventory.facts.json_value import JSON
from replank.inventory.runtime.versions import Version
from replank.plan.runtime_swap import BundleFile, PlannedArchive, PlannedPackage


@dataclass(frozen=True, slots=True, kw_only=True)
class RuntimeSwapSettings:
    """`to`: the containerd to come. `bundle`: its programs, unpacked from `archive` unless they were in a
    folder; or none, and `package` brings them.

    `unsupported`: hops that upstream does not support are asked for. `root`: of a second containerd beside
    Docker. `deadline_seconds`: for one node, from its start. `snapshot_minutes`: how old an etcd snapshot may
    be when a control plane is swapped; 0 = none is taken (etcd runs elsewhere).
    `drain`: a node on Docker is emptied before it is switched; else its pods restart where they are.
    `image`: name or ID of the image that new machines get, "" = none is named.
    `measure`: each node's runtime is measured before its swap and after it; `log_image`: also how many log
    lines it takes, by a pod of this image, "" = not.
    """

    to: Version
    bundle: tuple[BundleFile, ...]
    archive: PlannedArchive | None = None
    package: PlannedPackage | None = None
    unsupported: bool = False
    root: str = "/var/lib/containerd-replank"
    deadline_seconds: int = 900
    snapshot_minutes: int = 30
    drain: bool = True
    image: str = ""
    measure: bool = False
    log_image: str = ""

    def as_json(self) -> Mapping[str, JSON]:
        """As the plan repeats it; where the programs come from stands there by itself."""
        return {
            "to": f"containerd {self.to}",
            "unsupported": self.unsupported,
            "root": self.root,
            "deadline_seconds": self.deadline_seconds,
            "snapshot_minutes": self.snapshot_minutes,
            "drain": self.drain,
            **({"image": self.image} if self.image else {}),
            **({"measure": True} if self.measure else {}),
            **({"log_image": self.log_image} if self.log_image else {}),
        }
