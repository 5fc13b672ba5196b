"""What the services behind the catalog answer: version documents, listings, single objects, quotas."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from replank.testbed.serve.openstack.attachments import attachments
from replank.testbed.serve.openstack.listing import (
    image_matches,
    matching,
    named_like,
    next_url,
    one,
    page_of,
)
from replank.testbed.world import Document, Project

NOVA_VERSION = "2.96"
CINDER_VERSION = "3.70"
GLANCE_PAGE = 25


@dataclass(frozen=True, slots=True)
class Call:
    """A request. `path`: below the service, starting with a slash, never ending with one. `root`: the
    service's URL. `url`: the whole one without query. `query`: the last value of each parameter.
    `nova_version`: the newest of this Nova. `microversion`: the one that is asked for."""

    project: Project | None
    root: str
    url: str
    path: str
    query: Mapping[str, str]
    page_size: int
    nova_version: str = NOVA_VERSION
    microversion: tuple[int, int] = (2, 1)


@dataclass(frozen=True, slots=True)
class Answer:
    """Status, JSON body and headers."""

    status: int
    body: Document
    headers: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Collection:
    """A collection of one service. `key`: in the answer. `links`: name of the list of links, "" = none."""

    collection: str
    key: str
    links: str = ""
    single: str = ""


_COMPUTE = {
    "/servers/detail": Collection("servers", "servers", "servers_links"),
    "/servers": Collection("servers", "servers", "servers_links", "server"),
    "/flavors/detail": Collection("flavors", "flavors", "flavors_links"),
    "/flavors": Collection("flavors", "flavors", "flavors_links", "flavor"),
    # Nova pages server groups by offset and gives no link.
    "/os-server-groups": Collection("server_groups", "server_groups", "", "server_group"),
    "/os-availability-zone": Collection("zones", "availabilityZoneInfo"),
}
_NETWORK = {
    f"/v2.0/{path}": Collection(collection, key, f"{key}_links", single)
    for path, collection, key, single in (
        ("networks", "networks", "networks", "network"),
        ("subnets", "subnets", "subnets", "subnet"),
        ("ports", "ports", "ports", "port"),
        ("routers", "routers", "routers", "router"),
        ("floatingips", "floatingips", "floatingips", "floatingip"),
        ("security-groups", "security_groups", "security_groups", "security_group"),
        ("availability_zones", "availability_zones", "availability_zones", ""),
    )
}
_LOAD_BALANCER = {
    f"{version}/lbaas/{key}": Collection(key, key, f"{key}_links", single)
    for version in ("/v2", "/v2.0")
    for key, single in (
        ("loadbalancers", "loadbalancer"),
        ("listeners", "listener"),
        ("pools", "pool"),
        ("healthmonitors", "healthmonitor"),
    )
}
_VOLUME = {
    "/volumes/detail": Collection("volumes", "volumes", "volumes_links"),
    "/volumes": Collection("volumes", "volumes", "volumes_links", "volume"),
    "/os-availability-zone": Collection("zones", "availabilityZoneInfo"),
}


def compute(call: Call) -> Answer:
    """Nova."""
    headers = {
        "OpenStack-API-Version": f"compute {call.nova_version}",
        "X-OpenStack-Nova-API-Version": call.nova_version,
        "Vary": "OpenStack-API-Version",
    }
    path = call.path.removeprefix("/v2.1")
    if path == "":
        version = {"id": "v2.1", "status": "CURRENT", "version": call.nova_version, "min_version": "2.1"}
        link = {"links": [{"rel": "self", "href": f"{call.root}/v2.1/"}]}
        if call.path == "":
            return Answer(200, {"versions": [version | link]}, headers)
        return Answer(200, {"version": version | link}, headers)
    if path == "/os-keypairs":
        return Answer(
            200, {"keypairs": [{"keypair": k} for k in _documents(call, "compute", "keypairs")]}, headers
        )
    if path.startswith("/os-quota-sets/"):
        return _quota_set(call, "compute", path.split("/")[2], headers)
    if path.endswith("/os-volume_attachments"):
        server = one(_documents(call, "compute", "servers"), path.split("/")[2])
        if server is None:
            return error(404, f"Instance {path.split('/')[2]} could not be found.", headers)
        volumes = _documents(call, "block-storage", "volumes")
        return Answer(200, {"volumeAttachments": attachments(server, volumes, call.microversion)}, headers)
    return _collections(call, "compute", path, _COMPUTE, headers)


def network(call: Call) -> Answer:
    """Neutron."""
    if call.path == "":
        link = {"rel": "self", "href": f"{call.root}/v2.0/"}
        return Answer(200, {"versions": [{"id": "v2.0", "status": "CURRENT", "links": [link]}]}, {})
    if call.path == "/v2.0":
        return Answer(200, {"resources": []}, {})
    if call.path.startswith("/v2.0/quotas/"):
        project = call.project
        asked = call.path.split("/")[3]
        if project is None or asked != project.project_id:
            return error(403, "Quota of another project")
        return Answer(200, {"quota": project.quotas.get("network", {})}, {})
    return _collections(call, "network", call.path, _NETWORK, {})


def load_balancer(call: Call) -> Answer:
    """Octavia."""
    if call.path == "":
        link = [{"rel": "self", "href": f"{call.root}/v2"}]
        versions = [
            {"id": "v2.0", "status": "SUPPORTED", "links": link, "updated": "2016-12-11T00:00:00Z"},
            {"id": "v2.27", "status": "CURRENT", "links": link, "updated": "2023-05-05T00:00:00Z"},
        ]
        return Answer(200, {"versions": versions}, {})
    parts = call.path.split("/")
    if len(parts) >= 6 and parts[3] == "pools" and parts[5] == "members":
        pool = one(_documents(call, "load-balancer", "pools"), parts[4])
        if pool is None:
            return error(404, "pool not found")
        members = pool.get("members_full", [])
        if len(parts) == 7:
            member = one(members, parts[6])
            return Answer(200, {"member": member}, {}) if member else error(404, "member not found")
        return _listed(call, members, Collection("", "members", "members_links"), {})
    return _collections(call, "load-balancer", call.path, _LOAD_BALANCER, {})


def image(call: Call) -> Answer:
    """Glance."""
    if call.path == "":
        link = [{"rel": "self", "href": f"{call.root}/v2/"}]
        return Answer(300, {"versions": [{"id": "v2.16", "status": "CURRENT", "links": link}]}, {})
    documents = _documents(call, "image", "images")
    if call.path == "/v2/images":
        query = {k: v for k, v in call.query.items() if k not in ("os_hidden", "visibility", "member_status")}
        found = matching([d for d in documents if image_matches(d, call.query)], query, "")
        page = page_of(found, call.query, min(call.page_size, GLANCE_PAGE) if "limit" not in query else 1000)
        body: Document = {"images": page.items, "first": "/v2/images", "schema": "/v2/schemas/images"}
        if page.marker is not None:
            body["next"] = next_url("/v2/images", call.query, page.marker)
        return Answer(200, body, {})
    if call.path.startswith("/v2/images/"):
        found_one = one(documents, call.path.split("/")[3])
        return Answer(200, found_one, {}) if found_one else error(404, "No image found")
    return error(404, "Not found")


def block_storage(call: Call) -> Answer:
    """Cinder. Its endpoint in the catalog ends with the project's ID."""
    headers = {"OpenStack-API-Version": f"volume {CINDER_VERSION}", "Vary": "OpenStack-API-Version"}
    project_id = call.project.project_id if call.project else ""
    path = call.path.removeprefix("/v3").removeprefix(f"/{project_id}" if project_id else "")
    if path == "":
        version = {
            "id": "v3.0",
            "status": "CURRENT",
            "version": CINDER_VERSION,
            "min_version": "3.0",
            "links": [{"rel": "self", "href": f"{call.root}/v3/"}],
        }
        return Answer(200, {"versions": [version]}, headers)
    if path.startswith("/os-quota-sets/"):
        return _quota_set(call, "block-storage", path.split("/")[2], headers)
    return _collections(call, "block-storage", path, _VOLUME, headers)


