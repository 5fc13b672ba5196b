"""What the planner decides: groups, names, owners, load balancer, steps and their order."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from planner_cases import (
    CASES,
    SETTINGS,
    Case,
    audit_and_encryption,
    boot_from_volume,
    cloud_of,
    healthy,
    kubernetes_of,
    two_worker_groups,
    unknown_load_balancers,
    with_cloud,
    with_hosts,
    with_kubernetes,
    with_nodes,
    with_ports,
    with_resources,
    with_servers,
)

from replank.audit.finding import Finding
from replank.domain.severity import Severity
from replank.domain.unknown import Unknown, is_known
from replank.inventory.facts.hosts import HostFacts
from replank.inventory.facts.kubernetes import ExtraArg
from replank.inventory.facts.openstack import AddressPair, FixedIP, Namesake, Port
from replank.inventory.facts.snapshot import Snapshot
from replank.inventory.facts.terraform import TerraformResource
from replank.inventory.fleet.model import NewMachines
from replank.migrations.takeover.planner import plan_takeover
from replank.migrations.takeover.settings import TakeoverSettings
from replank.plan.model import GroupDifference, Irreversible, Plan, Step

STAGES = ["align-names", "credentials", "infrastructure", "workers", "control-plane", "unpause", "settle"]
cases = pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)


def plan(snapshot: Snapshot, settings: TakeoverSettings = SETTINGS) -> Plan:
    return plan_takeover(snapshot, settings, ())


def steps(of: Plan) -> Iterator[Step]:
    for stage in of.stages:
        yield from stage.steps


def codes(of: Plan) -> set[str]:
    return {finding.code for finding in of.findings}


def differences(of: Plan, group: str) -> tuple[GroupDifference, ...]:
    return next(g.differences for g in of.groups if g.name == group)


def spec_of(of: Plan, key: str) -> Any:
    return of.manifests[key]["spec"]


# Groups


def test_unlike_workers_become_groups_that_are_named_as_short_as_tells_them_apart() -> None:
    found = {g.name: g.machines for g in plan(two_worker_groups()).groups if g.role == "worker"}
    assert found == {
        "plain-g1-gpu": ("plain-gpu-1", "plain-gpu-2"),
        "plain-m1-worker": ("plain-worker-1", "plain-worker-2"),
    }


def test_groups_of_one_flavor_are_named_by_zone() -> None:
    spread = with_servers(
        healthy(), lambda s: replace(s, availability_zone="az2") if s.name == "plain-worker-2" else s
    )
    assert [g.name for g in plan(spread).groups if g.role == "worker"] == ["plain-az1", "plain-az2"]


def test_group_names_of_fleet_yaml_win_over_likeness() -> None:
    snapshot = two_worker_groups()
    machines = tuple(
        replace(m, group="general") if m.name in ("plain-worker-1", "plain-gpu-1") else m
        for m in snapshot.machines
    )
    found = {g.name: g.machines for g in plan(replace(snapshot, machines=machines)).groups}
    assert found["plain-general"] == ("plain-gpu-1", "plain-worker-1")
    assert found["plain-g1-gpu"] == ("plain-gpu-2",)
    assert found["plain-m1-worker"] == ("plain-worker-2",)


def test_machines_that_are_forced_together_are_compared_field_by_field() -> None:
    snapshot = two_worker_groups()
    machines = tuple(replace(m, group="all") if m.role == "worker" else m for m in snapshot.machines)
    odd = {(d.field, d.machine) for d in differences(plan(replace(snapshot, machines=machines)), "plain-all")}
    unlike = {machine for field, machine in odd if field == "flavor"}
    assert unlike in ({"plain-gpu-1", "plain-gpu-2"}, {"plain-worker-1", "plain-worker-2"})
    assert {field for field, machine in odd if machine in unlike} >= {
        "flavor",
        "zone",
        "taints",
        "labels",
        "labels of its Machine",
        "most pods",
    }


def test_worker_template_carries_labels_taints_and_pod_limit() -> None:
    of = plan(two_worker_groups())
    registration = spec_of(of, "KubeadmConfigTemplate/plain-g1-gpu")["template"]["spec"]["joinConfiguration"][
        "nodeRegistration"
    ]
    assert {a["name"]: a["value"] for a in registration["kubeletExtraArgs"]} == {
        "cloud-provider": "external",
        "max-pods": "250",
        "node-labels": "example.org/pool=gpu",
    }
    assert registration["taints"] == [
        {"key": "example.org/dedicated", "value": "gpu", "effect": "NoSchedule"}
    ]
    for kind in ("MachineDeployment/plain-g1-gpu", "MachineSet/plain-g1-gpu-adopted"):
        labels = spec_of(of, kind)["template"]["metadata"]["labels"]
        assert labels["node-role.kubernetes.io/gpu"] == ""
        assert "node-role.kubernetes.io/gpu" not in spec_of(of, kind)["selector"]["matchLabels"]


def test_new_machines_are_made_of_what_the_operator_names() -> None:
    settings = replace(SETTINGS, new_machines=NewMachines(image="no-such-image", ssh_key="ops"))
    of = plan(healthy(), settings)
    spec = spec_of(of, "OpenStackMachineTemplate/plain-worker-adopted")["template"]["spec"]
    assert spec["image"] == {"filter": {"name": "no-such-image"}}
    assert spec["sshKeyName"] == "ops"
    changes = {(d.field, d.template) for d in differences(of, "plain-worker")}
    assert {("image", "no-such-image"), ("keypair", "ops")} <= changes
    control_plane = spec_of(of, "OpenStackMachineTemplate/plain-control-plane-adopted")["template"]["spec"]
    assert set(control_plane["image"]) == {"id"}


def test_volumes_become_root_volumes_and_what_is_lost_is_listed() -> None:
    of = plan(boot_from_volume())
    spec = spec_of(of, "OpenStackMachineTemplate/plain-worker-adopted")["template"]["spec"]
    assert spec["rootVolume"] == {"sizeGiB": 40, "type": "ssd", "availabilityZone": {"from": "Machine"}}
    assert set(spec["image"]) == {"id"}
    found = {(d.field, d.machine, d.has) for d in differences(of, "plain-worker")}
    assert ("root volume", "plain-worker-2", "60 GiB ssd zone of the machine") in found
    assert ("data volume", "plain-worker-2", "scratch (200 GiB)") in found


# Ports


def pod_network_pairs(port: Port) -> Port:
    own = AddressPair(address="10.244.7.0/24") if port.name == "plain-worker-2-port" else None
    common = AddressPair(address="10.20.0.250", mac=port.mac)
    return replace(port, allowed_address_pairs=(common, own) if own else (common,))


def test_address_pairs_stay_with_the_machine_that_has_them() -> None:
    """CAPO v0.15 sets a port's pairs to those of the spec: one that is left out is cleared."""
    of = plan(with_ports(healthy(), pod_network_pairs))
    common = {"ipAddress": "10.20.0.250"}
    template = spec_of(of, "OpenStackMachineTemplate/plain-worker-adopted")["template"]["spec"]
    assert template["ports"][0]["allowedAddressPairs"] == [common]
    assert spec_of(of, "OpenStackMachine/plain-worker-1") == template
    own = spec_of(of, "OpenStackMachine/plain-worker-2")
    assert own["ports"][0]["allowedAddressPairs"] == [common, {"ipAddress": "10.244.7.0/24"}]
    assert {k: v for k, v in own.items() if k != "ports"} == {
        k: v for k, v in template.items() if k != "ports"
    }


