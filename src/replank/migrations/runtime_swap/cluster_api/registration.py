"""Which runtime a new machine's kubelet is told of: the CRI socket and the kubelet's arguments.

A new machine comes from an image with containerd as everybody installs it, so what named Docker names
containerd's usual socket, whatever socket the swapped nodes have.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from replank.inventory.cluster_api.controlled import BootstrapSpec, Registration, RuntimeArgument
from replank.inventory.cluster_api.controlled_objects import BOOTSTRAP_AT
from replank.inventory.cluster_api.names import BOOTSTRAP, CONTROL_PLANE
from replank.inventory.cluster_api.runtime_arguments import (
    ENDPOINTS,
    GONE,
    RUNTIME_CGROUPS,
    names_docker,
)
from replank.plan.runtime_swap import PlannedEdit

SOCKET: Final = "unix:///run/containerd/containerd.sock"
_CGROUPS: Final = "/system.slice/containerd.service"
_VERSIONS: Final = {"KubeadmControlPlane": CONTROL_PLANE}


def edits_of(spec: BootstrapSpec) -> tuple[PlannedEdit, ...]:
    """What has to change in it; nothing where no word of it is about Docker."""
    return tuple(edit for registration in spec.registrations for edit in _edits(spec, registration))


def _edits(spec: BootstrapSpec, registration: Registration) -> Iterator[PlannedEdit]:
    node = "/".join(("", *BOOTSTRAP_AT[spec.kind], registration.part, "nodeRegistration"))
    if names_docker(registration.cri_socket):
        yield _edit(spec, f"{node}/criSocket", registration.cri_socket, SOCKET)
    for argument in registration.arguments:
        becomes = _becomes(argument)
        if becomes != argument.value:
            yield _edit(spec, f"{node}/kubeletExtraArgs", argument.value, becomes, argument.name)


def _becomes(argument: RuntimeArgument) -> str:
    """Its new value, "" = it is taken out."""
    if argument.name in GONE:
        return ""
    if not names_docker(argument.value):
        return argument.value
    if argument.name == RUNTIME_CGROUPS:
        return _CGROUPS
    # Without an endpoint of its own for images the kubelet asks the runtime's.
    return SOCKET if argument.name == ENDPOINTS[0] else ""


def _edit(spec: BootstrapSpec, at: str, was: str, becomes: str, argument: str = "") -> PlannedEdit:
    return PlannedEdit(
        object=f"{spec.kind}/{spec.name}",
        api_version=_VERSIONS.get(spec.kind, BOOTSTRAP),
        at=at,
        was=was,
        becomes=becomes,
        argument=argument,
    )
