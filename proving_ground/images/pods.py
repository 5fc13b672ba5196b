"""The container images of static pods, add-ons and sample workloads, made from the toolchain's binaries.

All stand in one docker-archive with shared layers. Same binaries, same digests: times and owners are fixed.
"""

from __future__ import annotations

import hashlib
import shutil
import tarfile
import tempfile
from collections.abc import Sequence
from pathlib import Path

import docker

from proving_ground.errors import GroundError
from proving_ground.images.docker_archive import Image, Layer, layer_of, write, write_layer
from proving_ground.images.versions import (
    COMMON_GROUPS,
    NODE_AGENT_IMAGE,
    WORKLOAD_IMAGE,
    component,
    kubeadm_images,
    kubernetes_group,
)
from proving_ground.settings import Folders
from proving_ground.toolchain.groups import binary, group

HERE = Path(__file__).parent
COLLECT = HERE / "pods" / "collect.py"
KUBE_COMPONENTS = ("kube-apiserver", "kube-controller-manager", "kube-scheduler", "kube-proxy")
_FORMAT = "1"
"""Part of the key: to be raised when this file or docker_archive.py writes something else."""


def archive(client: docker.DockerClient, folders: Folders, machine: str, kubernetes: Sequence[str]) -> Path:
    """The archive with the images of the given Kubernetes versions, made where it is missing.

    `machine`: reference of the Debian machine image, where iptables and its relatives come from.
    """
    kubernetes = sorted(set(kubernetes))  # so that images of several versions share one archive
    groups = (*(kubernetes_group(version) for version in kubernetes), *COMMON_GROUPS)
    digest = hashlib.sha256(f"{_FORMAT} {machine} {tuple(kubernetes)}".encode() + COLLECT.read_bytes())
    for name in groups:
        digest.update(group(name).key.encode())
    file = folders.cache / "images" / f"pods-{digest.hexdigest()[:16]}.tar"
    if file.exists():
        return file
    work = file.with_suffix(".layers")
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    write(file, _images(client, folders, machine, kubernetes, work))
    shutil.rmtree(work)
    return file


def _images(
    client: docker.DockerClient, folders: Folders, machine: str, kubernetes: Sequence[str], work: Path
) -> list[Image]:
    tools = _tools(client, machine, work / "tools.tar")
    agent = _programs(folders, work, "node-agent", "node-agent")
    workload = _programs(folders, work, "workload", "workload")
    images = [
        Image(NODE_AGENT_IMAGE, (tools, agent), ("/usr/local/bin/node-agent",)),
        Image(WORKLOAD_IMAGE, (tools, workload), ("/usr/local/bin/workload",)),
    ]
    others = {
        "etcd": (_programs(folders, work, "etcd", "etcd", "etcdctl", "etcdutl"), ()),
        "coredns": (_programs(folders, work, "coredns", "coredns", place=""), ("/coredns",)),
        "pause": (_programs(folders, work, "pause", "pause", place=""), ("/pause",)),
    }
    named = {image.reference for image in images}
    for version in kubernetes:
        kube = _kube(folders, work, version)
        for reference in kubeadm_images(folders, version):
            name = component(reference)
            if reference in named:
                continue
            named.add(reference)
            if name in KUBE_COMPONENTS:
                # kube-proxy calls iptables.
                layers = (kube, tools) if name == "kube-proxy" else (kube,)
                images.append(Image(reference, layers, (f"/usr/local/bin/{name}",)))
            else:
                layer, entrypoint = others[name]
                images.append(Image(reference, (layer,), entrypoint))
    return images


def _tools(client: docker.DockerClient, machine: str, file: Path) -> Layer:
    """A shell, iptables and their libraries, out of the machine image."""
    container = client.containers.create(
        machine, ["python3", "-c", COLLECT.read_text(), "/tools.tar"], network_mode="none"
    )
    try:
        container.start()
        if container.wait()["StatusCode"]:
            raise GroundError(
                "container images",
                "collecting iptables from the machine image failed",
                f"Read {COLLECT}.",
                container.logs(tail=25).decode(errors="replace"),
            )
        chunks, _ = container.get_archive("/tools.tar")
        with tempfile.TemporaryFile() as received:
            received.writelines(chunks)
            received.seek(0)
            with tarfile.open(fileobj=received) as tar:
                tar.extract("tools.tar", file.parent, filter="data")
    finally:
        container.remove(force=True)
    return layer_of(file)


def _kube(folders: Folders, work: Path, version: str) -> Layer:
    program = binary(folders, kubernetes_group(version), "kube")
    links = {f"usr/local/bin/{name}": "kube" for name in KUBE_COMPONENTS}
    return write_layer(work / f"kube-{version}.tar", {"usr/local/bin/kube": program}, links)


def _programs(
    folders: Folders, work: Path, group_name: str, *names: str, place: str = "usr/local/bin/"
) -> Layer:
    programs = {place + name: binary(folders, group_name, name) for name in names}
    return write_layer(work / f"{group_name}.tar", programs)
