"""Each defect bends the world in its own way, and only its own cluster's."""

from __future__ import annotations

import copy
import dataclasses
import functools
from datetime import UTC, datetime

import pytest
from world_checks import problems

from replank.testbed.fleet.defects import DEFECTS
from replank.testbed.fleet.generate import generate
from replank.testbed.fleet.spec import ClusterSpec, WorkerGroup, Workload
from replank.testbed.world import World

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
BEFORE = ClusterSpec(name="before")
BENT = ClusterSpec(
    name="bent",
    workers=(WorkerGroup(name="worker", count=3),),
    audit_policy=True,
    workloads=(Workload(name="web", budget=1),),
)
# Defects that leave everything consistent: what is wrong is a value, not a link.
HARMLESS_TO_LINKS = {
    "server-shutoff",
    "server-locked",
    "server-resizing",
    "image-deactivated",
    "uppercase-name",
    "same-name",
    "node-cordoned",
    "provider-id-empty",
    "provider-id-region",
    "kubelet-skew",
    "control-plane-skew",
    "port-renamed",
    "address-pairs",
    "port-security-off",
    "second-nic",
    "shared-group",
    "shared-network",
    "control-plane-fip",
    "second-subnet",
    "allowed-cidrs",
    "load-balancer-error",
    "ca-key-missing",
    "etcd-ca-key-missing",
    "etcd-learner",
    "etcd-alarm",
    "certificate-near-expiry",
    "manifest-edited",
    "audit-policy-differs",
    "audit-policy-missing",
    "static-pod-labels",
    "host-unreachable",
    "no-sudo",
    "host-key-changed",
    "hostname-differs",
    "made-by-ansible",
    "budget-never-allows",
    "autoscaler",
    "webhook-fails-closed",
    "bare-pod",
    "join-rbac-missing",
    "cluster-info-missing",
    "cluster-info-unsigned",
    "token-only",
    "custom-dns",
    "tainted",
    "state-locked",
    "foreign-server",
    "not-in-state",
}


@functools.cache
def bent(*defects: str) -> World:
    return generate(1, [BEFORE, dataclasses.replace(BENT, defects=defects)], NOW)


HEALTHY = bent()


@pytest.mark.parametrize("name", sorted(DEFECTS))
def test_a_defect_changes_the_world(name: str) -> None:
    assert bent(name) != HEALTHY
    assert DEFECTS[name].says


def test_no_two_defects_are_alike() -> None:
    worlds = [bent(name) for name in sorted(DEFECTS)]
    assert all(one != other for index, one in enumerate(worlds) for other in worlds[:index])


@pytest.mark.parametrize("name", sorted(set(DEFECTS) - {"kubeadm-config-missing"}))
def test_a_defect_breaks_links_only_where_that_is_the_defect(name: str) -> None:
    assert (problems(bent(name)) == []) == (name in HARMLESS_TO_LINKS)


@pytest.mark.parametrize("name", sorted(set(DEFECTS) - {"shared-group"}))
def test_a_defect_leaves_the_other_cluster_alone(name: str) -> None:
    assert bent(name).clusters[0] == HEALTHY.clusters[0]


def test_an_unknown_defect_is_an_error() -> None:
    with pytest.raises(KeyError):
        bent("gremlins")


@pytest.mark.parametrize("name", ["foreign-server", "shared-group"])
def test_a_defect_between_two_clusters_needs_two(name: str) -> None:
    with pytest.raises(LookupError):
        generate(1, [dataclasses.replace(BENT, defects=(name,))], NOW)


def test_a_world_is_not_changed_by_bending_another() -> None:
    before = copy.deepcopy(HEALTHY)
    assert bent("tainted", "manifest-edited", "server-gone") != HEALTHY
    assert before == HEALTHY
