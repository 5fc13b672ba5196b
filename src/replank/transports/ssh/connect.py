"""SSH connections with checked host keys, direct or through a shared jump host."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import asyncssh
from asyncssh.public_key import get_default_certificate_algs, get_default_public_key_algs

from replank.domain.errors import Refused, ReplankError
from replank.inventory.fleet.model import SshAccess
from replank.transports.ssh.failures import connect_failure
from replank.transports.ssh.jump import JumpHost, parse_jump


@dataclass(frozen=True, slots=True)
class _Target:
    """One hop. `says`: how messages call it. `jump`: name of the hop before it, "" = none."""

    user: str
    host: str
    port: int
    says: str
    jump: str = ""

    @property
    def where(self) -> str:
        return f"{self.user}@{self.host}:{self.port}"


@dataclass(slots=True)
class _Shared:
    """A jump host's connection and how many machines use it now. A failure is kept for all who wait."""

    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    users: int = 0
    connection: asyncssh.SSHClientConnection | None = None
    failure: ReplankError | None = None


class Connections:
    """Opens connections. Machines that are read at the same time share the connection of their jump host,
    so that a bastion sees one login for them (sshd's MaxStartups drops more than ten at once)."""

    def __init__(self) -> None:
        self._jumps: dict[tuple[JumpHost, SshAccess], _Shared] = {}

    @asynccontextmanager
    async def open(
        self, server: str, address: str, access: SshAccess
    ) -> AsyncIterator[asyncssh.SSHClientConnection]:
        """A connection to `address`, closed at the end.

        Raises `Refused` RP060-RP064 or `Transient` RP060, RP065.
        """
        says = (
            f"{server} ({address})"
            if access.check_host_key
            else f"{server} ({address}, host key not checked)"
        )
        if not access.jump:
            target = _Target(access.user, address, access.port, says)
            async with _closing(await _connect(target, access, None)) as connection:
                yield connection
            return
        jump = parse_jump(access.jump, default_user=access.user)
        target = _Target(access.user, address, access.port, says, jump.host)
        async with (
            self._through(jump, access) as tunnel,
            _closing(await _connect(target, access, tunnel)) as connection,
        ):
            yield connection

    @asynccontextmanager
    async def _through(
        self, jump: JumpHost, access: SshAccess
    ) -> AsyncIterator[asyncssh.SSHClientConnection]:
        key = (jump, access)
        shared = self._jumps.setdefault(key, _Shared())
        shared.users += 1
        try:
            async with shared.lock:
                if shared.failure is not None:
                    raise shared.failure
                if shared.connection is None:
                    target = _Target(jump.user, jump.host, jump.port, f"The jump host {jump.host}")
                    try:
                        shared.connection = await _connect(target, access, None)
                    except ReplankError as error:
                        shared.failure = error
                        raise
            yield shared.connection
        finally:
            shared.users -= 1
            if not shared.users:
                self._jumps.pop(key, None)
                if shared.connection is not None:
                    shared.connection.close()


@asynccontextmanager
async def _closing(
    connection: asyncssh.SSHClientConnection,
) -> AsyncIterator[asyncssh.SSHClientConnection]:
    try:
        yield connection
    finally:
        connection.close()
        await connection.wait_closed()


async def _connect(
    target: _Target, access: SshAccess, tunnel: asyncssh.SSHClientConnection | None
) -> asyncssh.SSHClientConnection:
    known = _known_hosts(access) if access.check_host_key else None
    keys = _client_keys(access)
    try:
        return await _open(target, access, tunnel, known, keys)
    except asyncssh.HostKeyNotVerifiable as error:
        raise _host_key_failure(target, access, known) from error
    except (asyncssh.Error, OSError) as error:
        raise connect_failure(error, target.says, where=target.where, jump=target.jump) from error


async def _open(
    target: _Target,
    access: SshAccess,
    tunnel: asyncssh.SSHClientConnection | None,
    known: asyncssh.SSHKnownHosts | None,
    keys: tuple[asyncssh.SSHKey, ...],
) -> asyncssh.SSHClientConnection:
    return await asyncssh.connect(
        target.host,
        target.port,
        username=target.user,
        tunnel=tunnel,
        # fleet.yaml alone says how to connect: the same for every operator.
        config=None,
        known_hosts=known,
        server_host_key_algs=_host_key_algorithms(known, target),
        x509_trusted_certs=None,
        client_keys=list(keys) if keys else (),
        agent_path=None if keys else (),
        # asyncssh's default, ChaCha20, costs it five cipher contexts a packet: half of a survey's CPU time.
        encryption_algs="^aes256-gcm@openssh.com,aes128-gcm@openssh.com",
        preferred_auth="publickey",
        gss_host=None,
        connect_timeout=access.connect_timeout_s,
        keepalive_interval=15,
        keepalive_count_max=3,
    )


