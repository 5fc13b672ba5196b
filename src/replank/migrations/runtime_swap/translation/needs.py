"""What a node and its target must have in any case, whatever is configured."""

from __future__ import annotations

from typing import Final

from replank.inventory.facts.hosts import KubeletFacts
from replank.inventory.hosts.command_line import flag_value
from replank.inventory.runtime.containerd_setting import IMAGES
from replank.inventory.runtime.tree import at
from replank.inventory.runtime.versions import parse_version
from replank.migrations.runtime_swap.translation.draft import Draft
from replank.migrations.runtime_swap.translation.model import Outcome

SANDBOX: Final = ("plugins", IMAGES, "pinned_images", "sandbox")
_RELEASES: Final = "containerd 2.3.5, RELEASES.md"


def check_kubelet(draft: Draft) -> None:
    """Kubelet and new containerd must speak one CRI, and the kubelet must accept the cgroup version."""
    target = draft.target
    if target.kubelet.line < (1, 23) and target.line >= (2, 0):
        draft.stop(
            "RP456",
            "CRI",
            "kubelet",
            f"kubelet {target.kubelet}",
            why="It speaks CRI v1alpha2 alone, which containerd 2.0 no longer serves.",
            todo="Upgrade Kubernetes to 1.23 or newer first, or take containerd 1.7.",
            source=f"{_RELEASES}; kubernetes 1.22, pkg/kubelet/cri/remote",
        )
    if target.kubelet.line >= (1, 38) and target.line < (2, 0):
        draft.stop(
            "RP456",
            "CRI",
            "kubelet",
            f"kubelet {target.kubelet}",
            why="From 1.38 on it needs RuntimeConfig of its runtime, which came with containerd 2.0.",
            todo="Take containerd 2.0 or newer.",
            source="KEP-4033",
        )
    _check_cgroup_version(draft)


def _check_cgroup_version(draft: Draft) -> None:
    version = draft.seen(draft.node.cgroup_version, "cgroup version")
    kubelet = draft.seen(draft.node.kubelet, "the kubelet's flags and configuration")
    if version != "v1" or kubelet is None:
        return
    allowed = (
        kubelet.config.get("failCgroupV1") is False or flag_value(kubelet.flags, "fail-cgroupv1") == "false"
    )
    if draft.target.kubelet.line >= (1, 35) and not allowed:
        draft.stop(
            "RP463",
            "failCgroupV1",
            kubelet.config_path,
            "true (the default since 1.35)",
            why="The node has cgroup v1, so the kubelet would not start again.",
            todo="Boot the node with cgroup v2, or set failCgroupV1: false while Kubernetes still has it.",
            source="KEP-5573; kubernetes 1.35, pkg/kubelet/apis/config/v1beta1/defaults.go",
        )
    elif "failCgroupV1" in kubelet.config:
        draft.row(
            "failCgroupV1",
            kubelet.config_path,
            str(kubelet.config["failCgroupV1"]).lower(),
            Outcome.CARRIED_OVER,
            became="unchanged",
            why="It is the kubelet's own.",
            source="kubernetes 1.35, KubeletConfiguration",
        )
    if draft.target.line >= (2, 2):
        draft.warn(
            "RP468",
            "cgroup version",
            "the node",
            why="containerd has deprecated cgroup v1 since 2.2 and will end it by May 2029.",
            todo="Plan cgroup v2 for this node.",
        )


def kubelet_cgroup_driver(kubelet: KubeletFacts) -> str:
    """systemd or cgroupfs: the flag, else the file, else the kubelet's default."""
    configured = kubelet.config.get("cgroupDriver")
    return flag_value(kubelet.flags, "cgroup-driver") or (
        configured if isinstance(configured, str) and configured else "cgroupfs"
    )


def check_sandbox(draft: Draft) -> None:
    """containerd 2.3.0 to 2.3.3 cannot start a sandbox whose image is pinned by digest."""
    image = at(draft.tree, SANDBOX)
    if not isinstance(image, str) or "@" not in image:
        return
    if draft.target.line == (2, 3) and draft.target.containerd.patch < 4:
        draft.stop(
            "RP450",
            "sandbox image",
            "config.toml",
            image,
            why=f"containerd {draft.target.containerd} fails on a sandbox image that is pinned by digest.",
            todo="Take containerd 2.3.4 or newer, or name the image by its tag.",
            source="containerd 2.3.0 to 2.3.3; mended in 2.3.4",
        )


def check_images(draft: Draft) -> None:
    """Images of Docker's schema 1 stay, but containerd 2.x cannot pull them again."""
    images = draft.seen(draft.node.images, "images in use")
    for image in images or ():
        if image.schema1 and draft.target.line >= (2, 0):
            name = (*image.references, *image.digests, image.id)[0]
            draft.warn(
                "RP461",
                name,
                "the runtime's images",
                why="It is a Docker manifest of schema 1, which containerd 2.x does not pull.",
                todo="Push the image again with a current client before it is needed elsewhere.",
            )


def check_kernel(draft: Draft, *, unprivileged: bool) -> bool:
    """True if containerd 2.x may let pods open low ports: from Linux 4.11 on.

    On an older kernel its CRI plugin does not load with that (internal/cri/config/config_kernel_linux.go).
    """
    kernel = draft.seen(draft.node.kernel, "the kernel's version")
    version = parse_version(kernel) if kernel is not None else None
    if version is None or version.line >= (4, 11) or not unprivileged:
        return unprivileged
    draft.warn(
        "RP466",
        "enable_unprivileged_ports, enable_unprivileged_icmp",
        f"Linux {version}",
        why="Linux before 4.11 cannot do it, and containerd 2.x would serve no CRI: both are switched off.",
        todo="Look for pods that open ports below 1024 as another user than root.",
    )
    return False


def own_paths(draft: Draft, taken: dict[str, str]) -> None:
    """The new daemon's root, state and socket must not be another daemon's. `taken`: path -> whose it is."""
    target = draft.target
    for name, path in (("root", target.root), ("state", target.state), ("socket", target.socket)):
        owner = taken.get(path.rstrip("/"))
        if owner:
            draft.stop(
                "RP467",
                name,
                "the plan",
                path,
                why=f"It is that of {owner}, which serves on until the switch, and again after an undo.",
                todo="Give the new containerd a root, state and socket of its own.",
                source="docs/decisions/0006-runtime-swap.md",
            )
