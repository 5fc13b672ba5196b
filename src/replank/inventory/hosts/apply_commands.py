"""The fixed list of commands that carrying out a takeover runs on machines, on top of what a survey runs.

They read as well: nothing is changed on a machine, no file is left there. But what they read is secret, so no
survey may run them. `replank permissions apply` prints them; the SSH transport runs nothing else.
"""

from __future__ import annotations

from typing import Final

from replank.inventory.hosts.command import HostCommand
from replank.inventory.hosts.commands import KUBEADM_ETCD, SURVEY_COMMANDS

SECRET_FILES: Final = (
    *("ca.crt", "ca.key", "front-proxy-ca.crt", "front-proxy-ca.key", "sa.pub", "sa.key"),
    *("etcd/ca.crt", "etcd/ca.key"),
)
"""Below kubeadm's certificates directory: what becomes Secrets of the management cluster."""

SNAPSHOT_LONGEST_S: Final = 1800
"""Seconds for one etcd snapshot: 8 GiB, etcd's suggested maximum, at 6 MB/s (base64 included)."""

SECRET_FILE: Final = HostCommand(
    name="secret-file",
    argv=("cat", "<path>"),
    sudo=True,
    purpose="secrets that the plan names, passed on to the management cluster and kept nowhere else "
    "(Kubespray: /etc/kubernetes/ssl)",
    usual=tuple({"path": f"/etc/kubernetes/pki/{name}"} for name in SECRET_FILES),
)
ETCD_SNAPSHOT: Final = HostCommand(
    name="etcd-snapshot",
    argv=(
        *("curl", "--silent", "--max-time", str(SNAPSHOT_LONGEST_S), "--speed-limit", "1"),
        *("--speed-time", "60", "--noproxy", "*", "--data", "{}"),
        *("--cacert", "<ca>", "--cert", "<cert>", "--key", "<key>", "<url>/v3/maintenance/snapshot"),
    ),
    sudo=True,
    purpose="a snapshot of etcd, streamed off the machine (a read, though HTTP calls it POST)",
    usual=(KUBEADM_ETCD,),
)

ADDED_COMMANDS: Final[tuple[HostCommand, ...]] = (SECRET_FILE, ETCD_SNAPSHOT)
APPLY_COMMANDS: Final[tuple[HostCommand, ...]] = (*SURVEY_COMMANDS, *ADDED_COMMANDS)
