"""CAPO's controllers for OpenStackCluster and OpenStackMachine.

CAPO sets no Paused condition, puts its finalizers on only after it has looked at the pause, and reads Cluster
and its own objects from caches that may be behind. Source: facts file, sections 2, 4 and 9 (CAPO v0.14.7).
"""

from __future__ import annotations

import base64
from functools import lru_cache

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from replank.testbed.simulation.controllers.capo_cache import Cache
from replank.testbed.simulation.controllers.plane import Plane, finalized, is_paused, own, released, remove
from replank.testbed.simulation.documents import Document, copied
from replank.testbed.simulation.labels import API_VERSIONS, CLUSTER_NAME, CONTROL_PLANE, labels_of
from replank.testbed.simulation.project import Status

MANAGER = "capo"


def reconcile_openstack_clusters(plane: Plane, cache: Cache) -> None:
    """Waits for the owner reference; then network, failure domains and readiness."""
    for seen in cache.all("OpenStackCluster"):
        owner = _owner(seen, "Cluster")
        cluster = cache.find("Cluster", seen["metadata"]["namespace"], owner["name"]) if owner else None
        if cluster is None or is_paused(cluster, seen):
            continue
        if not _rights(plane, seen):
            continue
        if seen["metadata"].get("deletionTimestamp"):
            plane.tell(f"{MANAGER}: deletes OpenStackCluster {seen['metadata']['name']}")
            released(plane, seen, MANAGER)
            continue
        if finalized(plane, seen, MANAGER):
            continue
        edited: Document = copied(seen)
        spec = edited["spec"]
        zones = plane.cloud.documents("compute", "zones")
        edited.setdefault("status", {}).update(
            {
                "network": {"id": spec["network"]["id"], "subnets": spec.get("subnets", [])},
                "externalNetwork": spec.get("externalNetwork", {}),
                "router": spec.get("router", {}),
                "failureDomains": {z["zoneName"]: {"controlPlane": True} for z in zones},
                "initialization": {"provisioned": True},
                "ready": True,
            }
        )
        plane.edit(seen, edited, MANAGER)


def reconcile_openstack_machines(plane: Plane, cache: Cache) -> None:
    """Makes the OpenStackServer, and takes providerID and readiness from it."""
    for seen in cache.all("OpenStackMachine"):
        meta = seen["metadata"]
        owner = _owner(seen, "Machine")
        machine = cache.find("Machine", meta["namespace"], owner["name"]) if owner else None
        cluster = cache.find("Cluster", meta["namespace"], labels_of(machine or seen).get(CLUSTER_NAME, ""))
        if machine is None or cluster is None or is_paused(cluster, seen):
            continue
        infrastructure = cache.find(
            "OpenStackCluster", meta["namespace"], cluster["spec"]["infrastructureRef"]["name"]
        )
        if infrastructure is None or not _rights(plane, infrastructure):
            continue
        if meta.get("deletionTimestamp"):
            _delete(plane, cache, seen, infrastructure)
        else:
            _reconcile(plane, cache, seen, machine, infrastructure)


def _owner(document: Document, kind: str) -> Document | None:
    found = document["metadata"].get("ownerReferences") or []
    return next((owner for owner in found if owner["kind"] == kind), None)


def _reconcile(
    plane: Plane, cache: Cache, seen: Document, machine: Document, infrastructure: Document
) -> None:
    ready = (infrastructure.get("status") or {}).get("ready")
    if not ready or not machine["spec"]["bootstrap"].get("dataSecretName"):
        plane.later(5.0)
        return
    if finalized(plane, seen, MANAGER):
        return
    meta = seen["metadata"]
    server = cache.find("OpenStackServer", meta["namespace"], meta["name"])
    if server is None:
        _make_server(plane, seen, machine, infrastructure)
        return
    status = server.get("status") or {}
    if not status.get("ready"):
        return
    region = (seen["spec"].get("identityRef") or {}).get("region", "")
    edited: Document = copied(seen)
    edited["spec"]["providerID"] = f"openstack://{region}/{status['instanceID']}"
    edited.setdefault("status", {}).update(
        {
            "ready": True,
            "instanceID": status["instanceID"],
            "instanceState": "ACTIVE",
            "initialization": {"provisioned": True},
        }
    )
    plane.edit(seen, edited, MANAGER)


