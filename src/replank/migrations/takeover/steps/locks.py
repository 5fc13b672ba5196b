"""Nova's locks on adopted servers: a fence until the takeover is settled.

A member's lock stops delete, stop, reboot, rebuild and interface detach; it does not stop an unlock by the
same credential (facts, section 9, "The fences, tried").
"""

from __future__ import annotations

from replank.domain.errors import Hold
from replank.domain.verdict import Verdict, failed, passed, waiting
from replank.inventory.facts.json_value import JSON
from replank.migrations.takeover.steps.at import At
from replank.migrations.takeover.steps.names import gone
from replank.plan.parameters import Params, found_before, text
from replank.ports.access import Document


class ServerLock:
    """`openstack.server.lock`. A server that somebody else locked stays so, and its undo leaves it so."""

    async def found(self, at: At) -> JSON:
        return _lock_of(await _server(at))

    async def apply(self, at: At) -> JSON:
        server = await _server(at)
        if not server.get("locked"):
            await at.access.cloud.lock_server(str(server["id"]), text(at.step.params, "reason"))
        return {"server": str(server["id"]), "was": _lock_of(server)}

    async def undo(self, at: At) -> JSON:
        return await _put_back(at)


class ServerUnlock:
    """`openstack.server.unlock`: opens replank's own lock. On hold while the lock is another's."""

    async def found(self, at: At) -> JSON:
        return _lock_of(await _server(at))

    async def apply(self, at: At) -> JSON:
        server = await _server(at)
        server_id, ours = str(server["id"]), text(at.step.params, "reason")
        if server.get("locked"):
            # Below microversion 2.73 Nova keeps no reason, and the document has no such key.
            reason = server.get("locked_reason", ours)
            if reason != ours:
                raise Hold(
                    "RP875",
                    f"Server {server['name']} stays locked",
                    f"somebody else has locked it in between, with the reason {str(reason)[:100]!r}",
                    f"Ask them; then `openstack server unlock {server_id}`.",
                )
            await at.access.cloud.unlock_server(server_id)
        return {"server": server_id, "was": _lock_of(server)}

    async def undo(self, at: At) -> JSON:
        return await _put_back(at)


async def server_locked(at: At, params: Params) -> Verdict:
    """`openstack.server.locked`."""
    return await _is_locked(at, params, wanted=True)


async def server_unlocked(at: At, params: Params) -> Verdict:
    """`openstack.server.unlocked`."""
    return await _is_locked(at, params, wanted=False)


async def _is_locked(at: At, params: Params, *, wanted: bool) -> Verdict:
    server_id = text(params, "server")
    server = await at.access.cloud.server(server_id)
    if server is None:
        return failed(f"there is no server {server_id}", "Find out who deleted it.")
    if bool(server.get("locked")) == wanted:
        return passed(**_lock_of(server))
    return waiting(f"server {server_id} is {'not ' if wanted else ''}locked")


async def _put_back(at: At) -> JSON:
    """Locked or not, as it was found."""
    before = found_before(at.before)
    server = await _server(at)
    server_id, locked = str(server["id"]), bool(server.get("locked"))
    if before.get("locked") and not locked:
        reason = str(before.get("reason") or text(at.step.params, "reason"))
        await at.access.cloud.lock_server(server_id, reason)
    elif locked and not before.get("locked"):
        await at.access.cloud.unlock_server(server_id)
    return {"server": server_id, "locked": bool(before.get("locked"))}


def _lock_of(server: Document) -> dict[str, JSON]:
    reason = server.get("locked_reason")
    return {"locked": bool(server.get("locked")), "reason": str(reason) if reason is not None else None}


async def _server(at: At) -> Document:
    server_id = text(at.step.params, "server")
    server = await at.access.cloud.server(server_id)
    if server is None:
        raise gone("server", server_id)
    return server
