"""How the operator reaches a cluster's API server and project: by Cluster API's own objects."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from replank.app.operator_systems import OperatorSystems
from replank.domain.errors import Refused, Transient
from replank.engine.clock import SystemClock
from replank.ports.access import Document
from replank.transports.kubernetes.source import HeldKubeconfig
from replank.transports.openstack.cloud_secret import CloudSecret
from tests.controllers.recorded_api import RecordedApi, secret

CLUSTER: Document = {
    "apiVersion": "cluster.x-k8s.io/v1beta2",
    "kind": "Cluster",
    "metadata": {"namespace": "shop", "name": "blue", "uid": "c1"},
    "spec": {
        "infrastructureRef": {
            "apiGroup": "infrastructure.cluster.x-k8s.io",
            "kind": "OpenStackCluster",
            "name": "blue-net",
        }
    },
}


def open_stack_cluster(**identity: Any) -> Document:
    reference = {"type": "Secret", "name": "blue-cloud-config", "cloudName": "openstack", **identity}
    return {
        "apiVersion": "infrastructure.cluster.x-k8s.io/v1beta1",
        "kind": "OpenStackCluster",
        "metadata": {"namespace": "shop", "name": "blue-net"},
        "spec": {"identityRef": reference},
    }


def identity(selector: dict[str, Any] | None = None) -> Document:
    spec: dict[str, Any] = {"secretRef": {"namespace": "capo-system", "name": "shared"}}
    if selector is not None:
        spec["namespaceSelector"] = selector
    return {
        "apiVersion": "infrastructure.cluster.x-k8s.io/v1alpha1",
        "kind": "OpenStackClusterIdentity",
        "metadata": {"name": "shared"},
        "spec": spec,
    }


@dataclass
class Opened:
    """A workload API or a project."""

    source: Any
    closed: int = 0

    async def aclose(self) -> None:
        self.closed += 1

    def close(self) -> None:
        self.closed += 1


@dataclass
class Site:
    """What was opened, in order."""

    management: RecordedApi
    apis: list[Opened] = field(default_factory=list)
    clouds: list[Opened] = field(default_factory=list)

    def __post_init__(self) -> None:
        def workload(held: HeldKubeconfig) -> Any:
            self.apis.append(Opened(held))
            return self.apis[-1]

        def cloud(held: CloudSecret) -> Any:
            self.clouds.append(Opened(held))
            return self.clouds[-1]

        self.systems = OperatorSystems(
            self.management,  # type: ignore[arg-type]
            SystemClock(),
            open_workload=workload,
            open_cloud=cloud,
        )


def site(*documents: Document) -> Site:
    standard = (
        open_stack_cluster(),
        secret("shop", "blue-cloud-config", clouds_yaml=b"clouds: {}", cacert=b"PEM"),
        secret("shop", "blue-kubeconfig", value=b"kubeconfig one"),
    )
    return Site(RecordedApi(*standard, *documents))


def run(work: Callable[[], Awaitable[None]]) -> None:
    asyncio.run(work())  # type: ignore[arg-type]


def refused(site: Site, code: str, what: str = "cloud") -> Refused:
    async def work() -> None:
        await getattr(site.systems, what)(CLUSTER)

    with pytest.raises(Refused) as caught:
        run(work)
    assert caught.value.code == code
    return caught.value


def test_the_kubeconfig_secret_of_cluster_api_is_used_and_kept_open():
    async def work() -> None:
        here = site()
        first = await here.systems.workload(CLUSTER)
        assert await here.systems.workload(CLUSTER) is first
        (opened,) = here.apis
        assert await opened.source.read() == b"kubeconfig one"
        assert opened.source.where == "Secret shop/blue-kubeconfig"
        assert opened.closed == 0

    run(work)


def test_a_renewed_kubeconfig_is_used_with_the_next_call_and_the_old_one_closed():
    async def work() -> None:
        here = site()
        await here.systems.workload(CLUSTER)
        here.management.put(secret("shop", "blue-kubeconfig", value=b"kubeconfig two"))
        await here.systems.workload(CLUSTER)
        first, second = here.apis
        assert (first.closed, second.closed) == (1, 0)
        assert await second.source.read() == b"kubeconfig two"

    run(work)


def test_a_management_api_that_is_away_closes_nothing():
    async def work() -> None:
        here = site()
        await here.systems.workload(CLUSTER)
        here.management.broken = Transient("RP900", "away", "refused", "Nothing.")
        with pytest.raises(Transient):
            await here.systems.workload(CLUSTER)
        here.management.broken = None
        await here.systems.workload(CLUSTER)
        assert [api.closed for api in here.apis] == [0]

    run(work)


def test_the_cloud_is_the_one_that_capo_uses():
    async def work() -> None:
        here = site(open_stack_cluster(region="west"))
        first = await here.systems.cloud(CLUSTER)
        assert await here.systems.cloud(CLUSTER) is first
        (opened,) = here.clouds
        given: CloudSecret = opened.source
        assert (given.where, given.cloud, given.region) == (
            "Secret shop/blue-cloud-config",
            "openstack",
            "west",
        )
        assert (given.clouds_yaml, given.cacert) == (b"clouds: {}", b"PEM")

    run(work)


@pytest.mark.parametrize(
    "change",
    [
        secret("shop", "blue-cloud-config", clouds_yaml=b"clouds: {other: {}}"),
        open_stack_cluster(cloudName="other"),
        open_stack_cluster(region="east"),
    ],
    ids=["secret", "cloudName", "region"],
)
def test_another_credential_cloud_or_region_is_opened_and_the_old_one_closed(change: Document):
    async def work() -> None:
        here = site()
        await here.systems.cloud(CLUSTER)
        here.management.put(change)
        await here.systems.cloud(CLUSTER)
        assert [cloud.closed for cloud in here.clouds] == [1, 0]

    run(work)


def test_a_cluster_identity_leads_to_the_secret_in_its_own_namespace():
    async def work() -> None:
        here = site(
            open_stack_cluster(type="ClusterIdentity", name="shared"),
            identity(),
            secret("capo-system", "shared", clouds_yaml=b"clouds: {}"),
        )
        await here.systems.cloud(CLUSTER)
        assert here.clouds[0].source.where == "Secret capo-system/shared"
        assert here.clouds[0].source.cacert == b""

    run(work)


@pytest.mark.parametrize(
    ("labels", "selector", "allowed"),
    [
        ({"team": "shop"}, {"matchLabels": {"team": "shop"}}, True),
        ({}, {}, True),
        ({}, {"matchLabels": {"team": "shop"}}, False),
        (
            {"team": "ops"},
            {"matchExpressions": [{"key": "team", "operator": "In", "values": ["shop"]}]},
            False,
        ),
        ({"team": "shop"}, {"matchExpressions": [{"key": "team", "operator": "Like"}]}, False),
    ],
)
def test_a_cluster_identity_is_used_only_by_the_namespaces_that_it_lets_in(
    labels: dict[str, str], selector: dict[str, Any], allowed: bool
):
    here = site(
        open_stack_cluster(type="ClusterIdentity", name="shared"),
        identity(selector),
        secret("capo-system", "shared", clouds_yaml=b"clouds: {}"),
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop", "labels": labels}},
    )
    if not allowed:
        assert "namespaceSelector" in refused(here, "RP731").why
        return

    async def work() -> None:
        await here.systems.cloud(CLUSTER)

    run(work)
    assert len(here.clouds) == 1


def test_what_leads_nowhere_is_refused_by_name():
    here = site()
    del here.management.objects[("OpenStackCluster", "shop", "blue-net")]
    assert "OpenStackCluster blue-net does not exist" in refused(here, "RP731").why
    assert "type Vault" in refused(site(open_stack_cluster(type="Vault")), "RP731").why
    assert (
        "does not exist" in refused(site(open_stack_cluster(type="ClusterIdentity", name="no")), "RP731").why
    )
    here = site(open_stack_cluster(name="other"))
    assert refused(here, "RP732").what == "Secret shop/other cannot be used"


@pytest.mark.parametrize("data", [{}, {"value": b"x"}])
def test_a_cloud_secret_without_its_key_is_refused(data: dict[str, bytes]):
    refused(site(secret("shop", "blue-cloud-config", **data)), "RP732", "cloud")


@pytest.mark.parametrize("data", [{}, {"clouds_yaml": b"x"}])
def test_a_kubeconfig_secret_without_its_key_is_refused(data: dict[str, bytes]):
    refused(site(secret("shop", "blue-kubeconfig", **data)), "RP732", "workload")


def test_a_secret_that_is_no_base64_is_refused_without_a_word_of_it():
    broken = {**secret("shop", "blue-kubeconfig"), "data": {"value": "hunter2!"}}
    error = refused(site(broken), "RP732", "workload")
    assert "hunter2" not in str(error)
    assert error.__cause__ is None


def test_a_cluster_that_is_gone_leaves_nothing_open_and_the_end_closes_everything():
    async def work() -> None:
        here = site()
        await here.systems.workload(CLUSTER)
        await here.systems.cloud(CLUSTER)
        await here.systems.forget("shop", "blue")
        assert [one.closed for one in (*here.apis, *here.clouds)] == [1, 1]
        await here.systems.forget("shop", "blue")
        await here.systems.workload(CLUSTER)
        await here.systems.aclose()
        assert [api.closed for api in here.apis] == [1, 1]
        assert here.management.closed == 1

    run(work)