def _make_server(plane: Plane, document: Document, machine: Document, infrastructure: Document) -> None:
    """getOrCreateMachineServer: the cluster-name label is the OpenStackCluster's, copied once, or empty."""
    meta = document["metadata"]
    server: Document = {
        "apiVersion": API_VERSIONS["OpenStackServer"],
        "kind": "OpenStackServer",
        "metadata": {
            "namespace": meta["namespace"],
            "name": meta["name"],
            "labels": {CLUSTER_NAME: labels_of(infrastructure).get(CLUSTER_NAME, "")},
        },
        "spec": {
            **{k: v for k, v in document["spec"].items() if k not in ("providerID", "identityRef")},
            "identityRef": document["spec"].get("identityRef") or infrastructure["spec"]["identityRef"],
            "userDataRef": {"name": machine["spec"]["bootstrap"]["dataSecretName"]},
        },
    }
    own(server, document)
    plane.make(server, MANAGER)


def _delete(plane: Plane, cache: Cache, seen: Document, infrastructure: Document) -> None:
    """Floating IPs of a control-plane server go first, whatever disableAPIServerFloatingIP says (9.2)."""
    meta = seen["metadata"]
    roles = _rights(plane, infrastructure)
    server = cache.find("OpenStackServer", meta["namespace"], meta["name"])
    if not (infrastructure.get("status") or {}).get("ready"):
        released(plane, seen, MANAGER)
        return
    if CONTROL_PLANE in labels_of(seen) and server is not None:
        ports = {p["id"] for p in (server.get("status") or {}).get("resources", {}).get("ports", [])}
        for address in list(plane.cloud.documents("network", "floatingips")):
            if address.get("port_id") in ports:
                try:
                    plane.cloud.delete_floating_ip(address["id"], roles)
                except Status as error:
                    plane.error(MANAGER, f"floating IP {address['id']}: {error.code}")
                    return
    if server is not None:
        remove(plane, server)
        plane.later(1.0)
        return
    plane.tell(f"{MANAGER}: deleted OpenStackMachine {meta['name']}")
    released(plane, seen, MANAGER)


def roles_from(plane: Plane, namespace: str, secret_name: str) -> tuple[str, ...]:
    """What the credential of a clouds.yaml Secret may do. Raises `Status` 401 where it is not accepted."""
    # Secrets are read past the cache.
    secret = plane.find("Secret", namespace, secret_name)
    text = ((secret or {}).get("data") or {}).get("clouds.yaml", "")
    auth = _auth(base64.b64decode(text).decode()) if text else {}
    if not auth:
        raise Status(401, f"Secret {secret_name} has no usable clouds.yaml")
    return plane.cloud.roles_of(
        auth.get("application_credential_id", ""), auth.get("application_credential_secret", "")
    )


@lru_cache(maxsize=64)
def _auth(text: str) -> dict[str, str]:
    try:
        auth = YAML(typ="safe", pure=False).load(text)["clouds"]["openstack"]["auth"]
    except (YAMLError, ValueError, KeyError, TypeError):
        return {}
    return {str(key): str(value) for key, value in auth.items()}


def _rights(plane: Plane, infrastructure: Document) -> tuple[str, ...]:
    """Roles; () where the credential is not accepted, which is logged and tried again."""
    try:
        return roles_from(
            plane,
            infrastructure["metadata"]["namespace"],
            infrastructure["spec"]["identityRef"]["name"],
        )
    except Status as error:
        plane.error(MANAGER, f"OpenStackCluster: {error.code} {error.message}")
        return ()