def second_card(snapshot: Snapshot, name: str) -> Snapshot:
    """Each worker gets a second port without port security, called by `name`."""
    cloud = cloud_of(snapshot)
    assert is_known(cloud.ports)
    assert is_known(cloud.servers)
    more = tuple(
        Port(
            id=f"7777000{n}-aaaa-4bbb-8ccc-000000000001",
            name=name.format(s.name),
            network_id="00000000-0000-4000-8000-00000000000a",
            device_id=s.id,
            device_owner="compute:az1",
            fixed_ips=(FixedIP(address=f"10.99.0.{n}", subnet_id="00000000-0000-4000-8000-00000000000b"),),
            port_security=False,
            vnic_type="direct",
        )
        for n, s in enumerate(cloud.servers)
        if "worker" in s.name
    )
    named = with_ports(snapshot, lambda p: replace(p, name=p.name.replace("-port", "-internal")))
    renamed = cloud_of(named).ports
    assert is_known(renamed)
    return with_cloud(named, ports=(*renamed, *more))


def test_port_with_the_nodes_address_comes_first_and_the_others_follow() -> None:
    of = plan(second_card(healthy(), ""))
    worker = next(m for m in of.machines if m.machine == "plain-worker-1")
    assert [port.new for port in worker.ports] == ["plain-worker-1-0", "plain-worker-1-1"]
    assert [port.old for port in worker.ports] == ["plain-worker-1-internal", ""]
    second = spec_of(of, "OpenStackMachine/plain-worker-1")["ports"][1]
    assert second["disablePortSecurity"] is True
    assert second["vnicType"] == "direct"
    assert "securityGroups" not in second


