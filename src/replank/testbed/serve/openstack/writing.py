"""What the twin lets be written, and what that changes in the world's documents (in place).

Roles as by the services' default policies: Nova and Neutron take writes of `member`, Octavia those of
`load-balancer_member`; `admin` may everything. Everybody else gets 403.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from replank.testbed.serve.openstack.listing import one
from replank.testbed.serve.openstack.services import Answer, Call, error
from replank.testbed.world import Document

_WRITERS: Final[Mapping[str, frozenset[str]]] = {
    "compute": frozenset({"member", "admin"}),
    "network": frozenset({"member", "admin"}),
    "load-balancer": frozenset({"load-balancer_member", "load-balancer_admin", "admin"}),
}
# nova/compute/api.py, check_instance_lock: what a lock stops for everybody but an administrator. Renaming,
# tags and unlocking are not among them.
_LOCK_STOPS: Final = frozenset({"os-stop", "os-start", "reboot", "rebuild", "resize", "shelve", "pause"})
_LOCK_REASON: Final = (2, 73)


@dataclass(frozen=True, slots=True)
class Write:
    """A request that changes something. `roles`: of the token. `version`: Nova's microversion asked for."""

    call: Call
    method: str
    body: Document
    roles: Sequence[str]
    version: tuple[int, int] = (2, 1)


def write(service: str, given: Write) -> Answer:
    """Does it, if the roles allow it and the twin knows the call."""
    allowed = _WRITERS.get(service)
    if allowed is None or given.call.project is None:
        return error(403, "This twin only reads here")
    if not allowed & set(given.roles):
        return error(403, "Policy doesn't allow this action to be performed.")
    for method, pattern, does in _ROUTES[service]:
        match = re.fullmatch(pattern, given.call.path)
        if match and method == given.method:
            return does(given, *match.groups())
    return error(404, f"{given.method} {given.call.path} is nothing that this twin writes")


def _documents(given: Write, service: str, collection: str) -> list[Document]:
    project = given.call.project
    return project.collections[service].setdefault(collection, []) if project is not None else []


def _changed(document: Document | None, values: object, changeable: frozenset[str], key: str) -> Answer:
    if document is None:
        return error(404, f"{key} could not be found")
    if not isinstance(values, dict):
        return error(400, f"there is no {key} in the body")
    if unknown := sorted(set(values) - changeable):
        return error(400, f"Invalid input for {', '.join(unknown)}")
    document.update(values)
    return Answer(200, {key: {k: v for k, v in document.items() if k != "members_full"}}, {})


def _server(given: Write, server_id: str) -> Document | None:
    return one(_documents(given, "compute", "servers"), server_id)


def _put_server(given: Write, server_id: str) -> Answer:
    values = given.body.get("server")
    return _changed(_server(given, server_id), values, frozenset({"name", "hostname"}), "server")


def _delete_server(given: Write, server_id: str) -> Answer:
    server = _server(given, server_id)
    if server is None:
        return error(404, f"Instance {server_id} could not be found.")
    if server.get("locked"):
        return _locked(server_id)
    _documents(given, "compute", "servers").remove(server)
    return Answer(204, {}, {})


def _server_metadata(given: Write, server_id: str) -> Answer:
    server = _server(given, server_id)
    if server is None:
        return error(404, f"Instance {server_id} could not be found.")
    if server.get("locked"):
        return _locked(server_id)
    server["metadata"] = {**server.get("metadata", {}), **given.body.get("metadata", {})}
    return Answer(200, {"metadata": server["metadata"]}, {})


def _action(given: Write, server_id: str) -> Answer:
    server = _server(given, server_id)
    if server is None:
        return error(404, f"Instance {server_id} could not be found.")
    [(action, values)] = list(given.body.items()) or [("", None)]
    if action == "lock":
        reason = values.get("locked_reason") if isinstance(values, dict) else None
        if reason is not None and given.version < _LOCK_REASON:
            return error(400, "Additional properties are not allowed ('locked_reason' was unexpected)")
        server["locked"], server["locked_reason"] = True, reason
    elif action == "unlock":
        server["locked"], server["locked_reason"] = False, None
    elif action in _LOCK_STOPS:
        if server.get("locked"):
            return _locked(server_id)
        server["status"] = {"os-stop": "SHUTOFF", "os-start": "ACTIVE"}.get(action, server["status"])
    else:
        return error(400, f"There is no such action: {action}")
    return Answer(202, {}, {})


def _locked(server_id: str) -> Answer:
    return error(409, f"Instance {server_id} is locked")


