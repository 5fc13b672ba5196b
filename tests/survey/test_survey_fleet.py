"""A survey goes on whatever one source does, lists each project once, and says who claims whose server."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

import facts_loader
from replank.domain.errors import Refused, Transient
from replank.domain.unknown import Unknown
from replank.inventory.facts import codec
from replank.inventory.fleet.model import (
    CloudRef,
    ClusterConfig,
    KubeconfigRef,
    ManagementTarget,
    SshAccess,
    StateSource,
)
from replank.survey.fleet import Readers, SurveyOptions, survey_fleet
from replank.survey.progress import Silent


@pytest.fixture(scope="module")
def healthy():
    return facts_loader.snapshot_of(facts_loader.healthy())


class Fake:
    """A reader that answers what it was given, or raises it, and remembers what it was asked."""

    def __init__(self, answer):
        self.answer = answer
        self.asked = []

    async def read(self, *arguments):
        self.asked.append(arguments)
        await asyncio.sleep(0)
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer(*arguments) if callable(self.answer) else self.answer


def config(name):
    return ClusterConfig(
        name=name,
        state=(StateSource(kind="file", path=f"{name}.tfstate"),),
        cloud=CloudRef(name="prod"),
        kubeconfig=KubeconfigRef(path=f"{name}.yaml"),
        ssh=SshAccess(user="ubuntu"),
        management=ManagementTarget(namespace=name, kubeconfig=KubeconfigRef(path="mgmt.yaml")),
    )


def readers(healthy, **changes):
    hosts = {host.server: host for host in healthy.hosts}
    fakes = {
        "state": Fake(healthy.terraform.states),
        "cloud": Fake(healthy.infrastructure.openstack),
        "cluster": Fake(healthy.kubernetes),
        "management": Fake(healthy.management),
        "host": Fake(lambda server, *_: hosts[server]),
    }
    return Readers(**{**fakes, **changes})


def surveyed(configs, given, **options):
    async def run():
        results = survey_fleet(configs, given, SurveyOptions(**options), Silent())
        return {r.cluster: r async for r in results}

    return asyncio.run(run())


def test_a_healthy_cluster_is_seen_whole(healthy):
    given = readers(healthy)
    snapshot = surveyed([config("plain")], given)["plain"].snapshot
    roles = sorted((m.role.value, m.node) for m in snapshot.machines)
    assert [role for role, _ in roles] == ["control-plane"] * 3 + ["worker"] * 2
    assert {host.server for host in snapshot.hosts} == {h.server for h in healthy.hosts}
    assert snapshot.conflicts == ()


def test_the_same_world_gives_the_same_snapshot(healthy):
    first, second = (surveyed([config("plain")], readers(healthy))["plain"].snapshot for _ in range(2))
    assert codec.dump(first) == codec.dump(second)


def test_a_project_is_listed_once_for_all_its_clusters(healthy):
    given = readers(healthy)
    surveyed([config(f"c{n}") for n in range(5)], given, parallel=3)
    assert len(given.cloud.asked) == 1


@pytest.mark.parametrize("source", ["state", "cloud", "cluster", "management", "host"])
def test_one_source_that_fails_is_unknown_and_the_others_are_seen(healthy, source):
    error = Transient("RP045", "The API", "it answered 500", "Try again.")
    snapshot = surveyed([config("plain")], readers(healthy, **{source: Fake(error)}))["plain"].snapshot
    seen = {
        "state": snapshot.terraform,
        "cloud": snapshot.infrastructure.openstack,
        "cluster": snapshot.kubernetes,
        "management": snapshot.management,
        "host": snapshot.hosts[0].etcd,
    }
    assert {name for name, fact in seen.items() if isinstance(fact, Unknown)} == {source}
    assert seen[source] == Unknown("The API: it answered 500", "RP045")


def test_a_cluster_of_which_nothing_is_seen_gets_no_snapshot_and_stops_no_other(healthy):
    error = Refused("RP041", "The cloud", "401", "Log in.")

    def only_b(ref):
        if ref.path == "b.yaml":
            return healthy.kubernetes
        raise Refused("RP051", "The cluster API", "the certificate expired", "Renew it.")

    given = readers(healthy, state=Fake(error), cloud=Fake(error), cluster=Fake(only_b))
    results = surveyed([config("a"), config("b")], given)
    assert results["a"].snapshot is None
    assert results["a"].error.code == "RP006"
    assert "the certificate expired" in results["a"].error.why
    assert results["b"].snapshot.kubernetes == healthy.kubernetes


def test_two_clusters_that_claim_one_server_are_a_conflict_in_both(healthy):
    results = surveyed([config("a"), config("b")], readers(healthy))
    for name, other in (("a", "b"), ("b", "a")):
        conflicts = results[name].snapshot.conflicts
        assert len(conflicts) == 5
        assert all(c.says == f"the states of cluster {other} claim it too" for c in conflicts)
        assert {c.claimed_by for c in conflicts} == {other}


def test_offline_uses_the_state_alone_and_says_so(healthy):
    given = readers(healthy, cloud=None, cluster=None, management=None, host=None)
    snapshot = surveyed([config("plain")], given)["plain"].snapshot
    assert isinstance(snapshot.kubernetes, Unknown)
    assert "offline" in snapshot.kubernetes.unknown
    assert "offline" in snapshot.infrastructure.openstack.unknown
    assert len(snapshot.machines) == 5
    assert all(isinstance(m.node, Unknown) for m in snapshot.machines)
    assert {m.role.value for m in snapshot.machines} == {"control-plane", "worker"}


def test_a_defect_in_a_reader_is_not_swallowed(healthy):
    with pytest.raises(ZeroDivisionError):
        surveyed([config("plain")], readers(healthy, cluster=Fake(ZeroDivisionError())))


def test_a_pattern_that_covers_nothing_is_told_and_not_taken_for_an_empty_cluster(healthy):
    misspelt = replace(config("plain"), state=(StateSource(kind="file", path="s", only=("module.plian",)),))
    fact = surveyed([misspelt], readers(healthy))["plain"].snapshot.terraform
    assert isinstance(fact, Unknown)
    assert fact.code == "RP008"
    assert "module.plian" in fact.unknown
