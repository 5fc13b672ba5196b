"""What OpenStack does with the documents of one project: names, locks, credentials, servers and ports.

Whoever acts does so with roles: a `reader` is refused every write with 403. Source: facts file, section 9
("The fences, tried").
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from replank.testbed.simulation.documents import Document, plain
from replank.testbed.simulation.objects import stamp
from replank.testbed.world import Project

Observer = Callable[[str, str, str], None]
"""(verb, kind, id) of every write: created, changed, deleted."""
WRITES = frozenset({"member", "admin", "manager"})


class Status(Exception):
    """An answer other than 2xx."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(code, message)
        self.code = code
        self.message = message


@dataclass(slots=True)
class OpenStack:
    """`credentials`: application credentials by id, with their secrets. `now`: virtual time."""

    project: Project
    now: Callable[[], float]
    credentials: dict[str, Document] = field(default_factory=dict)
    observers: list[Observer] = field(default_factory=list)
    writes: int = 0
    _minted: int = 0

    def documents(self, service: str, collection: str) -> list[Document]:
        """The living list."""
        return self.project.collections[service].setdefault(collection, [])

    @property
    def servers(self) -> list[Document]:
        """Nova's."""
        return self.documents("compute", "servers")

    @property
    def ports(self) -> list[Document]:
        """Neutron's."""
        return self.documents("network", "ports")

    def server(self, server_id: str) -> Document | None:
        """By ID."""
        return next((s for s in self.servers if s["id"] == server_id), None)

    def port(self, port_id: str) -> Document | None:
        """By ID."""
        return next((p for p in self.ports if p["id"] == port_id), None)

    def roles_of(self, credential_id: str, secret: str) -> tuple[str, ...]:
        """Of an application credential. Raises `Status` 401."""
        credential = self.credentials.get(credential_id)
        if credential is None or credential["secret"] != secret:
            raise Status(401, "The request you have made requires authentication.")
        return tuple(role["name"] for role in credential["roles"])

    def change(self, kind: str, document: Document, values: Mapping[str, Any]) -> None:
        """Writes fields of a document; nothing is told where nothing differs."""
        if any(document.get(name) != value for name, value in values.items()):
            document.update(plain(values))
            self.told("changed", kind, document["id"])

    def create_server(self, name: str, ports: list[str], roles: tuple[str, ...]) -> Document:
        """Nova takes any number of servers of one name. Raises `Status` 403."""
        self._must_write(roles)
        server_id = self.mint()
        document = {
            "id": server_id,
            "name": name,
            "status": "ACTIVE",
            "locked": False,
            "locked_reason": None,
            "created": stamp(self.now()),
            "metadata": {},
            "OS-EXT-STS:task_state": None,
        }
        self.servers.append(document)
        for port_id in ports:
            port = self.port(port_id)
            if port is not None:
                port["device_id"] = server_id
        self.told("created", "server", server_id)
        return document

    def create_port(self, name: str, network_id: str, roles: tuple[str, ...]) -> Document:
        """Raises `Status` 403."""
        self._must_write(roles)
        document: Document = {"id": self.mint(), "name": name, "network_id": network_id, "status": "DOWN"}
        document |= {"device_id": "", "device_owner": "", "tags": [], "fixed_ips": []}
        self.ports.append(document)
        self.told("created", "port", document["id"])
        return document

    def delete_server(self, server_id: str, roles: tuple[str, ...]) -> None:
        """Raises `Status` 403, 404 (not there: answered before the rights), 409 (locked)."""
        server = self.server(server_id)
        if server is None:
            raise Status(404, f"Instance {server_id} could not be found.")
        self._must_write(roles)
        if server["locked"]:
            raise Status(409, f"Instance {server_id} is locked")
        self.servers.remove(server)
        self.told("deleted", "server", server_id)

    def delete_port(self, port_id: str, roles: tuple[str, ...]) -> None:
        """Raises `Status` 403, 404."""
        port = self.port(port_id)
        if port is None:
            raise Status(404, f"Port {port_id} could not be found.")
        self._must_write(roles)
        self.ports.remove(port)
        self.told("deleted", "port", port_id)

    def delete_floating_ip(self, floating_ip_id: str, roles: tuple[str, ...]) -> None:
        """Raises `Status` 403."""
        self._must_write(roles)
        found = self.documents("network", "floatingips")
        found[:] = [f for f in found if f["id"] != floating_ip_id]
        self.told("deleted", "floating-ip", floating_ip_id)

    def mint(self) -> str:
        """An ID that nothing else has."""
        self._minted += 1
        return f"0c000000-0000-4000-8000-{self._minted:012x}"

    def told(self, verb: str, kind: str, thing_id: str) -> None:
        """Every write ends here."""
        self.writes += 1
        for observer in self.observers:
            observer(verb, kind, thing_id)

    def _must_write(self, roles: tuple[str, ...]) -> None:
        if not WRITES & set(roles):
            raise Status(403, "Policy doesn't allow it to be performed.")