def test_suffixes_that_several_ports_have_anyway_spare_the_renames() -> None:
    of = plan(second_card(healthy(), "{}-storage"))
    worker = next(m for m in of.machines if m.machine == "plain-worker-1")
    assert [(port.old, port.new) for port in worker.ports] == [
        ("plain-worker-1-internal", "plain-worker-1-internal"),
        ("plain-worker-1-storage", "plain-worker-1-storage"),
    ]
    template = spec_of(of, "OpenStackMachineTemplate/plain-worker-adopted")["template"]["spec"]
    assert [p["nameSuffix"] for p in template["ports"]] == ["internal", "storage"]


def test_port_name_that_another_port_has_blocks() -> None:
    cloud = cloud_of(healthy())
    assert is_known(cloud.ports)
    other = replace(
        cloud.ports[0], id="66660000-aaaa-4bbb-8ccc-000000000001", name="plain-cp-1-0", device_id=""
    )
    network = next(p.network_id for p in cloud.ports if p.name == "plain-cp-1-port")
    of = plan(with_cloud(healthy(), ports=(*cloud.ports, replace(other, network_id=network))))
    assert [(f.code, f.subject) for f in of.findings] == [("RP076", "port plain-cp-1-0")]
    assert not of.ready


# Servers that CAPO could not find


def upper(snapshot: Snapshot) -> Snapshot:
    return with_servers(snapshot, lambda s: replace(s, name="Plain_CP_1") if s.name == "plain-cp-1" else s)


def test_server_with_a_name_that_kubernetes_refuses_blocks_unless_renaming_is_allowed() -> None:
    refused = plan(upper(healthy()))
    assert ("RP076", "blocker") in {(f.code, f.severity) for f in refused.findings}
    assert not refused.ready
    allowed = plan(upper(healthy()), replace(SETTINGS, rename_servers=True))
    assert "RP076" not in codes(allowed)
    (machine,) = [m for m in allowed.machines if m.server_name == "Plain_CP_1"]
    assert (machine.machine, machine.rename_server_to, machine.node) == (
        "plain-cp-1",
        "plain-cp-1",
        "plain-cp-1",
    )
    (step,) = [s for s in steps(allowed) if s.kind == "openstack.server.rename"]
    assert step.approval == "rename-server"


def test_servers_of_one_name_get_different_ones() -> None:
    twins = with_servers(healthy(), lambda s: replace(s, name="plain-worker-1") if "worker" in s.name else s)
    of = plan(twins, replace(SETTINGS, rename_servers=True))
    names = [m.machine for m in of.machines]
    assert len(names) == len(set(names)) == 5
    assert all(m.rename_server_to for m in of.machines if m.role == "worker")
    assert not plan(twins).ready


def test_namesake_outside_the_cluster_counts_as_well() -> None:
    namesake = Namesake(kind="server", id="55550000-aaaa-4bbb-8ccc-000000000001", name="plain-worker-1")
    of = plan(with_cloud(healthy(), namesakes=(namesake,)))
    assert [f.code for f in of.findings] == ["RP076"]


# Control plane: what really runs


def with_flag(snapshot: Snapshot, component: str, flag: ExtraArg, hosts: int = 3) -> Snapshot:
    def change(host: HostFacts) -> HostFacts:
        if int(host.server[-1]) > hosts:
            return host
        assert is_known(host.static_pods)
        pods = tuple(
            replace(p, args=(*(a for a in p.args if a.name != flag.name), flag))
            if p.component == component
            else p
            for p in host.static_pods
        )
        return replace(host, static_pods=pods)

    return with_hosts(snapshot, change)


