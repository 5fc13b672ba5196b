"""The planner and facts: any order, missing ones, and ones that must never show."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator
from dataclasses import asdict, fields, is_dataclass, replace
from typing import Any, get_type_hints

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from planner_cases import (
    CASES,
    SETTINGS,
    all_unknown,
    audit_and_encryption,
    boot_from_volume,
    cloud_of,
    healthy,
    kubernetes_of,
    two_worker_groups,
    with_hosts,
    with_kubernetes,
    with_nodes,
    with_servers,
)

from replank.domain.roles import Role
from replank.domain.unknown import Unknown, is_known
from replank.inventory.facts.kubernetes import ExtraArg
from replank.inventory.facts.snapshot import Snapshot
from replank.migrations.takeover.planner import plan_takeover
from replank.plan import codec
from replank.plan.takeover import TakeoverPlan

SNAPSHOTS = (healthy, two_worker_groups, boot_from_volume, audit_and_encryption)


def shuffled(value: Any, order: random.Random) -> Any:
    """The same facts with every tuple in another order."""
    if is_dataclass(value) and not isinstance(value, type):
        return replace(value, **{f.name: shuffled(getattr(value, f.name), order) for f in fields(value)})
    if isinstance(value, tuple):
        items = [shuffled(item, order) for item in value]
        order.shuffle(items)
        return tuple(items)
    return value


def text(plan: TakeoverPlan) -> str:
    """Everything in the plan, the order of dictionaries included."""
    return json.dumps(asdict(plan))


@settings(max_examples=40)
# A draw for every item of thousands would be most of the work, and nobody reads a smallest shuffle.
@given(st.sampled_from(SNAPSHOTS), st.randoms(use_true_random=True))
def test_any_order_of_the_facts_gives_the_same_plan(
    snapshot: Callable[[], Snapshot], order: random.Random
) -> None:
    facts = snapshot()
    # The hash names the snapshot's file, whose order survey keeps; it is the one thing that may differ.
    expected = replace(plan_takeover(facts, SETTINGS, ()), snapshot_sha256="")
    planned = replace(plan_takeover(shuffled(facts, order), SETTINGS, ()), snapshot_sha256="")
    assert text(planned) == text(expected)


def unknown_paths(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Every field below `value` that could be unknown."""
    if is_dataclass(value) and not isinstance(value, type):
        hints = get_type_hints(type(value))
        for field in fields(value):
            item = getattr(value, field.name)
            if Unknown in getattr(hints[field.name], "__args__", ()):
                yield (*path, field.name)
            yield from unknown_paths(item, (*path, field.name))
    elif isinstance(value, tuple):
        for index, item in enumerate(value):
            yield from unknown_paths(item, (*path, index))


def made_unknown(value: Any, path: tuple[Any, ...]) -> Any:
    head, *rest = path
    if isinstance(value, tuple):
        changed = made_unknown(value[head], tuple(rest))
        return (*value[:head], changed, *value[head + 1 :])
    if not rest:
        return replace(value, **{head: Unknown("nobody may look here", code="RP041")})
    return replace(value, **{head: made_unknown(getattr(value, head), tuple(rest))})


PATHS = sorted(unknown_paths(healthy()), key=str)
NEEDED = {
    ("terraform",),
    ("infrastructure", "openstack"),
    ("infrastructure", "openstack", "servers"),
    ("infrastructure", "openstack", "ports"),
    ("infrastructure", "openstack", "networks"),
    ("infrastructure", "openstack", "subnets"),
    ("infrastructure", "openstack", "routers"),
    ("kubernetes",),
    ("kubernetes", "version"),
    ("kubernetes", "nodes"),
    ("kubernetes", "kubeadm_config"),
    ("kubernetes", "addons"),
    *(("hosts", n, field) for n in range(3) for field in ("static_pods", "referenced_files", "kubelet")),
    *(("machines", n, field) for n in range(5) for field in ("role", "server_id", "node")),
}


def test_every_fact_that_can_be_unknown_was_found() -> None:
    assert set(PATHS) >= NEEDED
    assert len(PATHS) > 60


