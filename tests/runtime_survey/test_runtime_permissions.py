"""`replank permissions runtime`: only reading, and complete for what a survey of runtimes runs."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest
from survey_site import CONTROL_PLANE, ON_CONTAINERD, ON_DOCKER, SwapSite, swap_site

from replank.inventory.hosts.runtime_commands import ADDED_COMMANDS, RUNTIME_COMMANDS
from replank.survey.permissions import permissions

# What the notes say: process numbers and paths that nobody knows beforehand.
FREE = re.compile(r"grep -z \^PATH= /proc/|sha256sum .*shim|cat /etc/(systemd|cron)|cat /usr/lib/systemd")
WORDS = ("rm", "mv", "dd", "tee", "kill", "systemctl", "apt", "sh", "bash", "install", "chmod")


@pytest.fixture
def site(tmp_path: Path) -> Iterator[SwapSite]:
    with swap_site(tmp_path) as place:
        yield place


def granted(purpose: str) -> set[str]:
    lines = permissions(purpose).sudoers  # type: ignore[arg-type]
    commands = [line.partition("NOPASSWD: ")[2] for line in lines if not line.startswith("#")]
    return {
        re.sub(r"\\(.)", r"\1", command).removeprefix("/usr/bin/").removesuffix(' ""') for command in commands
    }


def test_every_command_that_needs_root_is_granted_or_named_in_the_notes(site: SwapSite) -> None:
    for name in (ON_DOCKER, ON_CONTAINERD, CONTROL_PLANE):
        site.read(name)
    ran = {
        " ".join(shlex.split(line)[2:]) for _, line in site.twin.ssh.commands if line.startswith("sudo -n ")
    }
    allowed = granted("survey") | granted("runtime")
    left = {line for line in ran if line.removeprefix("/usr/bin/") not in allowed}
    unexpected = {line for line in left if not FREE.search(line)}
    # Paths of this site: a registry's folder, and `ls` of what lies at such places.
    assert {
        line for line in unexpected if "registry.example.org" not in line and not line.startswith("ls ")
    } == set()


def test_no_command_of_the_list_can_write() -> None:
    for command in ADDED_COMMANDS:
        program = command.argv[0].rpartition("/")[2]
        assert program not in WORDS or command.name == "runtime-units"
        assert not {"-delete", "-exec", "-i", "--fix", "import", "rmi", "prune", "run"} & set(command.argv)
        assert command.purpose
    assert RUNTIME_COMMANDS[0].name == "sudo", "a session asks it first"
    assert len({command.name for command in RUNTIME_COMMANDS}) == len(RUNTIME_COMMANDS)


def test_no_line_holds_a_wildcard_or_leaves_arguments_open() -> None:
    for line in permissions("runtime").sudoers:
        if line.startswith("#"):
            continue
        assert line.startswith("replank ALL=(root) NOPASSWD: /usr/bin/")
        command = line.partition("NOPASSWD: ")[2]
        assert not re.search(r"(?<!\\)[*?\[\]!,:=]", command), line
        assert " " in command
        assert "  " not in command


def test_only_reading_is_granted_and_no_secret() -> None:
    for manifest in permissions("runtime").workload:
        for rule in manifest.get("rules", []):  # type: ignore[union-attr]
            assert isinstance(rule, dict)
            assert set(rule["verbs"]) <= {"get", "list"}  # type: ignore[arg-type]
            assert "secrets" not in rule["resources"]  # type: ignore[operator]
    assert permissions("runtime").management == ()


def test_secrets_of_docker_never_leave_the_node() -> None:
    """The login files are in no command that prints more than names."""
    for line in granted("runtime"):
        if ".docker/config.json" in line or ".dockercfg" in line:
            assert line.startswith(("grep -o ", "ls -dL "))