def _put_port(given: Write, port_id: str) -> Answer:
    fields = ("name", "description", "device_id", "security_groups", "allowed_address_pairs")
    port = one(_documents(given, "network", "ports"), port_id)
    return _changed(port, given.body.get("port"), frozenset(fields), "port")


def _put_tags(given: Write, port_id: str) -> Answer:
    port = one(_documents(given, "network", "ports"), port_id)
    tags = given.body.get("tags")
    if port is None:
        return error(404, f"Port {port_id} could not be found.")
    if not isinstance(tags, list) or any(not isinstance(t, str) or not 0 < len(t) <= 255 for t in tags):
        return error(400, "Invalid input for tags")
    port["tags"] = sorted(set(tags))
    return Answer(200, {"tags": port["tags"]}, {})


def _delete_port(given: Write, port_id: str) -> Answer:
    ports = _documents(given, "network", "ports")
    port = one(ports, port_id)
    if port is None:
        return error(404, f"Port {port_id} could not be found.")
    ports.remove(port)
    return Answer(204, {}, {})


_CHANGEABLE: Final[Mapping[str, tuple[str, frozenset[str]]]] = {
    "loadbalancers": ("loadbalancer", frozenset({"name", "description", "admin_state_up", "tags"})),
    "listeners": (
        "listener",
        frozenset({"name", "allowed_cidrs", "timeout_client_data", "timeout_member_data", "default_pool_id"}),
    ),
    "pools": ("pool", frozenset({"name", "lb_algorithm", "description"})),
    "healthmonitors": (
        "healthmonitor",
        frozenset({"name", "delay", "timeout", "max_retries", "max_retries_down"}),
    ),
}


def _put_balancing(given: Write, collection: str, thing_id: str) -> Answer:
    key, changeable = _CHANGEABLE[collection]
    thing = one(_documents(given, "load-balancer", collection), thing_id)
    if thing is not None and (stopped := _immutable(given, collection, thing)):
        return stopped
    return _changed(thing, given.body.get(key), changeable, key)


def _put_member(given: Write, pool_id: str, member_id: str) -> Answer:
    pool = one(_documents(given, "load-balancer", "pools"), pool_id)
    if pool is None:
        return error(404, f"Pool {pool_id} not found.")
    if stopped := _immutable(given, "pools", pool):
        return stopped
    member = one(pool.get("members_full", []), member_id)
    return _changed(member, given.body.get("member"), frozenset({"name", "weight", "backup"}), "member")


def _immutable(given: Write, collection: str, thing: Document) -> Answer | None:
    """Octavia's 409 where the load balancer behind `thing` is not ACTIVE."""
    balancers = _documents(given, "load-balancer", "loadbalancers")
    if collection == "healthmonitors":
        pools = _documents(given, "load-balancer", "pools")
        thing = next((p for p in pools for own in thing.get("pools", []) if p["id"] == own["id"]), thing)
    owners = [thing]
    if collection != "loadbalancers":
        owners = [owner for b in thing["loadbalancers"] if (owner := one(balancers, b["id"]))]
    for owner in owners:
        if owner.get("provisioning_status", "ACTIVE") != "ACTIVE":
            text = f"Load Balancer {owner['id']} is immutable and cannot be updated."
            return Answer(409, {"faultcode": "Client", "faultstring": text, "debuginfo": None}, {})
    return None


_Does = Callable[..., Answer]
_ROUTES: Final[Mapping[str, tuple[tuple[str, str, _Does], ...]]] = {
    "compute": (
        ("PUT", r"(?:/v2\.1)?/servers/([^/]+)", _put_server),
        ("DELETE", r"(?:/v2\.1)?/servers/([^/]+)", _delete_server),
        ("POST", r"(?:/v2\.1)?/servers/([^/]+)/action", _action),
        ("POST", r"(?:/v2\.1)?/servers/([^/]+)/metadata", _server_metadata),
    ),
    "network": (
        ("PUT", r"/v2\.0/ports/([^/]+)", _put_port),
        ("PUT", r"/v2\.0/ports/([^/]+)/tags", _put_tags),
        ("DELETE", r"/v2\.0/ports/([^/]+)", _delete_port),
    ),
    "load-balancer": (
        ("PUT", r"/v2(?:\.0)?/lbaas/pools/([^/]+)/members/([^/]+)", _put_member),
        ("PUT", rf"/v2(?:\.0)?/lbaas/({'|'.join(_CHANGEABLE)})/([^/]+)", _put_balancing),
    ),
}
