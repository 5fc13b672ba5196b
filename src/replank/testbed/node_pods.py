"""Privileged pods on the machines of a twin's cluster: their kubelets start them, and commands in them reach
the machine as a shell of root does."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from replank.inventory.hosts.swap_commands import NODE_PART
from replank.testbed.serve.kubernetes import ServedApi
from replank.testbed.serve.kubernetes.pod_exec import V4, V5, PodExecServer, Ran, Stdin
from replank.testbed.serve.ssh_shell import STRANGE, Shell
from replank.testbed.simulation.documents import Document, copied
from replank.testbed.twin import Twin
from replank.testbed.world import Machine
from replank.transports.node_pod.channels import END

_KUBELET: Final = "kubelet"
# What a container sees of the host by its process 1, and that process's namespaces.
_TO_HOST: Final = ("chroot", "/proc/1/root", "nsenter", "-t", "1", "-m", "-u", "-i", "-n", "-p", "--")
_FED: Final = re.compile(r"head -c ([0-9]+) \| (.*)", flags=re.DOTALL)
_PART: Final = f"python3 {NODE_PART} "
_SCOPE: Final = "systemd-run --scope --quiet "


@dataclass(slots=True)
class TwinNodePods:
    """`image`: the one that is to be had; any other is not. `lines`: Node and line of what was run on
    machines; `strange`: those of them that are on no list. `cut`: words; a line that holds one of them
    is done, and its connection cut before its end is told, once for each; `fades`: the same, but its end is
    told as if all were well, which a runtime does that is restarted below an exec. `away`: Nodes whose
    kubelets do not answer. `down`: Nodes on which no pod starts."""

    twin: Twin
    api: ServedApi
    machines: dict[str, Machine]
    image: str
    server: PodExecServer
    lines: list[tuple[str, str]] = field(default_factory=list)
    strange: list[str] = field(default_factory=list)
    cut: list[str] = field(default_factory=list)
    fades: list[str] = field(default_factory=list)
    away: set[str] = field(default_factory=set)
    down: set[str] = field(default_factory=set)
    made: list[Document] = field(default_factory=list)
    """Every pod that was started, as it was asked for."""

    def catch_up(self) -> None:
        """What the namespaces' controller and the kubelets would have done by now."""
        objects = self.api.objects
        for space in [d for d in objects.all("Namespace") if _is_new(d)]:
            name = space["metadata"]["name"]
            if objects.get("", "ServiceAccount", name, "default") is None:
                account = {"name": "default", "namespace": name}
                objects.create({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": account}, _KUBELET)
        for pod in [p for p in objects.all("Pod") if self._starts(p)]:
            self.made.append(pod)
            objects.put({**copied(pod), "status": self._status(pod)}, _KUBELET)

    def refuses(self, namespace: str, pod: str) -> str:
        """See `PodExecServer.refuses`."""
        document = self.api.objects.get("", "Pod", namespace, pod)
        assert document is not None
        if document["spec"]["nodeName"] in self.away:
            return "error dialing backend: dial tcp 10.0.0.9:10250: connect: connection refused"
        running = document.get("status", {}).get("phase") == "Running"
        return "" if running else 'unable to upgrade connection: container not found ("node")'

    async def run(self, namespace: str, pod: str, command: Sequence[str], stdin: Stdin) -> Ran:
        """See `Run`."""
        document = self.api.objects.get("", "Pod", namespace, pod)
        assert document is not None
        node, length = document["spec"]["nodeName"], len(_TO_HOST)
        shell = tuple(command[:length]) == _TO_HOST and list(command[length : length + 2]) == ["sh", "-c"]
        if not shell or len(command) != length + 3:
            return Ran(broken=f'failed to start exec: "{command[0]}": executable file not found in $PATH')
        (line, _, tells), data = command[-1].rpartition("\n"), b""
        assert tells.startswith("s=$?; printf ")
        if fed := _FED.fullmatch(line):
            line, data = fed[2], await stdin.take(int(fed[1]))
        self.lines.append((node, line))
        line = line.removeprefix(_SCOPE)
        ran = await self._on_machine(node, line, data)
        for word in [word for word in self.cut if word in line]:
            self.cut.remove(word)
            return Ran(cut=True)
        for word in [word for word in self.fades if word in line]:
            self.fades.remove(word)
            return Ran(0, ran.stdout[:10])
        return replace(ran, stdout=ran.stdout + END)

    async def _on_machine(self, node: str, line: str, data: bytes) -> Ran:
        machine = self.machines[node]
        host = Shell(machine, machine.address, node=self.twin.ssh.nodes.get(machine.address), is_root=True)
        # It waits for whatever works on the node.
        answer = await asyncio.to_thread(host.run, line) if _PART in line else host.run(line, data)
        if answer is STRANGE:
            self.strange.append(line)
        return Ran(answer.status, answer.stdout, answer.stderr)

    def _starts(self, pod: Document) -> bool:
        spec = pod["spec"]
        ours = spec.get("hostPID") and spec.get("nodeName") in self.machines and "status" not in pod
        return bool(ours) and spec["nodeName"] not in self.down

    def _status(self, pod: Document) -> dict[str, Any]:
        if pod["spec"]["containers"][0]["image"] != self.image:
            waiting = {"reason": "ErrImagePull", "message": "not found"}
            return {
                "phase": "Pending",
                "containerStatuses": [{"name": "node", "state": {"waiting": waiting}}],
            }
        state = {"running": {"startedAt": "2026-01-01T00:00:00Z"}}
        container = {"name": "node", "ready": True, "restartCount": 0, "state": state}
        ready = {"type": "Ready", "status": "True"}
        return {"phase": "Running", "conditions": [ready], "containerStatuses": [container]}


def start_node_pods(
    twin: Twin, cluster: str, *, image: str, versions: tuple[str, ...] = (V5, V4)
) -> TwinNodePods:
    """From now on. `versions`: of the exec protocol that the API server speaks. Raises LookupError where the
    twin has no such cluster."""
    found = next((c for c in twin.world.clusters if c.name == cluster), None)
    if found is None:
        raise LookupError(f"the twin has no cluster {cluster}")
    api = twin.api(cluster)
    machines = {machine.server_name: machine for machine in found.machines}

    async def run(namespace: str, pod: str, command: Sequence[str], stdin: Stdin) -> Ran:
        return await pods.run(namespace, pod, command, stdin)

    server = PodExecServer(run, lambda namespace, pod: pods.refuses(namespace, pod), versions)
    pods = TwinNodePods(twin, api, machines, image, server)
    # Before kubelets that tell of the pods that they run.
    api.controllers.insert(0, pods.catch_up)
    api.execs = server
    return pods


def _is_new(space: Document) -> bool:
    """Whether it was made through the API: those of the generated world have what they need."""
    return "app.kubernetes.io/managed-by" in (space["metadata"].get("labels") or {})
