"""States that are not what they should be, end to end."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable

import pytest
from bad_input_site import Site, edited

from replank.domain.unknown import Unknown
from replank.inventory.terraform.detect import DEFAULT_LIMIT

GONE = "00000000-dead-4bee-8fff-000000000000"


def version_3(text: str) -> str:
    return json.dumps({"version": 3, "terraform_version": "0.11.14", "serial": 1, "modules": []})


def encrypted(text: str) -> str:
    meta = {"key_provider.pbkdf2.a": "x"}
    return json.dumps({"meta": meta, "encrypted_data": "eA==", "encryption_version": "v0"})


@pytest.mark.parametrize(
    ("bend", "code"),
    [
        (version_3, "RP023"),
        (encrypted, "RP024"),
        (lambda text: text[: len(text) // 2], "RP022"),
        (lambda text: "", "RP021"),
        (lambda text: 'resource "a" {}', "RP022"),
        (lambda text: "[]", "RP025"),
        (lambda text: text.replace('"version": 4', '"version": 9', 1), "RP026"),
    ],
    ids=["version 3", "encrypted", "truncated", "empty", "not JSON", "another JSON", "of the future"],
)
def test_a_state_that_cannot_be_read_is_told_by_its_kind(
    place: Site, bend: Callable[[str], str], code: str
) -> None:
    place.state.write_text(bend(place.state.read_text()))
    _, done = place.only_a_suffers("state", code)
    assert done.names(place.state.name)


def test_a_very_large_state_is_refused_and_the_clusters_are_seen_all_the_same(place: Site) -> None:
    with place.state.open("r+b") as file:
        file.truncate(DEFAULT_LIMIT + 1)  # sparse: it takes no room on the disk
    fact, _ = place.only_a_suffers("state", "RP027")
    assert str(DEFAULT_LIMIT) in fact.unknown


def test_a_state_of_another_provider_holds_nothing_of_the_cluster_and_its_servers_are_in_no_state(
    place: Site,
) -> None:
    document = json.loads(place.state.read_text())
    for resource in document["resources"]:
        resource["provider"] = 'provider["registry.terraform.io/hashicorp/aws"]'
        resource["type"] = "aws_instance"
    place.state.write_text(json.dumps(document))
    place.survey_bent(status=0)
    facts = place.snapshot("a").terraform
    assert not isinstance(facts, Unknown)
    assert facts.resources == ()
    assert [dict(state.skipped_providers) for state in facts.states] == [
        {"hashicorp/aws": sum(len(r["instances"]) for r in document["resources"])}
    ]
    in_no_state = {finding["subject"] for finding in place.findings("a")["RP510"]}
    assert in_no_state == {f"server {machine.name}" for machine in place.snapshot("a").machines}


def test_a_state_that_names_servers_that_are_gone_says_which(place: Site) -> None:
    text = place.state.read_text()
    resources = json.loads(text)["resources"]
    server = next(r for r in resources if r["type"] == "openstack_compute_instance_v2")
    place.state.write_text(text.replace(server["instances"][0]["attributes"]["id"], GONE))
    place.survey_bent(status=0)
    cloud = place.snapshot("a").infrastructure.openstack
    assert not isinstance(cloud, Unknown)
    assert GONE in {missing.id for missing in cloud.missing}
    assert GONE in str(place.findings("a")["RP504"])


def test_two_clusters_that_claim_one_server_are_told_in_both(place: Site) -> None:
    shutil.copy(place.state, place.folder / "copy.tfstate")
    with edited(place.fleet) as document:
        document["clusters"]["b"]["state"].append({"file": "copy.tfstate"})
        del document["clusters"]["b"]["cloud"]  # both in the cloud that has the servers
    before = place.files()
    place.survey()
    for cluster, other in (("a", "b"), ("b", "a")):
        claims = {c.claimed_by for c in place.snapshot(cluster).conflicts if c.claimed_by}
        assert claims == {other}
        told = {line for finding in place.findings(cluster)["RP604"] for line in finding["evidence"]}
        assert f"claimed by {other}" in told
    assert {path: path.read_bytes() for path in before} == before
