"""`replank guard` and `replank operator` as a shell sees them."""

from __future__ import annotations

import asyncio
import importlib.util
import json
import os
import signal
from pathlib import Path
from typing import Any

import pytest
from bad_input_site import Site
from ruamel.yaml import YAML

from replank.app.live_operator import OperatorOptions, live_operator, operate
from replank.app.store import SnapshotStore
from replank.domain.errors import Refused
from replank.domain.unknown import is_known
from replank.guards.policy import Policy
from replank.transports.kubernetes.in_cluster import InCluster

YAML_SAFE = YAML(typ="safe")


def test_guard_prints_the_cluster_guard_of_a_surveyed_cluster(place: Site):
    done = place.on_fleet("guard", "a")
    assert done.status == 0
    manifest = YAML_SAFE.load(done.out)
    assert (manifest["apiVersion"], manifest["kind"]) == ("replank.dev/v1alpha1", "ClusterGuard")
    assert manifest["metadata"]["name"] == "a"
    (pool,) = Policy.model_validate(manifest["spec"]).pools
    assert (pool.machines, pool.port) == ("control-plane", 6443)
    _, snapshot = SnapshotStore(place.snapshots).latest("a")
    cloud = snapshot.infrastructure.openstack
    assert is_known(cloud)
    assert is_known(cloud.load_balancers)
    assert [pool.id] == [seen.id for balancer in cloud.load_balancers for seen in balancer.pools]
    assert json.loads(place.on_fleet("guard", "a", "--json").out) == manifest


def test_guard_prints_its_definition_and_needs_no_cluster_for_it(place: Site):
    done = place.run("guard", "--crd")
    assert done.status == 0
    crd = YAML_SAFE.load(done.out)
    assert (crd["kind"], crd["spec"]["names"]["kind"]) == ("CustomResourceDefinition", "ClusterGuard")
    assert json.loads(place.run("guard", "--crd", "--json").out) == crd
    assert place.run("guard").status == 1


def test_guard_knows_only_clusters_of_the_fleet_with_a_snapshot(place: Site, tmp_path: Path):
    done = place.on_fleet("guard", "nobody")
    assert (done.status, "RP004" in done.err) == (1, True)
    done = place.run("guard", "a", "--fleet", place.fleet, "--snapshots", tmp_path / "none")
    assert (done.status, "RP003" in done.err) == (1, True)


def test_the_operator_without_its_packages_names_the_extra(place: Site, monkeypatch: pytest.MonkeyPatch):
    real = importlib.util.find_spec

    def lacking(name: str, *more: Any) -> Any:
        return None if name == "kopf" else real(name, *more)

    monkeypatch.setattr("replank.app.commands.operator.find_spec", lacking)
    done = place.run("operator", "--kubeconfig", place.kubeconfig)
    assert done.status == 1
    assert "RP760" in done.err
    assert "missing: kopf" in done.said
    assert "replank[operator]" in done.said


def test_the_operator_outside_of_a_pod_asks_for_a_kubeconfig(place: Site, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)
    monkeypatch.setattr("replank.controllers.log.log_to", lambda **_: None)
    done = place.run("operator")
    assert done.status == 1
    assert "RP761" in done.err


def pod(folder: Path) -> dict[str, str]:
    """A Pod's environment, its ServiceAccount in `folder`."""
    for name, content in {"token": "t0ken", "namespace": "ops\n", "ca.crt": ""}.items():
        (folder / name).write_text(content)
    return {"KUBERNETES_SERVICE_HOST": "10.96.0.1", "KUBERNETES_SERVICE_PORT": "443"}


def test_in_a_pod_the_lease_is_in_its_namespace_and_a_named_one_wins(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    environment = pod(tmp_path)
    found = InCluster.found(environment, tmp_path)
    monkeypatch.setattr(InCluster, "found", lambda *_: found)

    async def lease_namespace(**options: str) -> str:
        return live_operator(OperatorOptions(**options), environment).settings.lease_namespace  # type: ignore[arg-type]

    assert asyncio.run(lease_namespace()) == "ops"
    assert asyncio.run(lease_namespace(lease_namespace="elsewhere")) == "elsewhere"
    with pytest.raises(Refused) as caught:
        asyncio.run(lease_namespace(context="prod"))
    assert caught.value.code == "RP761"


def test_every_replica_has_an_identity_of_its_own(place: Site):
    async def identities() -> set[str]:
        options = OperatorOptions(kubeconfig=place.kubeconfig)
        return {live_operator(options, {}).settings.identity for _ in range(5)}

    assert len(asyncio.run(identities())) == 5


def test_the_operator_runs_on_a_kubeconfig_and_ends_with_sigterm(place: Site):
    """Against the twin of a workload cluster, which serves no Lease to it in that namespace yet."""

    async def work() -> None:
        options = OperatorOptions(
            kubeconfig=place.kubeconfig,
            lease_namespace="kube-system",
            listen="127.0.0.1:0",
            namespaces=("default",),
        )
        running = asyncio.ensure_future(operate(options))
        api = place.twin.api("a")
        async with asyncio.timeout(30):
            while not any("/leases" in path for path in api.requests):  # noqa: ASYNC110
                await asyncio.sleep(0.02)
            os.kill(os.getpid(), signal.SIGTERM)
            await running

    asyncio.run(work())
