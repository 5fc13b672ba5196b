"""A project opened with the Secret that CAPO uses: all of it in memory, nothing of it in a message."""

from __future__ import annotations

import asyncio
import io
import os
import stat
import tempfile
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from openstack_sample import PASSWORD, project
from ruamel.yaml import YAML
from writing_site import PATIENCE, Lease

from replank.domain.errors import Refused, ReplankError
from replank.ports.receipts import collect
from replank.testbed.fleet.mint import Mint
from replank.testbed.fleet.pki import Authority
from replank.testbed.serve.openstack import AppCredential, Fault, OpenStackTwin
from replank.transports.openstack.balanced_cloud import OpenStackBalancedCloud
from replank.transports.openstack.cloud_secret import CloudSecret

SECRET = "planted-credential-secret"
WHERE = "Secret shop/blue-cloud-config"


def text_of(document: object) -> bytes:
    stream = io.BytesIO()
    YAML(typ="safe").dump(document, stream)
    return stream.getvalue()


def entry(twin: OpenStackTwin, **changes: Any) -> dict[str, Any]:
    """By password; `changes` of None leave something out."""
    auth = {
        "auth_url": twin.auth_url,
        "username": "survey",
        "password": PASSWORD,
        "project_name": "clusters",
        "user_domain_name": "Default",
        "project_domain_name": "Default",
    }
    return {k: v for k, v in {"region_name": "RegionOne", "auth": auth, **changes}.items() if v is not None}


def credential(twin: OpenStackTwin) -> dict[str, str]:
    return {
        "auth_url": twin.auth_url,
        "application_credential_id": "ac-1",
        "application_credential_secret": SECRET,
    }


def secret(cloud: dict[str, Any], **more: Any) -> CloudSecret:
    return CloudSecret(where=WHERE, cloud="prod", clouds_yaml=text_of({"clouds": {"prod": cloud}}), **more)


def authority() -> Authority:
    return Authority(Mint(6), datetime.now(UTC).replace(tzinfo=None), "openstack-ca")


def look(given: CloudSecret) -> str:
    """The name of the pool, and all that is to be told of how it was had."""
    cloud = OpenStackBalancedCloud(given, Lease(), PATIENCE)

    async def main() -> str:
        collect()
        pool = await cloud.pool("pool-1")
        return str(pool["name"]) if pool else ""

    try:
        return asyncio.run(main())
    finally:
        cloud.close()


@contextmanager
def twin(**options: Any) -> Iterator[OpenStackTwin]:
    given = AppCredential(project_id="project-1", secret=SECRET)
    with OpenStackTwin([project()], application_credentials={"ac-1": given}, **options) as served:
        yield served