@pytest.mark.parametrize(
    ("flag", "value"),
    [("max-requests-inflight", "800"), ("enable-admission-plugins", "NodeRestriction,PodNodeSelector")],
)
def test_flag_edited_into_every_manifest_is_taken_over(flag: str, value: str) -> None:
    of = plan(with_flag(healthy(), "kube-apiserver", ExtraArg(name=flag, value=value)))
    key = "KubeadmControlPlane/plain-control-plane"
    server = spec_of(of, key)["kubeadmConfigSpec"]["clusterConfiguration"]["apiServer"]
    assert {"name": flag, "value": value} in server["extraArgs"]
    found = [d for d in differences(of, "plain-control-plane") if d.field == f"kube-apiserver --{flag}"]
    assert {d.machine for d in found} == {"plain-cp-1", "plain-cp-2", "plain-cp-3"}
    assert all("nothing changes" in d.at_next_rollout for d in found)


def test_flag_edited_into_one_manifest_is_a_difference_and_not_the_template() -> None:
    flag = ExtraArg(name="max-requests-inflight", value="800")
    of = plan(with_flag(healthy(), "kube-apiserver", flag, hosts=1))
    key = "KubeadmControlPlane/plain-control-plane"
    server = spec_of(of, key)["kubeadmConfigSpec"]["clusterConfiguration"]["apiServer"]
    assert [a["name"] for a in server["extraArgs"]] == ["profiling"]
    assert [(d.field, d.machine, d.has) for d in differences(of, "plain-control-plane")] == [
        ("kube-apiserver --max-requests-inflight", "plain-cp-1", "800")
    ]


def test_kubeadms_own_flags_are_not_repeated() -> None:
    of = plan(audit_and_encryption())
    configuration = spec_of(of, "KubeadmControlPlane/plain-control-plane")["kubeadmConfigSpec"][
        "clusterConfiguration"
    ]
    assert [a["name"] for a in configuration["apiServer"]["extraArgs"]] == [
        "audit-log-path",
        "audit-policy-file",
        "encryption-provider-config",
        "profiling",
    ]
    assert "extraArgs" not in configuration["etcd"]["local"]
    assert configuration["certificatesDir"] == "/etc/kubernetes/pki"
    assert configuration["etcd"]["local"]["dataDir"] == "/var/lib/etcd"


@pytest.mark.parametrize(
    ("version", "gates"),
    [
        ("v1.30.14", {}),
        ("v1.31.0", {"ControlPlaneKubeletLocalMode": True}),
        ("v1.35.4", {"ControlPlaneKubeletLocalMode": True}),
        ("v1.36.0", {}),
    ],
)
def test_local_mode_gate_is_set_only_where_kcp_would_add_it(version: str, gates: dict[str, bool]) -> None:
    of = plan(with_nodes(healthy(), lambda n: replace(n, kubelet_version=version)))
    for key, item in of.manifests.items():
        if key.startswith("KubeadmConfig/"):
            spec: Any = item["spec"]
            assert spec["clusterConfiguration"].get("featureGates", {}) == gates


def test_control_plane_without_taint_stays_without() -> None:
    of = plan(with_nodes(healthy(), lambda n: replace(n, taints=())))
    spec = spec_of(of, "KubeadmControlPlane/plain-control-plane")["kubeadmConfigSpec"]
    assert spec["joinConfiguration"]["nodeRegistration"]["taints"] == []
    assert spec["initConfiguration"]["nodeRegistration"]["taints"] == []


def test_cluster_without_kube_proxy_does_not_get_one() -> None:
    addons = kubernetes_of(healthy()).addons
    assert is_known(addons)
    of = plan(
        with_kubernetes(
            healthy(), addons=tuple(a for a in addons if a.kind not in ("kube-proxy", "cloud-provider"))
        )
    )
    spec = spec_of(of, "KubeadmControlPlane/plain-control-plane")["kubeadmConfigSpec"]
    assert spec["initConfiguration"]["skipPhases"] == ["addon/kube-proxy"]
    # Without a cloud provider only the kubelet's flag can give a Node its providerID.
    args = {a["name"]: a["value"] for a in spec["joinConfiguration"]["nodeRegistration"]["kubeletExtraArgs"]}
    assert args["provider-id"] == "openstack:///{{ instance_id }}"


def test_other_runtime_socket_of_instance_config_is_in_the_template() -> None:
    socket = "unix:///var/run/crio/crio.sock"

    def change(host: HostFacts) -> HostFacts:
        assert is_known(host.kubelet)
        return replace(
            host, kubelet=replace(host.kubelet, instance_config={"containerRuntimeEndpoint": socket})
        )

    of = plan(with_hosts(healthy(), change))
    spec = spec_of(of, "KubeadmControlPlane/plain-control-plane")["kubeadmConfigSpec"]
    assert spec["joinConfiguration"]["nodeRegistration"]["criSocket"] == socket


