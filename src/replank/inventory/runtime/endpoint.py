"""Which runtime a kubelet asks, and where."""

from __future__ import annotations

from typing import Final

from replank.inventory.facts.hosts import KubeletFacts
from replank.inventory.hosts.command_line import flag_value
from replank.inventory.runtime.versions import Version

_KEY: Final = "containerRuntimeEndpoint"
DOCKERSHIM: Final = "unix:///var/run/dockershim.sock"
CONTAINERD: Final = "unix:///run/containerd/containerd.sock"


def endpoint_of(kubelet: KubeletFacts, version: Version) -> str:
    """The endpoint that the kubelet uses, as `unix:///...`.

    A flag wins over config.yaml; what kubeadm keeps in instance-config.yaml it has merged into that. Without
    any, a kubelet before 1.24 speaks to Docker itself unless `--container-runtime=remote`, and later ones
    take containerd's socket (kubernetes v1.23 and v1.34, cmd/kubelet/app/options).
    """
    named = (
        flag_value(kubelet.flags, "container-runtime-endpoint"),
        *(str(settings.get(_KEY) or "") for settings in (kubelet.config, kubelet.instance_config)),
    )
    endpoint = next((text for text in named if text), "")
    remote = flag_value(kubelet.flags, "container-runtime") == "remote"
    if version.line < (1, 24) and not remote:
        return DOCKERSHIM
    if not endpoint:
        return CONTAINERD
    return endpoint if "://" in endpoint else f"unix://{endpoint}"


def socket_of(endpoint: str) -> str:
    """The path of a unix endpoint, "" for any other."""
    return endpoint.removeprefix("unix://") if endpoint.startswith("unix:///") else ""


def shim_of(socket: str) -> str:
    """What speaks CRI for Docker at a socket: dockershim, cri-dockerd, or "" for no Docker."""
    return next((shim for shim in ("dockershim", "cri-dockerd") if shim in socket), "")


def runtime_of(socket: str) -> str:
    """docker | containerd | cri-o by the socket's path, "" where it tells none."""
    if shim_of(socket):
        return "docker"
    if "crio" in socket:
        return "cri-o"
    return "containerd" if "containerd" in socket else ""
