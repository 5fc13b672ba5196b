"""Every listing fails alone, with the code of its cause; only Keystone and clouds.yaml stop a look."""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from dataclasses import fields
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from openstack_sample import PASSWORD, clouds_yaml, project

from replank.audit.catalogue import catalogue
from replank.domain.errors import Refused, ReplankError, Transient
from replank.domain.unknown import Unknown
from replank.inventory.facts.openstack import OpenStackFacts
from replank.inventory.fleet.model import CloudRef
from replank.testbed.serve.openstack import Fault, OpenStackTwin
from replank.transports.openstack.reader import OpenStackReader

# openstacksdk warns of its own plans at every request.
pytestmark = pytest.mark.filterwarnings("ignore::PendingDeprecationWarning")

NOVA = {"servers", "flavors", "server_groups", "keypairs", "zones", "quotas"}
NEUTRON = {
    "ports",
    "networks",
    "subnets",
    "routers",
    "floating_ips",
    "security_groups",
    "zones",
    "quotas",
}


def read(cloud: CloudRef, *, read_timeout_s: float = 5.0, attempts: int = 2) -> OpenStackFacts:
    reader = OpenStackReader(read_timeout_s=read_timeout_s, attempts=attempts, longest_wait_s=2)
    return asyncio.run(reader.read(cloud))


def unknown(facts: OpenStackFacts) -> dict[str, str]:
    """Field -> code of what could not be seen."""
    values = {field.name: getattr(facts, field.name) for field in fields(facts)}
    return {name: value.code for name, value in values.items() if isinstance(value, Unknown)}


@pytest.mark.parametrize(
    ("fault", "code", "unseen"),
    [
        (Fault(service="load-balancer", status=403), "RP042", {"load_balancers"}),
        (Fault(service="load-balancer", path="/members", status=500), "RP045", {"load_balancers"}),
        (Fault(service="load-balancer", path="/healthmonitors", kind="garbage"), "RP049", {"load_balancers"}),
        (Fault(service="load-balancer", status=404), "RP043", {"load_balancers"}),
        (Fault(service="network", path="/ports", status=401), "RP042", {"ports", "routers"}),
        (Fault(service="network", path="/subnets", status=503), "RP044", {"subnets"}),
        (Fault(service="network", path="/floatingips", status=502), "RP045", {"floating_ips"}),
        (Fault(service="network", path="/networks", status=400), "RP045", {"networks"}),
        (Fault(service="network", status=500), "RP045", NEUTRON),
        (Fault(service="compute", path="/servers", kind="cut"), "RP047", {"servers"}),
        (Fault(service="compute", path="/os-quota-sets", status=403), "RP042", {"quotas"}),
        (Fault(service="compute", path="/os-server-groups", status=403), "RP042", {"server_groups"}),
        (Fault(service="compute", status=404), "RP043", NOVA),
        (Fault(service="compute", path="/", kind="garbage"), "RP049", NOVA),
        (Fault(service="image", status=500), "RP045", {"images"}),
        (Fault(service="image", path="/images", kind="garbage"), "RP049", {"images"}),
        (Fault(service="block-storage", path="/volumes", status=429, retry_after_s=0), "RP044", {"volumes"}),
        (Fault(service="block-storage", path="/volumes", status=429, retry_after_s=60), "RP044", {"volumes"}),
    ],
)
def test_a_failing_listing_is_unknown_and_the_others_are_read(
    tmp_path: Path, fault: Fault, code: str, unseen: set[str]
) -> None:
    with OpenStackTwin([project()]) as twin:
        twin.faults.append(fault)
        facts = read(clouds_yaml(tmp_path, twin))
    assert unknown(facts) == dict.fromkeys(unseen, code)


def test_a_service_that_hangs_costs_its_timeout_and_no_more(tmp_path: Path) -> None:
    with OpenStackTwin([project()]) as twin:
        twin.faults.append(Fault(service="block-storage", kind="hang"))
        facts = read(clouds_yaml(tmp_path, twin), read_timeout_s=0.3)
    assert unknown(facts) == dict.fromkeys(("volumes", "zones", "quotas"), "RP046")


