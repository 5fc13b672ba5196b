"""`probes` of fleet.yaml: what is watched beside the API endpoint."""

from __future__ import annotations

import pytest

from replank.domain.errors import Refused
from replank.inventory.fleet.loader import load_fleet
from replank.inventory.fleet.model import ClusterConfig, ProbeTarget
from replank.probe.targets import probe_targets


def cluster(probes: str, more: str = "") -> ClusterConfig:
    text = f"schema: replank.fleet/v1\nclusters:\n  prod-1:\n    probes: [{probes}]\n{more}"
    return load_fleet(text, path="/etc/fleet/fleet.yaml", home="/home/ana").clusters[0]


def test_every_kind_with_its_options() -> None:
    found = cluster(
        '{name: web, http: "https://10.0.0.1:30443/{cluster}", ca: tls/ca.crt, reuse: true, timeout_s: 2},'
        '{name: db, tcp: "[fd00::1]:5432"},'
        '{name: dns, dns: "10.0.0.1:30053", query: web.shop, over: tcp},'
        '{name: writer, counter: "http://10.0.0.1:30081/n?a=b", period_s: 0.5}'
    ).probes
    assert found == (
        ProbeTarget(
            name="web",
            kind="http",
            address="https://10.0.0.1:30443/prod-1",
            ca="/etc/fleet/tls/ca.crt",
            reuse=True,
            timeout_s=2,
        ),
        ProbeTarget(name="db", kind="tcp", address="[fd00::1]:5432"),
        ProbeTarget(name="dns", kind="dns", address="10.0.0.1:30053", query="web.shop", over="tcp"),
        ProbeTarget(name="writer", kind="counter", address="http://10.0.0.1:30081/n?a=b", period_s=0.5),
    )


def test_the_api_server_is_watched_by_itself_where_there_is_a_kubeconfig() -> None:
    probe = '{name: db, tcp: "h:1"}'
    assert [t.name for t in probe_targets(cluster(probe))] == ["db"]
    found = probe_targets(cluster(probe, "    kubeconfig: k.yaml\n"))
    assert [(t.name, t.kind, t.reuse) for t in found] == [
        ("api", "api", False),
        ("api-reused", "api", True),
        ("db", "tcp", False),
    ]


@pytest.mark.parametrize(
    "probe",
    [
        '{name: a, tcp: "host"}',
        '{name: a, tcp: "host:0"}',
        '{name: a, tcp: "host:99999"}',
        '{name: a, http: "ftp://host/"}',
        '{name: a, http: "http://user:secret@host/"}',
        '{name: a, http: "http://host/ x"}',
        '{name: a, tcp: "h:1", dns: "h:1"}',
        "{name: a}",
        '{name: a, tcp: "h:1", period_s: 1}',
        '{name: a, counter: "http://h/", query: x}',
        '{name: a, counter: "http://h/", timeout_s: 0}',
        '{name: api, tcp: "h:1"}',
        '{name: a, tcp: "h:1"}, {name: a, tcp: "h:2"}',
    ],
)
def test_what_cannot_be_watched_is_told_with_its_place(probe: str) -> None:
    with pytest.raises(Refused) as refused:
        cluster(probe)
    assert refused.value.code == "RP013"
    assert "fleet.yaml:4" in str(refused.value)
    assert "secret" not in str(refused.value)
