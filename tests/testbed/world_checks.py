"""What must hang together in a generated world, as checks that return what does not."""

from __future__ import annotations

import base64
import ipaddress
import json
import re
from collections.abc import Iterator
from typing import Any

import yaml
from cryptography import x509
from cryptography.exceptions import InvalidSignature

from replank.domain.provider_id import parse_provider_id
from replank.testbed.fleet.hosts.machines import etcd_lines
from replank.testbed.world import Document, Project, TwinCluster, World

# Type in the state -> (service, collection) of the live document with the same ID.
LIVE = {
    "openstack_compute_instance_v2": ("compute", "servers"),
    "openstack_compute_servergroup_v2": ("compute", "server_groups"),
    "openstack_networking_network_v2": ("network", "networks"),
    "openstack_networking_subnet_v2": ("network", "subnets"),
    "openstack_networking_router_v2": ("network", "routers"),
    "openstack_networking_router_interface_v2": ("network", "ports"),
    "openstack_networking_port_v2": ("network", "ports"),
    "openstack_networking_secgroup_v2": ("network", "security_groups"),
    "openstack_networking_floatingip_v2": ("network", "floatingips"),
    "openstack_networking_floatingip_associate_v2": ("network", "floatingips"),
    "openstack_lb_loadbalancer_v2": ("load-balancer", "loadbalancers"),
    "openstack_lb_listener_v2": ("load-balancer", "listeners"),
    "openstack_lb_pool_v2": ("load-balancer", "pools"),
    "openstack_lb_monitor_v2": ("load-balancer", "healthmonitors"),
}


def project_of(world: World, cluster: TwinCluster) -> Project:
    return next(project for project in world.projects if project.cloud == cluster.cloud)


def objects(cluster: TwinCluster, kind: str) -> list[Document]:
    return [o for o in cluster.api.objects if o["kind"] == kind]


def instances(cluster: TwinCluster) -> Iterator[tuple[Document, Document]]:
    for document in cluster.state_files.values():
        for resource in document["resources"]:
            for instance in resource["instances"]:
                yield resource, instance


def problems(world: World) -> list[str]:
    """Everything that does not hang together. Empty for a world without defects."""
    found: list[str] = []
    for project in world.projects:
        found += _project(project)
    for cluster in world.clusters:
        project = project_of(world, cluster)
        for check in (_nodes, _state, _members, _certificates, _hosts, _volumes):
            found += [f"{cluster.name}: {text}" for text in check(cluster, project)]
    addresses = [m.address for c in world.clusters for m in c.machines]
    if len(set(addresses)) != len(addresses):
        found.append("two machines of one address")
    return found


def _ids(project: Project, service: str, collection: str) -> set[str]:
    return {document["id"] for document in project.collections[service][collection]}


def _project(project: Project) -> Iterator[str]:
    for service, collections in project.collections.items():
        for name, documents in collections.items():
            ids = [d["id"] for d in documents if "id" in d]
            if len(ids) != len(set(ids)):
                yield f"two {service} {name} of one ID"
    yield from _ports(project)
    yield from _floating_ips(project)
    yield from _servers(project)


def _ports(project: Project) -> Iterator[str]:
    devices = _ids(project, "compute", "servers") | _ids(project, "network", "routers")
    devices |= {f"lb-{id}" for id in _ids(project, "load-balancer", "loadbalancers")}
    networks = _ids(project, "network", "networks")
    groups = _ids(project, "network", "security_groups")
    subnets = {s["id"]: s for s in project.collections["network"]["subnets"]}
    ports = project.collections["network"]["ports"]
    for port in ports:
        owned = port["device_owner"].startswith(("compute:", "network:router", "Octavia"))
        if owned and port["device_id"] not in devices:
            yield f"port {port['id']} belongs to nothing"
        if port["network_id"] not in networks or not set(port["security_groups"]) <= groups:
            yield f"port {port['id']} names a network or group that is not there"
        for fixed in port["fixed_ips"]:
            cidr = ipaddress.ip_network(subnets[fixed["subnet_id"]]["cidr"])
            if ipaddress.ip_address(fixed["ip_address"]) not in cidr:
                yield f"port {port['id']} has an address outside its subnet"
    for what, used in (
        ("MAC", [port["mac_address"] for port in ports]),
        ("address", [(p["network_id"], f["ip_address"]) for p in ports for f in p["fixed_ips"]]),
    ):
        if len(set(used)) != len(used):
            yield f"two ports of one {what}"


