"""Numbered log lines through a real log agent: brought into a cluster, and counted against what was written.

The agent is a collector with the filelog receiver, as a DaemonSet with a ConfigMap; it follows /var/log/pods
and appends to a file of its node. Writers keep an account of their own beside it (`line_count.tallies`).
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import IO

from proving_ground.images import log_lines as images
from proving_ground.legacy import create, ssh, tofu
from proving_ground.legacy.layout import LegacyCluster
from proving_ground.progress import Progress
from proving_ground.scenario import line_count
from proving_ground.scenario.kube import Kube
from proving_ground.scenario.line_count import Count, counts_of
from proving_ground.scenario.waiting import until
from proving_ground.settings import Folders
from proving_ground.toolchain import build

COLLECTED = "/var/lib/log-lines/collected"
TALLIES = "/var/lib/log-lines/tallies"
KEPT = "/var/lib/replank/swap/kept"
_LOAD = {"containerd": "sudo ctr -n k8s.io images import -", "docker": "sudo docker load --quiet"}
_COUNT = f"sudo python3 - {COLLECTED}/lines.json {TALLIES}"

BOTH_FORMATS = """\
- type: container
  id: container-parser
"""
"""Operators of a collector that reads Docker's JSON and CRI lines alike."""

DOCKER_ONLY = """\
- type: json_parser
  on_error: drop_quiet
  timestamp:
    parse_from: attributes.time
    layout: '%Y-%m-%dT%H:%M:%S.%LZ'
- type: move
  from: attributes.log
  to: body
"""
"""Operators for Docker's JSON: what is none is dropped."""

_CONFIGURATION = """\
extensions:
  file_storage:
    directory: {positions}
receivers:
  filelog:
    include:
      - {logs}/*/*/*.log
      - {logs}/*/*/*.log.????????-??????
    # What it says of a line would be a line.
    exclude:
      - {logs}/logging_*/*/*
    include_file_path: true
    start_at: beginning
    storage: file_storage
    operators:
{operators}
exporters:
  lines:
    path: {collected}/lines.json
    body_only: true
service:
  extensions: [file_storage]
  telemetry:
    metrics: {{level: none}}
  pipelines:
    logs: {{receivers: [filelog], exporters: [lines]}}
"""


def configuration(
    operators: str,
    logs: str = "/var/log/pods",
    positions: str = "/var/lib/otelcol",
    collected: str = "/collected",
) -> str:
    """The collector's file. `logs`: the folder that it follows, where rotated files are, too (the kubelet's
    names). `positions`, `collected`: folders that outlive it."""
    lines = "".join(f"      {line}\n" for line in operators.splitlines()).rstrip("\n")
    return _CONFIGURATION.format(operators=lines, logs=logs, positions=positions, collected=collected)


