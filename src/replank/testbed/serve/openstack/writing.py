"""What the twin lets be written, and what that changes in the world's documents (in place).

Roles as by the services' default policies: Nova and Neutron take writes of `member`, Octavia those of
`load-balancer_member`; `admin` may everything. Everybody else gets 403.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Final

from replank.testbed.serve.openstack import balancing
from replank.testbed.serve.openstack.changing import Write, changed, documents
from replank.testbed.serve.openstack.listing import one
from replank.testbed.serve.openstack.services import Answer, error
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


def _server(given: Write, server_id: str) -> Document | None:
    return one(documents(given, "compute", "servers"), server_id)


def _put_server(given: Write, server_id: str) -> Answer:
    values = given.body.get("server")
    return changed(_server(given, server_id), values, frozenset({"name", "hostname"}), "server")


def _delete_server(given: Write, server_id: str) -> Answer:
    server = _server(given, server_id)
    if server is None:
        return error(404, f"Instance {server_id} could not be found.")
    if server.get("locked"):
        return _locked(server_id)
    documents(given, "compute", "servers").remove(server)
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
        if reason is not None and given.call.microversion < _LOCK_REASON:
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
    port = one(documents(given, "network", "ports"), port_id)
    return changed(port, given.body.get("port"), frozenset(fields), "port")


def _put_tags(given: Write, port_id: str) -> Answer:
    port = one(documents(given, "network", "ports"), port_id)
    tags = given.body.get("tags")
    if port is None:
        return error(404, f"Port {port_id} could not be found.")
    if not isinstance(tags, list) or any(not isinstance(t, str) or not 0 < len(t) <= 255 for t in tags):
        return error(400, "Invalid input for tags")
    port["tags"] = sorted(set(tags))
    return Answer(200, {"tags": port["tags"]}, {})


def _delete_port(given: Write, port_id: str) -> Answer:
    ports = documents(given, "network", "ports")
    port = one(ports, port_id)
    if port is None:
        return error(404, f"Port {port_id} could not be found.")
    ports.remove(port)
    return Answer(204, {}, {})


def _put_floating_ip(given: Write, floating_ip_id: str) -> Answer:
    """Takes it off its port; the twin puts it on none."""
    found = one(documents(given, "network", "floatingips"), floating_ip_id)
    values = given.body.get("floatingip")
    if isinstance(values, dict) and values.get("port_id"):
        return error(400, "This twin only takes floating IPs off their ports")
    answer = changed(found, values, frozenset({"port_id", "description"}), "floatingip")
    if found is not None and answer.status == 200 and found["port_id"] is None:
        found |= {"fixed_ip_address": None, "router_id": None, "status": "DOWN"}
        return Answer(200, {"floatingip": dict(found)}, {})
    return answer


_LBAAS: Final = r"/v2(?:\.0)?/lbaas"
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
        ("PUT", r"/v2\.0/floatingips/([^/]+)", _put_floating_ip),
    ),
    "load-balancer": (
        ("PUT", rf"{_LBAAS}/pools/([^/]+)/members/([^/]+)", balancing.put_member),
        ("POST", rf"{_LBAAS}/pools/([^/]+)/members", balancing.post_member),
        ("DELETE", rf"{_LBAAS}/pools/([^/]+)/members/([^/]+)", balancing.delete_member),
        ("PUT", rf"{_LBAAS}/({'|'.join(balancing.CHANGEABLE)})/([^/]+)", balancing.put),
    ),
}
