"""Snapshots and settings that the planner is tried with: the healthy cluster, bent in one way each.

`PYTHONPATH=tests python tests/takeover/planner_cases.py` writes the golden plans anew; look at the difference
before you commit.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import facts_loader
from replank.domain.roles import Role
from replank.domain.unknown import Unknown, is_known
from replank.inventory.facts.configuration import ConfigurationFile
from replank.inventory.facts.hosts import FileFact, HostFacts, ReferencedFile
from replank.inventory.facts.identity import LegacyMachine
from replank.inventory.facts.kubernetes import ExtraArg, HostPathMount, KubernetesFacts, Node, Taint
from replank.inventory.facts.openstack import (
    FixedIP,
    Flavor,
    OpenStackFacts,
    Port,
    Server,
    Volume,
    VolumeAttachment,
)
from replank.inventory.facts.snapshot import Infrastructure, Snapshot
from replank.inventory.facts.terraform import StateFile, TerraformFacts, TerraformResource
from replank.inventory.fleet.model import CapoCredentials
from replank.inventory.terraform.configuration.modules import ModuleFile, configuration, parse_file
from replank.migrations.takeover.planner import plan_takeover
from replank.migrations.takeover.settings import TakeoverSettings
from replank.plan import codec as plan_codec
from replank.plan.takeover import TakeoverPlan

HERE = Path(__file__).parent
PLANS = HERE / "plans"
SETTINGS = TakeoverSettings(namespace="fleet")
GPU_FLAVOR = "5a1f8a3e-0d2b-4c57-8f6f-0d8f7a3a9c10"


@cache
def healthy() -> Snapshot:
    """tests/facts/healthy.yaml."""
    return facts_loader.snapshot_of(facts_loader.healthy())


def cloud_of(snapshot: Snapshot) -> OpenStackFacts:
    facts = snapshot.infrastructure.openstack
    assert is_known(facts)
    return facts


def kubernetes_of(snapshot: Snapshot) -> KubernetesFacts:
    facts = snapshot.kubernetes
    assert is_known(facts)
    return facts


def with_cloud(snapshot: Snapshot, **changes: object) -> Snapshot:
    facts = replace(cloud_of(snapshot), **changes)  # type: ignore[arg-type]
    return replace(snapshot, infrastructure=Infrastructure(openstack=facts))


def with_kubernetes(snapshot: Snapshot, **changes: object) -> Snapshot:
    return replace(snapshot, kubernetes=replace(kubernetes_of(snapshot), **changes))  # type: ignore[arg-type]


def with_hosts(snapshot: Snapshot, change: Callable[[HostFacts], HostFacts]) -> Snapshot:
    return replace(snapshot, hosts=tuple(change(host) for host in snapshot.hosts))


def with_resources(snapshot: Snapshot, *resources: TerraformResource) -> Snapshot:
    assert is_known(snapshot.terraform)
    state = snapshot.terraform.states[0]
    merged = tuple(sorted((*state.resources, *resources), key=lambda r: r.address))
    return replace(snapshot, terraform=TerraformFacts(states=(replace(state, resources=merged),)))


def two_worker_groups() -> Snapshot:
    """Two more workers of another flavor and zone, with label, taint and for_each in the state."""
    snapshot = healthy()
    cloud = cloud_of(snapshot)
    assert is_known(cloud.servers)
    model = next(s for s in cloud.servers if s.name == "plain-worker-1")
    for number in (1, 2):
        snapshot = _add_gpu_worker(snapshot, model, number)
    flavor = Flavor(id=GPU_FLAVOR, name="g1.gpu", vcpus=16, ram_mib=65536, disk_gib=80)
    flavors = cloud.flavors
    assert is_known(flavors)
    return with_cloud(snapshot, flavors=tuple(sorted((*flavors, flavor), key=lambda f: f.id)))


def _add_gpu_worker(snapshot: Snapshot, model: Server, number: int) -> Snapshot:
    cloud, kubernetes = cloud_of(snapshot), kubernetes_of(snapshot)
    assert is_known(cloud.servers)
    assert is_known(cloud.ports)
    assert is_known(kubernetes.nodes)
    port_model = next(p for p in cloud.ports if p.device_id == model.id)
    node_model = next(n for n in kubernetes.nodes if n.name == model.name)
    name, address = f"plain-gpu-{number}", f"10.20.0.{30 + number}"
    server_id, port_id = (
        f"9999000{number}-aaaa-4bbb-8ccc-000000000001",
        f"9999000{number}-aaaa-4bbb-8ccc-000000000002",
    )
    server = replace(
        model,
        id=server_id,
        name=name,
        flavor="g1.gpu",
        flavor_id=GPU_FLAVOR,
        availability_zone="az2",
        host_name=name,
        addresses=(replace(model.addresses[0], address=address, mac=f"fa:16:3e:00:00:0{number}"),),
    )
    port = replace(
        port_model,
        id=port_id,
        name=f"{name}-0",
        device_id=server_id,
        mac=f"fa:16:3e:00:00:0{number}",
        fixed_ips=(FixedIP(address=address, subnet_id=port_model.fixed_ips[0].subnet_id),),
    )
    node = replace(
        node_model,
        name=name,
        uid=f"9999000{number}-aaaa-4bbb-8ccc-000000000003",
        provider_id=f"openstack:///{server_id}",
        system_uuid=server_id,
        addresses=tuple(
            replace(a, address=address if a.type == "InternalIP" else name) for a in node_model.addresses
        ),
        labels={
            **node_model.labels,
            "kubernetes.io/hostname": name,
            "topology.kubernetes.io/zone": "az2",
            "node-role.kubernetes.io/gpu": "",
            "example.org/pool": "gpu",
        },
        taints=(
            Taint(key="example.org/dedicated", value="gpu"),
            Taint(key="node.kubernetes.io/unschedulable"),
        ),
        capacity={**node_model.capacity, "pods": "250"},
    )
    key = f'module.gpu.openstack_compute_instance_v2.node["gpu-{number}"]'
    machine = LegacyMachine(
        name=name, role=Role.WORKER, server_id=server_id, node=name, state_addresses=(key,)
    )
    instance = TerraformResource(
        address=key,
        mode="managed",
        type="openstack_compute_instance_v2",
        name="node",
        module="module.gpu",
        index=f"gpu-{number}",
        id=server_id,
        attributes={"name": name, "network": [{"uuid": port.network_id, "port": port_id}]},
        state="tf/terraform.tfstate",
    )
    snapshot = with_cloud(
        snapshot,
        servers=tuple(sorted((*cloud.servers, server), key=lambda s: s.id)),
        ports=tuple(sorted((*cloud.ports, port), key=lambda p: p.id)),
    )
    snapshot = with_kubernetes(snapshot, nodes=tuple(sorted((*kubernetes.nodes, node), key=lambda n: n.name)))
    snapshot = replace(snapshot, machines=tuple(sorted((*snapshot.machines, machine), key=lambda m: m.name)))
    return with_resources(snapshot, instance)


def boot_from_volume() -> Snapshot:
    """Every server boots from a volume; one worker has a data volume and another root volume size."""
    snapshot = healthy()
    cloud = cloud_of(snapshot)
    assert is_known(cloud.servers)
    volumes = []
    for number, server in enumerate(sorted(cloud.servers, key=lambda s: s.name)):
        volumes.append(
            Volume(
                id=f"8888000{number}-aaaa-4bbb-8ccc-000000000001",
                name="",
                status="in-use",
                size_gib=60 if server.name == "plain-worker-2" else 40,
                volume_type="ssd",
                availability_zone=server.availability_zone,
                bootable=True,
                image_id=server.image_id,
                attachments=(VolumeAttachment(server_id=server.id, device="/dev/vda"),),
                delete_on_termination=number % 2 == 0,
            )
        )
        if server.name == "plain-worker-2":
            volumes.append(
                Volume(
                    id=f"8888000{number}-aaaa-4bbb-8ccc-000000000002",
                    name="scratch",
                    status="in-use",
                    size_gib=200,
                    attachments=(VolumeAttachment(server_id=server.id, device="/dev/vdb"),),
                )
            )
    servers = tuple(replace(server, image_id="") for server in cloud.servers)
    return with_cloud(snapshot, servers=servers, volumes=tuple(volumes))


ENCRYPTION = "/etc/kubernetes/enc/encryption.yaml"
AUDIT = "/etc/kubernetes/audit/policy.yaml"


def audit_and_encryption() -> Snapshot:
    """Flags of the API server point at an audit policy and at an encryption configuration."""
    flags = (
        ExtraArg(name="audit-policy-file", value=AUDIT),
        ExtraArg(name="audit-log-path", value="/var/log/kubernetes/audit.log"),
        ExtraArg(name="encryption-provider-config", value=ENCRYPTION),
    )
    mounts = (
        _mount("audit", "/etc/kubernetes/audit", "DirectoryOrCreate"),
        _mount("audit-log", "/var/log/kubernetes", ""),
        _mount("enc", "/etc/kubernetes/enc", ""),
    )
    files = (
        _reference("audit-policy-file", "audit", _file(AUDIT, "0644", "ab" * 32)),
        _reference("encryption-provider-config", "encryption", _file(ENCRYPTION, "0600", "secret")),
    )
    snapshot = healthy()
    config = kubernetes_of(snapshot).kubeadm_config
    assert is_known(config)
    assert config is not None
    api = config.api_server
    api = replace(api, extra_args=(*api.extra_args, *flags), extra_volumes=(*api.extra_volumes, *mounts))

    def change(host: HostFacts) -> HostFacts:
        assert is_known(host.static_pods)
        pods = tuple(
            replace(p, args=(*p.args, *flags), volumes=(*p.volumes, *mounts))
            if p.component == "kube-apiserver"
            else p
            for p in host.static_pods
        )
        return replace(host, static_pods=pods, referenced_files=files)

    return with_hosts(with_kubernetes(snapshot, kubeadm_config=replace(config, api_server=api)), change)


def _mount(name: str, path: str, path_type: str) -> HostPathMount:
    return HostPathMount(name=name, host_path=path, mount_path=path, read_only=True, path_type=path_type)


def _file(path: str, mode: str, content: str) -> FileFact:
    return FileFact(path=path, mode=mode, owner="root", group="root", size=290, content=content)


def _reference(flag: str, purpose: str, file: FileFact) -> ReferencedFile:
    return ReferencedFile(
        component="kube-apiserver",
        flag=flag,
        path=file.path,
        purpose=purpose,
        secret=file.content == "secret",
        file=file,
    )


def region_provider_ids() -> Snapshot:
    """The cloud provider writes the region into providerIDs (OS_CCM_REGIONAL)."""
    return with_nodes(
        healthy(), lambda n: replace(n, provider_id=n.provider_id.replace(":///", "://RegionOne/"))
    )


def with_nodes(snapshot: Snapshot, change: Callable[[Node], Node]) -> Snapshot:
    nodes = kubernetes_of(snapshot).nodes
    assert is_known(nodes)
    return with_kubernetes(snapshot, nodes=tuple(change(node) for node in nodes))


def with_servers(snapshot: Snapshot, change: Callable[[Server], Server]) -> Snapshot:
    servers = cloud_of(snapshot).servers
    assert is_known(servers)
    return with_cloud(snapshot, servers=tuple(change(server) for server in servers))


def with_ports(snapshot: Snapshot, change: Callable[[Port], Port]) -> Snapshot:
    ports = cloud_of(snapshot).ports
    assert is_known(ports)
    return with_cloud(snapshot, ports=tuple(change(port) for port in ports))


def unknown_load_balancers() -> Snapshot:
    """No rights for Octavia."""
    return with_cloud(
        healthy(), load_balancers=Unknown("load balancers: the cloud answers 403", code="RP041")
    )


MACHINES = """\
resource "openstack_networking_port_v2" "control_plane" {
  count      = 3
  network_id = openstack_networking_network_v2.cluster.id
}

