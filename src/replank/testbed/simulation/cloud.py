"""The port `Cloud` on a project in memory, with the operator's own credential (role member)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from replank.domain.errors import Refused
from replank.ports.access import CloudLogin, Conflict, CredentialTrial
from replank.ports.receipts import receipt
from replank.testbed.simulation.documents import Document, copied
from replank.testbed.simulation.project import WRITES, OpenStack, Status

_COLLECTIONS = {
    "load-balancer": "loadbalancers",
    "listener": "listeners",
    "pool": "pools",
    "monitor": "healthmonitors",
}


class SimulatedCloud:
    """`cloud`: what it acts on. `login`: what clouds.yaml says about the way in."""

    def __init__(self, cloud: OpenStack, login: CloudLogin) -> None:
        self._cloud = cloud
        self._login = login

    async def server(self, server_id: str) -> Document | None:
        return _copy(self._cloud.server(server_id))

    async def servers(self) -> tuple[Document, ...]:
        return tuple(copied(server) for server in self._cloud.servers)

    async def port(self, port_id: str) -> Document | None:
        return _copy(self._cloud.port(port_id))

    async def ports(self, network_id: str = "") -> tuple[Document, ...]:
        return tuple(
            copied(port) for port in self._cloud.ports if not network_id or port["network_id"] == network_id
        )

    async def rename_server(self, server_id: str, name: str) -> None:
        self._cloud.change("server", self._server(server_id), {"name": name})
        receipt(f"PUT /servers/{server_id} req-{self._cloud.writes}")

    async def lock_server(self, server_id: str, reason: str) -> None:
        server = self._server(server_id)
        if not server["locked"]:
            self._cloud.change("server", server, {"locked": True, "locked_reason": reason})
        receipt(f"POST /servers/{server_id}/action req-{self._cloud.writes}")

    async def unlock_server(self, server_id: str) -> None:
        self._cloud.change("server", self._server(server_id), {"locked": False, "locked_reason": None})
        receipt(f"POST /servers/{server_id}/action req-{self._cloud.writes}")

    async def set_port(self, port_id: str, *, name: str, tags: Sequence[str]) -> None:
        port = self._cloud.port(port_id)
        if port is None:
            raise Refused("RP000", f"Port {port_id}", "there is none", "Survey and plan again.")
        self._cloud.change("port", port, {"name": name, "tags": list(tags)})
        receipt(f"PUT /v2.0/ports/{port_id} req-{self._cloud.writes}")

    async def balancing(self, kind: str, thing_id: str, pool_id: str = "") -> Document | None:
        return _copy(self._balancing(kind, thing_id, pool_id))

    async def set_balancing(
        self, kind: str, thing_id: str, values: Mapping[str, Any], pool_id: str = ""
    ) -> None:
        thing = self._balancing(kind, thing_id, pool_id)
        if thing is None:
            raise Refused("RP000", f"{kind} {thing_id}", "there is none", "Survey and plan again.")
        self._cloud.change(kind, thing, values)
        receipt(f"PUT /v2/lbaas/{kind}/{thing_id} req-{self._cloud.writes}")

    async def application_credentials(self) -> tuple[Document, ...]:
        found = sorted(self._cloud.credentials.values(), key=lambda c: str(c["name"]))
        return tuple({k: copied(v) for k, v in c.items() if k != "secret"} for c in found)

    async def create_application_credential(self, name: str, secret: str, roles: Sequence[str]) -> Document:
        if any(c["name"] == name for c in self._cloud.credentials.values()):
            raise Conflict("RP000", f"Credential {name}", "Keystone has one of that name", "Look again.")
        document: Document = {
            "id": self._cloud.mint().replace("-", ""),
            "name": name,
            "roles": [{"name": role} for role in roles],
            "expires_at": None,
            "project_id": self._cloud.project.project_id,
            "secret": secret,
        }
        self._cloud.credentials[document["id"]] = document
        self._cloud.told("created", "credential", document["id"])
        receipt(f"POST /application_credentials req-{self._cloud.writes}")
        return {key: copied(value) for key, value in document.items() if key != "secret"}

    async def delete_application_credential(self, credential_id: str) -> None:
        if self._cloud.credentials.pop(credential_id, None) is not None:
            self._cloud.told("deleted", "credential", credential_id)
        receipt(f"DELETE /application_credentials/{credential_id} req-{self._cloud.writes}")

    async def try_credential(
        self, credential_id: str, secret: str, *, server_id: str, port_id: str, write: bool
    ) -> CredentialTrial:
        try:
            roles = self._cloud.roles_of(credential_id, secret)
        except Status as error:
            return CredentialTrial(reads=f"{error.code} {error.message}", writes={})
        if not write:
            return CredentialTrial(reads="", writes={})
        code = 200 if WRITES & set(roles) else 403
        writes = {}
        if server_id:
            writes[f"PUT /servers/{server_id}"] = code
        if port_id:
            writes[f"PUT /v2.0/ports/{port_id}"] = code
        return CredentialTrial(reads="", writes=writes)

    async def login(self) -> CloudLogin:
        return self._login

    async def whoami(self) -> str:
        return f"{self._cloud.project.user_name}@{self._cloud.project.project_name}"

    def _server(self, server_id: str) -> Document:
        server = self._cloud.server(server_id)
        if server is None:
            raise Refused("RP000", f"Server {server_id}", "there is none", "Survey and plan again.")
        return server

    def _balancing(self, kind: str, thing_id: str, pool_id: str) -> Document | None:
        if kind == "member":
            pool = self._balancing("pool", pool_id, "")
            things = pool.get("members_full", []) if pool else []
        elif kind in _COLLECTIONS:
            things = self._cloud.documents("load-balancer", _COLLECTIONS[kind])
        else:
            raise Refused("RP000", f"{kind} {thing_id}", "Octavia has no such kind", "Report it.")
        return next((thing for thing in things if thing["id"] == thing_id), None)


def _copy(document: Document | None) -> Document | None:
    return copied(document) if document is not None else None
