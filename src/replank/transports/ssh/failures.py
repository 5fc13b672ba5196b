"""asyncssh's exceptions as replank's errors. Texts name hosts, never ports of the moment or addresses."""

from __future__ import annotations

import socket

import asyncssh

from replank.domain.errors import Refused, ReplankError, Transient


def connect_failure(error: Exception, host: str, *, where: str, jump: str) -> ReplankError:
    """The error for a connection that could not be opened.

    `host`: the machine for messages. `jump`: the jump host on the way, "" = direct. Host key errors are
    told apart by their caller, who knows the known_hosts file.
    """
    what = f"{host} cannot be reached over SSH"
    way = f" through the jump host {jump}" if jump else ""
    if isinstance(error, asyncssh.PermissionDenied):
        return Refused(
            "RP063",
            f"{host} refused the login",
            "the SSH server accepted none of the offered keys for this user",
            "Check `ssh.user` and `ssh.key` in fleet.yaml, or load the key into the SSH agent.",
            where=where,
        )
    if isinstance(error, asyncssh.ChannelOpenError):
        return _channel_failure(error, what, where, jump)
    if isinstance(error, asyncssh.KeyExchangeFailed | asyncssh.ProtocolNotSupported):
        return Refused(
            "RP060",
            what,
            "client and server have no SSH algorithms in common",
            "Update the machine's SSH server, or read it from a client that still speaks its algorithms.",
            where=where,
        )
    if isinstance(error, asyncssh.Error):
        return lost(host, where=where)
    return Transient(
        "RP060",
        what,
        _network_reason(error) + way,
        "Check that the machine is up and that its SSH port is open from here (or from the jump host).",
        where=where,
    )


def lost(host: str, *, where: str = "") -> Transient:
    """The error for a connection that was there and broke off."""
    return Transient(
        "RP065",
        f"The SSH connection to {host} broke off",
        "the other side closed it",
        "Try it again; if it comes back, look at sshd's log on the machine.",
        where=where,
    )


def _channel_failure(error: asyncssh.ChannelOpenError, what: str, where: str, jump: str) -> ReplankError:
    if error.code == asyncssh.OPEN_ADMINISTRATIVELY_PROHIBITED:
        return Refused(
            "RP060",
            what,
            f"the jump host {jump} does not allow TCP forwarding",
            "Allow it (sshd_config: AllowTcpForwarding, PermitOpen) for this user on the jump host.",
            where=where,
        )
    return Transient(
        "RP060",
        what,
        f"the jump host {jump} could not connect to it",
        "Check that the machine is up, and that security groups let the jump host reach its SSH port.",
        where=where,
    )


def _network_reason(error: Exception) -> str:
    """Words of our own: the library's hold addresses and ports that change from run to run."""
    if isinstance(error, TimeoutError):
        return "it did not answer in time"
    if isinstance(error, ConnectionRefusedError):
        return "the connection was refused"
    if isinstance(error, socket.gaierror):
        return "its name could not be resolved"
    if isinstance(error, ConnectionResetError | BrokenPipeError):
        return "the connection was reset"
    return "there is no route to it"
