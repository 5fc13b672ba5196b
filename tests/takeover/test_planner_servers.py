"""Names by which CAPO finds ports and servers."""

from __future__ import annotations

from dataclasses import replace

from planner_cases import (
    SETTINGS,
    cloud_of,
    healthy,
    with_cloud,
    with_ports,
    with_servers,
)
from planner_words import codes, plan, spec_of, steps

from replank.domain.unknown import is_known
from replank.inventory.facts.openstack import AddressPair, FixedIP, Namesake, Port
from replank.inventory.facts.snapshot import Snapshot


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
