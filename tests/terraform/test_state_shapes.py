"""What is found in states of every shape that was met in public, or that the tools' sources describe."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest

from replank.inventory.facts.terraform import StateFile, TerraformResource
from replank.inventory.terraform import parse_state

FIXTURES = Path(__file__).parent / "fixtures"
STATES = sorted(
    [
        *("terraform-0.12.tfstate", "kubespray.tfstate", "opentofu.tfstate", "for-each.tfstate"),
        *("nested-modules.tfstate", "two-clusters.tfstate", "flat.tfstate", "no-instances.tfstate"),
        *("show.json", "show-0.12.json"),
    ]
)


def uid(number: int) -> str:
    return f"00000000-0000-4000-8000-{number:012d}"


def read(name: str) -> StateFile:
    return parse_state((FIXTURES / name).read_bytes(), source=name, backend="local")


def one(state: StateFile, address: str, deposed: str = "") -> TerraformResource:
    [found] = [r for r in state.resources if r.address == address and r.deposed == deposed]
    return found


def types(state: StateFile) -> dict[str, int]:
    return dict(sorted(Counter(r.type.removeprefix("openstack_") for r in state.resources).items()))


def test_terraform_0_12_has_legacy_provider_names_and_depends_on() -> None:
    state = read("terraform-0.12.tfstate")
    assert (state.form, state.tool_version, state.serial, state.lineage) == ("v4", "0.12.4", 33, uid(999))
    assert types(state) == {"compute_instance_v2": 1, "compute_keypair_v2": 1, "compute_secgroup_v2": 1}
    server = one(state, "openstack_compute_instance_v2.node")
    assert (server.provider, server.provider_alias, server.id) == ("openstack", "", uid(1))
    assert server.dependencies == ("openstack_compute_keypair_v2.ops",)
    assert one(state, "openstack_compute_keypair_v2.ops").provider_alias == "eu"
    rule = {"cidr": "0.0.0.0/0", "from_group_id": "", "from_port": 22, "id": uid(601), "ip_protocol": "tcp"}
    assert one(state, "openstack_compute_secgroup_v2.sg").attributes["rule"] == [
        {**rule, "self": False, "to_port": 22}
    ]


def test_kubespray_roles_and_ports_are_found_in_modules_with_count_and_for_each() -> None:
    state = read("kubespray.tfstate")
    assert types(state) == {
        "compute_instance_v2": 6,
        "compute_keypair_v2": 1,
        "networking_floatingip_v2": 3,
        "networking_port_v2": 5,
        "networking_router_v2": 1,
    }
    assert state.skipped_providers == {"hashicorp/null": 1}
    master = one(state, "module.compute.openstack_compute_instance_v2.k8s_master[2]")
    assert (master.module, master.index, master.id) == ("module.compute", 2, uid(13))
    assert master.attributes["metadata"] == {
        "kubespray_groups": "etcd,kube_control_plane,k8s_cluster",
        "ssh_user": "ubuntu",
    }
    assert one(state, 'module.compute.openstack_compute_instance_v2.k8s_nodes["b"]').index == "b"
    port = one(state, "module.compute.openstack_networking_port_v2.k8s_master_port[0]").attributes
    assert port["all_fixed_ips"] == ["10.0.0.11"]
    assert port["allowed_address_pairs"] == [{"ip_address": "10.0.0.100", "mac_address": ""}]


def test_opentofu_keeps_the_provider_of_each_instance_and_half_made_servers() -> None:
    state = read("opentofu.tfstate")
    assert state.skipped_providers == {"hashicorp/local": 1, "hashicorp/random": 1}
    eu = one(state, 'openstack_compute_instance_v2.region["eu"]')
    assert (eu.provider, eu.provider_alias) == ("terraform-provider-openstack/openstack", 'by_region["eu"]')
    half = one(state, "openstack_compute_instance_v2.test[1]")
    assert half.tainted
    assert half.id == uid(2)
    assert "image_id" not in half.attributes  # null: the tool never learnt it
    assert not one(state, "openstack_compute_instance_v2.test[0]").tainted
    assert one(state, "data.openstack_networking_network_v2.public").mode == "data"


def test_for_each_keys_aliases_volumes_and_data_are_found() -> None:
    state = read("for-each.tfstate")
    assert types(state) == {
        "blockstorage_volume_v3": 1,
        "compute_instance_v2": 2,
        "compute_interface_attach_v2": 1,
        "compute_volume_attach_v2": 1,
        "networking_network_v2": 1,
        "networking_port_v2": 4,
        "networking_secgroup_v2": 1,
        "objectstorage_container_v1": 1,
    }
    assert one(state, "openstack_objectstorage_container_v1.store").provider_alias == "swift"
    volume = one(state, "openstack_blockstorage_volume_v3.data").attributes
    assert volume["attachment"] == [{"device": "/dev/vdb", "id": uid(402), "instance_id": uid(31)}]
    assert volume["metadata"] == {}


def test_nested_modules_deposed_objects_and_boot_volumes_are_found() -> None:
    state = read("nested-modules.tfstate")
    address = 'module.site["eu-1"].module.pool[0].openstack_compute_instance_v2.this'
    live, deposed = one(state, address), one(state, address, "8a3f01bc")
    assert (live.id, deposed.id) == (uid(41), uid(42))
    assert live.module == 'module.site["eu-1"].module.pool[0]'
    [root] = live.attributes["block_device"]  # type: ignore[misc]
    assert isinstance(root, dict)
    assert (root["boot_index"], root["uuid"], root["delete_on_termination"]) == (0, uid(800), False)
    assert live.attributes["scheduler_hints"] == [{"group": uid(900)}]
    group = one(state, 'module.site["eu-1"].openstack_compute_servergroup_v2.this')
    assert (group.provider_alias, group.attributes["members"]) == ("eu", [uid(41)])


def test_addresses_are_quoted_as_terraform_state_list_prints_them() -> None:
    # Compared with Terraform 1.11.4.
    addresses = [r.address for r in read("nested-modules.tfstate").resources if r.name == "odd"]
    assert sorted(addresses) == [
        'openstack_networking_network_v2.odd[""]',
        'openstack_networking_network_v2.odd["a.b\\"c $${x}"]',
    ]


def test_only_the_marked_part_of_a_sensitive_attribute_is_hidden() -> None:
    address = 'module.site["eu-1"].module.pool[0].openstack_compute_instance_v2.this'
    deposed = one(read("nested-modules.tfstate"), address, "8a3f01bc")
    assert "key_pair" not in deposed.attributes
    [network] = deposed.attributes["network"]  # type: ignore[misc]
    assert isinstance(network, dict)
    assert "fixed_ip_v4" not in network
    assert network["uuid"] == uid(500)


def test_flat_attributes_keep_names_and_order_and_get_their_types() -> None:
    server = one(read("flat.tfstate"), "openstack_compute_instance_v2.cp[0]")
    assert server.id == uid(71)
    assert server.attributes["network"] == [
        {"access_network": False, "fixed_ip_v4": "10.0.0.71", "port": uid(171), "uuid": uid(500)},
        {"port": "", "uuid": uid(501)},
    ]
    assert server.attributes["security_groups"] == ["k8s", "default"]
    assert server.attributes["metadata"] == {"role": "master"}
    assert server.attributes["block_device"] == [
        {"boot_index": 0, "delete_on_termination": True, "uuid": uid(800), "volume_size": 40}
    ]


def test_a_resource_without_instances_is_no_resource() -> None:
    state = read("no-instances.tfstate")
    assert state.resources == ()
    assert state.skipped_providers == {}


def test_show_json_gives_what_the_state_itself_would() -> None:
    state = read("show.json")
    assert (state.form, state.serial, state.lineage) == ("show-json", None, None)
    assert [(r.address, r.deposed, r.tainted) for r in state.resources] == [
        ("data.openstack_networking_network_v2.public", "", False),
        ('module.a["k"].module.b[2].openstack_networking_port_v2.p["x"]', "", False),
        ('module.a["k"].openstack_compute_instance_v2.cp[0]', "", False),
        ('module.a["k"].openstack_compute_instance_v2.cp[1]', "", True),
        ('module.a["k"].openstack_compute_instance_v2.cp[1]', "12ab34cd", False),
    ]
    first = state.resources[2]
    assert "key_pair" not in first.attributes
    assert first.attributes["security_groups"] == ["default"]
    assert first.dependencies == ('module.a["k"].openstack_networking_port_v2.cp',)
    assert state.skipped_providers == {"hashicorp/random": 1}


def test_show_json_of_0_12_gets_whole_addresses() -> None:
    [server] = read("show-0.12.json").resources
    assert (server.address, server.provider) == (
        "module.compute.openstack_compute_instance_v2.node[0]",
        "openstack",
    )


def test_a_state_without_values_holds_nothing() -> None:
    state = parse_state(b'{"format_version":"1.0"}', source="x", backend="local")
    assert state.resources == ()


def test_resources_are_in_the_order_of_numbers() -> None:
    kind = '"mode":"managed","type":"openstack_networking_port_v2","name":"p","provider":"provider.openstack"'
    instances = ",".join(f'{{"index_key":{i},"attributes":{{"id":"{i}"}}}}' for i in (10, 2, 1))
    text = f'{{"version":4,"resources":[{{{kind},"instances":[{instances}]}}]}}'
    state = parse_state(text.encode(), source="x", backend="local")
    assert [r.index for r in state.resources] == [1, 2, 10]


@pytest.mark.parametrize("name", STATES)
def test_nothing_planted_is_kept(name: str) -> None:
    raw = (FIXTURES / name).read_text()
    assert "PLANTED" not in repr(read(name))
    assert "da39a3ee5e6b4b0d3255bfef95601890afd80709" not in repr(read(name))  # user_data
    if name not in ("no-instances.tfstate", "two-clusters.tfstate", "show-0.12.json"):
        assert "PLANTED" in raw or "user_data" in raw


@pytest.mark.parametrize("name", STATES)
def test_no_instance_is_lost(name: str) -> None:
    raw = json.loads((FIXTURES / name).read_text())
    wanted = []
    waiting = [raw.get("resources"), raw.get("values")]
    while waiting:
        node = waiting.pop()
        if isinstance(node, list):
            waiting += node
        elif isinstance(node, dict):
            if str(node.get("type", "")).startswith("openstack_"):
                bodies = [i.get("attributes") or i["attributes_flat"] for i in node.get("instances", [])]
                wanted += [body["id"] for body in bodies or [node["values"]] if body] if bodies else []
                if "values" in node:
                    wanted.append(node["values"]["id"])
            else:
                waiting += node.values()
    assert sorted(wanted) == sorted(r.id for r in read(name).resources)
    assert all(r.state == name for r in read(name).resources)
