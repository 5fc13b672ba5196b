"""What Octavia lets be written: the load balancer's things, and the members of its pools."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Final

from replank.testbed.serve.openstack.changing import Write, changed, documents
from replank.testbed.serve.openstack.listing import one
from replank.testbed.serve.openstack.services import Answer, error
from replank.testbed.world import Document

_MEMBER: Final = frozenset({"name", "address", "protocol_port", "subnet_id", "weight", "backup", "tags"})

# Collection -> key of a document, and what may be changed of it.
CHANGEABLE: Final[Mapping[str, tuple[str, frozenset[str]]]] = {
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


def put(given: Write, collection: str, thing_id: str) -> Answer:
    """Changes one of the things in `CHANGEABLE`."""
    key, changeable = CHANGEABLE[collection]
    thing = one(documents(given, "load-balancer", collection), thing_id)
    if thing is not None and (stopped := _immutable(given, collection, thing)):
        return stopped
    return changed(thing, given.body.get(key), changeable, key)


def put_member(given: Write, pool_id: str, member_id: str) -> Answer:
    """Changes a member of a pool."""
    pool = one(documents(given, "load-balancer", "pools"), pool_id)
    if pool is None:
        return error(404, f"Pool {pool_id} not found.")
    if stopped := _immutable(given, "pools", pool):
        return stopped
    member = one(pool.get("members_full", []), member_id)
    return changed(member, given.body.get("member"), frozenset({"name", "weight", "backup"}), "member")


def post_member(given: Write, pool_id: str) -> Answer:
    """201, or 409: immutable, or another member with that address and port."""
    pool = one(documents(given, "load-balancer", "pools"), pool_id)
    values = given.body.get("member")
    if pool is None:
        return _client_error(404, f"Pool {pool_id} not found.")
    if not isinstance(values, dict) or not {"address", "protocol_port"} <= set(values):
        return _client_error(400, "Invalid input for field/attribute member. Mandatory field missing.")
    if unknown := sorted(set(values) - _MEMBER):
        return _client_error(400, f"Unknown attribute: {unknown[0]}")
    if stopped := _immutable(given, "pools", pool):
        return stopped
    members, address, port = pool.setdefault("members_full", []), values["address"], values["protocol_port"]
    if any((m["address"], m["protocol_port"]) == (address, port) for m in members):
        text = f"Another member on this pool is already using ip {address} on protocol_port {port}"
        return _client_error(409, text)
    member = {
        "id": str(uuid.uuid5(uuid.NAMESPACE_URL, f"{pool_id}/{address}/{port}/{len(members)}")),
        "name": "",
        "subnet_id": None,
        "weight": 1,
        "backup": False,
        "tags": [],
        "admin_state_up": True,
        "operating_status": "NO_MONITOR",
        "provisioning_status": "ACTIVE",
        **values,
    }
    members.append(member)
    return Answer(201, {"member": {**member, "provisioning_status": "PENDING_CREATE"}}, {})


def delete_member(given: Write, pool_id: str, member_id: str) -> Answer:
    """204, gone at once."""
    pool = one(documents(given, "load-balancer", "pools"), pool_id)
    member = one(pool.get("members_full", []), member_id) if pool is not None else None
    if pool is None or member is None:
        return _client_error(404, f"Member {member_id} not found.")
    if stopped := _immutable(given, "pools", pool):
        return stopped
    pool["members_full"].remove(member)
    return Answer(204, {}, {})


def _client_error(status: int, text: str) -> Answer:
    return Answer(status, {"faultcode": "Client", "faultstring": text, "debuginfo": None}, {})


def _immutable(given: Write, collection: str, thing: Document) -> Answer | None:
    """Octavia's 409 where the load balancer behind `thing` is not ACTIVE."""
    balancers = documents(given, "load-balancer", "loadbalancers")
    if collection == "healthmonitors":
        pools = documents(given, "load-balancer", "pools")
        thing = next((p for p in pools for own in thing.get("pools", []) if p["id"] == own["id"]), thing)
    owners = [thing]
    if collection != "loadbalancers":
        owners = [owner for b in thing["loadbalancers"] if (owner := one(balancers, b["id"]))]
    for owner in owners:
        if owner.get("provisioning_status", "ACTIVE") != "ACTIVE":
            text = f"Load Balancer {owner['id']} is immutable and cannot be updated."
            return _client_error(409, text)
    return None
