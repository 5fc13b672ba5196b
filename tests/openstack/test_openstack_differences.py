"""Where a state and the cloud disagree, attribute by attribute."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from cluster_sample import port, project, resource, state_of_a
from hypothesis import given, settings
from hypothesis import strategies as st

from replank.domain.unknown import Unknown
from replank.inventory.facts.openstack import AddressPair, Difference
from replank.inventory.openstack.differences import differences

BOOT = "Attempt to boot from volume - no image supplied"


def found(*resources: Any, **changes: Any) -> list[tuple[str, str, str]]:
    """(attribute, state, live) of each difference."""
    return [(d.attribute, d.state, d.live) for d in differences(project(**changes), resources)]


def agreeing_resources() -> list[Any]:
    """Resources as the provider writes them, that agree with the project."""
    return [
        resource(
            "compute_instance_v2",
            "a-cp-1-id",
            {
                "name": "a-cp-1",
                "flavor_id": "flavor-1",
                "image_id": "image-1",
                "key_pair": "ops",
                "availability_zone": "az1:host-7",
                "power_state": "active",
                "security_groups": ["group-a"],
                "all_tags": [],
                "scheduler_hints": [],
                "network": [
                    {
                        "uuid": "net-a",
                        "port": "a-cp-1-port-id",
                        "fixed_ip_v4": "10.97.0.11",
                        "fixed_ip_v6": "",
                    }
                ],
            },
        ),
        resource(
            "compute_instance_v2",
            "a-w-1-id",
            {
                "name": "a-w-1",
                "image_id": BOOT,
                "block_device": [
                    {"boot_index": 0, "source_type": "image", "uuid": "image-2"},
                    {"boot_index": -1, "source_type": "blank", "uuid": ""},
                ],
                "network": [{"uuid": "net-a", "port": "", "fixed_ip_v4": "10.97.0.12"}],
                "security_groups": ["a-nodes"],
            },
        ),
        resource(
            "networking_port_v2",
            "a-cp-1-port-id",
            {
                "name": "a-cp-1-port",
                "network_id": "net-a",
                "mac_address": "FA:16:3E:00:00:01",
                # Only an echo of the configuration, and stale: not compared.
                "fixed_ip": [{"subnet_id": "subnet-old", "ip_address": "10.97.0.99"}],
                "security_group_ids": ["group-old"],
                "device_id": "stale",
                "all_fixed_ips": ["10.97.0.11"],
                "all_security_group_ids": ["group-a"],
                "allowed_address_pairs": [{"ip_address": "10.97.0.5", "mac_address": "fa:16:3e:00:00:01"}],
                "port_security_enabled": True,
                "binding": [{"vnic_type": "normal"}],
            },
        ),
        resource("networking_network_v2", "net-a", {"name": "net-a", "mtu": 0, "shared": False}),
        resource(
            "networking_subnet_v2",
            "subnet-a",
            {"cidr": "10.97.0.0/24", "gateway_ip": "", "dns_nameservers": [], "enable_dhcp": True},
        ),
        resource("networking_router_v2", "router-a", {"external_network_id": "ext"}),
        resource("networking_floatingip_v2", "fip-a", {"address": "203.0.113.1", "port_id": ""}),
        resource(
            "networking_floatingip_associate_v2", "fip-a", {"port_id": "a-cp-1-port-id", "fixed_ip": ""}
        ),
        resource("compute_floatingip_associate_v2", "203.0.113.1/a-cp-1-id/", {"instance_id": "a-cp-1-id"}),
        resource("networking_secgroup_v2", "group-a", {"name": "a-nodes"}),
        resource("compute_servergroup_v2", "sgroup-a", {"policies": ["anti-affinity"]}),
        resource("blockstorage_volume_v3", "pv-1", {"size": 1, "volume_type": "", "name": "pvc-1"}),
        resource(
            "lb_loadbalancer_v2",
            "lb-a",
            {"vip_address": "10.97.0.9", "vip_subnet_id": "subnet-a", "loadbalancer_provider": ""},
        ),
        resource(
            "lb_listener_v2",
            "listener-a",
            {"protocol_port": 6443, "default_pool_id": "", "allowed_cidrs": [], "timeout_client_data": 50000},
        ),
        resource("lb_pool_v2", "pool-a", {"lb_method": "ROUND_ROBIN", "protocol": "TCP"}),
        resource("lb_members_v2", "pool-a", {"member": [{"address": "10.97.0.11", "protocol_port": 6443}]}),
        resource(
            "lb_member_v2",
            "member-10.97.0.11",
            {"address": "10.97.0.11", "protocol_port": 6443.0, "weight": 1, "subnet_id": ""},
        ),
        resource("lb_monitor_v2", "monitor-a", {"type": "TCP", "delay": 5, "timeout": 3, "max_retries": 3}),
    ]


def test_a_state_that_agrees_gives_no_difference() -> None:
    assert differences(project(), agreeing_resources()) == ()


def test_a_difference_names_address_and_id() -> None:
    moved = resource("networking_network_v2", "net-a", {"name": "old"})
    assert differences(project(), [moved]) == (
        Difference(
            address="openstack_networking_network_v2.net-a",
            id="net-a",
            attribute="name",
            state="old",
            live="net-a",
        ),
    )


@pytest.mark.parametrize(
    ("attributes", "expected"),
    [
        ({"name": "old"}, ("name", "old", "a-cp-1")),
        ({"flavor_id": "flavor-2"}, ("flavor_id", "flavor-2", "flavor-1")),
        ({"image_id": "image-9"}, ("image_id", "image-9", "image-1")),
        ({"image_id": BOOT}, ("image_id", "boot from volume", "image-1")),
        ({"key_pair": ""}, ("key_pair", "none", "ops")),
        ({"availability_zone": "az2"}, ("availability_zone", "az2", "az1")),
        ({"power_state": "shutoff"}, ("power_state", "shutoff", "active")),
        ({"security_groups": ["default", "group-a"]}, ("security_groups", "a-nodes, default", "a-nodes")),
        ({"scheduler_hints": [{"group": "sgroup-a"}]}, ("server group", "sgroup-a", "none")),
        ({"all_tags": ["x"]}, ("tags", "x", "none")),
        ({"network": [{"uuid": "net-a"}, {"uuid": "net-b"}]}, ("networks", "net-a, net-b", "net-a")),
        (
            {"network": [{"uuid": "net-a", "fixed_ip_v4": "10.97.0.77"}]},
            ("fixed IPs", "10.97.0.77", "10.97.0.11"),
        ),
        ({"network": [{"uuid": "net-a", "port": "old"}]}, ("ports", "old", "a-cp-1-port-id")),
    ],
)
def test_differences_of_a_server(attributes: dict[str, Any], expected: tuple[str, str, str]) -> None:
    assert found(resource("compute_instance_v2", "a-cp-1-id", attributes)) == [expected]


def test_a_server_that_boots_from_a_volume_is_compared_by_the_image_of_its_root_volume() -> None:
    boot = [{"boot_index": 0, "source_type": "image", "uuid": "image-3"}]
    given_resource = resource("compute_instance_v2", "a-w-1-id", {"image_id": BOOT, "block_device": boot})
    assert found(given_resource) == [("image of the root volume", "image-3", "image-2")]
    assert found(given_resource, volumes=Unknown("no rights", "RP042")) == []


def test_a_flavor_that_is_gone_is_compared_by_name() -> None:
    servers = tuple(replace(s, flavor_id="") for s in project().servers)
    claims = {"flavor_id": "flavor-0", "flavor_name": "m1.small"}
    given_resource = resource("compute_instance_v2", "a-cp-1-id", claims)
    assert found(given_resource, servers=servers) == [("flavor_name", "m1.small", "m1.large")]


@pytest.mark.parametrize(
    ("attributes", "expected"),
    [
        (
            {"all_fixed_ips": ["10.97.0.11", "10.97.0.99"]},
            ("fixed IPs", "10.97.0.11, 10.97.0.99", "10.97.0.11"),
        ),
        ({"all_security_group_ids": []}, ("security groups", "none", "group-a")),
        ({"allowed_address_pairs": []}, ("allowed_address_pairs", "none", "10.97.0.5")),
        (
            {"allowed_address_pairs": [{"ip_address": "10.97.0.5", "mac_address": "00:00:5e:00:01:01"}]},
            ("allowed_address_pairs", "10.97.0.5 (00:00:5e:00:01:01)", "10.97.0.5"),
        ),
        ({"port_security_enabled": False}, ("port security", "no", "yes")),
        ({"network_id": "net-b"}, ("network_id", "net-b", "net-a")),
        ({"binding": [{"vnic_type": "direct"}]}, ("vnic_type", "direct", "normal")),
    ],
)
def test_differences_of_a_port(attributes: dict[str, Any], expected: tuple[str, str, str]) -> None:
    assert found(resource("networking_port_v2", "a-cp-1-port-id", attributes)) == [expected]


@pytest.mark.parametrize(
    ("kind", "id_", "attributes", "expected"),
    [
        (
            "networking_subnet_v2",
            "subnet-a",
            {"gateway_ip": "10.97.0.1"},
            ("gateway_ip", "10.97.0.1", "none"),
        ),
        (
            "networking_subnet_v2",
            "subnet-a",
            {"dns_nameservers": ["9.9.9.9", "1.1.1.1"]},
            ("dns_nameservers", "9.9.9.9, 1.1.1.1", "none"),
        ),
        (
            "networking_router_v2",
            "router-a",
            {"external_gateway": "ext-old"},
            ("external_network_id", "ext-old", "ext"),
        ),
        (
            "networking_router_interface_v2",
            "a-cp-1-port-id",
            {"router_id": "router-a"},
            ("router_id", "router-a", "a-cp-1-id"),
        ),
        (
            "networking_floatingip_v2",
            "fip-a",
            {"port_id": "a-w-1-port-id"},
            ("port_id", "a-w-1-port-id", "a-cp-1-port-id"),
        ),
        ("networking_floatingip_v2", "fip-a", {"port_id": ""}, ("port_id", "none", "a-cp-1-port-id")),
        (
            "compute_floatingip_associate_v2",
            "203.0.113.1/a-w-1-id/",
            {"instance_id": "a-w-1-id"},
            ("instance_id", "a-w-1-id", "a-cp-1-id"),
        ),
        (
            "compute_servergroup_v2",
            "sgroup-a",
            {"policies": ["affinity"]},
            ("policy", "affinity", "anti-affinity"),
        ),
        ("blockstorage_volume_v2", "pv-1", {"size": "20"}, ("size", "20", "1")),
        (
            "lb_loadbalancer_v2",
            "lb-a",
            {"vip_address": "10.97.0.8"},
            ("vip_address", "10.97.0.8", "10.97.0.9"),
        ),
        ("lb_listener_v2", "listener-a", {"protocol_port": 443}, ("protocol_port", "443", "6443")),
        (
            "lb_listener_v2",
            "listener-a",
            {"allowed_cidrs": ["192.0.2.0/24"]},
            ("allowed_cidrs", "192.0.2.0/24", "none"),
        ),
        (
            "lb_pool_v2",
            "pool-a",
            {"lb_method": "LEAST_CONNECTIONS"},
            ("lb_method", "LEAST_CONNECTIONS", "ROUND_ROBIN"),
        ),
        (
            "lb_members_v2",
            "pool-a",
            {
                "member": [
                    {"address": "10.97.0.11", "protocol_port": 6443},
                    {"address": "10.97.0.13", "protocol_port": 6443},
                ]
            },
            ("members", "10.97.0.11:6443, 10.97.0.13:6443", "10.97.0.11:6443"),
        ),
        ("lb_member_v2", "member-10.97.0.11", {"backup": True}, ("backup", "yes", "no")),
        ("lb_monitor_v2", "monitor-a", {"delay": 10}, ("delay", "10", "5")),
    ],
)
def test_differences_of_other_resources(
    kind: str, id_: str, attributes: dict[str, Any], expected: tuple[str, str, str]
) -> None:
    assert found(resource(kind, id_, attributes)) == [expected]


@pytest.mark.parametrize(
    "silent",
    [
        resource("networking_network_v2", "net-a", {"name": "old"}, mode="data"),
        resource("networking_network_v2", "net-a", {"name": "old"}, deposed="3f1a"),
        resource("networking_network_v2", "net-a", {"name": "old", "region": "RegionTwo"}),
        resource("networking_network_v2", "net-a", {"name": None}),
        resource("networking_network_v2", "gone", {"name": "old"}),
        resource("networking_network_v2", "net-a", {"name": "old"}, type="other_networking_network_v2"),
        resource("dns_zone_v2", "zone", {"name": "old"}),
    ],
)
def test_these_claim_nothing(silent: Any) -> None:
    assert found(silent) == []


def test_a_listing_that_was_not_seen_differs_in_nothing() -> None:
    changes = dict.fromkeys(
        ("servers", "ports", "networks", "subnets", "routers", "load_balancers", "volumes"),
        Unknown("no rights", "RP042"),
    )
    wrong = [replace(r, attributes={"name": "old", **r.attributes}) for r in agreeing_resources()]
    kinds = {d.address.partition(".")[0] for d in differences(project(**changes), wrong)}
    assert kinds <= {"openstack_networking_secgroup_v2", "openstack_compute_servergroup_v2"}


def test_pairs_of_another_mac_are_shown_with_it() -> None:
    vrrp = port(
        "a",
        "cp-1",
        "10.97.0.11",
        allowed_address_pairs=(AddressPair(address="10.97.0.5", mac="00:00:5e:00:01:01"),),
    )
    given_resource = resource(
        "networking_port_v2",
        "a-cp-1-port-id",
        {"allowed_address_pairs": [{"ip_address": "10.97.0.5", "mac_address": ""}]},
    )
    assert found(given_resource, ports=(vrrp,)) == [
        ("allowed_address_pairs", "10.97.0.5", "10.97.0.5 (00:00:5e:00:01:01)")
    ]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=6,
)


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_no_attribute_of_any_shape_breaks_the_comparison(data: st.DataObject) -> None:
    chosen = data.draw(st.sampled_from([*agreeing_resources(), *state_of_a()]))
    names = sorted(chosen.attributes) or ["name"]
    changed = {data.draw(st.sampled_from(names)): data.draw(JSON)}
    found_here = differences(project(), [replace(chosen, attributes={**chosen.attributes, **changed})])
    assert all(d.state != d.live and isinstance(d.state, str) for d in found_here)
