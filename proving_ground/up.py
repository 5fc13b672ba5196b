"""Brings the ground up: engine, toolchain, images, cloud, management plane. Run again, it goes on."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import docker

from proving_ground import cloud, host, images, management, operator_key
from proving_ground.engine import docker_engine, parts, steps
from proving_ground.engine.steps import Step
from proving_ground.images.base import ensure_base
from proving_ground.legacy import packages
from proving_ground.progress import Progress
from proving_ground.settings import Folders
from proving_ground.toolchain import build

MACHINES = ("1.35", "1.35-next")
"""Kubernetes versions of the machine images that are made unless more are asked for. The second is a patch
version linked from the same source; the true minor, 1.34, takes eight minutes to compile (`--with`)."""

LEGACY_MACHINES = ("1.35",)
"""Versions of legacy clusters: their machines boot with packages, and Ansible installs them."""

LEGACY = ("opentofu", "terraform-provider-openstack")
"""Toolchain groups of legacy clusters."""

REPLANK = ("would-roll",)
"""replank's own helper."""

_LANE = "go"


@dataclass(frozen=True, slots=True)
class Wanted:
    """What more than the least a person asks for. `groups`: toolchain groups; `planes`: management planes."""

    groups: tuple[str, ...] = ()
    machines: tuple[str, ...] = ()
    planes: tuple[str, ...] = ("one",)


def up(folders: Folders, wanted: Wanted, progress: Progress) -> None:
    """Everything up and answering. Raises `GroundError` of the first part that does not come up."""
    host.check(folders)
    host.raise_limits(folders)
    with progress.step("Docker Engine"):
        docker_engine.ensure(folders)
    build.require_go(folders)
    client = docker_engine.connect()
    try:
        steps.run(_steps(client, folders, wanted, progress), progress)
    finally:
        parts.save_logs(client, folders.logs / "parts")
    (folders.state / "up").write_text(time.strftime("%Y-%m-%dT%H:%M:%SZ\n", time.gmtime()))


def _steps(
    client: docker.DockerClient, folders: Folders, wanted: Wanted, progress: Progress
) -> Sequence[Step]:
    asked = dict.fromkeys([*MACHINES, *wanted.machines])
    versions = [version for version in asked if version not in images.ON_DEMAND]
    on_demand = [version for version in asked if version in images.ON_DEMAND]
    # The machine images first: more waits for them than for anything else.
    groups = dict.fromkeys(
        [
            *(group for version in asked for group in images.toolchain_groups(version)),
            *management.TOOLCHAIN,
            *LEGACY,
            *REPLANK,
            *wanted.groups,
        ]
    )
    every = [Step(f"toolchain {group}", partial(build.build, folders, group), lane=_LANE) for group in groups]
    every.append(Step("image base", lambda: _discard(ensure_base(client, folders))))
    every.append(Step("cloud", partial(cloud.up, client, folders, progress), needs=("image base",)))
    every.append(Step("operator's key", partial(operator_key.ensure, folders), needs=("cloud",)))
    stock = [f"toolchain {name}" for version in versions for name in images.toolchain_groups(version)]
    for version in versions:
        every.append(
            Step(
                f"machine images {version}",
                partial(_machine_images, client, folders, progress, version, tuple(versions)),
                needs=("cloud", *stock),
                lane="machine images",
            )
        )
    for version in on_demand:
        needed = (f"toolchain {name}" for name in images.toolchain_groups(version))
        every.append(
            Step(
                f"machine packages {version}",
                partial(packages.ensure, folders, version, progress),
                needs=("cloud", *needed),
                lane="machine images",
            )
        )
    for plane in wanted.planes:
        every.append(
            Step(
                f"management plane {plane}",
                partial(management.up, client, folders, progress, plane),
                needs=("image base", *(f"toolchain {name}" for name in management.TOOLCHAIN)),
            )
        )
    return every


def _machine_images(
    client: docker.DockerClient,
    folders: Folders,
    progress: Progress,
    version: str,
    versions: Sequence[str],
) -> None:
    """Both images of a version. Each holds the container images of all versions: during an upgrade old
    machines run the new kube-proxy, and new ones the old."""
    others = [other for other in versions if other != version]
    ready = images.machine(client, folders, progress, version, also=others)
    cloud.register_image(images.glance_name(version), ready, folders)
    if version in LEGACY_MACHINES:
        bare = images.bare(client, folders, progress, version, also=others)
        cloud.register_image(images.glance_bare_name(version), bare, folders)


def _discard(_: object) -> None:
    return None
