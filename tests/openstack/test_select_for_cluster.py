"""Which part of a project belongs to a cluster, and what stands out in it."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

import pytest
from cluster_sample import balancer, node, port, project, resource, server, service, state_of_a
from hypothesis import given, settings
from hypothesis import strategies as st

from replank.domain.unknown import Unknown
from replank.inventory.facts.openstack import (
    AddressPair,
    Discovered,
    FixedIP,
    LoadBalancer,
    MissingResource,
    Namesake,
    OpenStackFacts,
    Pool,
    PoolMember,
    ServerGroup,
    SharedResource,
    Volume,
    VolumeAttachment,
)
from replank.inventory.openstack.select import SELECTED, select_for_cluster

NOT_SEEN = Unknown("OpenStack prod: the service answered 403", "RP042")


def ids(items: Any) -> list[str]:
    return [item.id for item in items]


def test_the_state_selects_its_servers_and_all_that_hangs_on_them() -> None:
    part = select_for_cluster(project(), resources=state_of_a())
    assert ids(part.servers) == ["a-cp-1-id", "a-w-1-id"]
    assert ids(part.ports) == ["a-cp-1-port-id", "a-w-1-port-id", "vip-a"]
    assert ids(part.networks) == ["ext", "net-a"], "the external network is needed to name it"
    assert ids(part.subnets) == ["subnet-a"]
    assert ids(part.routers) == ["router-a"]
    assert ids(part.security_groups) == ["group-a"]
    assert ids(part.floating_ips) == ["fip-a"]
    assert ids(part.volumes) == ["root-1"]
    assert ids(part.server_groups) == ["sgroup-a"]
    assert ids(part.load_balancers) == ["lb-a"]
    assert ids(part.flavors) == ["flavor-1"]
    assert ids(part.images) == ["image-1", "image-2"], "of the server, and of the root volume"
    assert part.keypairs == ("ops",)
    assert part.missing == ()


def test_provider_ids_alone_select_the_same_things() -> None:
    nodes = [node("a-cp-1", "openstack:///a-cp-1-id"), node("a-w-1", "openstack://RegionOne/a-w-1-id")]
    by_state = select_for_cluster(project(), resources=state_of_a())
    by_nodes = select_for_cluster(project(), resources=Unknown("no state"), nodes=nodes)
    assert [getattr(by_nodes, name) for name in SELECTED] == [getattr(by_state, name) for name in SELECTED]
    assert by_nodes.discovered == (), "without a state nothing can stand outside of it"


def test_what_is_not_in_the_state_is_discovered_with_its_evidence() -> None:
    part = select_for_cluster(project(), resources=state_of_a(), volume_handles=["pv-1"])
    assert part.discovered == (
        Discovered(kind="port", id="a-w-1-port-id", name="", evidence="interface of server a-w-1"),
        Discovered(kind="volume", id="pv-1", name="pvc-1", evidence="a PersistentVolume names it"),
        Discovered(kind="volume", id="root-1", name="", evidence="attached to server a-w-1"),
    )


def test_networks_around_a_server_that_no_state_has_are_discovered_by_name() -> None:
    state = [resource("compute_instance_v2", "a-cp-1-id", {"network": [{"uuid": "net-a"}]})]
    evidence = {d.id: d.evidence for d in select_for_cluster(project(), resources=state).discovered}
    assert evidence["net-a"] == "load balancer a-api stands in it"
    assert evidence["a-cp-1-port-id"] == "interface of server a-cp-1"
    assert evidence["subnet-a"] == "in network net-a"
    assert evidence["router-a"] == "has an interface in subnet subnet-a"
    assert "ext" not in evidence, "the external network belongs to nobody's cluster"


def test_a_node_whose_server_no_state_has_is_discovered() -> None:
    state = [r for r in state_of_a() if r.id != "a-w-1-id"]
    part = select_for_cluster(project(), resources=state, nodes=[node("a-w-1", "openstack:///a-w-1-id")])
    assert (
        Discovered(kind="server", id="a-w-1-id", name="a-w-1", evidence="providerID of Node a-w-1")
        in part.discovered
    )


@pytest.mark.parametrize(
    ("given_node", "evidence"),
    [
        (node("a-w-1", system_uuid="A-W-1-ID"), "systemUUID of Node a-w-1"),
        (node("a-w-1", system_uuid="aw1id"), "systemUUID of Node a-w-1"),
        (node("elsewhere", address="10.97.0.12"), "address of Node elsewhere"),
        (node("a-w-1.example.org", address="192.0.2.1"), "name of Node a-w-1.example.org"),
    ],
)
def test_a_node_without_provider_id_is_joined_by_weaker_keys(given_node: Any, evidence: str) -> None:
    state = [r for r in state_of_a() if r.id != "a-w-1-id"]
    part = select_for_cluster(project(), resources=state, nodes=[given_node])
    assert [d.evidence for d in part.discovered if d.kind == "server"] == [evidence]


def test_a_weak_key_never_takes_a_server_that_another_cluster_claims() -> None:
    part = select_for_cluster(
        project(),
        resources=state_of_a(),
        nodes=[node("b-cp-1", address="10.98.0.11")],
        claimed_by_others={"b-cp-1-id": "b"},
    )
    assert ids(part.servers) == ["a-cp-1-id", "a-w-1-id"]


def test_a_weak_key_that_fits_two_servers_takes_none() -> None:
    twins = (*project().servers, server("c", "x", "10.98.0.11"))
    part = select_for_cluster(
        project(servers=twins), resources=state_of_a(), nodes=[node("n", address="10.98.0.11")]
    )
    assert ids(part.servers) == ["a-cp-1-id", "a-w-1-id"]


def test_a_weak_key_that_fits_a_server_of_the_state_looks_no_further() -> None:
    # The addresses of two networks of one project may be the same.
    overlapping = (*project().servers, server("c", "x", "10.97.0.13", name="a-cp-1"))
    part = select_for_cluster(
        project(servers=overlapping), resources=state_of_a(), nodes=[node("a-cp-1", address="10.97.0.11")]
    )
    assert ids(part.servers) == ["a-cp-1-id", "a-w-1-id"]


def test_a_provider_id_counts_even_where_another_cluster_claims_the_server() -> None:
    part = select_for_cluster(
        project(), nodes=[node("b-cp-1", "openstack:///b-cp-1-id")], claimed_by_others={"b-cp-1-id": "b"}
    )
    assert ids(part.servers) == ["b-cp-1-id"]


def test_what_the_state_names_and_the_cloud_lacks_is_missing() -> None:
    gone = [
        resource("compute_instance_v2", "gone"),
        resource("compute_instance_v2", "old", deposed="3f1a"),
        resource("lb_member_v2", "member-gone"),
        resource("networking_secgroup_rule_v2", "rule-gone"),
        resource("compute_volume_attach_v2", "a-w-1-id/pv-1", {"volume_id": "pv-1"}),
        resource("compute_interface_attach_v2", "a-w-1-id/b-cp-1-port-id"),
        resource("compute_floatingip_associate_v2", "203.0.113.9/a-cp-1-id/10.97.0.11"),
        resource("images_image_v2", "image-gone"),
    ]
    part = select_for_cluster(project(), resources=[*state_of_a(), *gone])
    assert part.missing == (
        MissingResource(
            address="openstack_compute_floatingip_associate_v2.203.0.113.9/a-cp-1-id/10.97.0.11",
            type="openstack_compute_floatingip_associate_v2",
            id="203.0.113.9/a-cp-1-id/10.97.0.11",
        ),
        *(
            MissingResource(address=f"openstack_{kind}.{id_}{more}", type=f"openstack_{kind}", id=id_)
            for kind, id_, more in (
                ("compute_instance_v2", "gone", ""),
                ("compute_instance_v2", "old", " (deposed 3f1a)"),
                ("compute_interface_attach_v2", "a-w-1-id/b-cp-1-port-id", ""),
                ("compute_volume_attach_v2", "a-w-1-id/pv-1", ""),
                ("images_image_v2", "image-gone", ""),
                ("lb_member_v2", "member-gone", ""),
                ("networking_secgroup_rule_v2", "rule-gone", ""),
            )
        ),
    )


@pytest.mark.parametrize(
    "there",
    [
        resource("compute_volume_attach_v2", "a-w-1-id/root-1"),
        resource("compute_interface_attach_v2", "a-w-1-id/a-w-1-port-id"),
        resource("networking_router_interface_v2", "a-cp-1-port-id"),
        resource("networking_floatingip_associate_v2", "fip-a"),
        resource("compute_floatingip_associate_v2", "203.0.113.1/a-cp-1-id/"),
        resource("lb_members_v2", "pool-a"),
        resource("lb_member_v2", "member-10.97.0.11"),
        resource("blockstorage_volume_v2", "pv-1"),
        # Nova shows nobody the keypairs of another user, and no listing tells of DNS.
        resource("compute_keypair_v2", "somebody-elses"),
        resource("dns_zone_v2", "zone"),
        resource("compute_instance_v2", "read-elsewhere", mode="data"),
        resource("compute_instance_v2", "far", {"region": "RegionTwo"}),
        resource("networking_port_v2", "far", {"tenant_id": "project-2"}),
        resource("compute_instance_v2", ""),
        resource("compute_instance_v2", "x", type="null_resource"),
    ],
)
def test_these_are_not_missing(there: Any) -> None:
    assert select_for_cluster(project(), resources=[*state_of_a(), there]).missing == ()


@pytest.mark.parametrize("listing", SELECTED)
def test_a_listing_that_was_not_seen_makes_nothing_missing(listing: str) -> None:
    part = select_for_cluster(
        project(**{listing: NOT_SEEN}), resources=[*state_of_a(), resource("compute_instance_v2", "gone")]
    )
    assert getattr(part, listing) == NOT_SEEN
    expected = [] if listing == "servers" else ["gone"]
    assert [m.id for m in part.missing] == expected


def test_what_is_reached_through_an_unseen_listing_is_unknown_too() -> None:
    part = select_for_cluster(project(ports=NOT_SEEN), resources=state_of_a())
    for name in ("networks", "subnets", "routers", "security_groups", "floating_ips"):
        assert getattr(part, name) == NOT_SEEN
    assert ids(part.load_balancers) == ["lb-a"], "Nova tells the members' addresses too"
    assert part.shared == ()


def test_without_state_and_nodes_nothing_is_selected() -> None:
    part = select_for_cluster(
        project(), resources=Unknown("state: not found", "RP020"), nodes=Unknown("API: refused", "RP050")
    )
    for name in SELECTED:
        unknown = getattr(part, name)
        assert isinstance(unknown, Unknown)
        assert "state: not found" in unknown.unknown
        assert "API: refused" in unknown.unknown
    assert (part.missing, part.shared, part.discovered) == ((), (), ())


def test_a_virtual_ip_port_is_found_by_the_allowed_pairs_of_the_machines() -> None:
    vip = port("a", "vrrp", "10.97.0.5", device_id="", device_owner="", name="keepalived")
    stray = port("a", "stray", "10.97.0.77", device_id="", device_owner="")
    ports = (*project().ports, vip, stray)
    part = select_for_cluster(project(ports=ports), resources=state_of_a())
    assert vip.id in ids(part.ports)
    assert stray.id not in ids(part.ports)
    evidence = {d.id: d.evidence for d in part.discovered}[vip.id]
    assert evidence == "its address is an allowed address pair of port a-cp-1-port"


def cloud_provider_balancer(name: str, vip: str, *members: str) -> LoadBalancer:
    return LoadBalancer(
        id=f"id-of-{name}",
        name=name,
        vip_address=vip,
        vip_subnet_id="subnet-a",
        pools=(
            Pool(
                id="pool-x",
                name="pool-x",
                protocol="TCP",
                members=tuple(
                    PoolMember(id=f"m-{m}", name=m, address=m, protocol_port=30080) for m in members
                ),
            ),
        ),
    )


@pytest.mark.parametrize(
    ("made", "services", "evidence"),
    [
        (
            cloud_provider_balancer("anything", "10.97.0.50"),
            [service("web", load_balancer_id="id-of-anything")],
            "Service default/web names it",
        ),
        (
            cloud_provider_balancer("kube_service_kubernetes_default_web", "10.97.0.50"),
            [service("web", addresses=("10.97.0.50",))],
            "it is named for Service default/web",
        ),
        (
            cloud_provider_balancer("kube_service_kubernetes_default_web", "10.97.0.50", "10.97.0.12"),
            [service("web")],
            "it is named for Service default/web",
        ),
        (
            cloud_provider_balancer("renamed", "10.97.0.50", "10.97.0.12"),
            [],
            "its members are servers of the cluster",
        ),
        # The cloud provider's cluster name is `kubernetes` in every cluster: the name alone proves nothing.
        (cloud_provider_balancer("kube_service_kubernetes_default_web", "10.9.9.9"), [service("web")], None),
        (cloud_provider_balancer("kube_service_default_web", "10.9.9.9", "10.98.0.11"), [], None),
    ],
)
def test_load_balancers_of_the_cloud_provider(
    made: LoadBalancer, services: list[Any], evidence: str | None
) -> None:
    part = select_for_cluster(
        project(load_balancers=(*project().load_balancers, made)),
        resources=state_of_a(),
        load_balancer_services=services,
    )
    found = [d.evidence for d in part.discovered if d.kind == "load_balancer"]
    assert found == ([] if evidence is None else [evidence])


def test_an_address_that_two_networks_share_does_not_draw_in_a_foreign_balancer() -> None:
    # Cluster c has the same addresses in a network of its own.
    other_port = port("c", "w-1", "10.97.0.12")
    foreign = replace(balancer("c", "10.97.0.12"), vip_subnet_id="subnet-c")
    given_project = project(
        servers=(*project().servers, server("c", "w-1", "10.97.0.12")),
        ports=(*project().ports, other_port),
        load_balancers=(*project().load_balancers, foreign),
    )
    part = select_for_cluster(given_project, resources=state_of_a())
    assert ids(part.load_balancers) == ["lb-a"]


def test_users_outside_make_a_resource_shared() -> None:
    guest = port("b", "guest", "10.97.0.40", network_id="net-a", device_id="b-cp-1-id")
    guest = replace(guest, security_group_ids=("group-a",))
    guest = replace(guest, fixed_ips=(FixedIP(address="10.97.0.40", subnet_id="subnet-a"),))
    given_project = project(
        ports=(*project().ports, guest),
        routers=tuple(replace(r, interface_subnet_ids=("subnet-a", "subnet-b")) for r in project().routers),
        server_groups=(ServerGroup(id="sgroup-a", name="cp", member_ids=("a-cp-1-id", "b-cp-1-id")),),
        load_balancers=(balancer("a", "10.97.0.11", "10.98.0.11"),),
        volumes=(
            Volume(
                id="root-1",
                name="v",
                status="in-use",
                size_gib=1,
                attachments=(
                    VolumeAttachment(server_id="a-w-1-id"),
                    VolumeAttachment(server_id="b-cp-1-id"),
                ),
            ),
        ),
    )
    part = select_for_cluster(given_project, resources=state_of_a(), claimed_by_others={"b-cp-1-id": "b"})
    neighbour = "server b-cp-1 of cluster b"
    assert part.shared == (
        SharedResource(
            kind="load_balancer", id="lb-a", name="a-api", shared_with="member 10.98.0.11:6443 of pool p"
        ),
        SharedResource(kind="network", id="net-a", name="net-a", shared_with=neighbour),
        SharedResource(
            kind="router", id="router-a", name="router-a", shared_with=f"{neighbour}, subnet subnet-b"
        ),
        SharedResource(
            kind="router", id="router-b", name="router-b", shared_with=f"{neighbour}, subnet subnet-b"
        ),
        SharedResource(kind="security_group", id="group-a", name="a-nodes", shared_with=neighbour),
        SharedResource(kind="server_group", id="sgroup-a", name="cp", shared_with=neighbour),
        SharedResource(kind="subnet", id="subnet-a", name="subnet-a", shared_with=neighbour),
        SharedResource(kind="volume", id="root-1", name="v", shared_with=neighbour),
    )


def test_a_cluster_that_is_alone_shares_nothing() -> None:
    amphora = port("a", "x", "10.97.0.60", name="octavia-lb-vrrp-1", device_id="amphora")
    dhcp = port("a", "y", "10.97.0.2", device_owner="network:dhcp", device_id="dhcp-agent")
    part = select_for_cluster(project(ports=(*project().ports, amphora, dhcp)), resources=state_of_a())
    assert part.shared == ()


def test_networks_that_others_own_or_use_are_shared() -> None:
    networks = tuple(replace(n, project_id="project-9") if n.id == "net-a" else n for n in project().networks)
    part = select_for_cluster(project(networks=networks), resources=state_of_a())
    assert [s.shared_with for s in part.shared] == ["the project that owns it"]
    marked = tuple(replace(n, shared=not n.external) for n in project().networks)
    part = select_for_cluster(project(networks=marked), resources=state_of_a())
    assert [s.shared_with for s in part.shared] == ["other projects (it is marked as shared)"]


def test_many_users_are_counted_after_the_first_three() -> None:
    guests = tuple(
        replace(port("z", f"g{n}", f"10.97.0.{n}"), security_group_ids=("group-a",)) for n in range(1, 6)
    )
    part = select_for_cluster(project(ports=(*project().ports, *guests)), resources=state_of_a())
    assert [s.shared_with for s in part.shared] == [
        "server z-g1-id of another project, server z-g2-id of another project, "
        "server z-g3-id of another project and 2 more"
    ]


def test_names_that_capo_could_mistake_are_namesakes() -> None:
    servers = (*project().servers, server("c", "x", "10.9.0.1", name="a-cp-1"))
    ports = (
        *project().ports,
        port("c", "1", "10.97.0.70", name="a-cp-1-port", network_id="net-a", device_id=""),
        port("c", "2", "10.97.0.71", name="a-w-1-0", network_id="net-a", device_id=""),
        port("c", "3", "10.98.0.72", name="a-w-1-0", network_id="net-b", device_id=""),
        port("c", "4", "10.97.0.73", name="a-w-1-x", network_id="net-a", device_id=""),
    )
    part = select_for_cluster(project(servers=servers, ports=ports), resources=state_of_a())
    assert part.namesakes == (
        Namesake(kind="port", id="c-1-port-id", name="a-cp-1-port"),
        Namesake(kind="port", id="c-2-port-id", name="a-w-1-0"),
        Namesake(kind="server", id="c-x-id", name="a-cp-1"),
    )


def test_named_images_flavors_and_keypairs_are_kept_for_new_machines() -> None:
    part = select_for_cluster(
        project(), resources=state_of_a(), named=["ubuntu-4", "m1.xlarge", "other", "no-such"]
    )
    assert ids(part.images) == ["image-1", "image-2", "image-4"]
    assert ids(part.flavors) == ["flavor-1", "flavor-2"]
    assert part.keypairs == ("ops", "other")


def test_images_that_the_state_names_are_kept() -> None:
    boot = {"block_device": [{"source_type": "image", "uuid": "image-3", "boot_index": 0}]}
    part = select_for_cluster(project(), resources=[resource("compute_instance_v2", "a-w-1-id", boot)])
    assert "image-3" in ids(part.images)


def _full_project() -> OpenStackFacts:
    guest = port("b", "guest", "10.97.0.40", network_id="net-a", device_id="b-cp-1-id")
    vips = [
        port(
            "a",
            f"vrrp-{n}",
            "10.97.0.5",
            device_id="",
            device_owner="",
            allowed_address_pairs=(AddressPair(address="10.97.0.5"),),
        )
        for n in (1, 2)
    ]
    made = cloud_provider_balancer("kube_service_kubernetes_default_web", "10.97.0.50", "10.97.0.12")
    return project(ports=(*project().ports, guest, *vips), load_balancers=(*project().load_balancers, made))


@settings(max_examples=60, deadline=None)
@given(st.randoms(use_true_random=False))
def test_the_selection_is_the_same_for_any_order_of_inputs(rng: Any) -> None:
    def shuffled(items: Any) -> Any:
        items = list(items)
        rng.shuffle(items)
        return tuple(items)

    whole = _full_project()
    nodes = [
        node("a-cp-1", "openstack:///a-cp-1-id"),
        node("a-w-1", address="10.97.0.12"),
        node("loose", address="10.98.0.11"),
    ]
    services = [service("web"), service("db", load_balancer_id="lb-b")]

    def select(order: Any) -> OpenStackFacts:
        values = {f.name: getattr(whole, f.name) for f in fields(whole)}
        listings = {k: order(v) for k, v in values.items() if k in SELECTED}
        return select_for_cluster(
            replace(whole, **listings),
            resources=order(state_of_a()),
            nodes=order(nodes),
            volume_handles=order(["pv-1", "pv-2"]),
            load_balancer_services=order(services),
        )

    assert select(shuffled) == select(tuple)