def test_cluster_without_a_way_out_is_told_to_look_for_none() -> None:
    routers = cloud_of(healthy()).routers
    assert is_known(routers)
    spec = spec_of(plan(with_cloud(healthy(), routers=())), "OpenStackCluster/plain")
    assert spec["disableExternalNetwork"] is True
    assert not {"router", "externalNetwork"} & set(spec)
    unseen = spec_of(plan(with_cloud(healthy(), routers=Unknown("403"))), "OpenStackCluster/plain")
    assert not {"router", "externalNetwork", "disableExternalNetwork"} & set(unseen)


# Load balancer


def test_load_balancer_stays_unmanaged_and_says_why() -> None:
    of = plan(healthy())
    assert of.load_balancer.mode == "unmanaged"
    assert "managed would need 7 renames" in of.load_balancer.why
    assert not [s for s in steps(of) if "load-balancer" in s.kind or "listener" in s.kind]


def test_managed_load_balancer_gets_every_name_capo_looks_for() -> None:
    of = plan(healthy(), replace(SETTINGS, load_balancer="managed"))
    name = "k8s-clusterapi-cluster-fleet-plain-kubeapi"
    renames = sorted(
        (s.kind, s.params["new"]) for s in steps(of) if s.id.startswith("align") and "new" in s.params
    )
    assert [r for r in renames if r[0] != "openstack.port.rename"] == [
        ("openstack.listener.rename", f"{name}-6443"),
        ("openstack.load-balancer.rename", name),
        ("openstack.member.rename", f"{name}-6443-plain-cp-1"),
        ("openstack.member.rename", f"{name}-6443-plain-cp-2"),
        ("openstack.member.rename", f"{name}-6443-plain-cp-3"),
        ("openstack.monitor.rename", f"{name}-6443"),
        ("openstack.pool.rename", f"{name}-6443"),
    ]
    spec = spec_of(of, "OpenStackCluster/plain")
    assert spec["apiServerLoadBalancer"]["monitor"] == {
        "delay": 10,
        "timeout": 5,
        "maxRetries": 5,
        "maxRetriesDown": 3,
    }
    assert spec["apiServerFixedIP"] == "10.20.0.10"
    assert spec["apiServerPort"] == 6443
    forgotten = {f.address.partition("[")[0] for f in of.forget}
    assert {"openstack_lb_loadbalancer_v2.api", "openstack_lb_member_v2.api"} <= forgotten
    (member,) = [f for f in of.forget if f.address == "openstack_lb_member_v2.api[0]"]
    assert member.import_id.endswith(f"/{member.id}")
    assert member.import_id != member.id


def test_managed_load_balancer_behind_a_name_is_refused() -> None:
    config = kubernetes_of(healthy()).kubeadm_config
    assert is_known(config)
    assert config is not None
    named = with_kubernetes(
        healthy(), kubeadm_config=replace(config, control_plane_endpoint="api.plain.example.org:6443")
    )
    of = plan(named, replace(SETTINGS, load_balancer="managed"))
    assert of.load_balancer.mode == "unmanaged"
    assert codes(of) == {"RP078"}
    assert not of.ready
    assert of.load_balancer.load_balancer_id == plan(healthy()).load_balancer.load_balancer_id
    # Unmanaged, a name is fine.
    assert plan(named).ready


def test_unseen_load_balancers_are_left_alone_and_said_so() -> None:
    of = plan(unknown_load_balancers())
    assert of.load_balancer.mode == "unmanaged"
    assert "403" in of.load_balancer.why
    assert codes(of) == {"RP079"}


def test_cluster_without_a_load_balancer_says_none() -> None:
    of = plan(with_cloud(healthy(), load_balancers=()))
    assert of.load_balancer.mode == "none"
    assert spec_of(of, "OpenStackCluster/plain")["disableAPIServerFloatingIP"] is True


# Owners and Terraform


@cases
def test_every_resource_has_one_owner(case: Case) -> None:
    of = case.plan()
    keys = [(o.kind, o.id) for o in of.ownership]
    assert len(keys) == len(set(keys))
    after = {(o.kind, o.id): o.after for o in of.ownership}
    for machine in of.machines:
        assert after["server", machine.server_id] == "cluster-api"
        assert all(after["port", port.id] == "cluster-api" for port in machine.ports)
    for (kind, _), owner in after.items():
        if kind in ("network", "subnet", "router", "security-group"):
            assert owner != "cluster-api"


