"""Which of the containerds that run on a node is which."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from replank.inventory.hosts.command_line import flag_value, parse_flags

DEFAULT_CONFIG: Final = "/etc/containerd/config.toml"
DEFAULT_PROGRAM: Final = "/usr/bin/containerd"


@dataclass(frozen=True, slots=True, kw_only=True)
class ContainerdProcess:
    """A containerd that runs. `program`: absolute path. `config`: of its --config. `of_docker`: dockerd
    started it for itself. `arguments`: all of its command line but the program and --config."""

    pid: str
    program: str
    config: str
    of_docker: bool
    arguments: tuple[str, ...] = ()


def parse_containerd(pid: str, command_line: bytes) -> ContainerdProcess:
    """Of /proc/<pid>/cmdline. A word that is no path of a containerd gives the usual program."""
    words = [word for word in command_line.decode("utf-8", errors="replace").split("\0") if word]
    flags = parse_flags(words)
    config = flag_value(flags, "config") or flag_value(flags, "c") or DEFAULT_CONFIG
    program = words[0] if words and words[0].startswith("/") and words[0].endswith("/containerd") else ""
    return ContainerdProcess(
        pid=pid,
        program=program or DEFAULT_PROGRAM,
        config=config,
        # moby writes it below its exec-root (libcontainerd/supervisor/remote_daemon.go).
        of_docker="/docker/containerd/" in config,
        arguments=_without_config(words[1:]),
    )


def _without_config(words: list[str]) -> tuple[str, ...]:
    """`--config FILE`, `--config=FILE` and `-c FILE` taken out."""
    kept: list[str] = []
    skip = False
    for word in words:
        if skip:
            skip = False
        elif word.lstrip("-") in ("config", "c") and word.startswith("-"):
            skip = True
        elif not word.startswith(("--config=", "-c=", "-config=")):
            kept.append(word)
    return tuple(kept)


def serving(processes: Iterable[ContainerdProcess], main_pid: str) -> ContainerdProcess | None:
    """The system's containerd: that of the unit, else the only one that is not Docker's own; None: neither.

    `main_pid`: of containerd.service, "" if it does not run.
    """
    own = [process for process in processes if not process.of_docker]
    of_unit = next((process for process in own if process.pid == main_pid), None)
    return of_unit or (own[0] if len(own) == 1 else None)
