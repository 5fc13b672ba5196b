"""A cloud that does not answer as it should, end to end."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from bad_input_site import Site, edited, fault_id, patience, unseen_wholly
from ruamel.yaml import YAML

from replank.domain.unknown import Unknown
from replank.testbed.fleet.mint import Mint
from replank.testbed.fleet.pki import Authority
from replank.testbed.serve.openstack import Fault


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        (Fault(service="identity", status=401), "RP041"),
        (Fault(service="identity", status=403), "RP041"),
        (Fault(service="identity", status=404), "RP041"),
        (Fault(service="identity", status=429, retry_after_s=600), "RP044"),
        (Fault(service="identity", status=500), "RP045"),
        (Fault(service="identity", kind="hang"), "RP046"),
        (Fault(service="identity", kind="cut"), "RP047"),
        (Fault(service="identity", kind="garbage"), "RP041"),
    ],
    ids=fault_id,
)
def test_a_cloud_that_lets_nobody_in_is_told_by_its_cause(place: Site, fault: Fault, code: str) -> None:
    with place.own_cloud() as cloud:
        cloud.faults.append(fault)
        fact, _ = place.only_a_suffers("openstack", code, timeout_s=patience(fault.kind))
    assert "legacy" in fact.unknown


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        (Fault(service="compute", path="/servers", status=401), "RP042"),
        (Fault(service="compute", path="/servers", status=403), "RP042"),
        (Fault(service="compute", path="/servers", status=404), "RP043"),
        (Fault(service="compute", path="/servers", status=429, retry_after_s=600), "RP044"),
        (Fault(service="compute", path="/servers", status=500), "RP045"),
        (Fault(service="compute", path="/servers", kind="hang"), "RP046"),
        (Fault(service="compute", path="/servers", kind="cut"), "RP047"),
        (Fault(service="compute", path="/servers", kind="garbage"), "RP049"),
    ],
    ids=fault_id,
)
def test_servers_that_cannot_be_listed_are_unknown_and_no_verdict_is_passed_on_them(
    place: Site, fault: Fault, code: str
) -> None:
    with place.own_cloud() as cloud:
        cloud.faults.append(fault)
        done = place.survey_bent(timeout_s=patience(fault.kind))
    assert code in done.out
    facts = place.snapshot("a").infrastructure.openstack
    assert not isinstance(facts, Unknown)
    assert isinstance(facts.servers, Unknown)
    assert facts.servers.code == code
    assert not isinstance(facts.networks, Unknown)
    assert facts.missing == (), "what was not seen is not gone"
    gone = place.findings("a")["RP101"]
    assert [finding["unknown"] for finding in gone] == [True]


def test_a_password_that_is_wrong_in_one_cloud_leaves_the_other_alone(place: Site) -> None:
    password = place.twin.world.projects[0].password
    with edited(place.clouds) as document:
        document["clouds"]["legacy"]["auth"]["password"] = "s3cret-typed-wrongly"
    fact, done = place.only_a_suffers("openstack", "RP041")
    assert password not in done.err + done.out
    assert "s3cret-typed-wrongly" not in done.err + done.out + fact.unknown


def test_a_cloud_that_two_clusters_share_is_told_for_each_and_the_rest_of_both_is_seen(place: Site) -> None:
    with edited(place.fleet) as document:
        del document["clusters"]["b"]["cloud"]
    with edited(place.clouds) as document:
        document["clouds"]["legacy"]["auth"]["password"] = "s3cret-typed-wrongly"
    before = place.files()
    done = place.survey()
    assert done.status == 2
    for cluster in ("a", "b"):
        assert f"{cluster}: openstack could not be seen. RP041 " in done.said
        assert list(unseen_wholly(place.snapshot(cluster))) == ["openstack"]
    assert {path: path.read_bytes() for path in before} == before


def test_a_cloud_with_a_private_authority_is_seen_once_clouds_yaml_names_it(place: Site) -> None:
    authority = Authority(Mint(1), datetime.now(UTC).replace(tzinfo=None), "private")
    server = authority.issue("keystone", sans=["127.0.0.1"], server=True)
    with place.own_cloud(tls=(server.cert, server.key)):
        _, done = place.only_a_suffers("openstack", "RP048")
        assert "cacert" in done.said
        (place.folder / "ca.pem").write_text(authority.pair.cert)
        with edited(place.clouds) as document:
            document["clouds"]["legacy"]["cacert"] = str(place.folder / "ca.pem")
        assert place.survey().status == 0


def test_a_cloud_that_clouds_yaml_does_not_have_is_named(place: Site) -> None:
    with edited(place.fleet) as document:
        document["clusters"]["a"]["cloud"] = {"name": "legacie", "clouds_yaml": "clouds.yaml"}
    fact, _ = place.only_a_suffers("openstack", "RP040")
    assert "legacie" in fact.unknown


def test_no_rights_for_octavia_is_a_finding_and_not_a_cluster_without_load_balancer(place: Site) -> None:
    with place.own_cloud() as cloud:
        cloud.faults.append(Fault(service="load-balancer", status=403))
        done = place.survey_bent()
    assert "RP042" in done.out
    facts = place.snapshot("a").infrastructure.openstack
    assert not isinstance(facts, Unknown)
    assert isinstance(facts.load_balancers, Unknown)
    assert facts.load_balancers.code == "RP042"
    assert not isinstance(facts.servers, Unknown)
    assert [finding["unknown"] for finding in place.findings("a")["RP162"]] == [True]
    place.on_fleet("plan takeover", "a", "--out", place.folder / "plans")
    plan = YAML(typ="safe").load(place.folder / "plans" / "a.takeover.yaml")
    assert plan["load_balancer"]["mode"] == "unmanaged", "it is not known to be none"
    assert "could not be seen" in plan["load_balancer"]["why"]


def test_servers_of_one_name_are_a_blocker_that_names_both(place: Site) -> None:
    servers = place.twin.world.projects[0].collections["compute"]["servers"]
    first, second = servers[0], servers[1]
    name, second["name"] = second["name"], first["name"]
    try:
        place.survey()
    finally:
        second["name"] = name
    told = str(place.findings("a")["RP106"])
    assert first["id"] in told
    assert second["id"] in told
