"""A snapshot leaves the machine verified, lies encrypted where fleet.yaml says, or not at all."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
import resource
import stat
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyrage
import pytest
from hosts_site import ADDRESSES, ETCD, TAKEN_AT, Site, site, ssh_key

from replank.domain.errors import Refused, ReplankError, Transient
from replank.inventory.hosts.apply_commands import ETCD_SNAPSHOT
from replank.ports.access import EtcdSnapshot
from replank.testbed.serve.ssh_etcd import database_of, snapshot_answer
from replank.testbed.serve.ssh_faults import SshFault
from replank.transports.hosts.encrypted_file import recipients_of, write_encrypted

NAME = "plain/20261118T110640.000000Z"


def take(place: Site) -> EtcdSnapshot:
    return place.run(lambda hosts: hosts.etcd_snapshot("cp-1"))


def lines(database: bytes) -> list[dict[str, Any]]:
    return [json.loads(line) for line in snapshot_answer(database).splitlines()]


def text(answer: list[dict[str, Any]]) -> str:
    return "".join(json.dumps(line) + "\n" for line in answer)


def test_what_a_killed_run_left_half_written_is_taken_away(tmp_path: Path) -> None:
    with site(tmp_path) as place:
        folder = Path(take(place).path).parent
        for name in (".k2j3.part", ".20261118T110640.000000Z.json.part"):
            (folder / name).write_bytes(b"half")
        (folder / "notes.part").write_text("somebody's own")
        take(place)
        assert {path.name for path in folder.glob("*.part")} == {"notes.part"}


def test_a_snapshot_is_verified_and_kept_encrypted_for_its_owner_alone(tmp_path: Path) -> None:
    with site(tmp_path) as place:
        taken = take(place)
        database = database_of(place.machines["cp-1"])
        plain = pyrage.decrypt(Path(taken.path).read_bytes(), [place.identity])
        assert plain == database + hashlib.sha256(database).digest(), "as `etcdutl snapshot restore` takes it"
        assert (taken.sha256, taken.bytes) == (hashlib.sha256(plain).hexdigest(), len(plain))
        assert place.files() == [f"{NAME}.db.age", f"{NAME}.json"]
        for path in (Path(taken.path), Path(taken.path).parent / f"{Path(NAME).name}.json"):
            assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert stat.S_IMODE(Path(taken.path).parent.stat().st_mode) == 0o700
        assert json.loads((place.folder / "snapshots" / f"{NAME}.json").read_text()) == {
            "schema": "replank.etcd-snapshot/v1",
            "cluster": "plain",
            "machine": "cp-1",
            "taken_at": TAKEN_AT,
            "sha256": taken.sha256,
            "bytes": taken.bytes,
        }
        assert place.twin.strange_commands == []


def test_the_newest_is_the_one_taken_last_and_damaged_ones_do_not_count(tmp_path: Path) -> None:
    with site(tmp_path) as place:
        assert place.run(lambda hosts: hosts.newest_snapshot()) is None
        first = take(place)
        place.now += 60
        second = take(place)
        assert place.run(lambda hosts: hosts.newest_snapshot()) == second
        Path(second.path).write_bytes(Path(second.path).read_bytes()[:100])
        assert place.run(lambda hosts: hosts.newest_snapshot()) == first
        (Path(first.path).parent / f"{Path(NAME).name}.json").write_text("{half")
        assert place.run(lambda hosts: hosts.newest_snapshot()) is None


def test_a_snapshot_of_another_cluster_is_not_ours(tmp_path: Path) -> None:
    with site(tmp_path) as place:
        taken = take(place)
        beside = Path(taken.path.removesuffix(".db.age") + ".json")
        beside.write_text(beside.read_text().replace('"plain"', '"other"'))
        assert place.run(lambda hosts: hosts.newest_snapshot()) is None


def test_without_recipients_the_operators_own_key_can_read_it(tmp_path: Path) -> None:
    with site(tmp_path) as place:
        kept = replace(place.kept, recipients=())
        taken = place.run(lambda hosts: hosts.etcd_snapshot("cp-1"), kept)
        identity = pyrage.ssh.Identity.from_buffer(ssh_key("client").encode())
        assert len(pyrage.decrypt(Path(taken.path).read_bytes(), [identity])) == taken.bytes


@pytest.mark.parametrize("recipient", ["age1nonsense", "ssh-ed25519 AAAA", "ecdsa-sha2-nistp256 AAAA me", ""])
def test_a_recipient_that_is_none_is_refused_before_anything_is_read(tmp_path: Path, recipient: str) -> None:
    with site(tmp_path) as place:
        kept = replace(place.kept, recipients=(recipient,))
        with pytest.raises(Refused) as caught:
            place.run(lambda hosts: hosts.etcd_snapshot("cp-1"), kept)
        assert caught.value.code == "RP944"
        assert place.twin.commands == []


def test_without_a_place_it_is_refused(tmp_path: Path) -> None:
    with site(tmp_path) as place:
        kept = replace(place.kept, folder="")
        for work in (lambda hosts: hosts.etcd_snapshot("cp-1"), lambda hosts: hosts.newest_snapshot()):
            with pytest.raises(Refused) as caught:
                place.run(work, kept)
            assert caught.value.code == "RP943"


def _without_the_hash(answer: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return answer[:-1]


def _without_a_piece(answer: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return answer[:1] + answer[2:]


def _with_a_flipped_bit(answer: list[dict[str, Any]]) -> list[dict[str, Any]]:
    blob = bytearray(base64.b64decode(answer[1]["result"]["blob"]))
    blob[100] ^= 1
    answer[1]["result"]["blob"] = base64.b64encode(blob).decode()
    return answer


def _with_an_error(answer: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [answer[0], {"error": {"grpc_code": 14, "message": "etcdserver: server stopped"}}]


@pytest.mark.parametrize(
    ("damage", "why"),
    [
        (_without_the_hash, "bytes came"),
        (_without_a_piece, "bytes came"),
        (_with_a_flipped_bit, "does not have the SHA-256"),
        (_with_an_error, "etcd says: etcdserver: server stopped"),
        (lambda answer: [], "0 of 0 bytes came"),
    ],
)
def test_a_damaged_snapshot_is_not_kept(tmp_path: Path, damage: Any, why: str) -> None:
    with site(tmp_path) as place:
        place.snapshot_answers(text(damage(lines(database_of(place.machines["cp-1"])))))
        with pytest.raises(Transient) as caught:
            take(place)
        assert caught.value.code == "RP942"
        assert why in caught.value.why
        assert place.files() == []


@pytest.mark.parametrize("cut", [1, 50_000])
def test_an_answer_that_is_cut_off_is_not_kept(tmp_path: Path, cut: int) -> None:
    with site(tmp_path) as place:
        place.snapshot_answers(snapshot_answer(database_of(place.machines["cp-1"]))[:-cut].decode())
        with pytest.raises(Transient) as caught:
            take(place)
        assert (caught.value.code, caught.value.why) == ("RP942", "the last line of its answer is cut off")
        assert place.files() == []


def test_an_endpoint_that_refuses_is_told_and_nothing_is_kept(tmp_path: Path) -> None:
    with site(tmp_path) as place:
        place.twin.faults[ADDRESSES["cp-1"]] = SshFault(sudo_refuses=("snapshot",))
        with pytest.raises(Refused) as caught:
            take(place)
        assert caught.value.code == "RP067"
        assert place.files() == []


def test_a_full_disk_is_told_before_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with site(tmp_path) as place:
        usage = type("Usage", (), {"free": 1000})
        monkeypatch.setattr("replank.transports.hosts.snapshots.shutil.disk_usage", lambda _: usage)
        with pytest.raises(Refused) as caught:
            take(place)
        assert caught.value.code == "RP945"
        assert "163872 bytes, and 1000 are free" in caught.value.why
        assert place.files() == []


@pytest.mark.parametrize("limit", [0, 1, 70_000, 163_900])
def test_a_disk_that_gets_full_while_it_is_written_leaves_nothing(tmp_path: Path, limit: int) -> None:
    """A limit on file sizes stands for the full disk: the kernel refuses the write in the same way."""
    with site(tmp_path) as place:
        before = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, before[1]))
        try:
            with pytest.raises(Refused) as caught:
                take(place)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, before)
        assert caught.value.code == "RP945"
        assert place.files() == []


def test_a_place_that_is_no_folder_is_refused(tmp_path: Path) -> None:
    with site(tmp_path) as place:
        (tmp_path / "snapshots").write_text("a file")
        with pytest.raises(Refused) as caught:
            take(place)
        assert caught.value.code == "RP945"


def test_a_cancelled_snapshot_leaves_nothing_and_ends_its_source(tmp_path: Path) -> None:
    ended: list[str] = []
    path = tmp_path / "one.db.age"

    async def main() -> None:
        half_way = asyncio.Event()

        async def endless() -> AsyncGenerator[bytes, None]:
            try:
                for _ in range(10):
                    yield bytes(100_000)
                half_way.set()
                await asyncio.Event().wait()
            finally:
                ended.append("ended")

        recipients = recipients_of([str(pyrage.x25519.Identity.generate().to_public())])
        async with aclosing(endless()) as content:
            task = asyncio.create_task(write_encrypted(path, content, recipients))
            await half_way.wait()
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task

    asyncio.run(main())
    assert ended == ["ended"]
    assert list(tmp_path.iterdir()) == []


def test_an_etcd_that_does_not_answer_is_tried_again(tmp_path: Path) -> None:
    with site(tmp_path) as place:
        manifest = "/etc/kubernetes/manifests/kube-apiserver.yaml"
        place.machines["cp-1"].files[manifest].content = (
            place.machines["cp-1"].files[manifest].content.replace(b"127.0.0.1:2379", b"127.0.0.1:2380")
        )
        with pytest.raises(Transient) as caught:
            place.run(lambda hosts: hosts.etcd_members("cp-1"))
        assert caught.value.code == "RP067"
        assert caught.value.why == "the connection was refused"


def test_memory_does_not_grow_with_the_snapshot(tmp_path: Path) -> None:
    pieces = 2000

    async def many() -> AsyncIterator[bytes]:
        for _ in range(pieces):
            yield bytes(32 * 1024)

    async def main() -> None:
        recipients = recipients_of([str(pyrage.x25519.Identity.generate().to_public())])
        await write_encrypted(tmp_path / "big", many(), recipients)

    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    asyncio.run(main())
    assert (tmp_path / "big").stat().st_size > pieces * 32 * 1024
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown < 16 * 1024, f"{grown} KiB for a file of 64 MiB"


def test_the_command_is_the_granted_one(tmp_path: Path) -> None:
    with site(tmp_path) as place:
        take(place)
        ran = [line for _, line in place.twin.commands if "snapshot" in line]
        assert ran == [ETCD_SNAPSHOT.call(**ETCD).sudo_line]


def test_no_message_holds_what_etcd_holds(tmp_path: Path) -> None:
    with site(tmp_path) as place:
        planted = base64.b64encode(b"planted-etcd-value").decode()
        place.snapshot_answers(json.dumps({"result": {"blob": planted}, "x": "planted"}) + "\n{broken")
        with pytest.raises(ReplankError) as caught:
            take(place)
        assert "planted" not in str(caught.value)
        assert planted not in str(caught.value)
