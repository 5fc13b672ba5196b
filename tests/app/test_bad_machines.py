"""Machines that cannot be read over SSH, end to end: the others of the cluster are."""

from __future__ import annotations

from dataclasses import fields

import pytest
from bad_input_site import Done, Site, unseen_wholly

from replank.domain.unknown import Unknown
from replank.inventory.facts.hosts import HostFacts
from replank.testbed.serve.ssh_faults import SshFault


def unseen(host: HostFacts) -> dict[str, str]:
    """Fact -> code of what could not be seen of a machine."""
    values = {field.name: getattr(host, field.name) for field in fields(host)}
    return {name: value.code for name, value in values.items() if isinstance(value, Unknown)}


def only_this_machine_suffers(place: Site) -> tuple[HostFacts, Done]:
    """Surveys, and asserts that the other control planes and all other sources were seen."""
    done = place.survey_bent()
    seen = place.snapshot("a")
    assert unseen_wholly(seen) == {}
    hosts = {host.server: host for host in seen.hosts}
    bent = hosts.pop(place.machine.server_name)
    assert [unseen(host) for host in hosts.values()] == [{}, {}]
    return bent, done


@pytest.mark.parametrize(
    ("fault", "code"),
    [(SshFault(refused=True), "RP060"), (SshFault(cut_after=0), "RP065")],
    ids=["down", "cut"],
)
def test_a_control_plane_that_cannot_be_read_leaves_the_others_seen(
    place: Site, fault: SshFault, code: str
) -> None:
    place.twin.ssh.faults[place.machine.address] = fault
    host, done = only_this_machine_suffers(place)
    assert f"a: host {host.server} could not be seen. {code} " in done.said
    assert set(unseen(host).values()) == {code}


def test_a_machine_without_sudo_tells_what_needs_no_root_and_names_the_rest(place: Site) -> None:
    place.machine.sudo = False
    try:
        host, done = only_this_machine_suffers(place)
    finally:
        place.machine.sudo = True
    assert host.hostname == host.server
    assert set(unseen(host).values()) == {"RP066"}
    assert "certificates" in unseen(host)
    assert "RP066" in done.out
    assert f"hosts[{host.server}]" in done.out


def test_a_changed_host_key_is_told_and_nothing_is_run_there(place: Site) -> None:
    address = place.machine.address
    known = place.folder / "ssh" / "known_hosts"
    lines = known.read_text().splitlines()
    keys = [line for line in lines if line.startswith(f"{address} ")]
    rest = [line for line in lines if line not in keys]
    other = next(line for line in rest if not line.startswith("["))
    known.write_text("\n".join([*rest, f"{address} {other.partition(' ')[2]}"]))
    before = len(place.twin.ssh.commands)
    host, done = only_this_machine_suffers(place)
    assert f"a: host {host.server} could not be seen. RP061 " in done.said
    assert set(unseen(host).values()) == {"RP061"}
    assert address not in {where for where, _ in place.twin.ssh.commands[before:]}
