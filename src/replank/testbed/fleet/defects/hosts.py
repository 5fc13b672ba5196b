"""Defects of access to machines, and of how the machines were made."""

from __future__ import annotations

from datetime import UTC, timedelta

from replank.inventory.hosts import commands
from replank.testbed.fleet.defects.defect import (
    Defect,
    last_control_plane,
    second_control_plane,
    third_control_plane,
)
from replank.testbed.fleet.made import Made
from replank.testbed.fleet.pki import AGE, ssh_key
from replank.testbed.world import FileEntry


def _unreachable(made: Made) -> None:
    made.host(last_control_plane(made.layout)).up = False


def _no_sudo(made: Made) -> None:
    made.host(third_control_plane(made.layout)).sudo = False


def _host_key_changed(made: Made) -> None:
    host = made.host(last_control_plane(made.layout))
    host.known_host_key = ssh_key(made.layout.mint, "old-host", host.server_name).key


def _hostname(made: Made) -> None:
    host = made.host(second_control_plane(made.layout))
    host.commands[commands.HOSTNAME.call().line] = f"{host.server_name}.cloud.example.org\n"


def _made_by_ansible(made: Made) -> None:
    """Image and user data know nothing of Kubernetes: Ansible installed it over SSH, and left its traces."""
    installed = made.layout.now - AGE + timedelta(minutes=20)
    at = int(installed.replace(tzinfo=UTC).timestamp())
    log = f"{installed:%Y-%m-%d %H:%M:%S} install kubelet:amd64 <none> {made.layout.spec.version[1:]}-1.1\n"
    for machine in made.layout.machines:
        files = made.host(machine).files
        plain = f"#cloud-config\nhostname: {machine.name}\n"
        files["/var/lib/cloud/instance/user-data.txt"] = FileEntry(plain.encode(), "0600")
        files["/var/lib/dpkg/info/kubelet.list"].modified = at
        files["/usr/bin/kubelet"].born = at
        files["/var/log/dpkg.log"] = FileEntry(log.encode())
        files["/etc/cron.d/etcd-backup"] = FileEntry(b"15 2 * * * root /usr/local/bin/etcd-backup\n")
        files["/etc/systemd/system/renew-certs.service"] = FileEntry(
            b"[Service]\nExecStart=/usr/local/bin/renew\n"
        )


DEFECTS = (
    Defect("host-unreachable", "a control plane does not answer SSH", _unreachable),
    Defect("no-sudo", "a control plane's user has no sudo", _no_sudo),
    Defect("host-key-changed", "a control plane's host key is not the known one", _host_key_changed),
    Defect("hostname-differs", "a control plane's host name is not its Node's name", _hostname),
    Defect("made-by-ansible", "Ansible set up the machines after boot", _made_by_ansible),
)
