"""The port `Cloud` on openstacksdk: one project, read and written for one cluster's takeover."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from replank.domain.errors import Refused
from replank.inventory.fleet.model import CloudRef
from replank.ports.access import CloudLogin, CredentialTrial, Document
from replank.transports.openstack.documents import by_id, list_all
from replank.transports.openstack.project_calls import ProjectCalls
from replank.transports.openstack.session import Patience

if TYPE_CHECKING:
    from replank.transports.openstack.calls import Call

_BALANCING: Final[Mapping[str, tuple[str, str]]] = {
    "load-balancer": ("loadbalancers", "loadbalancer"),
    "listener": ("listeners", "listener"),
    "pool": ("pools", "pool"),
    "monitor": ("healthmonitors", "healthmonitor"),
}
_USER_DATA: Final = "OS-EXT-SRV-ATTR:user_data"


class OpenStackCloud:
    """One project, with the arguments of `ProjectCalls`."""

    def __init__(self, cloud: CloudRef, fence: Callable[[], None], patience: Patience | None = None) -> None:
        self._cloud = cloud
        self._calls = ProjectCalls(cloud, fence, patience)

    def close(self) -> None:
        """See `ProjectCalls.close`."""
        self._calls.close()

    async def server(self, server_id: str) -> Document | None:
        """Without its user data, which may hold secrets."""

        def look(call: Call) -> Document | None:
            found = call.read("compute", f"/servers/{server_id}", "server")
            return _without_user_data(found) if found is not None else None

        return await self._calls.run(f"server {server_id}", look)

    async def servers(self) -> tuple[Document, ...]:
        """Sorted by ID, without their user data."""

        def look(call: Call) -> tuple[Document, ...]:
            found = list_all(call.services.client("compute"), "/servers/detail", "servers")
            return by_id(_without_user_data(server) for server in found)

        return await self._calls.run("servers", look)

    async def port(self, port_id: str) -> Document | None:
        return await self._calls.run(
            f"port {port_id}", lambda call: call.read("network", f"/ports/{port_id}", "port")
        )

    async def ports(self, network_id: str = "") -> tuple[Document, ...]:
        """Sorted by ID. `network_id` "" = all that the project sees."""

        from replank.transports.openstack.calls import ports_of

        return await self._calls.run("ports", partial(ports_of, network_id=network_id))

    async def rename_server(self, server_id: str, name: str) -> None:
        def write(call: Call) -> None:
            call.write("compute", "PUT", f"/servers/{server_id}", {"server": {"name": name}})

        await self._calls.run(f"rename server {server_id} to {name}", write)

    async def lock_server(self, server_id: str, reason: str) -> None:
        """Where Nova is older than 2.73 (Train) the lock has no reason, and the receipt says so."""

        def write(call: Call) -> None:
            from replank.transports.openstack.calls import LOCKED_REASON

            found = call.read("compute", f"/servers/{server_id}", "server")
            if found is None:
                raise _gone(call.what, "server")
            if found.get("locked"):
                return
            version = call.services.client("compute").default_microversion
            told = version == LOCKED_REASON
            call.write(
                "compute",
                "POST",
                f"/servers/{server_id}/action",
                {"lock": {"locked_reason": reason} if told else None},
                note="lock" if told else f"lock, without its reason: Nova only knows {version or '2.1'}",
            )

        await self._calls.run(f"lock server {server_id}", write)

    async def unlock_server(self, server_id: str) -> None:
        """One that is not locked is left alone."""

        def write(call: Call) -> None:
            found = call.read("compute", f"/servers/{server_id}", "server")
            if found is None:
                raise _gone(call.what, "server")
            if found.get("locked") is not False:
                path = f"/servers/{server_id}/action"
                call.write("compute", "POST", path, {"unlock": None}, note="unlock")

        await self._calls.run(f"unlock server {server_id}", write)

    async def set_port(self, port_id: str, *, name: str, tags: Sequence[str]) -> None:
        """Tags first: they keep the old name, should anything stop between the two."""

        def write(call: Call) -> None:
            found = call.read("network", f"/ports/{port_id}", "port")
            if found is None:
                raise _gone(call.what, "port")
            if sorted(found.get("tags") or ()) != sorted(set(tags)):
                call.write("network", "PUT", f"/ports/{port_id}/tags", {"tags": sorted(set(tags))})
            if found.get("name") != name:
                call.write("network", "PUT", f"/ports/{port_id}", {"port": {"name": name}})

        await self._calls.run(f"rename port {port_id} to {name}", write)

    async def balancing(self, kind: str, thing_id: str, pool_id: str = "") -> Document | None:
        path, key = _balancing(kind, thing_id, pool_id)
        return await self._calls.run(f"{kind} {thing_id}", lambda call: call.read("load-balancer", path, key))

    async def set_balancing(
        self, kind: str, thing_id: str, values: Mapping[str, Any], pool_id: str = ""
    ) -> None:
        """Writes nothing where all `values` are there already."""
        path, key = _balancing(kind, thing_id, pool_id)

        def write(call: Call) -> None:
            found = call.read("load-balancer", path, key)
            if found is None:
                raise _gone(call.what, kind)
            if any(field not in found or found[field] != value for field, value in values.items()):
                call.write("load-balancer", "PUT", path, {key: dict(values)})

        await self._calls.run(f"change {kind} {thing_id}", write)

    async def application_credentials(self) -> tuple[Document, ...]:
        """Those of our user: id, name, description, roles (id and name), expires_at, unrestricted,
        project_id."""
        from replank.transports.openstack.application_credentials import list_credentials

        return await self._calls.run("application credentials", list_credentials)

    async def create_application_credential(self, name: str, secret: str, roles: Sequence[str]) -> Document:
        """Raises `Conflict` RP926 where our user has one of that name."""
        from replank.transports.openstack.application_credentials import create_credential

        return await self._calls.run(
            f"application credential {name}",
            partial(create_credential, name=name, secret=secret, roles=tuple(roles)),
        )

    async def delete_application_credential(self, credential_id: str) -> None:
        """One that is gone already is fine."""
        from replank.transports.openstack.application_credentials import delete_credential

        await self._calls.run(
            f"application credential {credential_id}", partial(delete_credential, credential_id=credential_id)
        )

    async def try_credential(
        self, credential_id: str, secret: str, *, server_id: str, port_id: str, write: bool
    ) -> CredentialTrial:
        """`reads` is `login: 401` where Keystone does not take it (any more), and nothing else is tried."""
        from replank.transports.openstack.application_credentials import try_credential

        def look(call: Call) -> CredentialTrial:
            server = call.read("compute", f"/servers/{server_id}", "server") if write else {"name": ""}
            port = call.read("network", f"/ports/{port_id}", "port") if write else {"name": ""}
            if server is None or port is None:
                # What is not there proves nothing: a refused write to it answers 404 as well.
                raise _gone(call.what, "server" if server is None else "port")
            return try_credential(
                call,
                self._calls.gate,
                self._calls.patience,
                credential_id=credential_id,
                secret=secret,
                names=(server_id, str(server["name"]), port_id, str(port.get("name") or "")),
                write=write,
            )

        return await self._calls.run(f"trial of application credential {credential_id}", look)

    async def login(self) -> CloudLogin:
        """Raises `Refused` RP040 where the CA's file cannot be read."""
        from replank.transports.openstack.login import login_of

        return await self._calls.run("login", lambda call: login_of(call.services.project, self._cloud))

    async def whoami(self) -> str:
        """As the token says. A user of another domain than the project's is told by name alone, too."""
        from replank.transports.openstack.login import identity_of

        return await self._calls.run("who we are", lambda call: identity_of(call.services.project))


def _balancing(kind: str, thing_id: str, pool_id: str) -> tuple[str, str]:
    """Octavia's path and key. Raises KeyError for a kind that is none."""
    if kind == "member":
        return f"/lbaas/pools/{pool_id}/members/{thing_id}", "member"
    collection, key = _BALANCING[kind]
    return f"/lbaas/{collection}/{thing_id}", key


def _without_user_data(server: Mapping[str, Any]) -> Document:
    return {key: value for key, value in server.items() if key != _USER_DATA}


def _gone(what: str, kind: str) -> Refused:
    return Refused(
        "RP921",
        what,
        f"there is no such {kind} (any more)",
        "Look who deleted it. A plan whose servers or ports are gone must be made anew.",
    )
