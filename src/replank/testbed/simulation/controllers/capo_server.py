"""CAPO's OpenStackServer controller: ports and servers are found by name, or made.

Source: facts file, section 2 (look-ups, fail-safe) and 9.15 (CAPO v0.14.7).
"""

from __future__ import annotations

from replank.testbed.simulation.controllers.capo import MANAGER, roles_from
from replank.testbed.simulation.controllers.capo_cache import Cache
from replank.testbed.simulation.controllers.plane import Plane, finalized, is_paused, released
from replank.testbed.simulation.documents import Document, copied
from replank.testbed.simulation.labels import CLUSTER_NAME, labels_of
from replank.testbed.simulation.project import Status

BOOT_S = 20.0
"""From a new server to its Node."""


def reconcile_openstack_servers(plane: Plane, cache: Cache) -> None:
    """All OpenStackServers. Only one with the cluster-name label can be paused."""
    for seen in cache.all("OpenStackServer"):
        meta = seen["metadata"]
        name = labels_of(seen).get(CLUSTER_NAME, "")
        cluster = cache.find("Cluster", meta["namespace"], name)
        if name and (cluster is None or is_paused(cluster, seen)):
            continue
        try:
            roles = roles_from(plane, meta["namespace"], seen["spec"]["identityRef"]["name"])
            if meta.get("deletionTimestamp"):
                _delete(plane, seen, roles)
            elif not finalized(plane, seen, MANAGER):
                _reconcile(plane, seen, roles)
        except Status as error:
            plane.error(MANAGER, f"OpenStackServer {meta['name']}: {error.code} {error.message}")


def _reconcile(plane: Plane, document: Document, roles: tuple[str, ...]) -> None:
    edited: Document = copied(document)
    status = edited.setdefault("status", {})
    ports = status.setdefault("resources", {}).setdefault("ports", [])
    try:
        _ensure_ports(plane, document, ports, roles)
        server = _ensure_server(plane, document, status, [p["id"] for p in ports], roles)
        status["instanceID"] = server["id"]
        status["instanceState"] = server["status"]
        status["ready"] = server["status"] == "ACTIVE"
        if not status["ready"]:
            plane.later(10.0)
    finally:
        # What was found or made so far is kept, as the patch helper's deferred patch does.
        plane.edit(document, edited, MANAGER)


def _ensure_ports(plane: Plane, document: Document, resolved: list[Document], roles: tuple[str, ...]) -> None:
    wanted = document["spec"].get("ports") or []
    for index, port in enumerate(wanted):
        if index < len(resolved):
            if plane.cloud.port(resolved[index]["id"]) is None:
                # CAPO #2576: the lost ID stays in the status, so this comes again at every reconcile.
                plane.cloud.create_port(f"{document['metadata']['name']}-{index}", _network(port), roles)
            continue
        name = f"{document['metadata']['name']}-{port.get('nameSuffix') or index}"
        network = _network(port)
        found = [p for p in plane.cloud.ports if p["name"] == name and p["network_id"] == network]
        if not found:
            found = [plane.cloud.create_port(name, network, roles)]
            plane.tell(f"{MANAGER}: created port {name}")
        resolved.append({"id": found[0]["id"]})


def _network(port: Document) -> str:
    found: str = (port.get("network") or {}).get("id", "")
    return found


def _ensure_server(
    plane: Plane, document: Document, status: Document, ports: list[str], roles: tuple[str, ...]
) -> Document:
    name = document["metadata"]["name"]
    if status.get("instanceID"):
        server = plane.cloud.server(status["instanceID"])
        if server is None:
            raise Status(404, f"server {status['instanceID']} not found, will not be made again")
        return server
    found = [s for s in plane.cloud.servers if s["name"] == name]
    if len(found) > 1:
        raise Status(409, f"{len(found)} servers are called {name}")
    if found:
        return found[0]
    secret = document["spec"].get("userDataRef", {}).get("name", "")
    if plane.find("Secret", document["metadata"]["namespace"], secret) is None:
        raise Status(404, "failed to get user data secret value")
    server = plane.cloud.create_server(name, ports, roles)
    plane.tell(f"{MANAGER}: created server {name}")
    plane.born[server["id"]] = plane.now + BOOT_S
    plane.later(BOOT_S)
    return server


def _delete(plane: Plane, document: Document, roles: tuple[str, ...]) -> None:
    status = document.get("status") or {}
    name = document["metadata"]["name"]
    server = plane.cloud.server(status.get("instanceID", "")) or next(
        (s for s in plane.cloud.servers if s["name"] == name), None
    )
    if server is not None:
        plane.cloud.delete_server(server["id"], roles)
        plane.tell(f"{MANAGER}: deleted server {name}")
    for port in (status.get("resources") or {}).get("ports", []):
        if plane.cloud.port(port["id"]) is not None:
            plane.cloud.delete_port(port["id"], roles)
            plane.tell(f"{MANAGER}: deleted port {port['id']}")
    released(plane, document, MANAGER)
