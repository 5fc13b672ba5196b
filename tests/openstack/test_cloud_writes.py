"""Writing to a project: what is written, when nothing is, and what happens when something goes wrong."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path

import pytest
from openstack_sample import SECRETS
from writing_site import site

from replank.domain.errors import Hold, Refused, ReplankError, Transient
from replank.ports.access import Conflict
from replank.testbed.serve.openstack import Fault


def test_a_port_gets_its_name_and_keeps_the_old_one_as_a_tag(tmp_path: Path) -> None:
    with site(tmp_path) as place:
        before = place.documents()
        place.run(lambda cloud: cloud.set_port("port-1", name="cp-1-0", tags=["was=cp-1-port"]))
        changed = {**before["network"]["ports"][1], "name": "cp-1-0", "tags": ["was=cp-1-port"]}
        assert place.port(1) == changed
        assert [r.split(" req-")[0] for r in place.receipts] == [
            "PUT /ports/port-1/tags 200",
            "PUT /ports/port-1 200",
        ]
        assert place.lease.asked == 2


def test_what_is_there_already_is_not_written_again(tmp_path: Path) -> None:
    with site(tmp_path) as place:
        place.run(
            lambda cloud: cloud.set_port("port-1", name="cp-1-port", tags=[]),
            lambda cloud: cloud.unlock_server("server-1"),
            lambda cloud: cloud.lock_server("server-2", "ours"),
            lambda cloud: cloud.set_balancing("pool", "pool-1", {"name": "api-pool"}),
        )
        assert place.twin.writes == []
        assert place.lease.asked == 0


def test_a_server_is_locked_with_the_reason_and_unlocked_again(tmp_path: Path) -> None:
    with site(tmp_path) as place:
        place.run(lambda cloud: cloud.lock_server("server-1", "replank takeover"))
        assert (place.server(1)["locked"], place.server(1)["locked_reason"]) == (True, "replank takeover")
        [seen] = place.run(lambda cloud: cloud.server("server-1"))
        assert seen is not None
        assert seen["locked_reason"] == "replank takeover"
        place.run(lambda cloud: cloud.unlock_server("server-1"))
        assert place.server(1)["locked"] is False


def test_an_older_nova_locks_without_a_reason_and_the_receipt_says_so(tmp_path: Path) -> None:
    with site(tmp_path, nova_version="2.60") as place:
        place.run(lambda cloud: cloud.lock_server("server-1", "replank takeover"))
        assert place.server(1)["locked"] is True
        assert place.server(1)["locked_reason"] is None
        [text] = place.receipts
        assert text.startswith("POST /servers/server-1/action 202 req-")
        assert text.endswith("(lock, without its reason: Nova only knows 2.60)")


def test_a_server_is_renamed(tmp_path: Path) -> None:
    with site(tmp_path) as place:
        place.run(lambda cloud: cloud.rename_server("server-1", "control-plane-1"))
        assert place.server(1)["name"] == "control-plane-1"


@pytest.mark.parametrize(
    ("kind", "collection", "id_"),
    [
        ("load-balancer", "loadbalancers", "lb-1"),
        ("listener", "listeners", "listener-1"),
        ("pool", "pools", "pool-1"),
        ("monitor", "healthmonitors", "monitor-1"),
    ],
)
def test_load_balancing_things_are_renamed(tmp_path: Path, kind: str, collection: str, id_: str) -> None:
    with site(tmp_path) as place:
        place.run(lambda cloud: cloud.set_balancing(kind, id_, {"name": "k8s-clusterapi"}))
        [seen] = place.run(lambda cloud: cloud.balancing(kind, id_))
        assert seen is not None
        assert seen["name"] == place.balancing(collection, id_)["name"] == "k8s-clusterapi"


def test_a_member_is_renamed_in_its_pool(tmp_path: Path) -> None:
    with site(tmp_path) as place:
        place.run(lambda cloud: cloud.set_balancing("member", "member-2", {"name": "m"}, "pool-1"))
        [seen] = place.run(lambda cloud: cloud.balancing("member", "member-2", "pool-1"))
        assert seen is not None
        assert (seen["name"], seen["address"]) == ("m", "10.0.0.12")


def test_a_load_balancer_that_takes_a_change_is_waited_for(tmp_path: Path) -> None:
    with site(tmp_path) as place:
        place.balancing("loadbalancers", "lb-1")["provisioning_status"] = "PENDING_UPDATE"
        with pytest.raises(Transient) as caught:
            place.run(lambda cloud: cloud.set_balancing("monitor", "monitor-1", {"delay": 9}))
        assert (caught.value.code, caught.value.retry_after_s) == ("RP922", 5.0)
        assert "immutable" in caught.value.why


def test_what_is_not_there_is_none_and_cannot_be_written(tmp_path: Path) -> None:
    with site(tmp_path) as place:
        assert place.run(
            lambda cloud: cloud.server("gone"),
            lambda cloud: cloud.port("gone"),
            lambda cloud: cloud.balancing("pool", "gone"),
            lambda cloud: cloud.balancing("member", "gone", "pool-1"),
        ) == [None, None, None, None]
        with pytest.raises(Refused) as caught:
            place.run(lambda cloud: cloud.set_port("gone", name="x", tags=[]))
        assert caught.value.code == "RP921"


def test_a_404_that_the_service_did_not_write_is_no_absence(tmp_path: Path) -> None:
    with site(tmp_path) as place:
        place.run(lambda cloud: cloud.port("port-1"))
        place.twin.faults.append(Fault(service="network", path="/ports", kind="page", status=404))
        with pytest.raises(Transient) as caught:
            place.run(lambda cloud: cloud.port("port-1"))
        assert caught.value.code == "RP049"


def test_lists_are_sorted_and_servers_come_without_user_data(tmp_path: Path) -> None:
    with site(tmp_path) as place:
        [servers] = place.run(lambda cloud: cloud.servers())
        [ports] = place.run(lambda cloud: cloud.ports("net-1"))
        assert [s["id"] for s in servers] == ["server-1", "server-2", "server-3"]
        assert [p["id"] for p in ports] == ["port-1", "port-2", "port-3", "port-r"]
        assert "planted-user-data" not in str(servers)


def test_without_the_lease_nothing_is_sent(tmp_path: Path) -> None:
    with site(tmp_path) as place:
        before = place.documents()
        place.lease.held = False
        for work in (
            lambda cloud: cloud.set_port("port-1", name="x", tags=["y"]),
            lambda cloud: cloud.lock_server("server-1", "r"),
            lambda cloud: cloud.create_application_credential("a", "s", ["reader"]),
        ):
            with pytest.raises(Hold):
                place.run(work)
        assert (place.twin.writes, place.documents()) == ([], before)


def test_the_lease_is_asked_again_before_a_repetition(tmp_path: Path) -> None:
    with site(tmp_path) as place:
        place.run(lambda cloud: cloud.port("port-1"))
        place.twin.faults.append(Fault(service="network", method="PUT", status=503, times=1))
        place.run(lambda cloud: cloud.set_port("port-1", name="new", tags=[]))
        assert place.port(1)["name"] == "new"
        assert place.lease.asked == 2


def test_only_writes_that_may_be_repeated_are(tmp_path: Path) -> None:
    with site(tmp_path) as place:
        place.twin.faults += [
            Fault(service="compute", path="/action", method="POST", status=503, retry_after_s=0),
            Fault(service="identity", path="/application_credentials", method="POST", kind="cut"),
        ]
        for work, code in (
            (lambda cloud: cloud.lock_server("server-1", "r"), "RP924"),
            (lambda cloud: cloud.create_application_credential("a", "s", ["reader"]), "RP925"),
        ):
            with pytest.raises(Transient) as caught:
                place.run(work)
            assert caught.value.code == code
        assert place.lease.asked == 2


def test_a_lost_answer_is_told_as_one_and_the_next_try_finds_it_done(tmp_path: Path) -> None:
    with site(tmp_path) as place:
        place.twin.faults.append(Fault(service="compute", path="/action", kind="cut", times=1, after=True))
        with pytest.raises(Transient) as caught:
            place.run(lambda cloud: cloud.lock_server("server-1", "r"))
        assert caught.value.code == "RP925"
        place.run(lambda cloud: cloud.lock_server("server-1", "r"))
        assert [path for _, _, path in place.twin.writes] == ["/v2.1/servers/server-1/action"]


def test_a_token_that_ran_out_is_renewed_in_the_middle_of_a_write(tmp_path: Path) -> None:
    with site(tmp_path) as place:
        place.run(lambda cloud: cloud.port("port-1"))
        place.twin.revoke_tokens()
        place.run(lambda cloud: cloud.set_port("port-1", name="new", tags=[]))
        place.twin.faults.append(Fault(service="network", method="PUT", status=401, times=1))
        place.run(lambda cloud: cloud.set_port("port-1", name="newer", tags=[]))
        assert place.port(1)["name"] == "newer"
        assert place.lease.asked == 3


@pytest.mark.parametrize(
    ("fault", "kind", "code"),
    [
        (Fault(method="PUT", status=403), Refused, "RP920"),
        (Fault(method="PUT", status=401), Refused, "RP920"),
        (Fault(method="PUT", status=404), Refused, "RP921"),
        (Fault(method="PUT", status=409), Conflict, "RP922"),
        (Fault(method="PUT", status=412), Conflict, "RP922"),
        (Fault(method="PUT", status=400), Refused, "RP923"),
        (Fault(method="PUT", status=429, retry_after_s=60), Transient, "RP924"),
        (Fault(method="PUT", status=500), Transient, "RP924"),
        (Fault(method="PUT", kind="hang"), Transient, "RP925"),
        (Fault(method="PUT", kind="cut"), Transient, "RP925"),
        (Fault(method="PUT", kind="garbage"), Transient, "RP049"),
        (Fault(method="GET", path="/ports", status=500), Transient, "RP045"),
        (Fault(method="GET", path="/ports", status=403), Refused, "RP042"),
    ],
    ids=lambda value: getattr(value, "kind", None) and f"{value.method}-{value.kind}-{value.status}",
)
def test_a_refused_write_is_told_by_its_cause(
    tmp_path: Path, fault: Fault, kind: type[ReplankError], code: str
) -> None:
    with site(tmp_path) as place:
        fault.service = "network"
        place.run(lambda cloud: cloud.port("port-1"))
        place.twin.faults.append(fault)
        with pytest.raises(ReplankError) as caught:
            place.run(lambda cloud: cloud.set_port("port-1", name="new", tags=[]))
        assert (type(caught.value), caught.value.code) == (kind, code)
        assert not [secret for secret in SECRETS if secret in str(caught.value)]


def test_a_reader_is_refused_every_write(tmp_path: Path) -> None:
    with site(tmp_path, roles=("reader",)) as place:
        before = place.documents()
        for work in (
            lambda cloud: cloud.set_port("port-1", name="x", tags=["y"]),
            lambda cloud: cloud.lock_server("server-1", "r"),
            lambda cloud: cloud.rename_server("server-1", "r"),
            lambda cloud: cloud.set_balancing("pool", "pool-1", {"name": "x"}),
        ):
            with pytest.raises(Refused) as caught:
                place.run(work)
            assert caught.value.code == "RP920"
        assert place.documents() == before


def test_nothing_is_written_for_somebody_who_stopped_waiting(tmp_path: Path) -> None:
    """A thread cannot be stopped: it is about to send a write when its task is cancelled."""
    with site(tmp_path) as place:

        async def main() -> None:
            loop, about_to_send, cancelled = asyncio.get_running_loop(), asyncio.Event(), threading.Event()

            def fence() -> None:
                loop.call_soon_threadsafe(about_to_send.set)
                assert cancelled.wait(timeout=10)

            place.lease.then = fence
            task = asyncio.create_task(place.cloud.set_port("port-1", name="late", tags=[]))
            await about_to_send.wait()
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            cancelled.set()

        asyncio.run(main())
        place.lease.then = lambda: None
        place.run(lambda cloud: cloud.set_port("port-2", name="next", tags=[]))
        assert (place.port(1)["name"], place.port(2)["name"]) == ("cp-1-port", "next")
        assert place.twin.writes == [("PUT", "network", "/v2.0/ports/port-2")]


def test_who_we_are_and_how_another_credential_logs_in(tmp_path: Path) -> None:
    with site(tmp_path) as place:
        assert place.run(lambda cloud: cloud.whoami()) == ["survey@clusters"]
        [login] = place.run(lambda cloud: cloud.login())
        assert (login.auth_url, login.region) == (place.twin.auth_url, "RegionOne")
        assert (login.interface, login.project_id, login.cacert, login.verify) == (
            "public",
            "project-1",
            "",
            True,
        )
