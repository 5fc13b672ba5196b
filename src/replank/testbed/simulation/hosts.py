"""The port `Hosts` on the machines of a twin."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable

from replank.domain.errors import Refused
from replank.ports.access import EtcdMember, EtcdSnapshot
from replank.testbed.simulation.etcd import Etcd
from replank.testbed.world import Machine


class SimulatedHosts:
    """`now`: virtual time, for snapshots."""

    def __init__(self, machines: Iterable[Machine], etcd: Etcd, now: Callable[[], float]) -> None:
        self._machines = {machine.server_name: machine for machine in machines}
        self._etcd = etcd
        self._now = now
        self.snapshots: list[EtcdSnapshot] = []

    async def read_secret(self, machine: str, path: str) -> bytes:
        entry = self._machine(machine).files.get(path)
        if entry is None:
            raise Refused("RP000", f"{path} on {machine}", "there is no such file", "Survey and plan again.")
        return entry.content

    async def etcd_members(self, machine: str) -> tuple[EtcdMember, ...]:
        self._machine(machine)
        return tuple(sorted(self._etcd.members.values(), key=lambda member: member.name))

    async def etcd_snapshot(self, machine: str) -> EtcdSnapshot:
        self._machine(machine)
        number = len(self.snapshots) + 1
        taken = EtcdSnapshot(
            path=f"etcd/{machine}-{number}.db.age",
            sha256=hashlib.sha256(f"{machine}/{number}".encode()).hexdigest(),
            bytes=48_123_904,
            taken_at=self._now(),
            revision=4_812_345 + number,
            keys=9_000,
        )
        self.snapshots.append(taken)
        return taken

    async def newest_snapshot(self) -> EtcdSnapshot | None:
        return self.snapshots[-1] if self.snapshots else None

    def _machine(self, name: str) -> Machine:
        if name not in self._machines:
            raise Refused("RP000", f"Machine {name}", "there is none", "Survey and plan again.")
        return self._machines[name]