@pytest.fixture(autouse=True)
def nothing_from_outside(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Environment and home that would lead elsewhere; the temporary folder alone may be written to."""
    # openstacksdk refuses a file with this name as soon as it reads it.
    (tmp_path / "clouds.yaml").write_text("clouds: {envvars: {}}\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("OS_CLIENT_CONFIG_FILE", str(tmp_path / "clouds.yaml"))
    monkeypatch.setenv("OS_AUTH_URL", "http://127.0.0.1:1")
    monkeypatch.setenv("OS_REGION_NAME", "Elsewhere")
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(scratch))
    return scratch


def test_a_password_or_an_application_credential_opens_the_project(nothing_from_outside: Path) -> None:
    with twin() as served:
        ways = (
            entry(served),
            entry(served, auth=credential(served), auth_type="v3applicationcredential"),
            # gophercloud, and so CAPO, needs no auth_type to see what it is.
            entry(served, auth=credential(served)),
        )
        assert [look(secret(way)) for way in ways] == ["api-pool"] * 3
        assert list(nothing_from_outside.iterdir()) == []


def test_the_region_of_the_identity_wins(nothing_from_outside: Path) -> None:
    with twin() as served:
        assert look(secret(entry(served, region_name="Old"), region="RegionOne")) == "api-pool"
        with pytest.raises(Refused) as caught:
            look(secret(entry(served), region="Nowhere"))
        assert caught.value.code == "RP932"
        assert "Nowhere" in caught.value.why


def test_its_own_ca_is_a_private_file_for_as_long_as_it_is_open(nothing_from_outside: Path) -> None:
    ca = authority()
    pem = ca.pair.cert
    server = ca.issue("keystone", sans=("127.0.0.1",), server=True)
    seen: list[tuple[int, str]] = []
    with twin(tls=(server.cert, server.key)) as served:
        given = secret(entry(served), cacert=pem.encode())
        cloud = OpenStackBalancedCloud(given, Lease(), PATIENCE)

        try:
            assert asyncio.run(cloud.pool("pool-1")) is not None
            for path in nothing_from_outside.iterdir():
                seen.append((stat.S_IMODE(path.stat().st_mode), path.read_text()))
        finally:
            cloud.close()
        assert seen == [(0o600, pem)]
        assert list(nothing_from_outside.iterdir()) == []
        with pytest.raises(Refused) as caught:
            look(secret(entry(served)))
        assert caught.value.code == "RP048"


def test_a_ca_is_not_left_behind_where_nothing_opened(nothing_from_outside: Path) -> None:
    pem = authority().pair.cert
    with twin() as served:
        wrong = entry(served, auth=credential(served) | {"application_credential_secret": "planted-wrong"})
        with pytest.raises(Refused) as caught:
            look(secret(wrong, cacert=pem.encode()))
        assert caught.value.code == "RP041"
        assert list(nothing_from_outside.iterdir()) == []


def test_no_file_program_or_address_besides_keystone_is_used(nothing_from_outside: Path) -> None:
    """Whoever may write the Secret may not make the operator read its own files or ask other addresses."""
    with twin() as served:
        more = {
            "cacert": "/etc/shadow",
            "cert": "/etc/shadow",
            "key": "/etc/shadow",
            "profile": "http://127.0.0.1:1",
            "regions": [{"name": "RegionOne", "values": {"auth": {"auth_url": "http://127.0.0.1:1"}}}],
            "load_balancer_endpoint_override": "http://127.0.0.1:1",
        }
        assert look(secret(entry(served, **more))) == "api-pool"


@pytest.mark.parametrize("cacert", [b"", b"\n"])
def test_an_empty_ca_is_none(cacert: bytes) -> None:
    with twin() as served:
        assert look(secret(entry(served), cacert=cacert)) == "api-pool"


PLANTED = "planted-in-the-secret"
IN_PROD = "clouds: {prod: {%s}}"
GOOD = (IN_PROD % "auth: {auth_url: 'http://x'}").encode()
BROKEN = {
    "no YAML": f"clouds: {{prod: [{PLANTED}",
    "a tag": f"clouds: !!python/object:os.system {PLANTED}",
    "a list": f"- {PLANTED}",
    "no clouds": f"password: {PLANTED}",
    "another cloud": f"clouds: {{other: {{auth: {{password: {PLANTED}}}}}}}",
    "no auth": IN_PROD % f"password: {PLANTED}",
    "auth as a text": IN_PROD % f"auth: {PLANTED}",
    "no auth_url": IN_PROD % f"auth: {{username: u, password: {PLANTED}}}",
    "an unknown auth_type": IN_PROD % f"auth_type: no, auth: {{auth_url: 'http://x', password: {PLANTED}}}",
    "a list as region": IN_PROD % f"region_name: [1], auth: {{auth_url: 'http://x', password: {PLANTED}}}",
}


@pytest.mark.parametrize("case", BROKEN)
def test_a_broken_secret_is_told_without_its_content(case: str) -> None:
    told(CloudSecret(where=WHERE, cloud="prod", clouds_yaml=BROKEN[case].encode()))


@pytest.mark.parametrize("cacert", [PLANTED.encode(), b"\xff" + PLANTED.encode()])
def test_a_ca_that_is_none_is_told_without_its_content(cacert: bytes) -> None:
    told(CloudSecret(where=WHERE, cloud="prod", clouds_yaml=GOOD, cacert=cacert))


def test_a_secret_that_is_no_text_is_told_without_its_content() -> None:
    told(CloudSecret(where=WHERE, cloud="prod", clouds_yaml=b"\xff" + PLANTED.encode()))


def told(given: CloudSecret) -> None:
    with pytest.raises(Refused) as caught:
        look(given)
    assert (caught.value.code, caught.value.where) == ("RP932", WHERE)
    assert PLANTED not in f"{caught.value} {caught.value.args} {given!r}"
    assert PLANTED not in "".join(traceback.format_exception(caught.value))


def test_a_credential_that_keystone_does_not_take_is_told_without_it() -> None:
    with twin() as served:
        for auth in (credential(served), entry(served)["auth"]):
            hidden = next(key for key in auth if key.endswith(("secret", "password")))
            given = secret(entry(served, auth={**auth, hidden: "planted-wrong"}))
            with pytest.raises(Refused) as caught:
                look(given)
            assert (caught.value.code, caught.value.where) == ("RP041", WHERE)
            assert "planted-wrong" not in f"{caught.value} {caught.value.args} {given!r}"


@pytest.mark.parametrize("kind", ["status", "cut", "garbage"])
def test_a_keystone_that_is_down_is_asked_again_by_the_next_call(kind: Any) -> None:
    with twin() as served:
        cloud = OpenStackBalancedCloud(secret(entry(served)), Lease(), PATIENCE)

        async def main() -> None:
            served.faults.append(Fault(service="identity", path="/auth/tokens", kind=kind, status=500))
            with pytest.raises(ReplankError) as caught:
                await cloud.pool("pool-1")
            assert PASSWORD not in str(caught.value)
            served.faults.clear()
            assert await cloud.pool("pool-1") is not None

        try:
            asyncio.run(main())
        finally:
            cloud.close()


def test_without_a_temporary_folder_a_ca_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", f"{os.sep}nowhere-at-all")
    with twin() as served, pytest.raises(Refused) as caught:
        look(secret(entry(served), cacert=authority().pair.cert.encode()))
    assert caught.value.code == "RP932"
    assert "temporary folder" in caught.value.why