resource "openstack_compute_instance_v2" "control_plane" {
  count = 3
  network {
    port = openstack_networking_port_v2.control_plane[count.index].id
  }
}

module "workers" {
  source = "registry.example.org/team/workers/openstack"
}

moved {
  from = openstack_compute_instance_v2.master
  to   = openstack_compute_instance_v2.control_plane
}
"""
BALANCER = """\
resource "openstack_dns_recordset_v2" "api" {
  count      = 3
  zone_id    = var.zone
  records    = [openstack_compute_instance_v2.control_plane[count.index].access_ip_v4]
  depends_on = [openstack_compute_instance_v2.control_plane]
}

output "first" {
  value = "https://${openstack_compute_instance_v2.control_plane[0].access_ip_v4}:6443"
}

output "names" {
  value = [for machine in openstack_compute_instance_v2.control_plane : machine.name]
}
"""


def with_configuration(snapshot: Snapshot, *, unread: bool = True, **files: str) -> Snapshot:
    """`files`: name without `.tf` -> text. `unread`: a module that is no local folder."""
    assert is_known(snapshot.terraform)
    far = ConfigurationFile(name="module.workers", lines=Unknown("its source is no local folder", "RP960"))
    seen = configuration(
        [
            ModuleFile(module="", name=f"{name}.tf", parsed=parse_file(f"{name}.tf", text.encode()))
            for name, text in files.items()
        ],
        folder="tf",
        unread=[far] if unread else [],
    )
    state = replace(snapshot.terraform.states[0], configuration=seen)
    return replace(snapshot, terraform=TerraformFacts(states=(state,)))


def configured() -> Snapshot:
    """The configuration of the control plane was read; that of the workers lies elsewhere."""
    return with_configuration(healthy(), machines=MACHINES, balancer=BALANCER)


def all_unknown(snapshot: Snapshot) -> Snapshot:
    """Nothing could be seen at all."""
    unseen = Unknown("nobody looked")
    return replace(
        snapshot,
        terraform=unseen,
        infrastructure=Infrastructure(openstack=unseen),
        kubernetes=unseen,
        hosts=(),
        management=unseen,
        machines=(),
        conflicts=(),
    )


def state_of(snapshot: Snapshot) -> StateFile:
    assert is_known(snapshot.terraform)
    return snapshot.terraform.states[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A golden plan: `plans/<name>.yaml`."""

    name: str
    snapshot: Callable[[], Snapshot]
    settings: TakeoverSettings = SETTINGS

    def plan(self) -> TakeoverPlan:
        return plan_takeover(self.snapshot(), self.settings, ())


