"""The reader against the twin, over real HTTP with the real SDK."""

from __future__ import annotations

import asyncio
import copy
import random
from pathlib import Path

import pytest
from openstack_sample import PASSWORD, SECRETS, clouds_yaml, other_project, project, server

from replank.domain.errors import Refused
from replank.inventory.facts.openstack import (
    AddressPair,
    AvailabilityZone,
    FixedIP,
    OpenStackFacts,
    Quota,
    ServerAddress,
)
from replank.inventory.fleet.model import CloudRef
from replank.testbed.serve.openstack import AppCredential, Fault, OpenStackTwin
from replank.transports.openstack.reader import OpenStackReader

# openstacksdk warns of its own plans at every request.
pytestmark = pytest.mark.filterwarnings("ignore::PendingDeprecationWarning")


def read(cloud: CloudRef, reader: OpenStackReader | None = None) -> OpenStackFacts:
    return asyncio.run((reader or OpenStackReader(read_timeout_s=5)).read(cloud))


@pytest.fixture(scope="module")
def facts(tmp_path_factory: pytest.TempPathFactory) -> OpenStackFacts:
    with OpenStackTwin([project(), other_project()]) as twin:
        return read(clouds_yaml(tmp_path_factory.mktemp("facts"), twin))


def test_project_region_and_roles_come_from_the_token(facts: OpenStackFacts) -> None:
    assert (facts.project_id, facts.project_name, facts.region) == ("project-1", "clusters", "RegionOne")
    assert facts.roles == ("load-balancer_member", "member", "reader")


def test_servers_are_read_with_what_other_listings_tell_of_them(facts: OpenStackFacts) -> None:
    one, two, three = facts.servers
    assert [one.id, two.id, three.id] == ["server-1", "server-2", "server-3"]
    assert (one.flavor, one.flavor_id, one.image_id) == ("m1.large", "flavor-1", "image-1")
    assert (one.locked, two.locked) == (False, True)
    assert one.server_group_ids == ("sgroup-1",)
    assert three.server_group_ids == ()
    assert (three.image_id, three.attached_volumes) == ("", ("volume-1",))
    assert one.addresses == (
        ServerAddress(network="net", address="10.0.0.11", mac="fa:16:3e:00:00:01"),
        ServerAddress(network="net", address="203.0.113.1", kind="floating"),
    )
    assert (one.tags, one.security_groups, one.key_name) == (("a", "b"), ("nodes",), "ops")
    assert (one.availability_zone, one.host_name, one.task_state) == ("az1", "cp-1", "")
    assert one.metadata == {"kubespray_groups": "etcd,kube_control_plane"}


def test_ports_are_read_with_pairs_relative_to_their_own_mac(facts: OpenStackFacts) -> None:
    first = facts.ports[0]
    assert [p.id for p in facts.ports] == ["port-1", "port-2", "port-3", "port-r"]
    assert first.allowed_address_pairs == (
        AddressPair(address="10.0.0.8", mac="00:00:5e:00:01:01"),
        AddressPair(address="10.0.0.9"),
    )
    assert first.fixed_ips == (FixedIP(address="10.0.0.11", subnet_id="subnet-1"),)
    assert (first.device_id, first.security_group_ids) == ("server-1", ("group-1",))
    assert facts.ports[2].name == ""


def test_networks_routers_and_floating_ips_are_read(facts: OpenStackFacts) -> None:
    external, own = facts.networks
    assert (external.external, own.external, own.mtu) == (True, False, 1450)
    assert facts.subnets[0].dns_servers == ("9.9.9.9", "1.1.1.1"), "their order is their priority"
    assert facts.routers[0].interface_subnet_ids == ("subnet-1",)
    assert facts.routers[0].external_network_id == "ext-1"
    assert (facts.floating_ips[0].port_id, facts.floating_ips[0].fixed_ip) == ("port-1", "10.0.0.11")
    rules = facts.security_groups[0].rules
    assert [(r.id, r.protocol, r.port_min, r.remote_group_id) for r in rules] == [
        ("rule-1", "tcp", 6443, ""),
        ("rule-2", "", None, "group-1"),
    ]


