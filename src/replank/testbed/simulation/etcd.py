"""The etcd cluster of one workload cluster: its members, and nothing of what they hold."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from replank.ports.access import EtcdMember
from replank.testbed.world import Machine

Observer = Callable[[str, str], None]
"""(verb, member's name): added or removed."""


@dataclass(slots=True)
class Etcd:
    """`members`: by name, which is the Node's in a sound cluster."""

    members: dict[str, EtcdMember] = field(default_factory=dict)
    observers: list[Observer] = field(default_factory=list)

    @classmethod
    def of(cls, machines: Iterable[Machine]) -> Etcd:
        """As the machines of a twin say."""
        etcd = cls()
        for machine in machines:
            for line, answer in machine.commands.items():
                if line.endswith("/v3/cluster/member/list"):
                    for member in json.loads(answer)["members"]:
                        etcd.members[member["name"]] = EtcdMember(
                            id=f"{int(member['ID']):x}",
                            name=member["name"],
                            peer_urls=tuple(member["peerURLs"]),
                            learner=bool(member.get("isLearner", False)),
                            healthy=True,
                        )
        return etcd

    def add(self, name: str, address: str) -> None:
        """A new control plane joined."""
        number = len(self.members) + 0xE7CD
        self.members[name] = EtcdMember(
            id=f"{number:x}", name=name, peer_urls=(f"https://{address}:2380",), learner=False, healthy=True
        )
        self._told("added", name)

    def remove(self, name: str) -> None:
        """Somebody took a member out."""
        if self.members.pop(name, None) is not None:
            self._told("removed", name)

    def _told(self, verb: str, name: str) -> None:
        for observer in self.observers:
            observer(verb, name)
