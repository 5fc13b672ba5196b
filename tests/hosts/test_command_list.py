"""Read-only is a promise: what may run on machines are fixed lists, and nothing on them can write."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from replank.domain.errors import Refused
from replank.inventory.hosts import commands
from replank.inventory.hosts.apply_commands import APPLY_COMMANDS, ETCD_SNAPSHOT
from replank.inventory.hosts.command import HostCommand

READERS = {
    *("cat", "curl", "containerd", "crio", "docker", "dpkg-query", "find", "grep", "hostname", "ip", "ls"),
    *("pgrep", "rpm", "sed", "sha256sum", "stat", "systemctl", "true"),
}
# Options of these programs that write, run something else, or change the system.
WRITERS = {
    "find": {"-delete", "-exec", "-execdir", "-ok", "-okdir", "-fprint", "-fprint0", "-fprintf", "-fls"},
    "sed": {"-i", "--in-place", "-f", "--file", "-e", "-s"},
    "curl": {"-o", "-O", "--output", "--remote-name", "-T", "--upload-file", "-D", "-c", "-K", "--config"},
    "rpm": {"-i", "-U", "-e", "-F", "--import", "--rebuilddb", "--setperms", "--restore", "--eval", "-E"},
    "ip": {"add", "del", "set", "flush", "replace", "change", "exec", "netns"},
    "hostname": {"-F", "-b"},
}


@pytest.mark.parametrize("command", APPLY_COMMANDS, ids=lambda command: command.name)
def test_every_command_is_a_reader_without_writing_options(command: HostCommand) -> None:
    program, *words = command.argv
    assert program in READERS
    assert not WRITERS.get(program, set()) & set(words)
    if program == "systemctl":
        assert words[0] == "show"
    if program == "ip":
        assert words[-1] == "show"
    if program == "rpm":
        assert words[0] in ("-qa", "-qf")
    if program == "hostname":
        assert words == []
    if program == "sed":
        # One script that prints lines, one file: no `w`, `e` or `r` command of GNU sed can hide in it.
        script, path = words[1:]
        assert words[0] == "-n"
        assert path == "<path>"
        assert script.startswith("/")
        assert script.endswith("/p")
        assert "w" not in script.replace("-----", "").split("/")[-1]


@pytest.mark.parametrize(
    "command", [commands.ETCD_MEMBERS, commands.ETCD_STATUS, ETCD_SNAPSHOT], ids=lambda c: c.name
)
def test_etcd_is_only_asked_what_changes_nothing(command: HostCommand) -> None:
    calls = ("cluster/member/list", "maintenance/status", "maintenance/snapshot")
    assert command.argv[-1] in [f"<url>/v3/{call}" for call in calls]
    assert command.argv[command.argv.index("--data") + 1] == "{}"


def test_no_command_line_needs_a_shell() -> None:
    shells = {"sh", "bash", "env", "xargs", "eval", "sudo", "su", "nsenter", "tee", "dd", "python3", "perl"}
    for command in APPLY_COMMANDS:
        assert command.argv[0] not in shells


def test_names_are_unique_and_purposes_are_said() -> None:
    names = [command.name for command in APPLY_COMMANDS]
    assert len(names) == len(set(names))
    assert all(command.purpose for command in APPLY_COMMANDS)


@pytest.mark.parametrize("command", APPLY_COMMANDS, ids=lambda command: command.name)
def test_usual_calls_are_recognised_as_their_command(command: HostCommand) -> None:
    for values in command.usual:
        assert command.matches(command.call(**values).argv)


@given(
    st.one_of(
        st.sampled_from(
            ["-rf", "--files0-from=x", "relative", "", "/a\nb", "/a\0b", "$(id)", "-exec", "\n/x"]
        ),
        st.text().filter(lambda text: not text.startswith("/")),
    )
)
def test_a_value_that_could_be_an_option_is_never_run(value: str) -> None:
    with pytest.raises(Refused) as error:
        commands.MANIFEST.call(path=value)
    assert error.value.code == "RP067"


@given(st.text(alphabet=st.characters(min_codepoint=32, blacklist_characters="\x7f")))
def test_any_path_arrives_as_one_word(name: str) -> None:
    import shlex

    call = commands.MANIFEST.call(path=f"/{name}")
    assert shlex.split(call.sudo_line) == ["sudo", "-n", "cat", f"/{name}"]


def test_a_command_with_one_word_more_is_not_recognised() -> None:
    call = commands.MANIFEST.call(path="/etc/x")
    assert commands.MANIFEST.matches(call.argv)
    assert not commands.MANIFEST.matches((*call.argv, "/etc/kubernetes/pki/ca.key"))
    assert not commands.CERTIFICATE.matches(("sed", "-n", "s/x/y/w /etc/passwd", "/etc/x"))