HANDLERS = {
    "compute": compute,
    "network": network,
    "load-balancer": load_balancer,
    "image": image,
    "block-storage": block_storage,
}
# Paths that answer without a token: version documents.
OPEN_PATHS: Mapping[str, frozenset[str]] = {
    "compute": frozenset({"", "/v2.1"}),
    "network": frozenset({"", "/v2.0"}),
    "load-balancer": frozenset({""}),
    "image": frozenset({""}),
    "block-storage": frozenset({"", "/v3"}),
}


def _documents(call: Call, service: str, collection: str) -> list[Document]:
    return call.project.collections.get(service, {}).get(collection, []) if call.project else []


def _collections(
    call: Call, service: str, path: str, table: Mapping[str, Collection], headers: Mapping[str, str]
) -> Answer:
    if found := table.get(path):
        documents = _documents(call, service, found.collection)
        return _listed(call, documents, found, headers)
    parent, _, id_ = path.rpartition("/")
    if (found := table.get(parent)) and found.single:
        document = one(_documents(call, service, found.collection), id_)
        if document is not None:
            return Answer(200, {found.single: _served(document)}, headers)
    return error(404, f"{path} could not be found", headers)


def _listed(
    call: Call, documents: list[Document], collection: Collection, headers: Mapping[str, str]
) -> Answer:
    project_id = call.project.project_id if call.project else ""
    query = dict(call.query)
    if collection.collection == "servers" and (pattern := query.pop("name", None)):
        documents = named_like(documents, pattern)
    found = matching(documents, query, project_id)
    page = page_of(found, call.query, call.page_size)
    body: Document = {collection.key: [_served(d) for d in page.items]}
    if page.marker is not None and collection.links:
        body[collection.links] = [{"rel": "next", "href": next_url(call.url, call.query, page.marker)}]
    return Answer(200, body, headers)


def _served(document: Document) -> Document:
    return (
        {k: v for k, v in document.items() if k != "members_full"} if "members_full" in document else document
    )


def _quota_set(call: Call, service: str, asked: str, headers: Mapping[str, str]) -> Answer:
    if call.project is None or asked != call.project.project_id:
        return error(403, "Quota of another project", headers)
    return Answer(200, {"quota_set": call.project.quotas.get(service, {})}, headers)


def error(status: int, text: str, headers: Mapping[str, str] | None = None) -> Answer:
    """An error as the services write it, roughly: Nova and Neutron each have another outermost key."""
    return Answer(status, {"error": {"code": status, "message": text}}, headers or {})