@pytest.mark.parametrize("path", PATHS, ids=lambda path: ".".join(map(str, path)))
def test_one_missing_fact_never_crashes_and_never_passes_unseen(path: tuple[Any, ...]) -> None:
    plan = plan_takeover(made_unknown(healthy(), path), SETTINGS, ())
    incomplete = [f for f in plan.findings if f.code == "RP075"]
    assert bool(incomplete) is (path in NEEDED)
    assert plan.ready is not bool(incomplete)
    if incomplete:
        assert any("nobody may look here" in " ".join(f.evidence) for f in incomplete if f.unknown)


@settings(max_examples=60)
@given(st.data())
def test_any_set_of_missing_facts_gives_a_plan(data: st.DataObject) -> None:
    facts = healthy()
    # From the deepest: what is unknown has nothing below it.
    for path in sorted(data.draw(st.sets(st.sampled_from(PATHS), max_size=8)), key=len, reverse=True):
        facts = made_unknown(facts, path)
    plan = plan_takeover(facts, SETTINGS, ())
    assert len(plan.stages) == 8
    assert plan.ready is not any(f.severity == "blocker" for f in plan.findings)


def test_nothing_seen_at_all_still_gives_a_plan_that_says_so() -> None:
    plan = plan_takeover(all_unknown(healthy()), SETTINGS, ())
    assert codec.load(codec.dump(plan).encode(), where="plan") == plan
    assert not plan.ready
    assert plan.machines == ()
    assert {f.subject for f in plan.findings} >= {"workload cluster", "OpenStack project", "Terraform state"}
    assert "KubeadmControlPlane" not in {item["kind"] for item in plan.manifests.values()}


def test_machine_that_cannot_be_adopted_is_named() -> None:
    facts = healthy()
    machines = tuple(replace(m, node=None) if m.name == "plain-worker-2" else m for m in facts.machines)
    plan = plan_takeover(replace(facts, machines=machines), SETTINGS, ())
    assert not plan.ready
    assert [(f.code, f.subject, f.unknown) for f in plan.findings] == [
        ("RP075", "machine plain-worker-2", False)
    ]
    assert "plain-worker-2" not in {m.machine for m in plan.machines}


def test_control_plane_that_nobody_looked_at_blocks() -> None:
    facts = healthy()
    plan = plan_takeover(replace(facts, hosts=facts.hosts[1:]), SETTINGS, ())
    assert not plan.ready
    assert [f.subject for f in plan.findings] == ["control plane plain-cp-1"]
    # Another one that was seen has the keys.
    assert {s.machine for secret in plan.secrets for s in secret.data.values() if s.machine} == {"plain-cp-2"}


def test_missing_ca_key_blocks() -> None:
    def without_key(host: Any) -> Any:
        return replace(host, keys=tuple(k for k in host.keys if not k.path.endswith("/front-proxy-ca.key")))

    plan = plan_takeover(with_hosts(healthy(), without_key), SETTINGS, ())
    assert [(f.code, f.subject) for f in plan.findings] == [
        ("RP075", "file /etc/kubernetes/pki/front-proxy-ca.key")
    ]


def test_bastions_and_balancers_stay_with_terraform() -> None:
    facts = healthy()
    machines = tuple(
        replace(m, role=Role.BASTION) if m.name == "plain-worker-2" else m for m in facts.machines
    )
    plan = plan_takeover(replace(facts, machines=machines), SETTINGS, ())
    assert plan.ready
    owner = {o.name: o.after for o in plan.ownership if o.kind == "server"}
    assert owner["plain-worker-2"] == "terraform"
    assert not [f for f in plan.forget if f.address.endswith("worker[1]")]


PLANTED = "s3cr3t-that-must-never-show"


