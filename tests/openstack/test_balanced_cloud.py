"""What the guards see and change in a project: pool members, floating IPs, volumes."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import pytest
from openstack_sample import SECRETS, clouds_yaml, project
from writing_site import PATIENCE, Lease

from replank.audit.catalogue import catalogue
from replank.domain.errors import Hold, Refused, ReplankError, Transient
from replank.ports.access import Conflict
from replank.ports.guarding import BalancedCloud
from replank.ports.receipts import collect
from replank.testbed.serve.openstack import Fault, OpenStackTwin
from replank.transports.openstack.balanced_cloud import OpenStackBalancedCloud

T = TypeVar("T")
POOL = "pool-1"


class Place:
    def __init__(self, twin: OpenStackTwin, given: Any, cloud: OpenStackBalancedCloud, lease: Lease) -> None:
        self.twin, self.given, self.lease = twin, given, lease
        self.cloud: BalancedCloud = cloud
        self.receipts: list[str] = []

    def run(self, *works: Callable[[BalancedCloud], Awaitable[T]]) -> list[T]:
        async def main() -> list[T]:
            receipts = collect()
            try:
                return [await work(self.cloud) for work in works]
            finally:
                self.receipts = receipts

        return asyncio.run(main())

    @property
    def members(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.one("load-balancer", "pools", POOL)["members_full"]
        return found

    def one(self, service: str, collection: str, id_: str) -> dict[str, Any]:
        return next(d for d in self.given.collections[service][collection] if d["id"] == id_)


@contextmanager
def place(folder: Path, **twin: Any) -> Iterator[Place]:
    given, lease = project(), Lease()
    given.collections["network"]["floatingips"].append(
        {"id": "fip-0", "floating_ip_address": "203.0.113.9", "port_id": None, "project_id": "project-2"}
    )
    with OpenStackTwin([given], **twin) as served:
        cloud = OpenStackBalancedCloud(clouds_yaml(folder, served), lease, PATIENCE)
        try:
            yield Place(served, given, cloud, lease)
        finally:
            cloud.close()


async def add(cloud: BalancedCloud, address: str = "10.0.0.14", port: int = 6443) -> None:
    await cloud.add_member(
        POOL, name="cp-4", address=address, port=port, subnet_id="subnet-1", tags=["b", "a"]
    )


def test_a_pool_and_its_members_are_seen_sorted(tmp_path: Path) -> None:
    with place(tmp_path) as here:
        [pool] = here.run(lambda cloud: cloud.pool(POOL))
        assert pool is not None
        assert pool["name"] == "api-pool"
        [members] = here.run(lambda cloud: cloud.pool_members(POOL))
        assert [m["id"] for m in members] == ["member-1", "member-2", "member-3"]
        assert here.twin.writes == []


def test_a_pool_that_is_not_there_is_none_and_has_no_members(tmp_path: Path) -> None:
    """Not the empty list: a pool keeper that saw it would take the machines of a pool for gone."""
    with place(tmp_path) as here:
        assert here.run(lambda cloud: cloud.pool("gone")) == [None]
        for work in (
            lambda cloud: cloud.pool_members("gone"),
            lambda cloud: cloud.add_member("gone", name="x", address="10.0.0.14", port=6443),
        ):
            with pytest.raises(Refused) as caught:
                here.run(work)
            assert caught.value.code == "RP933"
        here.run(lambda cloud: cloud.remove_member("gone", "member-1"))


def test_a_proxys_404_is_no_absence(tmp_path: Path) -> None:
    with place(tmp_path) as here:
        here.run(lambda cloud: cloud.pool(POOL))
        here.twin.faults.append(Fault(service="load-balancer", path="/members", kind="page", status=404))
        for work in (
            lambda cloud: cloud.pool_members(POOL),
            lambda cloud: cloud.remove_member(POOL, "member-1"),
        ):
            with pytest.raises(ReplankError) as caught:
                here.run(work)
            assert caught.value.code != "RP933"
        assert len(here.members) == 3


def test_a_member_is_added_with_its_tags_and_a_receipt(tmp_path: Path) -> None:
    with place(tmp_path) as here:
        here.run(add)
        new = here.members[-1]
        assert (new["name"], new["address"], new["protocol_port"]) == ("cp-4", "10.0.0.14", 6443)
        assert (new["subnet_id"], new["tags"]) == ("subnet-1", ["a", "b"])
        assert [r.split(" req-")[0] for r in here.receipts] == [f"POST /lbaas/pools/{POOL}/members 201"]
        assert here.lease.asked == 1


def test_fields_that_were_not_given_are_not_sent(tmp_path: Path) -> None:
    """An Octavia before Stein refuses a body with tags."""
    with place(tmp_path) as here:
        here.run(lambda cloud: cloud.add_member(POOL, name="x", address="10.0.0.15", port=1))
        assert (here.members[-1]["tags"], here.members[-1]["subnet_id"]) == ([], None)


@pytest.mark.parametrize("spelling", ["fd00::a", "FD00:0:0:0:0:0:0:A"])
def test_a_member_that_is_there_is_left_as_it_is(tmp_path: Path, spelling: str) -> None:
    with place(tmp_path) as here:
        here.members.append({"id": "six", "name": "", "address": "fd00::a", "protocol_port": 6443})
        here.run(lambda cloud: add(cloud, "10.0.0.11"), lambda cloud: add(cloud, spelling))
        assert here.twin.writes == []
        here.run(lambda cloud: add(cloud, "10.0.0.11", 443))
        assert len(here.twin.writes) == 1


def test_somebody_quicker_is_no_error(tmp_path: Path) -> None:
    """Another replica added it after we had looked: 409, and it is not the load balancer's."""
    with place(tmp_path) as here:
        theirs = {"id": "theirs", "name": "cp-4", "address": "10.0.0.14", "protocol_port": 6443}
        here.lease.then = lambda: here.members.append(theirs)
        here.run(add)
        assert here.members[-1] is theirs
        assert " 409 " in here.receipts[0]


