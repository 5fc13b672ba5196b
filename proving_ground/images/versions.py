"""What a Kubernetes version means here: its toolchain group, its stamp, the images that kubeadm asks for."""

from __future__ import annotations

import subprocess
from functools import cache

from proving_ground.errors import GroundError
from proving_ground.settings import Folders, folders
from proving_ground.toolchain.groups import binary, group

CONTAINERD = "containerd-1.7"

COMMON_GROUPS = (
    "etcd",
    "cni-plugins",
    CONTAINERD,
    "coredns",
    "pause",
    "node-agent",
    "workload",
    "runc-wrapper",
)
"""What machine images hold besides Kubernetes."""

ON_DEMAND = ("1.23",)
"""Versions that no part of the ground needs but a legacy cluster that asks for them. Their machines have
packages only, with the container images of their own version only: nobody upgrades to or from them here."""

NODE_AGENT_IMAGE = "replank-ground/node-agent:1"
"""One for all versions."""

WORKLOAD_IMAGE = "replank-ground/workload:1"


def kubernetes_group(kubernetes: str) -> str:
    """The toolchain group of `1.35`, `1.35-next`, ..."""
    return f"kubernetes-{kubernetes}"


def kubernetes_version(kubernetes: str) -> str:
    """What the binaries say that they are: `v1.35.4`."""
    return group(kubernetes_group(kubernetes)).version


def kubeadm_api(kubernetes: str) -> str:
    """The version of kubeadm's configuration: v1beta3 since 1.22, v1beta4 since 1.31
    (kubernetes/kubernetes, cmd/kubeadm/app/apis/kubeadm)."""
    minor = int(kubernetes_version(kubernetes).split(".")[1])
    return "v1beta4" if minor >= 31 else "v1beta3"


def toolchain_groups(kubernetes: str) -> tuple[str, ...]:
    """The groups that must be built before a machine image of the version."""
    return (kubernetes_group(kubernetes), *COMMON_GROUPS)


def glance_name(kubernetes: str) -> str:
    """The name in the cloud of the image on which kubeadm works at once."""
    return f"debian-12-kube-{kubernetes_version(kubernetes)}"


def glance_bare_name(kubernetes: str) -> str:
    """The name in the cloud of the image on which somebody must install packages first."""
    return f"debian-12-packages-{kubernetes_version(kubernetes)}"


def sandbox_image(kubernetes: str, where: Folders | None = None) -> str:
    """The pause image of the version's kubeadm."""
    images = kubeadm_images(where or folders(), kubernetes)
    return next(name for name in images if component(name) == "pause")


@cache
def kubeadm_images(where: Folders, kubernetes: str) -> tuple[str, ...]:
    """What `kubeadm config images list` of the built binary says.

    Raises `GroundError` where it is not built."""
    kube = binary(where, kubernetes_group(kubernetes), "kube")
    done = subprocess.run(
        [kube, "kubeadm", "config", "images", "list", "--kubernetes-version", kubernetes_version(kubernetes)],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise GroundError(
            f"kubeadm {kubernetes}",
            "does not list its images",
            f"Run it by hand: {kube} kubeadm",
            done.stderr,
        )
    return tuple(done.stdout.split())


def component(reference: str) -> str:
    """`kube-proxy` of `registry.k8s.io/kube-proxy:v1.35.4`."""
    return reference.rsplit("/", 1)[-1].split(":")[0]