def test_a_cloud_whose_catalog_knows_no_such_service_has_none(tmp_path: Path) -> None:
    given = project()
    del given.collections["load-balancer"]
    del given.collections["block-storage"]
    for server in given.collections["compute"]["servers"]:
        server["os-extended-volumes:volumes_attached"] = []
    with OpenStackTwin([given]) as twin:
        facts = read(clouds_yaml(tmp_path, twin))
    assert unknown(facts) == {}
    assert (facts.load_balancers, facts.volumes) == ((), ())


def test_a_service_that_another_region_has_is_unknown_here(tmp_path: Path) -> None:
    given, elsewhere = project(), project()
    elsewhere.region = "RegionTwo"
    for service in ("load-balancer", "block-storage"):
        del given.collections[service]
    with OpenStackTwin([given, elsewhere]) as twin:
        facts = read(clouds_yaml(tmp_path, twin))
    assert unknown(facts) == {"load_balancers": "RP043", "volumes": "RP043"}, "zones and quotas lose nothing"
    assert isinstance(facts.load_balancers, Unknown)
    assert "the catalog has no load-balancer endpoint" in facts.load_balancers.unknown


def test_a_service_that_the_catalog_hides_though_it_is_in_use_is_unknown(tmp_path: Path) -> None:
    given = project()
    del given.collections["load-balancer"]
    del given.collections["block-storage"]
    given.collections["network"]["ports"][0]["device_owner"] = "Octavia"
    with OpenStackTwin([given]) as twin:
        facts = read(clouds_yaml(tmp_path, twin))
    assert unknown(facts) == {"load_balancers": "RP043", "volumes": "RP043"}
    assert isinstance(facts.volumes, Unknown)
    assert facts.volumes.unknown.endswith(
        "the catalog has no block-storage endpoint, but servers have volumes"
    )


@pytest.mark.parametrize("service", ["compute", "network", "image"])
def test_a_service_that_no_cloud_is_without_is_named_where_the_catalog_lacks_it(
    tmp_path: Path, service: str
) -> None:
    given = project()
    del given.collections[service]
    with OpenStackTwin([given]) as twin:
        facts = read(clouds_yaml(tmp_path, twin))
    assert set(unknown(facts).values()) == {"RP043"}


@pytest.mark.parametrize(
    ("status", "retry_after_s"), [(429, 0), (503, None)], ids=["429-with-wait", "503-without"]
)
def test_a_busy_service_is_asked_again(tmp_path: Path, status: int, retry_after_s: int | None) -> None:
    with OpenStackTwin([project()]) as twin:
        fault = Fault(service="network", path="/ports", status=status, retry_after_s=retry_after_s, times=1)
        twin.faults.append(fault)
        assert unknown(read(clouds_yaml(tmp_path, twin))) == {}
        assert twin.requests["network"] == 9


def test_a_cut_line_is_tried_once_more(tmp_path: Path) -> None:
    with OpenStackTwin([project()]) as twin:
        twin.faults.append(Fault(service="compute", path="/flavors", kind="cut", times=1))
        assert unknown(read(clouds_yaml(tmp_path, twin))) == {}


def test_unknown_facts_of_one_world_have_one_text(tmp_path: Path) -> None:
    def look() -> OpenStackFacts:
        with OpenStackTwin([project()]) as twin:
            twin.faults.append(Fault(service="network", path="/ports", kind="cut"))
            twin.faults.append(Fault(service="image", status=500))
            return read(clouds_yaml(tmp_path, twin))

    assert look() == look()


def test_a_document_without_its_id_is_not_guessed_at(tmp_path: Path) -> None:
    given = project()
    del given.collections["network"]["ports"][0]["id"]
    given.collections["block-storage"]["volumes"][0]["size"] = "large"
    with OpenStackTwin([given]) as twin:
        facts = read(clouds_yaml(tmp_path, twin))
    assert unknown(facts) == dict.fromkeys(("ports", "routers", "volumes"), "RP049")
    assert isinstance(facts.ports, Unknown)
    assert "no 'id'" in facts.ports.unknown


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        (Fault(service="identity", status=401), "RP041"),
        (Fault(service="identity", status=403), "RP041"),
        (Fault(service="identity", status=500), "RP045"),
        (Fault(service="identity", status=503), "RP044"),
        (Fault(service="identity", status=404), "RP041"),
        (Fault(service="identity", kind="garbage"), "RP041"),
        (Fault(service="identity", kind="cut"), "RP047"),
        (Fault(service="identity", kind="hang"), "RP046"),
        (Fault(service="identity", path="/auth", status=403), "RP041"),
        (Fault(service="identity", path="/auth", kind="hang"), "RP046"),
    ],
)
def test_without_keystone_nothing_is_read(tmp_path: Path, fault: Fault, code: str) -> None:
    with OpenStackTwin([project()]) as twin:
        twin.faults.append(fault)
        with pytest.raises(ReplankError) as caught:
            read(clouds_yaml(tmp_path, twin), read_timeout_s=0.3)
    assert caught.value.code == code
    assert isinstance(caught.value, Refused) == (code == "RP041")
    assert "prod" in caught.value.what
    assert caught.value.__cause__ is not None


