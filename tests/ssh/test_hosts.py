"""What a takeover reads on machines: secret files and etcd's members."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest
from hosts_site import ADDRESSES, ETCD, SECRET, manifest, members, site, status

from replank.domain.errors import Refused, ReplankError
from replank.inventory.fleet.model import EtcdSnapshots
from replank.inventory.hosts import commands
from replank.ports.access import EtcdMember
from replank.testbed.serve.ssh_faults import SshFault
from replank.transports.hosts.machines import HostMachines
from replank.transports.ssh.sessions import SshSessions

KEY = "/etc/kubernetes/pki/ca.key"


def test_a_secret_is_read_as_it_is(tmp_path: Path) -> None:
    with site(tmp_path) as place:
        place.machines["cp-1"].files[KEY].content = bytes(range(256))
        assert place.run(lambda hosts: hosts.read_secret("cp-1", KEY)) == bytes(range(256))
        assert place.twin.strange_commands == []


def test_a_secret_that_is_not_there_is_told_apart_from_one_that_may_not_be_read(tmp_path: Path) -> None:
    with site(tmp_path) as place:
        with pytest.raises(Refused) as missing:
            place.run(lambda hosts: hosts.read_secret("cp-1", "/etc/kubernetes/pki/none.key"))
        place.twin.faults[ADDRESSES["cp-1"]] = SshFault(sudo_refuses=("ca.key",))
        with pytest.raises(Refused) as refused:
            place.run(lambda hosts: hosts.read_secret("cp-1", KEY))
        assert (missing.value.code, refused.value.code) == ("RP941", "RP067")
        place.machines["cp-1"].sudo = False
        place.twin.faults.clear()
        with pytest.raises(Refused) as no_sudo:
            place.run(lambda hosts: hosts.read_secret("cp-1", KEY))
        assert no_sudo.value.code == "RP066"


def test_a_machine_that_nobody_can_reach_is_refused_by_its_reason(tmp_path: Path) -> None:
    with site(tmp_path) as place:
        with pytest.raises(Refused) as unknown:
            place.run(lambda hosts: hosts.read_secret("cp-9", KEY))
        hosts = HostMachines("plain", SshSessions(None, ADDRESSES), ADDRESSES, EtcdSnapshots())
        with pytest.raises(Refused) as no_ssh:
            asyncio.run(hosts.read_secret("cp-1", KEY))
        assert (unknown.value.code, no_ssh.value.code) == ("RP940", "RP940")
        assert unknown.value.why != no_ssh.value.why


@pytest.mark.parametrize(
    "fault",
    [SshFault(refused=True), SshFault(cut_after=1), SshFault(sudo_refuses=("ca.key",))],
    ids=["refused", "cut", "sudo"],
)
def test_no_error_holds_a_secret(tmp_path: Path, fault: SshFault) -> None:
    with site(tmp_path) as place:
        place.twin.faults[ADDRESSES["cp-1"]] = fault
        with pytest.raises(ReplankError) as caught:
            place.run(lambda hosts: hosts.read_secret("cp-1", KEY))
        assert SECRET.decode() not in str(caught.value)


def test_each_member_is_asked_on_its_own_machine(tmp_path: Path) -> None:
    with site(tmp_path) as place:
        found = place.run(lambda hosts: hosts.etcd_members("cp-2"))
        assert found == tuple(
            EtcdMember(
                id=f"{index:x}",
                name=name,
                peer_urls=(f"https://{ADDRESSES[name]}:2380",),
                learner=False,
                healthy=True,
            )
            for index, name in enumerate(("cp-1", "cp-2", "cp-3"), start=10)
        )
        asked = {address for address, line in place.twin.commands if "/v3/maintenance/status" in line}
        assert asked == {ADDRESSES[name] for name in ("cp-1", "cp-2", "cp-3")}
        assert not [line for _, line in place.twin.commands if "10.0.0.1" in line], "granted lines alone"


def test_a_member_with_an_alarm_or_without_a_leader_is_not_healthy(tmp_path: Path) -> None:
    line = commands.ETCD_STATUS.call(**ETCD).line
    with site(tmp_path) as place:
        place.answers("cp-1", line, status(10, leader="0"))
        place.answers("cp-3", line, status(12, errors=["memberID:12 alarm:NOSPACE"]))
        place.answers("cp-1", commands.ETCD_MEMBERS.call(**ETCD).line, json.dumps(members("cp-2")))
        found = place.run(lambda hosts: hosts.etcd_members("cp-1"))
        assert {member.name: member.healthy for member in found} == {
            "cp-1": False,
            "cp-2": True,
            "cp-3": False,
        }
        assert [member.name for member in found if member.learner] == ["cp-2"]


def test_a_member_whose_machine_is_down_is_not_healthy(tmp_path: Path) -> None:
    with site(tmp_path) as place:
        place.machines["cp-3"].up = False
        found = place.run(lambda hosts: hosts.etcd_members("cp-1"))
        assert [(member.name, member.healthy) for member in found][-1] == ("cp-3", False)
        assert all(member.healthy for member in found[:2])


def test_a_member_on_no_machine_of_ours_is_asked_from_here(tmp_path: Path) -> None:
    outside = {**ETCD, "url": "https://192.0.2.7:2379"}
    with site(tmp_path) as place:
        listed = members()
        listed["members"].append({"ID": "99", "name": "outside", "clientURLs": [outside["url"]]})
        place.answers("cp-1", commands.ETCD_MEMBERS.call(**ETCD).line, json.dumps(listed))
        place.answers("cp-1", commands.ETCD_STATUS.call(**outside).line, status(99))
        found = place.run(lambda hosts: hosts.etcd_members("cp-1"))
        assert {member.name: member.healthy for member in found}["outside"] is True


def test_the_machines_own_endpoint_is_asked_first(tmp_path: Path) -> None:
    """Kubespray names the endpoints of all members in every manifest."""
    own = {**ETCD, "url": "https://10.0.0.12:2379"}
    with site(tmp_path) as place:
        machine = place.machines["cp-2"]
        urls = ",".join(f"https://{ADDRESSES[name]}:2379" for name in ("cp-1", "cp-2", "cp-3"))
        machine.files["/etc/kubernetes/manifests/kube-apiserver.yaml"].content = manifest(urls)
        machine.commands = {
            commands.ETCD_MEMBERS.call(**own).line: json.dumps(members()),
            commands.ETCD_STATUS.call(**own).line: status(11),
        }
        found = place.run(lambda hosts: hosts.etcd_members("cp-2"))
        assert [member.name for member in found] == ["cp-1", "cp-2", "cp-3"]
        lines = [line for _, line in place.twin.commands if "/v3/cluster/member/list" in line]
        assert len(lines) == 1


def test_a_worker_has_no_etcd_to_ask(tmp_path: Path) -> None:
    with site(tmp_path) as place:
        with pytest.raises(Refused) as caught:
            place.run(lambda hosts: hosts.etcd_members("w-1"))
        assert caught.value.code == "RP067"