def test_a_409_without_the_member_is_told(tmp_path: Path) -> None:
    with place(tmp_path) as here:
        here.twin.faults.append(Fault(service="load-balancer", method="POST", status=409))
        with pytest.raises(Conflict) as caught:
            here.run(add)
        assert caught.value.code == "RP922"


def test_one_that_is_being_deleted_is_not_there_to_stay(tmp_path: Path) -> None:
    """While Octavia deletes it the load balancer takes no change: the next round adds it."""
    with place(tmp_path) as here:
        here.members[0]["provisioning_status"] = "PENDING_DELETE"
        here.one("load-balancer", "loadbalancers", "lb-1")["provisioning_status"] = "PENDING_UPDATE"
        with pytest.raises(Transient) as caught:
            here.run(lambda cloud: add(cloud, here.members[0]["address"]))
        assert (type(caught.value), caught.value.retry_after_s) == (Transient, 5.0)
        here.run(lambda cloud: cloud.remove_member(POOL, here.members[0]["id"]))
        assert here.twin.writes == []


@pytest.mark.parametrize("work", [add, lambda cloud: cloud.remove_member(POOL, "member-1")])
def test_an_immutable_load_balancer_is_told_and_not_waited_for(
    tmp_path: Path, work: Callable[[BalancedCloud], Awaitable[None]]
) -> None:
    with place(tmp_path) as here:
        here.one("load-balancer", "loadbalancers", "lb-1")["provisioning_status"] = "PENDING_UPDATE"
        with pytest.raises(Transient) as caught:
            here.run(work)
        assert (caught.value.code, type(caught.value)) == ("RP922", Transient)
        assert "immutable" in caught.value.why
        assert (len(here.members), here.lease.asked) == (3, 1)


def test_a_used_up_quota_is_no_missing_role(tmp_path: Path) -> None:
    with place(tmp_path) as here:
        here.twin.faults.append(Fault(service="load-balancer", method="POST", status=403))
        with pytest.raises(Refused) as role:
            here.run(add)
        here.twin.faults[0].says = "Quota has been met for resources: Member"
        with pytest.raises(Refused) as quota:
            here.run(add)
        assert (role.value.code, quota.value.code) == ("RP920", "RP934")
        assert {"RP932", "RP933", "RP934"} <= set(catalogue())


def test_a_member_is_removed_once(tmp_path: Path) -> None:
    with place(tmp_path) as here:
        here.run(*[lambda cloud: cloud.remove_member(POOL, "member-2")] * 2)
        assert [m["id"] for m in here.members] == ["member-3", "member-1"]
        assert len(here.twin.writes) == 1


def test_a_weight_is_set_once_and_nothing_else_with_it(tmp_path: Path) -> None:
    with place(tmp_path) as here:
        before = dict(here.members[0])
        here.run(*[lambda cloud: cloud.weigh_member(POOL, here.members[0]["id"], 0)] * 2)
        assert len(here.twin.writes) == 1
        changed = {key for key, value in here.members[0].items() if before.get(key) != value}
        assert changed - {"updated_at"} == {"weight"}
        assert here.members[0]["weight"] == 0


def test_a_member_that_is_gone_or_going_has_no_weight_to_set(tmp_path: Path) -> None:
    with place(tmp_path) as here:
        here.members[0]["provisioning_status"] = "PENDING_DELETE"
        for member in ("nobody", here.members[0]["id"]):
            with pytest.raises(Conflict) as caught:
                here.run(lambda cloud, member=member: cloud.weigh_member(POOL, member, 0))
            assert caught.value.code == "RP922"
        assert here.twin.writes == []


def test_one_that_goes_while_it_is_removed_is_fine(tmp_path: Path) -> None:
    with place(tmp_path) as here:
        here.lease.then = lambda: here.members.clear()
        here.run(lambda cloud: cloud.remove_member(POOL, "member-2"))
        assert " 404 " in here.receipts[0]