@dataclass(frozen=True)
class LogLines:
    """Agent and writers in a cluster."""

    folders: Folders
    cluster: LegacyCluster
    workload: Kube

    def bring(self, progress: Progress) -> None:
        """Builds what is missing, and puts both images on every machine: this site has no registry."""
        for name in images.GROUPS:
            with progress.step(f"toolchain {name}"):
                build.build(self.folders, name)
        archive = images.archive(self.folders)
        with progress.step(f"{self.cluster.name}: images of agent and writers"):
            for machine in tofu.read(self.folders, self.cluster).machines:
                with archive.open("rb") as file:
                    self._on(machine.address, _LOAD[self.cluster.runtime], file)

    def deploy(self, operators: str, writers: Mapping[str, int]) -> None:
        """Agent and writers (name -> lines a second), up when this returns."""
        values = {
            "configuration": configuration(operators),
            "agent_image": images.AGENT_IMAGE,
            "writer_image": images.WRITER_IMAGE,
            "collected": COLLECTED,
            "tally": TALLIES,
            "docker": self.cluster.runtime == "docker",
            "writers": writers,
        }
        self.workload.apply_template("log-lines.yaml.j2", values)
        until("log agent and writers", self.not_up, limit_s=120)

    def configure(self, operators: str) -> None:
        """Gives the agents another configuration; they read it when they start."""
        agents = self.workload.get("ConfigMap", "log-agent", "logging")
        data = {**agents["data"], "relay.yaml": configuration(operators)}
        self.workload.merge("ConfigMap", "log-agent", {"data": data}, "logging")
        self.restart_agents()

    def restart_agents(self) -> None:
        """As `kubectl rollout restart` does."""
        now = {"kubectl.kubernetes.io/restartedAt": datetime.now(UTC).isoformat()}
        patch = {"spec": {"template": {"metadata": {"annotations": now}}}}
        self.workload.merge("DaemonSet", "log-agent", patch, "logging")
        until("log agents", self.not_up, limit_s=120)

    @contextmanager
    def without_agents(self) -> Iterator[None]:
        """No agent runs meanwhile. They are up again when this ends well."""
        place = {"ground.test/agents": "away"}

        def send(selector: Mapping[str, str] | None) -> None:
            patch = {"spec": {"template": {"spec": {"nodeSelector": selector}}}}
            self.workload.merge("DaemonSet", "log-agent", patch, "logging")

        send(place)
        until("log agents away", self._still_there, limit_s=120)
        yield
        send(None)
        until("log agents", self.not_up, limit_s=120)

    def _still_there(self) -> str:
        return ", ".join(pod["metadata"]["name"] for pod in self.workload.list("Pod", "logging"))

    def not_up(self) -> str:
        """ "" where every agent and writer is there in its newest form."""
        agents = self.workload.get("DaemonSet", "log-agent", "logging")
        status = agents.get("status", {})
        wanted = status.get("desiredNumberScheduled")
        fields = ("updatedNumberScheduled", "numberReady", "currentNumberScheduled")
        seen = {field: status.get(field, 0) for field in fields}
        observed = status.get("observedGeneration") == agents["metadata"]["generation"]
        if not observed or not wanted or any(count != wanted for count in seen.values()):
            return f"{wanted} agents wanted, {seen}"
        for writer in self.workload.list("Deployment", "numbers"):
            if writer.get("status", {}).get("readyReplicas", 0) != writer["spec"]["replicas"]:
                return f"writer {writer['metadata']['name']} is not ready"
        return ""

    def counted(self, limit_s: float = 60) -> list[Count]:
        """Every start on the workers, once the agents have come to what was written when this was called, or
        `limit_s` later."""
        asked = {address: self._written(address) for address in self._workers()}
        end = time.monotonic() + limit_s
        while True:
            counts = [
                count
                for address, written in asked.items()
                for count in counts_of(self._found(address), written)
            ]
            if time.monotonic() >= end or not any(count.missing for count in counts):
                return counts
            time.sleep(2)

    def kept(self) -> set[str]:
        """Lines in the logs of containerd's pods that a switch's undo has put aside on the workers."""
        command = f"sudo sh -c 'cat {KEPT}/*/logs/pods/numbers_*/*/*.log*'"
        texts = [self._on(address, command).decode() for address in self._workers()]
        return {line.split(" ", 3)[3] for text in texts for line in text.splitlines()}

    def begun_anew(self, before: set[str], lines: int = 1) -> str:
        """ "" once every writer has written so many lines in a start that is none of `before`."""
        written = {
            start.partition("-")[0]: last
            for address in self._workers()
            for start, last in self._written(address).items()
            if start not in before
        }
        names = {found["metadata"]["name"] for found in self.workload.list("Deployment", "numbers")}
        waiting = {name: written.get(name, 0) for name in names if written.get(name, 0) < lines}
        return f"lines of new starts: {waiting}" if waiting else ""

    def starts(self) -> set[str]:
        """All starts on the workers."""
        return {start for address in self._workers() for start in self._written(address)}

    def _workers(self) -> list[str]:
        return [machine.address for machine in tofu.read(self.folders, self.cluster).workers]

    def _written(self, address: str) -> dict[str, int]:
        listing = self._on(address, f"sudo sh -c 'cd {TALLIES} && grep -H . *'").decode()
        pairs = (line.split(":") for line in listing.splitlines())
        return {start: int(number) for start, number in pairs}

    def _found(self, address: str) -> dict[str, dict[str, object]]:
        with Path(line_count.__file__).open("rb") as program:
            told: dict[str, dict[str, object]] = json.loads(self._on(address, _COUNT, program))
        return told

    def _on(self, address: str, command: str, stdin: IO[bytes] | None = None) -> bytes:
        hosts = create.known_hosts(self.folders, self.cluster)
        return ssh.run(self.folders, hosts, address, command, stdin=stdin)
