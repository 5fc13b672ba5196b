"""fleet.yaml that is wrong, or that names what is not there, end to end."""

from __future__ import annotations

import pytest
from bad_input_site import Site, edited

from replank.audit.catalogue import catalogue


@pytest.mark.parametrize(
    ("old", "new", "code", "says"),
    [
        ("clusters:", "clustres:", "RP011", "clusters"),
        ("  b:\n", "  a:\n", "RP012", "line"),
        ("sudo: true", "sudo: perhaps", "RP013", "sudo"),
        ("replank.fleet/v1", "replank.fleet/v9", "RP017", "v1"),
        ("  b:\n", "  B_b:\n", "RP014", "B_b"),
        ("schema:", "schema: [", "RP010", "line"),
        ("schema:", "schema: \udcff", "RP010", "UTF-8"),
    ],
    ids=["unknown key", "duplicate", "bad type", "another schema", "bad name", "no YAML", "no UTF-8"],
)
def test_a_fleet_file_that_is_wrong_is_refused_by_line_and_field_and_nothing_is_read(
    place: Site, old: str, new: str, code: str, says: str
) -> None:
    before = place.files()
    asked = place.twin.openstack.request_count
    text = place.fleet.read_text()
    assert old in text
    place.fleet.write_bytes(text.replace(old, new, 1).encode(errors="surrogateescape"))
    done = place.survey()
    assert done.status == 1
    assert code in done.said
    assert code in catalogue()
    assert says in done.said
    assert done.names("fleet.yaml")
    assert place.files() == before
    assert place.twin.openstack.request_count == asked


def test_a_cluster_of_which_nothing_is_there_keeps_its_snapshot_and_stops_no_other(place: Site) -> None:
    with edited(place.fleet) as document:
        document["clusters"]["a"] = {
            "state": [{"file": "nowhere.tfstate"}],
            "cloud": {"name": "nowhere", "clouds_yaml": "clouds.yaml"},
            "kubeconfig": "nowhere.yaml",
        }
    before = place.files("a")
    done = place.survey_bent(status=1)
    for source, code in (("state", "RP020"), ("openstack", "RP040"), ("kubernetes", "RP050")):
        assert f"a: {source} could not be seen. {code} " in done.said
    assert "RP006 Nothing of cluster a could be seen" in done.said
    assert "1 of 2 snapshots written" in done.said
    assert place.files("a") == before