CASES = (
    Case(name="healthy", snapshot=healthy),
    Case(name="two-worker-groups", snapshot=two_worker_groups),
    Case(name="boot-from-volume", snapshot=boot_from_volume),
    Case(name="audit-and-encryption", snapshot=audit_and_encryption),
    Case(name="configuration", snapshot=configured),
    Case(name="region-provider-ids", snapshot=region_provider_ids),
    Case(name="unknown-load-balancers", snapshot=unknown_load_balancers),
    Case(
        name="given-credential",
        snapshot=healthy,
        settings=replace(
            SETTINGS, credentials=CapoCredentials(kind="identity", name="prod", cloud="openstack")
        ),
    ),
    Case(
        name="managed-load-balancer",
        snapshot=healthy,
        settings=replace(SETTINGS, load_balancer="managed"),
    ),
)


def golden(plan: TakeoverPlan) -> TakeoverPlan:
    """The plan without what changes with every new field of the snapshot and every release."""
    return replace(plan, snapshot_sha256="0" * 64, made_by="replank")


def write() -> None:
    """Writes `plans/`."""
    PLANS.mkdir(exist_ok=True)
    for case in CASES:
        text = plan_codec.dump(golden(case.plan()))
        (PLANS / f"{case.name}.yaml").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    write()