@cases
def test_terraform_forgets_exactly_what_cluster_api_owns(case: Case) -> None:
    of = case.plan()
    owned = {o.id for o in of.ownership if o.after == "cluster-api" and o.before == "terraform"}
    assert {f.id for f in of.forget} == owned
    assert all((f.how == "state-rm") is ("[" in f.address) for f in of.forget)


def test_terraform_step_names_what_stays_and_refers_to_what_goes() -> None:
    (step,) = [s for s in steps(plan(healthy())) if s.kind == "terraform.forget"]
    assert step.params["dependents"] == [f"openstack_lb_member_v2.api[{n}]" for n in range(3)]
    assert step.params["serial"] == 42


def test_association_of_a_machines_floating_ip_is_forgotten_with_its_port() -> None:
    cloud = cloud_of(healthy())
    assert is_known(cloud.ports)
    port = next(p for p in cloud.ports if p.name == "plain-cp-1-port")
    association = TerraformResource(
        address="openstack_networking_floatingip_associate_v2.ssh",
        mode="managed",
        type="openstack_networking_floatingip_associate_v2",
        name="ssh",
        id="44440000-aaaa-4bbb-8ccc-000000000001",
        attributes={"port_id": port.id},
        state="tf/terraform.tfstate",
    )
    of = plan(with_resources(healthy(), association))
    (forget,) = [f for f in of.forget if f.address == association.address]
    assert forget.how == "removed-block"


def test_ports_that_nova_made_belong_to_nova_before() -> None:
    bare = with_ports(healthy(), lambda p: replace(p, name="") if p.name.endswith("-port") else p)
    assert is_known(bare.terraform)
    state = bare.terraform.states[0]
    kept = tuple(r for r in state.resources if r.type != "openstack_networking_port_v2")
    bare = replace(bare, terraform=replace(bare.terraform, states=(replace(state, resources=kept),)))
    of = plan(bare)
    ports = {port.id for m in of.machines for port in m.ports}
    assert {o.before for o in of.ownership if o.kind == "port" and o.id in ports} == {"nova"}
    assert all(port.old == "" for m in of.machines for port in m.ports)


# Steps


@cases
def test_stages_come_in_order_with_numbered_steps(case: Case) -> None:
    of = case.plan()
    assert [stage.name for stage in of.stages] == STAGES
    ids = [step.id for step in steps(of)]
    assert len(ids) == len(set(ids))
    for stage in of.stages:
        assert [s.id for s in stage.steps] == sorted(s.id for s in stage.steps)
        assert all(s.id.startswith(f"{stage.name}/") for s in stage.steps)


@cases
def test_each_step_has_an_undo_or_is_a_point_of_no_return(case: Case) -> None:
    of = case.plan()
    points = {point.step for point in of.points_of_no_return}
    assert points <= {step.id for step in steps(of)}
    for step in steps(of):
        assert step.says.endswith(".")
        if isinstance(step.undo, Irreversible):
            assert step.id in points
            assert step.undo.irreversible
        else:
            assert step.undo.says


def position(of: Plan, kind: str, last: bool = False) -> int:
    found = [n for n, step in enumerate(steps(of)) if step.kind == kind]
    return found[-1] if last else found[0]


@cases
def test_terraform_lets_go_before_anything_is_renamed(case: Case) -> None:
    of = case.plan()
    renames = [n for n, s in enumerate(steps(of)) if s.kind.endswith(".rename")]
    assert position(of, "terraform.forget", last=True) < min(renames)


@cases
def test_fences_stand_until_everything_is_adopted(case: Case) -> None:
    """CAPO cannot write, and servers are locked, from before the first object until after the last check."""
    of = case.plan()
    applies = [
        n
        for n, s in enumerate(steps(of))
        if s.kind == "kubernetes.apply" and s.objects != ("Namespace/fleet",)
    ]
    unpauses = [n for n, s in enumerate(steps(of)) if s.kind.startswith("cluster-api.unpause")]
    assert position(of, "openstack.server.lock", last=True) < min(applies)
    assert max(applies) < min(unpauses)
    assert max(unpauses) < position(of, "openstack.server.unlock")
    creates = [s for s in steps(of) if s.kind == "openstack.application-credential.create"]
    assert creates[0].params["roles"] == ["reader"]
    assert "reader" not in str(creates[1].params["roles"])
    assert max(unpauses) < [s.id for s in steps(of)].index(creates[1].id)
    locked = [s.params["server"] for s in steps(of) if s.kind == "openstack.server.lock"]
    unlocked = [s.params["server"] for s in steps(of) if s.kind == "openstack.server.unlock"]
    assert locked == unlocked == [m.server_id for m in of.machines]


