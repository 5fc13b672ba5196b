"""A cluster API that does not answer as it should, and kubeconfigs that lead nowhere, end to end."""

from __future__ import annotations

import base64
import socket
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest
from bad_input_site import Site, edited, fault_id, patience

from replank.testbed.fleet.mint import Mint
from replank.testbed.fleet.pki import Authority
from replank.testbed.serve.kubernetes import Fault
from replank.transports.kubernetes import transport


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """All requests at once and no long pauses between tries: how long replank waits is not tested here."""
    quick = partial(transport.Limits, parallel=100, attempts=2, pause_s=0.01)
    monkeypatch.setattr(transport, "Limits", quick)


@pytest.mark.usefixtures("hasty")
@pytest.mark.parametrize(
    ("fault", "code"),
    [
        (Fault(status=401, reason="Unauthorized"), "RP052"),
        (Fault(status=403, reason="Forbidden"), "RP053"),
        (Fault(status=404, reason="NotFound"), "RP058"),
        (Fault(status=404, kind="plain"), "RP059"),
        (Fault(status=429, retry_after_s=600), "RP057"),
        (Fault(status=500), "RP057"),
        (Fault(kind="hang"), "RP056"),
        (Fault(kind="cut"), "RP056"),
        (Fault(kind="garbage"), "RP059"),
    ],
    ids=fault_id,
)
def test_a_cluster_api_that_fails_is_told_by_its_cause(place: Site, fault: Fault, code: str) -> None:
    place.twin.api("a").faults.append(fault)
    place.only_a_suffers("kubernetes", code, timeout_s=patience(fault.kind))


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        ("current-context:", "current-kontext:", "RP050"),
        ("client-key-data:", "client-kee-data:", "RP051"),
        ("https://127.0.0.1", "https://name.invalid", "RP055"),
    ],
)
def test_a_kubeconfig_that_leads_nowhere_is_told(place: Site, old: str, new: str, code: str) -> None:
    place.kubeconfig.write_text(place.kubeconfig.read_text().replace(old, new))
    _, done = place.only_a_suffers("kubernetes", code)
    assert done.names(new if code == "RP055" else "kube/a.yaml")


def test_an_expired_kubeconfig_is_told_by_its_day_and_nothing_is_asked(place: Site) -> None:
    then = datetime.now(UTC).replace(tzinfo=None, microsecond=0) - timedelta(days=1000)
    expired = Authority(Mint(1), then, "kubernetes").issue("kubernetes-admin", client=True)
    with edited(place.kubeconfig) as document:
        user = document["users"][0]["user"]
        user["client-certificate-data"] = base64.b64encode(expired.cert.encode()).decode()
        user["client-key-data"] = base64.b64encode(expired.key.encode()).decode()
    asked = len(place.twin.api("a").requests)
    fact, _ = place.only_a_suffers("kubernetes", "RP052")
    assert f"expired on {then + timedelta(days=365 - 90):%Y-%m-%d}" in fact.unknown
    assert len(place.twin.api("a").requests) == asked


def test_a_kubeconfig_with_another_authority_is_told(place: Site) -> None:
    with edited(place.folder / "kube" / "b.yaml") as document:
        other = document["clusters"][0]["cluster"]["certificate-authority-data"]
    with edited(place.kubeconfig) as document:
        document["clusters"][0]["cluster"]["certificate-authority-data"] = other
    fact, _ = place.only_a_suffers("kubernetes", "RP054")
    assert "authority" in fact.unknown


def test_tls_server_name_is_the_name_that_the_certificate_must_have(place: Site) -> None:
    with edited(place.kubeconfig) as document:
        document["clusters"][0]["cluster"]["tls-server-name"] = "api.a.example.org"
    place.survey_bent(status=0)


def test_a_tls_server_name_that_the_certificate_lacks_is_told(place: Site) -> None:
    with edited(place.kubeconfig) as document:
        document["clusters"][0]["cluster"]["tls-server-name"] = "api.elsewhere.example.org"
    _, done = place.only_a_suffers("kubernetes", "RP054")
    assert "tls-server-name" in done.said


def test_a_proxy_that_is_not_there_is_told_without_its_password(place: Site) -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))  # bound and not listening: refused, and nobody else can take the port
        with edited(place.kubeconfig) as document:
            cluster = document["clusters"][0]["cluster"]
            cluster["proxy-url"] = f"http://ops:hunter2@127.0.0.1:{silent.getsockname()[1]}"
        fact, done = place.only_a_suffers("kubernetes", "RP055")
    assert "hunter2" not in done.out + done.err + fact.unknown
