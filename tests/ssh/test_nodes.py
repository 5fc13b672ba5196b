"""What a runtime swap puts on nodes arrives whole or not at all, and the node's own words are heard."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import pytest
from hosts_site import ssh_key

from replank.domain.errors import Hold, Refused, Transient
from replank.inventory.fleet.model import SshAccess
from replank.inventory.hosts.swap_commands import FOLDER, NODE, NODE_PART
from replank.ports.nodes import Parcel
from replank.testbed.serve.ssh import SshTwin
from replank.testbed.world import FileEntry, Machine
from replank.transports.hosts.nodes import HostNodes
from replank.transports.ssh.sessions import SshSessions

T = TypeVar("T")
ADDRESS = "10.0.0.21"
PROGRAM = "/opt/replank/containerd-2.3.5/containerd"
CONTENT = bytes(range(256)) * 4096


def parcel(data: bytes = CONTENT, name: str = PROGRAM) -> Parcel:
    return Parcel(path=name, sha256=hashlib.sha256(data).hexdigest(), data=data)


@dataclass
class Site:
    machine: Machine
    twin: SshTwin
    access: SshAccess

    def ask(self, call: Callable[[HostNodes], Awaitable[T]], fence: Callable[[], None] = lambda: None) -> T:
        async def go() -> T:
            return await call(HostNodes(SshSessions(self.access, {"w-1": ADDRESS}), fence))

        return asyncio.run(go())


@contextmanager
def site(folder: Path) -> Iterator[Site]:
    machine = Machine(server_name="w-1", server_id="1", host_key=ssh_key("w-1"), address=ADDRESS)
    key = folder / "key"
    key.write_text(ssh_key("client"))
    key.chmod(0o600)
    with SshTwin({ADDRESS: machine}, user="ubuntu", client_key=ssh_key("client")) as twin:
        twin.known_hosts(folder / "known_hosts")
        access = SshAccess(
            user="ubuntu", key=str(key), jump=twin.jump, known_hosts=str(folder / "known_hosts")
        )
        yield Site(machine, twin, access)


def test_a_file_arrives_whole_under_its_name_and_is_not_sent_again(tmp_path: Path) -> None:
    with site(tmp_path) as found:
        assert found.ask(lambda nodes: nodes.put("w-1", parcel()))
        assert found.machine.files[PROGRAM].content == CONTENT
        assert not [path for path in found.machine.files if path.endswith(".new")]
        sent = len(found.twin.commands)
        assert not found.ask(lambda nodes: nodes.put("w-1", parcel()))
        assert not any("dd " in line for _, line in found.twin.commands[sent:])
        assert found.twin.strange_commands == []


def test_a_large_file_is_read_from_disk_in_pieces(tmp_path: Path) -> None:
    source = tmp_path / "containerd"
    source.write_bytes(CONTENT)
    large = Parcel(path=PROGRAM, sha256=hashlib.sha256(CONTENT).hexdigest(), source=str(source))
    with site(tmp_path) as found:
        found.ask(lambda nodes: nodes.put("w-1", large))
        assert found.machine.files[PROGRAM].content == CONTENT


def test_what_is_not_the_planned_file_never_gets_its_name(tmp_path: Path) -> None:
    other = Parcel(path=f"{FOLDER}/plan.json", sha256="0" * 64, data=b"{}")
    with site(tmp_path) as found:
        found.machine.files[f"{FOLDER}/plan.json"] = FileEntry(b"old")
        with pytest.raises(Transient, match="whole") as raised:
            found.ask(lambda nodes: nodes.put("w-1", other))
        assert raised.value.code == "RP946"
        assert found.machine.files[f"{FOLDER}/plan.json"].content == b"old"


def test_a_bundle_that_is_gone_is_told_and_nothing_gets_its_name(tmp_path: Path) -> None:
    gone = Parcel(path=PROGRAM, sha256="0" * 64, source=str(tmp_path / "gone"))
    with site(tmp_path) as found:
        with pytest.raises(Refused) as raised:
            found.ask(lambda nodes: nodes.put("w-1", gone))
        assert raised.value.code == "RP949"
        assert PROGRAM not in found.machine.files


def test_nothing_leaves_the_folder_of_the_part(tmp_path: Path) -> None:
    with site(tmp_path) as found:
        for name in (
            f"{FOLDER}/../../../../etc/passwd",
            f"{FOLDER}/.hidden",
            "/opt/replank/a/../b",
            "/etc/passwd",
        ):
            with pytest.raises(Refused, match="was not run") as raised:
                found.ask(lambda nodes, name=name: nodes.put("w-1", parcel(name=name)))  # type: ignore[misc]
            assert raised.value.code == "RP067"
        assert found.machine.files == {}


def test_the_nodes_own_words_are_heard(tmp_path: Path) -> None:
    with site(tmp_path) as found:
        with pytest.raises(Refused, match="python3") as raised:
            found.ask(lambda nodes: nodes.tell("w-1", "stage"))
        assert raised.value.code == "RP947"
        answers = found.machine.commands
        answers[NODE.call(verb="stage").line] = json.dumps({"outcome": "staged", "refused": None})
        assert found.ask(lambda nodes: nodes.tell("w-1", "stage"))["outcome"] == "staged"
        no = {"code": "RP490", "why": "the disk is full", "todo": "Make room."}
        answers[NODE.call(verb="start").line] = json.dumps({"outcome": "staged", "refused": no})
        with pytest.raises(Refused, match="the disk is full") as raised:
            found.ask(lambda nodes: nodes.tell("w-1", "start"))
        assert raised.value.code == "RP490"


def test_a_node_without_the_part_has_no_status_and_one_with_it_tells(tmp_path: Path) -> None:
    with site(tmp_path) as found:
        assert found.ask(lambda nodes: nodes.status("w-1")) is None
        found.machine.files[NODE_PART] = FileEntry(b"")
        found.machine.commands[NODE.call(verb="status").line] = json.dumps({"outcome": "staged"})
        assert found.ask(lambda nodes: nodes.status("w-1")) == {"outcome": "staged"}
        found.machine.commands[NODE.call(verb="status").line] = "Welcome!"
        with pytest.raises(Refused) as raised:
            found.ask(lambda nodes: nodes.status("w-1"))
        assert raised.value.code == "RP948"


def test_a_run_that_lost_its_lease_changes_no_node(tmp_path: Path) -> None:
    def lost() -> None:
        raise Hold("RP815", "the lease", "was not renewed", "wait")

    with site(tmp_path) as found:
        with pytest.raises(Hold):
            found.ask(lambda nodes: nodes.put("w-1", parcel()), fence=lost)
        with pytest.raises(Hold):
            found.ask(lambda nodes: nodes.tell("w-1", "start"), fence=lost)
        assert found.machine.files == {}
