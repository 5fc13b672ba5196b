"""The node that is sabotaged while replank swaps its runtime."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from typing import Any

from desk import Desk, Working
from shell import replank
from swap_desk import plan_of

from proving_ground.errors import GroundError
from proving_ground.legacy import create, ssh, tofu
from proving_ground.legacy.tofu import Machine
from proving_ground.scenario.waiting import until

PART = "sudo python3 /var/lib/replank/swap/swap_node.py"


@dataclass(frozen=True)
class Victim:
    """One machine of the desk's cluster."""

    desk: Desk
    machine: Machine

    @property
    def name(self) -> str:
        """Of its server, and of its Node."""
        return self.machine.name

    def run(self, command: str) -> str:
        """What a shell on it prints. Raises `GroundError` where the command fails or nothing answers."""
        hosts = create.known_hosts(self.desk.ground, self.desk.cluster)
        return ssh.run(self.desk.ground, hosts, self.machine.address, command).decode()

    def standing(self) -> dict[str, Any]:
        """What replank's part on it says of itself."""
        return dict(json.loads(self.run(f"{PART} status")))

    def unrest(self) -> str:
        """ "" once it has come to its end."""
        try:
            found = self.standing()
        except GroundError as error:
            return f"{error}"
        resting = found["outcome"] in ("staged", "swapped", "undone") and not found["working"]
        return "" if resting else str(found)

    def switch_begun(self) -> Working:
        """`replank apply`, at the moment at which this node has stopped its kubelet."""
        working = self.swap_begun()
        until(f"{self.name} to switch", lambda: "" if self._switching() else "not yet", 60, every_s=0.1)
        return working

    def _switching(self) -> bool:
        return any(phase["name"] == "kubelet-stop" for phase in self.standing()["phases"])

    def swap_begun(self) -> Working:
        """`replank apply`, at the moment at which it has told this node to swap."""
        working = self.desk.run("apply", plan_of(self.desk), "--yes")
        end = time.monotonic() + 180
        while time.monotonic() < end:
            assert working.process.poll() is None, working.said()
            if (self.desk.folder / ".replank").exists() and self._begun():
                return working
            time.sleep(0.2)
        raise AssertionError(working.said())

    def _begun(self) -> bool:
        fleet, cluster = ("--fleet", self.desk.fleet), self.desk.cluster.name
        log = replank("log", cluster, "--json", *fleet, cwd=self.desk.folder, accept=(0, 1, 2))
        return any('"found"' in line and f"swap-{self.name}/" in line for line in log.splitlines())


def worker_of(desk: Desk) -> Victim:
    """The only worker of the desk's cluster."""
    (machine,) = tofu.read(desk.ground, desk.cluster).workers
    return Victim(desk, machine)