def _floating_ips(project: Project) -> Iterator[str]:
    ports = {p["id"]: p for p in project.collections["network"]["ports"]}
    for floating in project.collections["network"]["floatingips"]:
        target = ports.get(floating["port_id"], {"fixed_ips": []})
        if floating["fixed_ip_address"] not in [f["ip_address"] for f in target["fixed_ips"]]:
            yield f"floating IP {floating['floating_ip_address']} leads nowhere"


def _servers(project: Project) -> Iterator[str]:
    macs = {port["mac_address"] for port in project.collections["network"]["ports"]}
    images = _ids(project, "image", "images")
    for server in project.collections["compute"]["servers"]:
        if server["image"] and server["image"]["id"] not in images:
            yield f"server {server['name']} is of an image that is not there"
        for entry in (e for entries in server["addresses"].values() for e in entries):
            if entry["OS-EXT-IPS-MAC:mac_addr"] not in macs:
                yield f"server {server['name']} has a MAC that no port has"


def _nodes(cluster: TwinCluster, project: Project) -> Iterator[str]:
    servers = {s["id"]: s for s in project.collections["compute"]["servers"]}
    for node in objects(cluster, "Node"):
        name = node["metadata"]["name"]
        uuid = node["status"]["nodeInfo"]["systemUUID"]
        parsed = parse_provider_id(node["spec"].get("providerID", ""))
        if parsed is not None and parsed.server_id != uuid:
            yield f"Node {name}: providerID and systemUUID differ"
        server = servers.get(uuid)
        if server is None:
            yield f"Node {name} is no server"
            continue
        inside = {a["address"] for a in node["status"]["addresses"]}
        if not inside & {e["addr"] for entries in server["addresses"].values() for e in entries}:
            yield f"Node {name} has none of its server's addresses"
    nodes = {node["metadata"]["name"] for node in objects(cluster, "Node")}
    for pod in objects(cluster, "Pod"):
        if pod["spec"]["nodeName"] not in nodes:
            yield f"Pod {pod['metadata']['name']} runs on no Node"
    uids = {o["metadata"]["uid"] for o in cluster.api.objects}
    if len(uids) != len(cluster.api.objects):
        yield "two objects of one UID"
    for document in cluster.api.objects:
        for owner in document["metadata"].get("ownerReferences", []):
            if owner["uid"] not in uids:
                yield f"{document['kind']} {document['metadata']['name']} has an owner that is not there"


def _state(cluster: TwinCluster, project: Project) -> Iterator[str]:
    members = {
        document["id"]
        for pool in project.collections["load-balancer"]["pools"]
        for document in pool["members_full"]
    }
    addresses: set[str] = set()
    for resource, instance in instances(cluster):
        attributes = instance["attributes"]
        kind = resource["type"]
        if kind in LIVE and attributes["id"] not in _ids(project, *LIVE[kind]):
            yield f"{kind} {attributes['id']} of the state is not in the cloud"
        if kind == "openstack_lb_member_v2" and attributes["id"] not in members:
            yield f"member {attributes['id']} of the state is not in the cloud"
        if kind == "openstack_compute_instance_v2":
            for network in attributes["network"]:
                if network["port"] and network["port"] not in _ids(project, "network", "ports"):
                    yield f"port {network['port']} of an instance is not in the cloud"
        # Dependencies are configuration addresses: modules stand without their keys.
        prefix = re.sub(r'\["[^"]*"\]', "", f"{resource['module']}.") if "module" in resource else ""
        addresses.add(f"{prefix}{resource['type']}.{resource['name']}")
    for resource, instance in instances(cluster):
        for need in instance.get("dependencies", []):
            if need not in addresses:
                yield f"{resource['type']} depends on {need}, which is not in the state"