def test_lock_of_somebody_else_is_neither_taken_nor_opened() -> None:
    of = plan(with_servers(healthy(), lambda s: replace(s, locked=s.name == "plain-cp-2")))
    other = next(m.server_id for m in of.machines if m.machine == "plain-cp-2")
    touched = {
        s.params["server"]
        for s in steps(of)
        if s.kind in ("openstack.server.lock", "openstack.server.unlock")
    }
    assert other not in touched
    assert len(touched) == 4


@cases
def test_control_plane_is_unpaused_last_and_only_with_all_its_machines(case: Case) -> None:
    of = case.plan()
    unpauses = [s for s in steps(of) if s.kind.startswith("cluster-api.unpause")]
    assert unpauses[0].kind == "cluster-api.unpause-cluster"
    assert str(unpauses[-1].params["object"]).startswith("KubeadmControlPlane/")
    machines = [m.machine for m in of.machines if m.role == "control-plane"]
    gate = next(c for c in unpauses[-1].before if c.kind == "cluster-api.control-plane-machines")
    assert gate.params["machines"] == machines
    assert "etcd.members-are-nodes" in {c.kind for c in unpauses[-1].before}
    kinds = [str(s.params["object"]).partition("/")[0] for s in unpauses[1:-1]]
    assert kinds == ["MachineSet", "MachineDeployment"] * (len(kinds) // 2)


@cases
def test_kcp_is_written_after_every_control_plane_machine(case: Case) -> None:
    of = case.plan()
    order = [name for step in steps(of) for name in step.objects]
    kcp = order.index("KubeadmControlPlane/plain-control-plane")
    assert all(order.index(f"Machine/{m.machine}") < kcp for m in of.machines)
    for group in of.groups:
        if group.role == "worker":
            deployment = order.index(f"MachineDeployment/{group.name}")
            assert order.index(f"MachineSet/{group.name}-adopted") < deployment
            assert all(order.index(f"Machine/{name}") < deployment for name in group.machines)


@cases
def test_gates_after_the_cluster_is_unpaused_look_at_node_refs_and_the_cloud(case: Case) -> None:
    of = case.plan()
    (step,) = [s for s in steps(of) if s.kind == "cluster-api.unpause-cluster"]
    gates = {check.kind: check.params for check in step.after}
    assert gates["cluster-api.node-refs"]["nodes"] == {m.machine: m.node for m in of.machines}
    assert gates["cluster-api.server-ids"]["servers"] == {m.machine: m.server_id for m in of.machines}
    assert gates["openstack.unchanged"]["ports"] == [p.id for m in of.machines for p in m.ports]
    assert not {kind for kind in gates if "available" in kind or kind.endswith(".ready")}


@cases
def test_swapping_the_credential_asks_first_that_nothing_is_being_deleted(case: Case) -> None:
    (step,) = [s for s in steps(case.plan()) if s.id.endswith("swap-credential")]
    assert "cluster-api.nothing-deleting" in {check.kind for check in step.before}


# Findings


def test_blocker_of_the_audit_keeps_the_plan_from_being_ready() -> None:
    def finding(severity: Severity) -> Finding:
        return Finding(
            code="RP201",
            severity=severity,
            subject="etcd",
            evidence=("it is external",),
            consequence="c",
            remedy="r",
            unknown=True,
        )

    assert plan_takeover(healthy(), SETTINGS, (finding(Severity.RISK),)).ready
    blocked = plan_takeover(healthy(), SETTINGS, (finding(Severity.BLOCKER), finding(Severity.RISK)))
    assert not blocked.ready
    assert [(f.code, f.severity, f.unknown) for f in blocked.findings] == [
        ("RP201", "blocker", True),
        ("RP201", "risk", True),
    ]


def test_healthy_cluster_is_planned_without_a_finding() -> None:
    of = plan(healthy())
    assert of.ready
    assert of.findings == ()
