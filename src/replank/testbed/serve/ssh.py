"""Twin SSH servers: a bastion on 127.0.0.1 and, through it, each machine's own server.

The client speaks real SSH: it logs in to the bastion, opens direct-tcpip channels to the machines' fixed
addresses, port 22, and logs in there; every machine has its own host key.

What a machine answers comes from its `Machine` (testbed/world.py). The generator gives:

`files`, absolute path -> FileEntry, whatever a survey lists, reads, hashes or counts in:
    /etc/os-release; /sys/class/dmi/id/product_uuid (mode 0400), /etc/machine-id
    /etc/kubernetes/manifests/*.yaml (mode 0600), /etc/kubernetes/{admin,super-admin,controller-manager,
    scheduler,kubelet}.conf (0600)
    /etc/kubernetes/pki/** or /etc/kubernetes/ssl/** with *.crt, *.key (0600) and sa.pub; Kubespray's
    /etc/ssl/etcd/ssl/*.pem
    files that component flags point at (encryption, audit policy, ...), at their path on the host
    /proc/<pid>/cmdline of the kubelet: its arguments, each ended by a NUL byte (`pgrep` answers from it)
    /var/lib/kubelet/config.yaml, instance-config.yaml, kubeadm-flags.env; Kubespray:
    /etc/kubernetes/kubelet.env and kubelet-config.yaml
    systemd units and drop-ins under /etc/systemd/system or /usr/lib/systemd/system (the kubelet's drop-ins in
    .../kubelet.service.d/*.conf); cron entries in /etc/cron.d, /var/spool/cron/crontabs; with
    `package="..."` where a package owns them, else they count as left by somebody
    /var/lib/cloud/instance/user-data.txt (0600); /var/log/dpkg.log;
    /etc/ssh/ssh_host_ed25519_key.pub and /var/lib/dpkg/info/kubelet.list with `modified` (first boot,
    package's installation); /var/lib/cloud/instance/boot-finished with `modified` (end of a boot);
    /usr/bin/kubelet, its unit and /etc/kubernetes/** with `born`
    for `survey --runtime`: configuration of Docker, containerd, CNI and crictl at their usual places,
    /proc/<pid>/cmdline of containerd, dockerd and cri-dockerd, host-local's stores
    A file without read permission for others is only served with sudo.
`packages` and `held`: for dpkg-query. Leave `packages` empty for a machine without dpkg.
`commands`, exact line -> stdout, looked up before anything else. Build the line with the survey's own list:
    `commands.ETCD_MEMBERS.call(ca=..., cert=..., key=..., url=...).line` and `ETCD_STATUS` likewise: the
    JSON of etcd's gateway (IDs are decimal text, as etcd writes them). ca, cert, key and url are those of the
    kube-apiserver manifest's --etcd-cafile, --etcd-certfile, --etcd-keyfile and the first --etcd-servers.
    `commands.CONTAINERD.call().line` ("containerd --version"), CRIO, DOCKER: their version line.
    `commands.ADDRESSES.call().line` ("ip -o addr show"): optional, a plain machine's addresses are made up.
    What the runtimes' own clients, systemctl, df, uname and `stat -f` answer to `runtime_commands`:
    testbed/fleet/hosts/runtime.py gives all of it.
    `commands.HOSTNAME.call().line` ("hostname"): optional, the server's name otherwise.
    A snapshot of etcd needs nothing: a control plane streams a small made-up database with a true hash; set
    the line of `apply_commands.ETCD_SNAPSHOT.call(...)` for another answer.
`sudo` False: every `sudo -n` is refused. `up` False: the bastion answers "Connection refused".

A command outside the lists of survey and takeover ends with 127, as a shell ends for an unknown command; each
is kept in `SshTwin.strange_commands`.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from pathlib import Path

import asyncssh

from replank.inventory.hosts.swap_commands import NODE_PART
from replank.testbed.serve.ssh_faults import SshFault
from replank.testbed.serve.ssh_shell import STRANGE, Interpreter, Shell
from replank.testbed.serve.thread import ServingThread
from replank.testbed.world import Machine

_START_TIMEOUT_S = 10.0
_PART = f"python3 {NODE_PART} "
_WRITES = re.compile(r"^(sudo -n )?dd ")


class SshTwin(ServingThread):
    """The SSH side of a world, in a thread of its own. A context manager.

    `machines_by_address`: fixed address -> machine. `client_key`: PEM of the private key that may log in, as
    `user` alone. `bastion_key`: PEM of the bastion's host key, "" = a new one. `faults`: address -> what is
    wrong there; may be changed while the twin runs (`silent` and `new_host_key` only before the
    machine's first connection).
    """

    def __init__(
        self,
        machines_by_address: Mapping[str, Machine],
        *,
        user: str,
        client_key: str,
        bastion_key: str = "",
        faults: Mapping[str, SshFault] | None = None,
    ) -> None:
        super().__init__("ssh-twin")
        self.machines = dict(machines_by_address)
        self.user = user
        self.faults: dict[str, SshFault] = dict(faults or {})
        self.port = 0
        self.commands: list[tuple[str, str]] = []
        """Address and command line of everything that was run."""
        self.strange_commands: list[tuple[str, str]] = []
        """Those that are on no list."""
        self.logins = 0
        """Logins at the bastion."""
        self.nodes: dict[str, Interpreter] = {}
        """By address: machines that run the part of a runtime swap."""
        self._allowed = asyncssh.import_private_key(client_key).convert_to_public()
        self._bastion_key = (
            asyncssh.import_private_key(bastion_key)
            if bastion_key
            else asyncssh.generate_private_key("ssh-ed25519")
        )
        self._listeners: dict[str, asyncssh.SSHAcceptor | asyncio.Server] = {}

    @property
    def jump(self) -> str:
        """The bastion as fleet.yaml names a jump host."""
        return f"{self.user}@127.0.0.1:{self.port}"

    def known_hosts(self, path: str | Path) -> None:
        """Writes the operator's known_hosts file: the bastion, and every machine as it was once known."""
        lines = [f"[127.0.0.1]:{self.port} {_public(self._bastion_key)}"]
        for address, machine in sorted(self.machines.items()):
            key = machine.known_host_key or machine.host_key
            lines.append(f"{address} {_public(asyncssh.import_private_key(key))}")
        Path(path).write_text("\n".join(lines) + "\n", encoding="utf-8")

    def direct_port(self, address: str) -> int:
        """The port on 127.0.0.1 at which a machine can be reached without the bastion."""
        if self._loop is None:
            raise RuntimeError("the SSH twin does not run")
        return asyncio.run_coroutine_threadsafe(self.listener(address), self._loop).result(_START_TIMEOUT_S)

    def allows(self, username: str, key: asyncssh.SSHKey) -> bool:
        """Whether this login is let in."""
        return username == self.user and key == self._allowed

    async def listener(self, address: str) -> int:
        """The port of the machine's server, started at first use: a fleet of idle machines costs nothing."""
        if address not in self._listeners:
            self._listeners[address] = await self._listen(address)
        return self._listeners[address].sockets[0].getsockname()[1]  # type: ignore[no-any-return]

    def fault(self, address: str) -> SshFault:
        """What is wrong with the machine."""
        return self.faults.get(address, SshFault())

    async def _listen(self, address: str) -> asyncssh.SSHAcceptor | asyncio.Server:
        if self.fault(address).silent:
            return await asyncio.start_server(_say_nothing, "127.0.0.1", 0)
        key = asyncssh.import_private_key(self.machines[address].host_key)
        if self.fault(address).new_host_key:
            key = asyncssh.generate_private_key("ssh-ed25519")
        host = _Host(self, address)
        return await asyncssh.listen(
            "127.0.0.1",
            0,
            server_factory=lambda: _Login(self),
            server_host_keys=[key],
            process_factory=host.serve,
            encoding=None,
            gss_host=None,
            allow_scp=False,
        )

    async def _serve(self) -> None:
        bastion = await asyncssh.listen(
            "127.0.0.1",
            0,
            server_factory=lambda: _Bastion(self),
            server_host_keys=[self._bastion_key],
            gss_host=None,
            allow_scp=False,
        )
        self.port = bastion.sockets[0].getsockname()[1]
        await self._hold()
        for listener in (bastion, *self._listeners.values()):
            listener.close()


class _Login(asyncssh.SSHServer):
    """Lets the world's client key in, and nothing else."""

    def __init__(self, twin: SshTwin) -> None:
        self.twin = twin

    def begin_auth(self, username: str) -> bool:  # noqa: ARG002 - asyncssh's signature
        return True

    def public_key_auth_supported(self) -> bool:
        return True

    def validate_public_key(self, username: str, key: asyncssh.SSHKey) -> bool:
        return self.twin.allows(username, key)


class _Bastion(_Login):
    """A jump host: forwards to the machines' addresses, runs nothing."""

    connection: asyncssh.SSHServerConnection

    def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
        self.connection = conn

    def auth_completed(self) -> None:
        self.twin.logins += 1

    def connection_requested(  # type: ignore[override]
        self,
        dest_host: str,
        dest_port: int,
        orig_host: str,  # noqa: ARG002 - asyncssh's signature
        orig_port: int,  # noqa: ARG002
    ) -> object:
        machine = self.twin.machines.get(dest_host)
        down = machine is None or not machine.up or self.twin.fault(dest_host).refused
        if down or dest_port != 22:
            raise asyncssh.ChannelOpenError(asyncssh.OPEN_CONNECT_FAILED, "Connection refused")
        return self._forward(dest_host)

    async def _forward(self, address: str) -> object:
        return await self.connection.forward_connection("127.0.0.1", await self.twin.listener(address))


class _Host:
    """Runs the commands of one machine."""

    def __init__(self, twin: SshTwin, address: str) -> None:
        self._twin = twin
        self._address = address
        self._served = 0

    async def serve(self, process: asyncssh.SSHServerProcess[bytes]) -> None:
        fault = self._twin.fault(self._address)
        line = process.command or ""
        self._twin.commands.append((self._address, line))
        if fault.slow_s:
            await asyncio.sleep(fault.slow_s)
        if fault.cut_after is not None and self._served >= fault.cut_after:
            process.get_extra_info("connection").abort()
            return
        self._served += 1
        # Nothing else reads its stdin, and not every client closes it.
        stdin = await process.stdin.read() if _WRITES.search(line) else b""
        machine, node = self._twin.machines[self._address], self._twin.nodes.get(self._address)
        shell = Shell(machine, self._address, fault.sudo_refuses, node)
        # It waits for whatever works on the node.
        answer = await asyncio.to_thread(shell.run, line) if _PART in line else shell.run(line, stdin)
        if answer is STRANGE:
            self._twin.strange_commands.append((self._address, line))
        process.stdout.write(answer.stdout)
        process.stderr.write(answer.stderr)
        process.exit(answer.status)


def _public(key: asyncssh.SSHKey) -> str:
    return " ".join(key.export_public_key("openssh").decode().split()[:2])


async def _say_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Takes what comes until the other side gives up."""
    while await reader.read(4096):
        pass
    writer.close()
