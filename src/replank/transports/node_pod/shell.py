"""A `HostShell` on a node by way of a pod on it."""

from __future__ import annotations

from typing import Final

from replank.domain.errors import Transient
from replank.inventory.hosts.swap_commands import NODE_PART, VERBS
from replank.transports.hosts.shell import HostProcess
from replank.transports.node_pod.channels import END
from replank.transports.node_pod.execs import PodExecs
from replank.transports.node_pod.failures import lost
from replank.transports.node_pod.streams import LineLostError

# The pod sees the node's processes. Process 1 is the node's init: its root is the node's, and in its mount
# namespace the node's own programs are run, with its sockets, as if logged in there. (chroot comes first, so
# that of the image nothing else is needed.)
INTO_NODE: Final = ("chroot", "/proc/1/root")
# What works on the node ends neither with the connection nor with the pod, which the node may have to stop
# for it: in a scope of its own it is out of the pod's cgroup (systemd-run(1), since 205).
_APART: Final = "systemd-run --scope --quiet "
_LOOKS: Final = ("check", "status", "measure")
_WORKS: Final = tuple(f"python3 {NODE_PART} {verb}" for verb in VERBS if verb not in _LOOKS)
_TELL_END: Final = f"s=$?; printf '{''.join(f'{chr(92)}{byte:03o}' for byte in END)}'; exit $s"
_ON_NODE: Final = (*INTO_NODE, "nsenter", "-t", "1", "-m", "-u", "-i", "-n", "-p", "--", "sh", "-c")


def on_node(line: str, fed: int | None) -> tuple[str, ...]:
    """The command in the pod by which `line` is run on the node, and tells that it has ended. `fed`: bytes of
    its stdin: before v5 nobody can tell it that they were the last."""
    line = f"{_APART}{line}" if line in _WORKS else line
    fully = line if fed is None else f"head -c {fed} | {line}"
    return (*_ON_NODE, f"{fully}\n{_TELL_END}")


class PodShell:
    """`host`: the Node's name, for messages. `namespace`, `pod`: where commands are run."""

    def __init__(self, execs: PodExecs, host: str, namespace: str, pod: str) -> None:
        self._execs = execs
        self._host = host
        self._namespace = namespace
        self._pod = pod

    @property
    def failures(self) -> tuple[type[Exception], ...]:
        """See `HostShell.failures`."""
        return (LineLostError,)

    async def start(self, line: str, *, fed: int | None) -> HostProcess:
        """See `HostShell.start`. Raises as `PodExecs.start`."""
        return await self._execs.start(self._host, self._namespace, self._pod, on_node(line, fed), fed=fed)

    def lost(self, host: str) -> Transient:
        """See `HostShell.lost`."""
        return lost(host, "it ended before the command's end was told")
