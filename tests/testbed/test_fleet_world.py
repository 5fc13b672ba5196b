"""A generated world hangs together, and is the same for the same seed."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from world_checks import instances, kubeadm_config, objects, problems, project_of

from replank.inventory.terraform.parse import parse_state
from replank.testbed.fleet.demo import DEMO, FLAWED, GROUPS, PLAIN, demo_world
from replank.testbed.fleet.generate import generate
from replank.testbed.fleet.scaled import scaled_specs
from replank.testbed.fleet.spec import ClusterSpec, WorkerGroup, Workload
from replank.testbed.world import World

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
SHAPES = ("count", "for_each", "module", "workspace", "legacy", "opentofu")

groups = st.builds(
    WorkerGroup,
    name=st.just("pool"),
    count=st.integers(0, 4),
    zones=st.sampled_from([("az1",), ("az1", "az2", "az3")]),
    taints=st.sampled_from([(), ("example.org/only=pool:NoSchedule",)]),
    ports=st.sampled_from([None, "explicit", "implicit"]),
    boot=st.sampled_from([None, "image", "volume"]),
)
specs = st.builds(
    ClusterSpec,
    name=st.just("some"),
    control_planes=st.integers(1, 5),
    workers=groups.map(lambda group: (WorkerGroup(name="worker", count=1), group)),
    version=st.sampled_from(["v1.31.14", "v1.33.5", "v1.34.4", "v1.35.4"]),
    kubeadm_api=st.sampled_from(["v1beta3", "v1beta4"]),
    load_balancer=st.sampled_from(["octavia", "keepalived", "none"]),
    ports=st.sampled_from(["explicit", "implicit"]),
    boot=st.sampled_from(["image", "volume"]),
    provider_id=st.sampled_from(["plain", "regional", "empty"]),
    audit_policy=st.booleans(),
    encryption=st.booleans(),
    oidc=st.booleans(),
    proxy=st.booleans(),
    terraform=st.sampled_from(SHAPES),
    cni=st.sampled_from(["calico", "cilium"]),
    workloads=st.just(
        (
            Workload(name="web", budget=1, load_balancer=True),
            Workload(name="db", kind="StatefulSet", claims=True),
        )
    ),
    webhook=st.booleans(),
)


@settings(max_examples=40)
@given(specs, st.integers(0, 2**32))
def test_whatever_is_asked_for_hangs_together(spec: ClusterSpec, seed: int) -> None:
    assert problems(generate(seed, [spec, PLAIN], NOW)) == []


def test_the_healthy_demo_clusters_hang_together() -> None:
    assert problems(generate(1, [PLAIN, GROUPS], NOW)) == []


def test_the_scaled_fleet_hangs_together() -> None:
    world = generate(7, scaled_specs(20, 7), NOW)
    assert problems(world) == []
    assert len(world.projects) == 4


def test_one_seed_gives_one_world_and_another_seed_another() -> None:
    world = demo_world(3, NOW)
    assert demo_world(3, NOW) == world
    assert demo_world(4, NOW) != world
    assert demo_world(3, NOW.astimezone()) == world


def test_fifty_clusters_vary_over_the_features() -> None:
    specs = scaled_specs(50, 50)
    assert specs == scaled_specs(50, 50)
    assert {spec.terraform for spec in specs} == set(SHAPES)
    assert {spec.load_balancer for spec in specs} == {"octavia", "keepalived"}
    assert len({spec.version for spec in specs}) == 3
    assert sum(bool(spec.defects) for spec in specs) < 25


def test_certificates_are_valid_at_the_time_given_and_the_next_year() -> None:
    from cryptography import x509

    for cluster in demo_world(1, NOW).clusters:
        for pem in (cluster.api.server_cert, cluster.client_cert, cluster.api.ca_cert):
            certificate = x509.load_pem_x509_certificate(pem.encode())
            assert certificate.not_valid_before_utc < NOW
            assert certificate.not_valid_after_utc > NOW + timedelta(days=180)


@pytest.mark.parametrize("shape", SHAPES)
def test_every_state_shape_is_read_with_all_its_resources(shape: str) -> None:
    spec = ClusterSpec(name="some", terraform=shape)
    cluster = generate(1, [spec], NOW).clusters[0]
    (document,) = cluster.state_files.values()
    state = parse_state(json.dumps(document).encode(), source="some", backend="local")
    wanted = sum(1 for resource, _ in instances(cluster) if resource["type"].startswith("openstack_"))
    assert len(state.resources) == wanted
    assert state.skipped_providers != {}
    servers = {r.address for r in state.resources if r.type == "openstack_compute_instance_v2"}
    first = {
        "for_each": 'openstack_compute_instance_v2.control_plane["some-cp-1"]',
        "module": 'module.control_plane.openstack_compute_instance_v2.control_plane["some-cp-1"]',
    }.get(shape, "openstack_compute_instance_v2.control_plane[0]")
    assert first in servers
    assert len(servers) == 5


def test_boot_from_volume_and_implicit_ports_look_as_terraform_writes_them() -> None:
    spec = ClusterSpec(name="some", boot="volume", ports="implicit")
    world = generate(1, [spec], NOW)
    cluster = world.clusters[0]
    found = [i["attributes"] for r, i in instances(cluster) if r["type"] == "openstack_compute_instance_v2"]
    assert {a["image_id"] for a in found} == {"Attempt to boot from volume - no image supplied"}
    assert {n["port"] for a in found for n in a["network"]} == {""}
    ports = project_of(world, cluster).collections["network"]["ports"]
    assert {p["name"] for p in ports if p["device_owner"].startswith("compute:")} == {""}
    servers = project_of(world, cluster).collections["compute"]["servers"]
    assert {s["image"] for s in servers} == {""}


def test_kubeadm_config_has_the_form_of_its_version() -> None:
    older = ClusterSpec(name="older", kubeadm_api="v1beta3")
    newer = ClusterSpec(name="newer")
    first, second = (kubeadm_config(c) for c in generate(1, [older, newer], NOW).clusters)
    assert first["apiServer"]["extraArgs"] == {"profiling": "false"}
    assert second["apiServer"]["extraArgs"] == [{"name": "profiling", "value": "false"}]


def test_quotas_count_what_is_there() -> None:
    (project,) = demo_world(1, NOW).projects
    assert project.quotas["compute"]["instances"]["in_use"] >= len(DEMO) * 5
    for document in project.quotas.values():
        for name, quota in document.items():
            if name != "id":
                assert quota["limit"] > quota.get("in_use", quota.get("used"))


def _everything(world: World) -> str:
    """All that a careless tool could pick up, as one text."""
    parts = [json.dumps([p.collections for p in world.projects])]
    for cluster in world.clusters:
        parts += [json.dumps(cluster.api.objects), json.dumps(cluster.state_files), cluster.client_key]
        parts += [entry.content.decode() for m in cluster.machines for entry in m.files.values()]
    return "\n".join(parts)


def test_secrets_lie_where_careless_tools_look() -> None:
    world = demo_world(1, NOW)
    planted = world.planted_secrets
    assert len(planted) == len(set(planted))
    assert all(len(secret) >= 16 for secret in planted)
    lying_about = [secret for secret in planted if secret in _everything(world)]
    assert len(lying_about) > 200
    state = json.dumps([c.state_files for c in world.clusters])
    servers = json.dumps(world.projects[0].collections["compute"])
    secrets = json.dumps([objects(c, "Secret") for c in world.clusters])
    config_maps = json.dumps([objects(c, "ConfigMap") for c in world.clusters])
    pods = json.dumps([objects(c, "Pod") for c in world.clusters])
    disks = "\n".join(
        entry.content.decode() for c in world.clusters for m in c.machines for entry in m.files.values()
    )
    for place in (state, servers, secrets, config_maps, pods, disks):
        assert any(secret in place for secret in planted)


def test_no_planted_secret_is_a_word_that_may_be_seen() -> None:
    """Names, IDs, versions and certificates are not secret: a survey must be able to keep them."""
    world = demo_world(1, NOW)
    public = [machine.server_id for c in world.clusters for machine in c.machines]
    public += [c.api.ca_cert for c in world.clusters] + [c.client_cert for c in world.clusters]
    public += [base64.b64encode(c.api.ca_cert.encode()).decode() for c in world.clusters]
    text = "\n".join(public)
    assert not [secret for secret in world.planted_secrets if secret in text]


def test_two_clusters_of_one_name_are_refused() -> None:
    with pytest.raises(ValueError, match="one name"):
        generate(1, [PLAIN, PLAIN], NOW)


def test_a_spec_with_no_control_plane_is_refused() -> None:
    with pytest.raises(ValueError, match="control planes"):
        ClusterSpec(name="none", control_planes=0)


def test_the_flawed_cluster_has_a_good_dozen_of_defects() -> None:
    assert len(FLAWED.defects) >= 12
    assert problems(demo_world(1, NOW)) != []
