"""Arguments of the kubelet that are about its container runtime.

Source: kubernetes 1.23, cmd/kubelet/app/options and pkg/kubelet/config/flags.go; its changelogs of 1.24 and
1.27.
"""

from __future__ import annotations

from typing import Final

ENDPOINTS: Final = ("container-runtime-endpoint", "image-service-endpoint")
RUNTIME_CGROUPS: Final = "runtime-cgroups"
GONE: Final = frozenset(
    {
        *("container-runtime", "network-plugin", "network-plugin-mtu", "non-masquerade-cidr"),
        *("cni-bin-dir", "cni-conf-dir", "cni-cache-dir", "image-pull-progress-deadline"),
        *("docker-endpoint", "experimental-dockershim", "experimental-dockershim-root-directory"),
        "redirect-container-streaming",
    }
)
"""Of dockershim: a kubelet of 1.27 or newer does not start with one of them."""


def is_about_runtime(name: str) -> bool:
    """Whether an argument (without dashes) is one of them."""
    return name in ENDPOINTS or name == RUNTIME_CGROUPS or name in GONE


def names_docker(value: str) -> bool:
    """Whether a socket, path or cgroup is Docker's: dockershim.sock, cri-dockerd.sock, docker.service."""
    return "docker" in value.lower()