def planted() -> Snapshot:
    """The healthy cluster with a secret in every free text that the planner has no business with."""
    facts = audit_and_encryption()
    facts = with_servers(
        facts, lambda s: replace(s, metadata={"role": "x", "token": PLANTED}, tags=(PLANTED,))
    )
    facts = with_nodes(facts, lambda n: replace(n, annotation_keys=(*n.annotation_keys, PLANTED)))
    config = kubernetes_of(facts).kubeadm_config
    assert is_known(config)
    assert config is not None
    facts = with_kubernetes(facts, kubelet_config={"staticPodURLHeader": {"Authorization": [PLANTED]}})

    def host(one: Any) -> Any:
        pods = tuple(replace(p, env_names=(PLANTED,)) for p in one.static_pods)
        files = tuple(replace(r, file=replace(r.file, content=PLANTED)) for r in one.referenced_files)
        return replace(one, static_pods=pods, referenced_files=files)

    facts = with_hosts(facts, host)
    assert is_known(facts.terraform)
    state = facts.terraform.states[0]
    resources = tuple(replace(r, attributes={**r.attributes, "user_data": PLANTED}) for r in state.resources)
    return replace(facts, terraform=replace(facts.terraform, states=(replace(state, resources=resources),)))


def test_no_planted_secret_shows_in_a_plan() -> None:
    assert PLANTED not in codec.dump(plan_takeover(planted(), SETTINGS, ()))


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_plan_depends_on_nothing_but_facts_and_settings(case: Any) -> None:
    assert text(case.plan()) == text(case.plan())


def test_flag_that_is_too_long_for_cluster_api_blocks() -> None:
    config = kubernetes_of(healthy()).kubeadm_config
    assert is_known(config)
    assert config is not None
    long = ExtraArg(name="tls-cipher-suites", value="x" * 1025)
    api = replace(config.api_server, extra_args=(*config.api_server.extra_args, long))

    def host(one: Any) -> Any:
        pods = tuple(
            replace(p, args=(*p.args, long)) if p.component == "kube-apiserver" else p
            for p in one.static_pods
        )
        return replace(one, static_pods=pods)

    facts = with_hosts(with_kubernetes(healthy(), kubeadm_config=replace(config, api_server=api)), host)
    plan = plan_takeover(facts, SETTINGS, ())
    assert [f.subject for f in plan.findings] == ["kube-apiserver --tls-cipher-suites"]
    assert not plan.ready


def test_flag_given_twice_is_said_to_be_lost() -> None:
    config = kubernetes_of(healthy()).kubeadm_config
    assert is_known(config)
    assert config is not None
    issuers = (
        ExtraArg(name="service-account-issuer", value="https://new.example.org"),
        ExtraArg(name="service-account-issuer", value="https://old.example.org"),
    )
    api = replace(config.api_server, extra_args=issuers)
    plan = plan_takeover(
        with_kubernetes(healthy(), kubeadm_config=replace(config, api_server=api)), SETTINGS, ()
    )
    assert ("RP077", "kube-apiserver --service-account-issuer") in {
        (f.code, f.subject) for f in plan.findings
    }


def test_cluster_name_that_fits_no_label_blocks() -> None:
    facts = replace(healthy(), cluster="Plain.Cluster")
    plan = plan_takeover(facts, SETTINGS, ())
    assert ("RP076", "cluster Plain.Cluster") in {(f.code, f.subject) for f in plan.findings}
    assert not plan.ready


def test_long_cluster_name_still_gives_names_that_fit() -> None:
    facts = replace(healthy(), cluster="c" * 63)
    plan = plan_takeover(facts, SETTINGS, ())
    names = [str(key).partition("/")[2] for key in plan.manifests]
    assert max(len(name) for name in names) <= 63
    assert len(set(plan.manifests)) == len(plan_takeover(healthy(), SETTINGS, ()).manifests)


def test_two_subnets_of_one_ip_version_block() -> None:
    cloud = cloud_of(healthy())
    assert is_known(cloud.subnets)
    assert is_known(cloud.ports)
    other = replace(cloud.subnets[0], id="33330000-aaaa-4bbb-8ccc-000000000001", cidr="10.21.0.0/24")
    ports = tuple(
        replace(p, fixed_ips=(replace(p.fixed_ips[0], subnet_id=other.id),))
        if p.name == "plain-cp-3-port"
        else p
        for p in cloud.ports
    )
    facts = replace(
        healthy(),
        infrastructure=replace(
            healthy().infrastructure,
            openstack=replace(cloud, subnets=(*cloud.subnets, other), ports=ports),
        ),
    )
    plan = plan_takeover(facts, SETTINGS, ())
    assert [f.code for f in plan.findings] == ["RP078"]
