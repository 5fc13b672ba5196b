"""The OpenStack project: servers, the pool and its monitor, floating IPs, attached volumes."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field

from replank.testbed.guarding.layout import API_PORT
from replank.testbed.simulation.documents import Document


@dataclass(slots=True)
class Server:
    """`answers`: its API server does. `volumes`: in Cinder's IDs."""

    id: str
    name: str
    address: str
    answers: bool = False
    volumes: set[str] = field(default_factory=set)

    @property
    def port(self) -> str:
        return f"port-{self.id}"


@dataclass(slots=True)
class Project:
    """`monitored`: the pool has a health monitor. `busy_until`: the load balancer is immutable until then."""

    now: Callable[[], float]
    chance: random.Random
    monitored: bool = True
    servers: dict[str, Server] = field(default_factory=dict)
    members: dict[str, Document] = field(default_factory=dict)
    floating_ips: dict[str, Document] = field(default_factory=dict)
    busy_until: float = 0.0
    _minted: int = 0
    _failed: dict[str, int] = field(default_factory=dict)

    def boot(self, name: str, *, answers: bool = False) -> Server:
        """A new server. Addresses of servers that are gone are given out again, as Neutron does it."""
        self._minted += 1
        taken = {server.address for server in self.servers.values()}
        address = next(a for n in range(11, 99) if (a := f"10.0.0.{n}") not in taken)
        server = Server(f"{self._minted:08x}-0000-4000-8000-000000000000", name, address, answers)
        self.servers[server.id] = server
        return server

    def at(self, address: str) -> Server | None:
        """The server with that address."""
        return next((server for server in self.servers.values() if server.address == address), None)

    def member(self, name: str, address: str, tags: list[str]) -> Document:
        """A new member, as Octavia keeps it."""
        self._minted += 1
        document: Document = {
            "id": f"member-{self._minted}",
            "name": name,
            "address": address,
            "protocol_port": API_PORT,
            "operating_status": "OFFLINE" if self.monitored else "NO_MONITOR",
            "tags": tags,
        }
        self.members[document["id"]] = document
        return document

    def busy(self, seconds: float) -> None:
        """PENDING_UPDATE for a while."""
        self.busy_until = max(self.busy_until, self.now() + seconds)

    def float_on(self, server: Server, address: str) -> None:
        """A floating IP on the server's port."""
        found: Document = {"id": f"fip-{address}", "floating_ip_address": address, "port_id": server.port}
        self.floating_ips[found["id"]] = found

    def floating_on(self, server: Server) -> list[Document]:
        """Floating IPs on the server's port."""
        return [ip for ip in self.floating_ips.values() if ip["port_id"] == server.port]

    def check_health(self) -> None:
        """One turn of the monitor: a member is up at once, and down after two failures."""
        if not self.monitored:
            return
        for member in self.members.values():
            server = self.at(member["address"])
            if server is not None and server.answers:
                self._failed[member["id"]] = 0
                member["operating_status"] = "ONLINE"
                continue
            failed = self._failed[member["id"]] = self._failed.get(member["id"], 0) + 1
            if failed >= 2:
                member["operating_status"] = "ERROR"

    def living(self) -> list[Document]:
        """Members that get connections and answer them."""
        return [
            member
            for member in self.members.values()
            if member["operating_status"] in ("ONLINE", "NO_MONITOR")
            and (server := self.at(member["address"])) is not None
            and server.answers
        ]
