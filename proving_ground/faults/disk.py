"""A full disk, in one directory of a machine.

Machines write to the host's disk, so that filling one would fill the host. Instead the directory becomes a
small file system of its own, in memory: it holds a copy of what was there, and nothing more fits in.
"""

from __future__ import annotations

import shlex
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import docker
from docker.errors import NotFound
from docker.models.containers import Container

from proving_ground.errors import GroundError
from proving_ground.faults.machines import find_machine

_FILLER = ".replank-fault-filler"

_LARGEST_MIB = 512
"""It is memory of the host."""


@dataclass(frozen=True, slots=True)
class FullDisk:
    """The full directory of a machine."""

    machine: Container
    directory: str

    def make_room(self) -> None:
        """The disk is no longer full; what programs wrote so far is still there, complete or not."""
        _sh(self.machine, f"rm -f {shlex.quote(f'{self.directory}/{_FILLER}')}")


@contextmanager
def disk_full(
    client: docker.DockerClient, name: str, directory: str, mib: int = 64, free_kib: int = 0
) -> Iterator[FullDisk]:
    """Writing into `directory` of machine `name` fails with ENOSPC, after `free_kib` KiB.

    The file system has `mib` MiB; what is in the directory must fit in. It appears at once, full and with
    copies of the directory's files, for everyone who opens a file from now on. Whoever holds one open goes on
    writing to the host's disk, and so do containers that have the directory mounted already. Names cost
    nothing: an empty file can still be made, as on a real file system that has inodes left.

    At the end the directory is what it was before, and what was written into it meanwhile is gone. A reboot
    of the machine ends the fault too.

    Raises `GroundError` where the directory is not there, or its files do not fit in.
    """
    if not 0 < mib <= _LARGEST_MIB:
        raise ValueError(f"{mib} MiB is not in 1..{_LARGEST_MIB}: it is the host's memory")
    machine = find_machine(client, name)
    place = shlex.quote(directory)
    # Made in a place of its own, and shown at the directory when it is full. As a source of a tmpfs any word
    # will do; this one finds its mounts again.
    source = f"replank-fault-{uuid.uuid4().hex[:8]}"
    made = f"/run/{source}"
    filler = f"{made}/{_FILLER}"
    try:
        _sh(machine, f"test -d {place} && mkdir {made}")
        options = f"size={mib}m,$(stat -c mode=%a,uid=%u,gid=%g {place})"
        _sh(machine, f"mount -t tmpfs -o {options} {source} {made} && cp -a {place}/. {made}/")
        # dd writes what fits and then fails, as it is meant to; what must stay free is given back.
        _sh(machine, f"dd if=/dev/zero of={filler} bs=4k 2>/dev/null; truncate -cs -{free_kib}K {filler}")
        _sh(machine, f"mount --bind {made} {place} && umount {made}")
        yield FullDisk(machine, directory)
    finally:
        _put_back(machine, source, made)


def _put_back(machine: Container, source: str, made: str) -> None:
    """Unmounts, lazily: a program that has a file open there must not keep the fault alive. Of a machine that
    is gone or off, nothing is left to unmount."""
    try:
        machine.reload()
    except NotFound:
        return
    if machine.status == "running":
        mounts = f"awk '$1 == \"{source}\" {{ print $2 }}' /proc/self/mounts"
        unmount = 'while read -r mount; do umount -l "$(printf %b "$mount")" || exit; done'
        _sh(machine, f"{mounts} | {unmount} && rm -df {made}")


def _sh(machine: Container, script: str) -> None:
    """Runs a shell. Raises `GroundError` where it fails."""
    code, output = machine.exec_run(["sh", "-c", script], user="root")
    if code:
        assert isinstance(output, bytes), "docker-py: bytes unless it streams"
        text = output.decode(errors="replace").strip()
        raise GroundError(str(machine.name), f"{script}: exit status {code}: {text}", "Look at the machine.")
