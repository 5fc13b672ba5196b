"""The port `BalancedCloud` on openstacksdk: what the guards and the pool keeper see and change."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any, Final

from replank.domain.errors import Refused, ReplankError
from replank.inventory.fleet.model import CloudRef
from replank.ports.access import Conflict, Document
from replank.transports.openstack.cloud_secret import CloudSecret
from replank.transports.openstack.documents import by_id, list_all
from replank.transports.openstack.project_calls import ProjectCalls
from replank.transports.openstack.session import Patience

if TYPE_CHECKING:
    import requests

    from replank.transports.openstack.calls import Call

# octavia/common/constants.py: on its way out, whatever anybody asks for.
_GOING: Final = "PENDING_DELETE"
# octavia/common/exceptions.py, QuotaException: 403, as for a missing role.
_QUOTA: Final = "Quota has been met"


class OpenStackBalancedCloud:
    """One project, with the arguments of `ProjectCalls`. Waits for nothing: rounds look again."""

    def __init__(
        self, source: CloudRef | CloudSecret, fence: Callable[[], None], patience: Patience | None = None
    ) -> None:
        self._calls = ProjectCalls(source, fence, patience)

    def close(self) -> None:
        """See `ProjectCalls.close`."""
        self._calls.close()

    async def pool(self, pool_id: str) -> Document | None:
        return await self._calls.run(
            f"pool {pool_id}", lambda call: call.read("load-balancer", _pool(pool_id), "pool")
        )

    async def pool_members(self, pool_id: str) -> tuple[Document, ...]:
        """One that Octavia is deleting (`provisioning_status`) is still among them. Raises `Refused` RP933
        where there is no such pool."""
        return await self._calls.run(
            f"members of pool {pool_id}", lambda call: by_id(_members(call, pool_id))
        )

    async def add_member(
        self,
        pool_id: str,
        *,
        name: str,
        address: str,
        port: int,
        subnet_id: str = "",
        tags: Sequence[str] = (),
    ) -> None:
        """Raises `Transient` RP922 (immutable), `Refused` RP933 (no such pool) or RP934 (quota)."""
        member: dict[str, Any] = {"name": name, "address": address, "protocol_port": port}
        member |= {"subnet_id": subnet_id} if subnet_id else {}
        # Octavia before 2.5 (Stein) knows no tags and refuses a body that has them.
        member |= {"tags": sorted(set(tags))} if tags else {}

        def write(call: Call) -> None:
            if not _has(call, pool_id, address, port):
                path = f"{_pool(pool_id)}/members"
                refuse = partial(_not_added, call.what, pool_id)
                try:
                    call.write("load-balancer", "POST", path, {"member": member}, refuse=refuse)
                except Conflict:
                    # 409 that is not "immutable": somebody was quicker (DuplicateMemberEntry), or something
                    # else. The member itself says which, not the text.
                    if not _has(call, pool_id, address, port):
                        raise

        await self._calls.run(f"add member {name} to pool {pool_id}", write)

    async def remove_member(self, pool_id: str, member_id: str) -> None:
        """One that Octavia is deleting already is left alone. Raises `Transient` RP922 (immutable)."""
        path = f"{_pool(pool_id)}/members/{member_id}"

        def write(call: Call) -> None:
            found = call.read("load-balancer", path, "member")
            if found is not None and found.get("provisioning_status") != _GOING:
                call.write("load-balancer", "DELETE", path, None, fine=frozenset({404}))

        await self._calls.run(f"remove member {member_id} from pool {pool_id}", write)

    async def weigh_member(self, pool_id: str, member_id: str, weight: int) -> None:
        """One that has the weight is left alone. Raises `Conflict` RP922 where it is gone, `Transient` RP922
        (immutable)."""
        path = f"{_pool(pool_id)}/members/{member_id}"

        def write(call: Call) -> None:
            found = call.read("load-balancer", path, "member")
            if found is None or found.get("provisioning_status") == _GOING:
                raise _gone(call.what)
            if found.get("weight") != weight:
                call.write("load-balancer", "PUT", path, {"member": {"weight": weight}})

        await self._calls.run(f"weight of member {member_id} of pool {pool_id}", write)

    async def floating_ips(self) -> tuple[Document, ...]:
        """The project's own alone, also for an administrator."""

        def look(call: Call) -> tuple[Document, ...]:
            network, scope = call.services.client("network"), call.services.project.scope
            return by_id(list_all(network, "/floatingips", "floatingips", params=scope))

        return await self._calls.run("floating IPs", look)

    async def disassociate_floating_ip(self, floating_ip_id: str) -> None:
        """One that is on no port is left alone. Raises `Conflict` RP922 where there is none (any more)."""
        path = f"/floatingips/{floating_ip_id}"

        def write(call: Call) -> None:
            found = call.read("network", path, "floatingip")
            if found is None:
                raise _gone(call.what)
            if found.get("port_id"):
                call.write("network", "PUT", path, {"floatingip": {"port_id": None}})

        await self._calls.run(f"take floating IP {floating_ip_id} off its port", write)

    async def ports(self, network_id: str = "") -> tuple[Document, ...]:
        from replank.transports.openstack.calls import ports_of

        return await self._calls.run("ports", partial(ports_of, network_id=network_id))

    async def volumes_of(self, server_id: str) -> tuple[Document, ...]:
        """`delete_on_termination` comes from the server where Nova is older than 2.79 (Train)."""
        from replank.transports.openstack.attachments import attachments_of

        return await self._calls.run(
            f"volumes of server {server_id}", partial(attachments_of, server_id=server_id)
        )


def _pool(pool_id: str) -> str:
    return f"/lbaas/pools/{pool_id}"


def _members(call: Call, pool_id: str) -> list[Document]:
    found = call.parts("load-balancer", (_pool(pool_id), "pool"), "members", "members")
    if found is None:
        raise _no_pool(call.what, pool_id)
    return found


def _has(call: Call, pool_id: str, address: str, port: int) -> bool:
    """Whether a member with that address and port is there to stay."""
    return any(
        member["protocol_port"] == port
        and _plain(member["address"]) == _plain(address)
        and member.get("provisioning_status") != _GOING
        for member in _members(call, pool_id)
    )


def _plain(address: str) -> str:
    """One spelling of an IPv6 address."""
    try:
        return ip_address(address).compressed
    except ValueError:
        return address


def _not_added(what: str, pool_id: str, response: requests.Response) -> ReplankError | None:
    if response.status_code == 404:
        return _no_pool(what, pool_id)
    if response.status_code == 403 and _QUOTA in response.text:
        return Refused(
            "RP934",
            what,
            "the project has as many load balancer members as its quota allows",
            "Raise the quota (`openstack loadbalancer quota set --member`), or delete members that nobody "
            "needs: until then the new machine gets no traffic through this pool.",
        )
    return None


def _no_pool(what: str, pool_id: str) -> Refused:
    return Refused(
        "RP933",
        what,
        f"the project has no pool {pool_id}",
        "Look who deleted it, or whether the credential leads to another project or region; then correct the "
        "pool in the ClusterGuard.",
    )


def _gone(what: str) -> Conflict:
    return Conflict("RP922", what, "it is gone by now", "It is looked at again.")