def test_load_balancers_are_read_whole(facts: OpenStackFacts) -> None:
    (balancer,) = facts.load_balancers
    assert (balancer.vip_address, balancer.vip_port_id, balancer.flavor_id) == ("10.0.0.9", "port-v", "")
    assert balancer.listeners[0].allowed_cidrs == ("0.0.0.0/0", "10.0.0.0/8")
    assert balancer.listeners[0].pool_id == "pool-1"
    (pool,) = balancer.pools
    assert [m.address for m in pool.members] == ["10.0.0.11", "10.0.0.12", "10.0.0.13"]
    assert pool.monitor is not None
    assert (pool.monitor.type, pool.monitor.delay, pool.monitor.max_retries_down) == ("TCP", 10, 3)


def test_volumes_know_from_nova_whether_they_go_with_their_server(facts: OpenStackFacts) -> None:
    root, data = facts.volumes
    assert (root.delete_on_termination, data.delete_on_termination) == (True, None)
    assert (root.bootable, root.image_id, root.size_gib) == (True, "image-2", 40)
    assert data.csi_cluster == "kubernetes"


def test_hidden_images_are_not_taken_for_gone(facts: OpenStackFacts) -> None:
    assert [(i.id, i.status) for i in facts.images] == [("image-1", "active"), ("image-2", "deactivated")]


def test_zones_quotas_and_keypairs_are_read(facts: OpenStackFacts) -> None:
    assert facts.keypairs == ("b", "ops")
    assert facts.zones == (
        AvailabilityZone(name="az1", service="compute"),
        AvailabilityZone(name="nz", service="network"),
        AvailabilityZone(name="nova", service="volume", available=False),
    )
    assert facts.quotas == (
        Quota(resource="cores", limit=100, used=12),
        Quota(resource="port", limit=-1, used=4),
        Quota(resource="volumes", limit=10, used=2),
    )


def test_nothing_secret_is_kept(facts: OpenStackFacts) -> None:
    text = repr(facts)
    assert not [secret for secret in SECRETS if secret in text]


def test_an_unlisted_image_of_a_server_is_asked_for_by_its_id(tmp_path: Path) -> None:
    given = project()
    # Glance shows a community image of others by its ID only; here the twin's listing lacks it.
    given.collections["compute"]["servers"].append(server(4, image={"id": "gone"}))
    with OpenStackTwin([given]) as twin:
        facts = read(clouds_yaml(tmp_path, twin))
    assert [i.id for i in facts.images] == ["image-1", "image-2"], "404 means that it is gone"


def test_pages_are_followed_to_their_end(tmp_path: Path, facts: OpenStackFacts) -> None:
    with OpenStackTwin([project()], page_size=1) as twin:
        assert read(clouds_yaml(tmp_path, twin)) == facts
        assert twin.requests["network"] > 10


def test_one_world_gives_one_set_of_facts_whatever_the_order_of_answers(
    tmp_path: Path, facts: OpenStackFacts
) -> None:
    shuffled = copy.deepcopy(project())
    rng = random.Random(7)
    for collections in shuffled.collections.values():
        for documents in collections.values():
            rng.shuffle(documents)
    with OpenStackTwin([shuffled]) as twin:
        assert read(clouds_yaml(tmp_path, twin)) == facts


def test_objects_of_another_project_are_not_seen(tmp_path: Path) -> None:
    with OpenStackTwin([project(), other_project()]) as twin:
        cloud = clouds_yaml(tmp_path, twin)
        text = Path(cloud.clouds_yaml).read_text().replace("survey", "other").replace("clusters", "others")
        Path(cloud.clouds_yaml).write_text(text.replace(PASSWORD, "planted-other-password"))
        assert [s.id for s in read(cloud).servers] == ["server-9"]


def test_an_application_credential_opens_the_project(tmp_path: Path) -> None:
    credential = {"app-1": AppCredential(project_id="project-1", secret="planted-app-secret")}
    path = tmp_path / "clouds.yaml"
    with OpenStackTwin([project()], application_credentials=credential) as twin:
        path.write_text(
            "clouds:\n  prod:\n    auth_type: v3applicationcredential\n    region_name: RegionOne\n"
            f"    auth:\n      auth_url: {twin.auth_url}\n      application_credential_id: app-1\n"
            "      application_credential_secret: planted-app-secret\n"
        )
        assert len(read(CloudRef(name="prod", clouds_yaml=str(path))).servers) == 3