def known_hosts_path(access: SshAccess) -> str:
    """The file in which host keys are looked up."""
    return os.path.expanduser(access.known_hosts or "~/.ssh/known_hosts")  # noqa: PTH111 - no I/O wanted


def _known_hosts(access: SshAccess) -> asyncssh.SSHKnownHosts:
    """The file's entries; a missing file has none (and then no host is known)."""
    path = known_hosts_path(access)
    try:
        return asyncssh.read_known_hosts(path)
    except FileNotFoundError:
        return asyncssh.import_known_hosts("")
    except (OSError, ValueError) as error:
        raise Refused(
            "RP062",
            "The known_hosts file cannot be read",
            "it is not readable" if isinstance(error, OSError) else "a line in it is damaged",
            "Repair it, or name another one in `ssh.known_hosts` in fleet.yaml.",
            where=path,
        ) from error


def _client_keys(access: SshAccess) -> tuple[asyncssh.SSHKey, ...]:
    """The key of fleet.yaml; () = the agent."""
    if not access.key:
        return ()
    try:
        return (asyncssh.read_private_key(access.key),)
    except (OSError, ValueError) as error:
        why = "the file cannot be opened" if isinstance(error, OSError) else "it is not a private key"
        if isinstance(error, asyncssh.KeyEncryptionError):
            why = "it is protected by a passphrase"
        raise Refused(
            "RP064",
            "The SSH key cannot be used",
            why,
            "Name another key in `ssh.key` in fleet.yaml; leave it out to use the SSH agent.",
            where=access.key,
        ) from error


_Recorded = tuple[list[asyncssh.SSHKey], list[asyncssh.SSHKey], list[asyncssh.SSHKey]]


def _recorded(known: asyncssh.SSHKnownHosts, target: _Target) -> _Recorded:
    """What known_hosts has for the machine: host keys, authorities, revoked keys."""
    port = target.port if target.port != 22 else None
    host_keys, authorities, revoked, *_ = asyncssh.match_known_hosts(known, target.host, target.host, port)
    return list(host_keys), list(authorities), list(revoked)


def _host_key_algorithms(known: asyncssh.SSHKnownHosts | None, target: _Target) -> tuple[str, ...]:
    """Key types to ask for: recorded ones first, then all others (OpenSSH, sshconnect2.c order_hostkeyalgs).

    asyncssh by itself asks only for the recorded types. A machine that was built anew with a key of another
    type then has nothing in common with it, and what is reported (no common algorithm, connection lost)
    depends on who hangs up first. () = asyncssh's choice.
    """
    if known is None:
        return ()
    host_keys, authorities, _ = _recorded(known, target)
    certificates = get_default_certificate_algs()
    algorithms = [
        *(certificates if authorities else ()),
        *(algorithm for key in host_keys for algorithm in key.sig_algorithms),
        *get_default_public_key_algs(),
        *certificates,
    ]
    return tuple(dict.fromkeys(algorithm.decode() for algorithm in algorithms))


def _host_key_failure(
    target: _Target, access: SshAccess, known: asyncssh.SSHKnownHosts | None
) -> ReplankError:
    path = known_hosts_path(access)
    if known is not None and any(_recorded(known, target)):
        return Refused(
            "RP061",
            f"{target.says} shows another host key than recorded",
            "the key in known_hosts is not the one that the machine has now",
            f"Find out why (a machine built anew, or somebody in between) before you replace it in {path}.",
            where=path,
        )
    return Refused(
        "RP062",
        f"The host key of {target.says} is not known",
        "known_hosts has no key of this machine",
        f"Compare its key with the machine's console, then add it: {_how_to_add(target, path)}.",
        where=path,
    )


def _how_to_add(target: _Target, path: str) -> str:
    if target.jump:
        return f"log in once with `ssh -J {target.jump} {target.user}@{target.host}`"
    return f"`ssh-keyscan -p {target.port} {target.host} >> {path}`, or log in once with ssh"
