"""What a hostPath reaches of a runtime: a socket, data, or a folder above one of them."""

from __future__ import annotations

from posixpath import normpath
from typing import Final

from replank.inventory.runtime.cluster_facts import Held

_SOCKETS: Final[tuple[tuple[str, Held], ...]] = (
    ("/run/docker.sock", "docker-socket"),
    ("/run/dockershim.sock", "dockershim-socket"),
    ("/run/cri-dockerd.sock", "cri-dockerd-socket"),
    ("/run/containerd/containerd.sock", "containerd-socket"),
)
_DATA: Final[tuple[tuple[str, Held], ...]] = (
    ("/var/lib/docker/containers", "docker-logs"),
    ("/var/lib/docker", "docker-data"),
    ("/var/lib/containerd", "containerd-data"),
)
_BELOW: Final[dict[str, Held]] = {"/run/containerd": "containerd-socket"}
"""A folder that is the runtime's own: whoever mounts it is after the socket in it."""


def reached(path: str) -> Held | None:
    """What is reached by a hostPath `path`, None for nothing of a runtime.

    /var/run is a link to /run (FHS 3.0, 3.15); who mounts /var gets that link, which leads nowhere unless
    /run is mounted as well, and on nodes where it is a folder the sockets themselves: so /var counts.
    """
    clean = normpath(path)
    clean = f"/run{clean.removeprefix('/var/run')}" if f"{clean}/".startswith("/var/run/") else clean
    for socket, held in _SOCKETS:
        if clean == socket:
            return held
    if clean in _BELOW:
        return _BELOW[clean]
    for folder, held in _DATA:
        if f"{clean}/".startswith(f"{folder}/"):
            return held
    above = f"{clean.rstrip('/')}/"
    targets = (*(socket for socket, _ in _SOCKETS), *(folder for folder, _ in _DATA))
    if clean == "/var" or any(target.startswith(above) for target in targets):
        return "parent"
    return None