def test_secure_yaml_beside_clouds_yaml_holds_the_password(tmp_path: Path) -> None:
    with OpenStackTwin([project()]) as twin:
        cloud = clouds_yaml(tmp_path, twin)
        path = Path(cloud.clouds_yaml)
        path.write_text(path.read_text().replace(f"      password: {PASSWORD}\n", ""))
        (tmp_path / "secure.yaml").write_text(f"clouds:\n  prod:\n    auth:\n      password: {PASSWORD}\n")
        assert len(read(cloud).servers) == 3


def test_the_environment_names_clouds_yaml_only_where_fleet_yaml_does_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "other.yaml").write_text("clouds: {elsewhere: {}}")
    with OpenStackTwin([project()]) as twin:
        cloud = clouds_yaml(tmp_path, twin)
        monkeypatch.setenv("OS_CLIENT_CONFIG_FILE", str(tmp_path / "other.yaml"))
        assert len(read(cloud).servers) == 3
        monkeypatch.setenv("OS_CLIENT_CONFIG_FILE", cloud.clouds_yaml)
        assert len(read(CloudRef(name="prod")).servers) == 3


def test_two_regions_of_one_project_are_told_apart(tmp_path: Path) -> None:
    second = project()
    second.region = "RegionTwo"
    second.collections["compute"]["servers"] = [server(7)]
    with OpenStackTwin([project(), second]) as twin:
        cloud = clouds_yaml(tmp_path, twin)
        path = Path(cloud.clouds_yaml)
        path.write_text(path.read_text().replace("region_name: RegionOne", "regions: [RegionOne, RegionTwo]"))
        there = CloudRef(name="prod", clouds_yaml=cloud.clouds_yaml, region="RegionTwo")
        assert [s.id for s in read(there).servers] == ["server-7"]
        path.write_text(path.read_text().replace("    regions: [RegionOne, RegionTwo]\n", ""))
        with pytest.raises(Refused) as caught:
            read(cloud)
    assert caught.value.code == "RP040"
    assert "RegionOne, RegionTwo" in caught.value.why


def test_the_only_region_of_a_catalog_needs_no_name(tmp_path: Path) -> None:
    with OpenStackTwin([project()]) as twin:
        cloud = clouds_yaml(tmp_path, twin)
        path = Path(cloud.clouds_yaml)
        path.write_text(path.read_text().replace("    region_name: RegionOne\n", ""))
        assert read(cloud).region == "RegionOne"


def test_a_token_that_dies_during_the_survey_is_renewed(tmp_path: Path, facts: OpenStackFacts) -> None:
    with OpenStackTwin([project()]) as twin:
        twin.faults.append(Fault(service="network", path="/ports", status=401, times=1))
        assert read(clouds_yaml(tmp_path, twin)) == facts


def test_requests_go_through_the_proxy_of_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with OpenStackTwin([project()]) as twin:
        cloud = clouds_yaml(tmp_path, twin)
        path = Path(cloud.clouds_yaml)
        # Nobody resolves this name: only the proxy, which is the twin, can answer for it.
        path.write_text(path.read_text().replace(twin.base_url, "http://keystone.invalid"))
        monkeypatch.setenv("http_proxy", twin.base_url)
        monkeypatch.setenv("no_proxy", "")
        assert len(read(cloud).servers) == 3


def test_an_administrator_sees_the_ports_of_the_project_alone(tmp_path: Path) -> None:
    given = project()
    given.roles = ("admin",)
    given.collections["network"]["ports"].append({"id": "x", "network_id": "n", "project_id": "project-9"})
    with OpenStackTwin([given]) as twin:
        facts = read(clouds_yaml(tmp_path, twin))
    assert "x" not in {p.id for p in facts.ports}


def test_each_collection_is_listed_once(tmp_path: Path) -> None:
    reader = OpenStackReader(read_timeout_s=5)
    with OpenStackTwin([project()]) as twin:
        read(clouds_yaml(tmp_path, twin), reader)
        assert reader.requests == twin.request_count
        # 2 to authenticate; Nova: versions, servers, flavors, groups and their empty last page, keypairs,
        # zones, quotas; Neutron: 8; Octavia: 4 and a pool's members; Glance: versions and 2; Cinder: 3.
        assert dict(twin.requests) == {
            "identity": 2,
            "compute": 8,
            "network": 8,
            "load-balancer": 5,
            "image": 3,
            "block-storage": 3,
        }
        assert twin.cpu_seconds > 0