def test_a_wrong_password_is_refused_without_being_shown(tmp_path: Path) -> None:
    with OpenStackTwin([project()]) as twin:
        cloud = clouds_yaml(tmp_path, twin)
        path = Path(cloud.clouds_yaml)
        path.write_text(path.read_text().replace(PASSWORD, "planted-wrong-password"))
        with pytest.raises(Refused) as caught:
            read(cloud)
    assert caught.value.code == "RP041"
    assert "planted" not in str(caught.value)
    assert "clouds.yaml" in caught.value.todo


def test_a_keystone_that_is_not_there_is_a_failed_connection(tmp_path: Path) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        with OpenStackTwin([project()]) as twin:
            cloud = clouds_yaml(tmp_path, twin)
            path = Path(cloud.clouds_yaml)
            port = unused.getsockname()[1]
            path.write_text(path.read_text().replace(f":{twin.port}/", f":{port}/"))
            with pytest.raises(Transient) as caught:
                read(cloud)
    assert caught.value.code == "RP047"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("clouds: {other: {}, another: {}}", "another, other"),
        ("clouds: {prod: {", "not YAML at line 1"),
        ("clouds: [prod]", "no mapping `clouds`"),
        ("- clouds", "no mapping `clouds`"),
        ("", "no mapping `clouds`"),
        ("clouds: {prod: 5}", "shape"),
        ("clouds: {prod: {auth: 5}}", "shape"),
        ("clouds: {prod: {auth_type: nonsense, auth: {}}}", "nonsense"),
        ("clouds: {prod: {cacert: /no/such/ca.pem, auth: {auth_url: 'http://127.0.0.1:9'}}}", "cacert"),
        ("clouds: {prod: {auth_type: v3token, auth: {password: planted-password}}}", ""),
    ],
)
def test_a_clouds_yaml_that_cannot_be_used_is_refused(tmp_path: Path, text: str, why: str) -> None:
    path = tmp_path / "clouds.yaml"
    path.write_text(text)
    with pytest.raises(Refused) as caught:
        read(CloudRef(name="prod", clouds_yaml=str(path)))
    assert caught.value.code == "RP040"
    assert why in caught.value.why
    assert "planted" not in str(caught.value)


def test_a_clouds_yaml_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="there is no such file"):
        read(CloudRef(name="prod", clouds_yaml=str(tmp_path / "none.yaml")))


def test_a_region_that_the_catalog_lacks_is_refused(tmp_path: Path) -> None:
    with OpenStackTwin([project()]) as twin:
        cloud = clouds_yaml(tmp_path, twin)
        path = Path(cloud.clouds_yaml)
        path.write_text(path.read_text().replace("RegionOne", "Atlantis"))
        with pytest.raises(Refused, match="no region Atlantis; it has: RegionOne") as caught:
            read(cloud)
    assert caught.value.code == "RP040"


def _certificate() -> tuple[str, str]:
    """A certificate for 127.0.0.1 that signs itself, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "twin")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False
        )
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    private = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()).decode()
    return certificate.public_bytes(pem).decode(), private


def test_a_private_ca_is_trusted_only_where_clouds_yaml_names_it(tmp_path: Path) -> None:
    certificate, key = _certificate()
    authority = tmp_path / "ca.pem"
    authority.write_text(certificate)
    with OpenStackTwin([project()], tls=(certificate, key)) as twin:
        with pytest.raises(Refused) as caught:
            read(clouds_yaml(tmp_path, twin))
        assert caught.value.code == "RP048"
        assert "cacert" in caught.value.todo
        assert unknown(read(clouds_yaml(tmp_path, twin, cacert=str(authority)))) == {}


def test_every_code_of_this_reader_has_a_text() -> None:
    assert {f"RP04{n}" for n in range(10)} <= set(catalogue())
