"""CAPO's credential: made with a secret that was written down before, and tried before it is trusted."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import requests
from openstack_sample import PASSWORD, clouds_yaml
from writing_site import Site, site

from replank.domain.errors import Refused, ReplankError, Transient
from replank.ports.access import Conflict, CredentialTrial, Document
from replank.testbed.serve.openstack import Fault
from replank.transports.openstack.application_credentials import _not_made

SECRET = "planted-credential-secret"


def make(place: Site, name: str = "reader", roles: tuple[str, ...] = ("reader",)) -> Document:
    [made] = place.run(lambda cloud: cloud.create_application_credential(name, SECRET, roles))
    return made


def trial(place: Site, credential_id: str, *, write: bool = True, secret: str = SECRET) -> CredentialTrial:
    [found] = place.run(
        lambda cloud: cloud.try_credential(
            credential_id, secret, server_id="server-1", port_id="port-1", write=write
        )
    )
    return found


def test_it_is_made_with_the_given_secret_and_never_shows_it(tmp_path: Path) -> None:
    with site(tmp_path) as place:
        made = make(place)
        [listed] = place.run(lambda cloud: cloud.application_credentials())
        assert listed == (made,)
        assert (made["name"], [role["name"] for role in made["roles"]]) == ("reader", ["reader"])
        assert made["unrestricted"] is False
        assert SECRET not in str((made, listed, place.receipts))
        assert trial(place, str(made["id"])).reads == ""


def test_one_that_may_only_read_reads_and_is_refused_both_writes(tmp_path: Path) -> None:
    with site(tmp_path) as place:
        made = make(place)
        before = place.documents()
        found = trial(place, str(made["id"]))
        assert found == CredentialTrial(
            reads="", writes={"PUT /ports/port-1": 403, "PUT /servers/server-1": 403}
        )
        assert place.documents() == before
        assert [r.split(" req-")[0] for r in place.receipts] == [
            "PUT /ports/port-1 403",
            "PUT /servers/server-1 403",
        ]


def test_a_trial_of_one_that_can_write_changes_nothing(tmp_path: Path) -> None:
    with site(tmp_path) as place:
        made = make(place, "writer", ("member",))
        before = place.documents()
        found = trial(place, str(made["id"]))
        assert found.writes == {"PUT /ports/port-1": 200, "PUT /servers/server-1": 200}
        assert place.documents() == before


def test_a_trial_without_writes_sends_none(tmp_path: Path) -> None:
    with site(tmp_path) as place:
        made = make(place, "writer", ("member",))
        place.twin.writes.clear()
        assert trial(place, str(made["id"]), write=False) == CredentialTrial(reads="", writes={})
        assert place.twin.writes == []


def test_a_write_refused_with_401_is_told_as_401(tmp_path: Path) -> None:
    """Access rules answer 401 (keystonemiddleware); keystoneauth logs in again and meets it again."""
    with site(tmp_path) as place:
        made = make(place, "writer", ("member",))
        place.twin.faults.append(Fault(method="PUT", status=401))
        found = trial(place, str(made["id"]))
        assert found.writes == {"PUT /ports/port-1": 401, "PUT /servers/server-1": 401}


def test_reads_that_are_refused_are_named(tmp_path: Path) -> None:
    with site(tmp_path) as place:
        made = make(place)
        place.run(lambda cloud: cloud.server("server-1"), lambda cloud: cloud.port("port-1"))
        place.twin.faults.append(Fault(service="network", path="/networks", method="GET", status=403))
        assert trial(place, str(made["id"])).reads == "networks: 403"


def test_a_service_that_is_down_proves_nothing(tmp_path: Path) -> None:
    with site(tmp_path) as place:
        made = make(place)
        place.twin.faults.append(Fault(service="compute", method="PUT", status=500))
        with pytest.raises(Transient) as caught:
            trial(place, str(made["id"]))
        assert caught.value.code == "RP924"


def test_a_trial_on_what_is_not_there_is_refused(tmp_path: Path) -> None:
    with site(tmp_path) as place:
        made = make(place)
        place.project.collections["network"]["ports"] = []
        with pytest.raises(Refused) as caught:
            trial(place, str(made["id"]))
        assert caught.value.code == "RP921"


def test_a_revoked_one_is_not_accepted_any_more(tmp_path: Path) -> None:
    with site(tmp_path) as place:
        before = place.documents()
        made = make(place)
        place.run(
            lambda cloud: cloud.delete_application_credential(str(made["id"])),
            lambda cloud: cloud.delete_application_credential(str(made["id"])),
        )
        assert place.documents() == before
        assert trial(place, str(made["id"])) == CredentialTrial(reads="login: 401", writes={})


def test_a_wrong_secret_is_not_accepted_and_not_repeated(tmp_path: Path) -> None:
    with site(tmp_path) as place:
        made = make(place)
        found = trial(place, str(made["id"]), secret="another-planted-secret")
        assert found == CredentialTrial(reads="login: 401", writes={})


def test_a_second_one_of_the_same_name_is_a_conflict(tmp_path: Path) -> None:
    with site(tmp_path) as place:
        make(place)
        with pytest.raises(Conflict) as caught:
            make(place)
        assert caught.value.code == "RP926"


def test_a_role_that_we_do_not_have_is_refused_naming_ours(tmp_path: Path) -> None:
    with site(tmp_path, roles=("member", "creator")) as place:
        with pytest.raises(Refused) as caught:
            make(place)
        assert caught.value.code == "RP927"
        assert "reader" in caught.value.why
        assert "creator, member" in caught.value.why
        assert place.lease.asked == 0


@pytest.mark.parametrize(
    "work",
    [
        lambda cloud: cloud.application_credentials(),
        lambda cloud: cloud.create_application_credential("reader", SECRET, ["reader"]),
    ],
    ids=["list", "make"],
)
def test_a_cloud_without_them_is_refused_naming_the_alternative(tmp_path: Path, work: Any) -> None:
    with site(tmp_path) as place:
        place.twin.faults.append(Fault(service="identity", path="/application_credentials", status=404))
        with pytest.raises(Refused) as caught:
            place.run(work)
        assert caught.value.code == "RP928"
        assert "OpenStackClusterIdentity" in caught.value.todo


def test_a_restricted_one_can_make_no_others(tmp_path: Path) -> None:
    with site(tmp_path) as place:
        made = make(place, "operator", ("member", "reader"))
        path = Path(clouds_yaml(tmp_path, place.twin).clouds_yaml)
        path.write_text(
            "clouds:\n  prod:\n    region_name: RegionOne\n    auth_type: v3applicationcredential\n"
            f"    auth:\n      auth_url: {place.twin.auth_url}\n"
            f"      application_credential_id: '{made['id']}'\n"
            f"      application_credential_secret: {SECRET}\n"
        )
        with place.logged_in_anew() as ours, pytest.raises(Refused) as caught:
            make(ours, "another")
        assert caught.value.code == "RP929"


@pytest.mark.parametrize("status", [400, 403, 409, 500])
def test_no_error_repeats_a_secret(tmp_path: Path, status: int) -> None:
    with site(tmp_path) as place:
        place.run(lambda cloud: cloud.whoami())
        where = Fault(service="identity", path="/application_credentials", method="POST", status=status)
        place.twin.faults.append(where)
        with pytest.raises(ReplankError) as caught:
            make(place)
        assert SECRET not in str(caught.value)
        assert PASSWORD not in str(caught.value)


def test_keystones_own_words_are_not_repeated_where_it_was_given_a_secret(tmp_path: Path) -> None:
    """Its schema errors quote values; the twin does so for a credential without a name."""
    with site(tmp_path) as place:
        with pytest.raises(Refused) as caught:
            make(place, "")
        assert caught.value.code == "RP923"
        assert SECRET not in str(caught.value)


def test_keystones_limit_is_told_as_one() -> None:
    said = "Unable to create additional application credentials, maximum of 10 already exceeded for user."
    response = requests.Response()
    response.status_code = 403
    response._content = json.dumps({"error": {"code": 403, "message": said}}).encode()
    call = SimpleNamespace(what="OpenStack prod: make application credential reader")
    error = _not_made(call, response, "reader", ("reader",), ("member",))  # type: ignore[arg-type]
    assert isinstance(error, Refused)
    assert error.code == "RP930"
