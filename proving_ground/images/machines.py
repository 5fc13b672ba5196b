"""The machine images. A machine is a container that boots, see machine/debian.

debian -> bare       packages of a Kubernetes version, nothing installed from them
debian -> stocked    a runtime, and the container images of all versions; shared by every
       -> ready      machine on which kubeadm works at once
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import docker

from proving_ground.engine.images import Content, build, files_below
from proving_ground.images import pods
from proving_ground.images.base import ensure_base
from proving_ground.images.preload import preload
from proving_ground.images.versions import CONTAINERD, kubernetes_group, sandbox_image
from proving_ground.progress import Progress
from proving_ground.settings import Folders
from proving_ground.toolchain.groups import binary, group

HERE = Path(__file__).parent / "machine"


def debian(client: docker.DockerClient, folders: Folders) -> str:
    """A machine without Kubernetes. Returns the image's reference."""
    files = {**files_below(HERE / "debian"), "runc": binary(folders, "runc-wrapper", "runc")}
    return build(client, "machine-debian", files, {"BASE": ensure_base(client, folders)})


def bare(
    client: docker.DockerClient,
    folders: Folders,
    progress: Progress,
    kubernetes: str = "1.35",
    also: Sequence[str] = (),
) -> str:
    """A machine with packages below /opt/packages/<kubernetes>: `bin/`, `cni/`, `images.tar`. Nothing of them
    is installed, and nothing runs.

    `also`: further Kubernetes versions whose container images are in images.tar, for upgrades.
    Returns the image's reference. Raises `GroundError` where a toolchain group is not built.
    """
    with progress.step("image machine-debian"):
        ground = debian(client, folders)
    with progress.step("container images"):
        images = pods.archive(client, folders, ground, (kubernetes, *also))
    files: dict[str, Content] = {
        "Dockerfile": HERE / "bare" / "Dockerfile",
        "images.tar": images,
        "kube": binary(folders, kubernetes_group(kubernetes), "kube"),
        **_programs(folders),
    }
    with progress.step(f"image machine-bare {kubernetes}"):
        return build(client, "machine-bare", files, {"DEBIAN": ground, "KUBERNETES": kubernetes})


def machine(
    client: docker.DockerClient,
    folders: Folders,
    progress: Progress,
    kubernetes: str = "1.35",
    also: Sequence[str] = (),
) -> str:
    """A machine on which kubeadm works at once: containerd and kubelet enabled, container images preloaded.

    `also`: further Kubernetes versions whose container images are preloaded. While a cluster is upgraded, old
    machines run kube-proxy of the new version, and new ones that of the old.
    Returns the image's reference. Raises `GroundError` where a toolchain group is not built.
    """
    with progress.step("image machine-debian"):
        ground = debian(client, folders)
    with progress.step("container images"):
        images = pods.archive(client, folders, ground, (kubernetes, *also))
    with progress.step("image machine-stocked"):
        files = {"Dockerfile": HERE / "stocked" / "Dockerfile", **_programs(folders)}
        runtime = build(client, "machine-runtime", files, {"DEBIAN": ground})
        stocked = preload(client, "machine-stocked", runtime, images)
    files = {**files_below(HERE / "ready"), "kube": binary(folders, kubernetes_group(kubernetes), "kube")}
    pause = sandbox_image(kubernetes, folders)
    arguments = {"STOCKED": stocked, "KUBERNETES": kubernetes, "SANDBOX_IMAGE": pause}
    with progress.step(f"image machine {kubernetes}"):
        return build(client, "machine", files, arguments)


def _programs(folders: Folders) -> dict[str, Content]:
    """What a machine needs besides Kubernetes."""
    files: dict[str, Content] = {}
    for name in group(CONTAINERD).binaries:
        files[f"programs/bin/{name}"] = binary(folders, CONTAINERD, name)
    for name in ("etcdctl", "etcdutl"):
        files[f"programs/bin/{name}"] = binary(folders, "etcd", name)
    for name in group("cni-plugins").binaries:
        files[f"programs/cni/{name}"] = binary(folders, "cni-plugins", name)
    return files