def test_a_lost_answer_is_told_as_one_and_the_next_round_finds_it_done(tmp_path: Path) -> None:
    with place(tmp_path) as here:
        for work, method in ((add, "POST"), (lambda cloud: cloud.remove_member(POOL, "member-1"), "DELETE")):
            here.twin.faults.append(
                Fault(service="load-balancer", method=method, kind="cut", times=1, after=True)
            )
            with pytest.raises(Transient) as caught:
                here.run(work)
            assert caught.value.code == "RP925"
            here.run(work)
        assert [method for method, _, _ in here.twin.writes] == ["POST", "DELETE"]


def test_only_the_projects_own_floating_ips_are_seen(tmp_path: Path) -> None:
    with place(tmp_path) as here:
        [found] = here.run(lambda cloud: cloud.floating_ips())
        assert [f["id"] for f in found] == ["fip-1"]


def test_a_floating_ip_is_taken_off_its_port_once_and_stays(tmp_path: Path) -> None:
    with place(tmp_path) as here:
        here.run(*[lambda cloud: cloud.disassociate_floating_ip("fip-1")] * 2)
        left = here.one("network", "floatingips", "fip-1")
        assert (left["port_id"], left["floating_ip_address"]) == (None, "203.0.113.1")
        assert here.twin.writes == [("PUT", "network", "/v2.0/floatingips/fip-1")]
        with pytest.raises(Conflict) as caught:
            here.run(lambda cloud: cloud.disassociate_floating_ip("gone"))
        assert caught.value.code == "RP922"


def test_ports_are_seen_as_the_takeover_sees_them(tmp_path: Path) -> None:
    with place(tmp_path) as here:
        [ports] = here.run(lambda cloud: cloud.ports("net-1"))
        assert [p["id"] for p in ports] == ["port-1", "port-2", "port-3", "port-r"]


@pytest.mark.parametrize("nova", ["2.96", "2.78", "2.3"])
def test_volumes_tell_whether_they_go_with_the_server_whatever_novas_age(tmp_path: Path, nova: str) -> None:
    with place(tmp_path, nova_version=nova) as here:
        here.one("compute", "servers", "server-3")["os-extended-volumes:volumes_attached"].insert(
            0, {"id": "volume-2", "delete_on_termination": False}
        )
        [found] = here.run(lambda cloud: cloud.volumes_of("server-3"))
        told = [(v["volumeId"], v["device"], v["delete_on_termination"]) for v in found]
        assert told == [("volume-1", "/dev/vda", True), ("volume-2", None, False)]
        assert here.run(lambda cloud: cloud.volumes_of("server-1")) == [()]


def test_a_server_that_is_gone_has_no_volumes_and_one_that_cannot_be_seen_is_not_gone(tmp_path: Path) -> None:
    with place(tmp_path) as here:
        assert here.run(lambda cloud: cloud.volumes_of("gone")) == [()]
        for fault in (Fault(path="os-volume", kind="page", status=404), Fault(path="os-volume", status=500)):
            here.twin.faults[:] = [fault]
            with pytest.raises(ReplankError):
                here.run(lambda cloud: cloud.volumes_of("server-1"))


WRITES: dict[str, Callable[[BalancedCloud], Awaitable[None]]] = {
    "POST": add,
    "DELETE": lambda cloud: cloud.remove_member(POOL, "member-1"),
    "PUT": lambda cloud: cloud.disassociate_floating_ip("fip-1"),
}


@pytest.mark.parametrize("method", WRITES)
def test_nothing_is_written_without_leadership(tmp_path: Path, method: str) -> None:
    with place(tmp_path) as here:
        here.lease.held = False
        with pytest.raises(Hold):
            here.run(WRITES[method])
        assert (here.twin.writes, here.receipts) == ([], [])


@pytest.mark.parametrize("method", WRITES)
@pytest.mark.parametrize(
    ("fault", "kind", "code"),
    [
        (Fault(status=401), Refused, "RP920"),
        (Fault(status=403), Refused, "RP920"),
        (Fault(status=400), Refused, "RP923"),
        (Fault(status=500), Transient, "RP924"),
        (Fault(status=503, retry_after_s=60), Transient, "RP924"),
        (Fault(kind="hang"), Transient, "RP925"),
        (Fault(kind="cut"), Transient, "RP925"),
    ],
    ids=lambda value: f"{value.kind}-{value.status}" if isinstance(value, Fault) else None,
)
def test_a_refused_write_is_told_by_its_cause_and_shows_no_secret(
    tmp_path: Path, method: str, fault: Fault, kind: type[ReplankError], code: str
) -> None:
    with place(tmp_path) as here:
        here.run(lambda cloud: cloud.pool(POOL), lambda cloud: cloud.floating_ips())
        fault.method, fault.path = method, "/members" if method != "PUT" else "/floatingips"
        here.twin.faults.append(fault)
        with pytest.raises(ReplankError) as caught:
            here.run(WRITES[method])
        assert (type(caught.value), caught.value.code) == (kind, code)
        shown = f"{caught.value} {caught.value.args} {here.receipts}"
        assert not [secret for secret in (*SECRETS, "gAAAAA-twin") if secret in shown]