def _members(cluster: TwinCluster, project: Project) -> Iterator[str]:
    control_planes = {
        address["address"]
        for node in objects(cluster, "Node")
        if "node-role.kubernetes.io/control-plane" in node["metadata"].get("labels", {})
        for address in node["status"]["addresses"]
        if address["type"] == "InternalIP"
    }
    for pool in project.collections["load-balancer"]["pools"]:
        if pool["name"] == f"{cluster.name}-api-pool":
            found = {member["address"] for member in pool["members_full"]}
            if found != control_planes:
                yield f"the pool's members are {found}, the control planes {control_planes}"


def _certificates(cluster: TwinCluster, project: Project) -> Iterator[str]:
    authority = x509.load_pem_x509_certificate(cluster.api.ca_cert.encode())
    for name, pem in (("server", cluster.api.server_cert), ("client", cluster.client_cert)):
        try:
            x509.load_pem_x509_certificate(pem.encode()).verify_directly_issued_by(authority)
        except (ValueError, InvalidSignature) as error:
            yield f"the CA did not sign the {name} certificate: {error!r}"
    names = x509.load_pem_x509_certificate(cluster.api.server_cert.encode()).extensions
    sans = names.get_extension_for_class(x509.SubjectAlternativeName).value
    if ipaddress.ip_address("127.0.0.1") not in sans.get_values_for_type(x509.IPAddress):
        yield "the serving certificate is not for 127.0.0.1"
    endpoint = kubeadm_config(cluster)["controlPlaneEndpoint"].partition(":")[0]
    if ipaddress.ip_address(endpoint) not in sans.get_values_for_type(x509.IPAddress):
        yield "the serving certificate is not for the endpoint"


def kubeadm_config(cluster: TwinCluster) -> dict[str, Any]:
    for document in objects(cluster, "ConfigMap"):
        if document["metadata"]["name"] == "kubeadm-config":
            parsed: dict[str, Any] = yaml.safe_load(document["data"]["ClusterConfiguration"])
            return parsed
    raise LookupError("kubeadm-config")


def _hosts(cluster: TwinCluster, project: Project) -> Iterator[str]:
    servers = _ids(project, "compute", "servers")
    nodes = {node["metadata"]["name"] for node in objects(cluster, "Node")}
    authority = x509.load_pem_x509_certificate(cluster.api.ca_cert.encode())
    member_line, _ = etcd_lines()
    for machine in cluster.machines:
        if machine.server_id not in servers:
            yield f"machine {machine.server_name} is no server"
        if "/etc/kubernetes/pki/ca.key" not in machine.files:
            continue
        ca = x509.load_pem_x509_certificate(machine.files["/etc/kubernetes/pki/ca.crt"].content)
        if ca != authority:
            yield f"machine {machine.server_name} has another CA than the API"
        serving = machine.files["/etc/kubernetes/pki/apiserver.crt"].content
        x509.load_pem_x509_certificate(serving).verify_directly_issued_by(ca)
        members = {m["name"] for m in json.loads(machine.commands[member_line])["members"]}
        if not members <= nodes:
            yield f"etcd members {members} are not the Nodes"
        admin = yaml.safe_load(machine.files["/etc/kubernetes/admin.conf"].content)
        user = admin["users"][0]["user"]["client-certificate-data"]
        x509.load_pem_x509_certificate(base64.b64decode(user)).verify_directly_issued_by(ca)


def _volumes(cluster: TwinCluster, project: Project) -> Iterator[str]:
    volumes = {v["id"]: v for v in project.collections["block-storage"]["volumes"]}
    for document in objects(cluster, "PersistentVolume"):
        if document["spec"]["csi"]["volumeHandle"] not in volumes:
            yield f"PersistentVolume {document['metadata']['name']} has no volume"
    for server in project.collections["compute"]["servers"]:
        for attached in server["os-extended-volumes:volumes_attached"]:
            attachments = volumes[attached["id"]]["attachments"]
            if server["id"] not in {a["server_id"] for a in attachments}:
                yield f"server {server['name']} has a volume that is attached elsewhere"
