"""The fixed list of commands that a survey runs on machines. Each one reads; none can write.

`replank permissions` prints them, the SSH transport runs nothing else, a test holds it to that. Private keys
stay where they are: of key files only metadata is listed, certificates are cut out of their files on the
machine (a file may hold a key beside them), files that hold secrets are neither read nor hashed.

Exit codes are chosen so that "not there" and "sudo refused" differ: a refused `sudo -n` exits 1 (sudo(8),
"Exit value"), GNU `ls` and `sed` exit 2 for a missing file.
"""

from __future__ import annotations

from typing import Final

from replank.inventory.hosts.command import HostCommand
from replank.inventory.hosts.origin import TIMED_FILES, TIMES_FORMAT

MANIFESTS_DIR: Final = "/etc/kubernetes/manifests"
KUBERNETES_DIR: Final = "/etc/kubernetes"
ETCD_PKI_DIR: Final = "/etc/ssl/etcd/ssl"
"""Kubespray's directory for the certificates of etcd on the host (roles/etcd)."""

# Metadata, then the path ended by a NUL byte. No backslash and no space at an end: sudoers(5) would read the
# first twice and join the second with the next argument.
_FIND_PRINT: Final = ("-printf", "%m|%u|%g|%s|", "-print0")
STAT_FORMAT: Final = "%a %U %G %s"
COMPONENTS: Final = ("kube-apiserver", "kube-controller-manager", "kube-scheduler", "etcd")
KUBECONFIGS: Final = ("admin.conf", "super-admin.conf", "controller-manager.conf", "scheduler.conf")
"""kubeadm's kubeconfigs with a client certificate inside (cmd/kubeadm/app/constants/constants.go)."""

KUBEADM_CERTIFICATES: Final = (
    "ca.crt",
    "apiserver.crt",
    "apiserver-etcd-client.crt",
    "apiserver-kubelet-client.crt",
    "front-proxy-ca.crt",
    "front-proxy-client.crt",
    "etcd/ca.crt",
    "etcd/server.crt",
    "etcd/peer.crt",
    "etcd/healthcheck-client.crt",
)
KUBELET_CERTIFICATE: Final = "/var/lib/kubelet/pki/kubelet-client-current.pem"
"""Certificate and key in one file (pkg/kubelet/certificate, FileStore): only the certificate is cut out."""

PKI_DIRS: Final = ("/etc/kubernetes/pki", "/etc/kubernetes/ssl")
SYSTEM_UUIDS: Final = (
    "/sys/class/dmi/id/product_uuid",
    "/proc/device-tree/system-id",
    "/proc/device-tree/vm,uuid",
)
"""Where the kubelet looks for the firmware's UUID, in its order (cadvisor v0.53, utils/sysfs/sysfs.go)."""

MACHINE_ID_FILE: Final = "/etc/machine-id"
KUBELET_KUBECONFIG: Final = "/etc/kubernetes/kubelet.conf"
KUBELET_FILES: Final = (
    "/var/lib/kubelet/config.yaml",
    "/var/lib/kubelet/instance-config.yaml",
    "/var/lib/kubelet/kubeadm-flags.env",
    "/etc/default/kubelet",
    "/etc/sysconfig/kubelet",
    "/etc/kubernetes/kubelet.env",
    "/etc/kubernetes/kubelet-config.yaml",
)
USER_DATA_FILE: Final = "/var/lib/cloud/instance/user-data.txt"

KUBEADM_ETCD = {
    "ca": "/etc/kubernetes/pki/etcd/ca.crt",
    "cert": "/etc/kubernetes/pki/apiserver-etcd-client.crt",
    "key": "/etc/kubernetes/pki/apiserver-etcd-client.key",
    "url": "https://127.0.0.1:2379",
}
_CURL = (
    *("curl", "--silent", "--max-time", "8", "--noproxy", "*", "--data", "{}"),
    *("--cacert", "<ca>", "--cert", "<cert>", "--key", "<key>"),
)

SUDO: Final = HostCommand(
    name="sudo", argv=("true",), sudo=True, purpose="whether sudo works without a password"
)
HOSTNAME: Final = HostCommand(name="hostname", argv=("hostname",), sudo=False, purpose="the machine's name")
OS_RELEASE: Final = HostCommand(
    name="os-release", argv=("cat", "/etc/os-release"), sudo=False, purpose="the operating system"
)
SYSTEM_UUID: Final = HostCommand(
    name="system-uuid",
    argv=("cat", "<path>"),
    sudo=True,
    purpose="the firmware's UUID (DMI, POWER's device tree), which ties the machine to its Nova server",
    usual=tuple({"path": path} for path in SYSTEM_UUIDS),
)
MACHINE_ID: Final = HostCommand(
    name="machine-id",
    argv=("cat", MACHINE_ID_FILE),
    sudo=False,
    purpose="what the kubelet reports as system UUID where firmware gives none",
)
LIST_FILES: Final = HostCommand(
    name="list-files",
    argv=("find", "-L", "<path>", "-maxdepth", "6", "-type", "f", *_FIND_PRINT),
    sudo=True,
    purpose="names, owners and modes of Kubernetes' files: PKI, static pods, kubeconfigs",
    usual=({"path": KUBERNETES_DIR}, {"path": ETCD_PKI_DIR}),
)
EXISTS: Final = HostCommand(
    name="exists",
    argv=("ls", "-dL", "<path>"),
    sudo=True,
    purpose="tells a missing file from one that may not be read",
    usual=tuple(
        {"path": path}
        for path in (
            *(KUBERNETES_DIR, ETCD_PKI_DIR, *SYSTEM_UUIDS, MACHINE_ID_FILE, KUBELET_CERTIFICATE),
            *(KUBELET_KUBECONFIG, *KUBELET_FILES, USER_DATA_FILE),
        )
    ),
)
MANIFEST: Final = HostCommand(
    name="static-pod",
    argv=("cat", "<path>"),
    sudo=True,
    purpose="flags, images and mounts of the control plane's static pods",
    usual=tuple({"path": f"{MANIFESTS_DIR}/{component}.yaml"} for component in COMPONENTS),
)
CERTIFICATE: Final = HostCommand(
    name="certificate",
    argv=("sed", "-n", "/-----BEGIN CERTIFICATE-----/,/-----END CERTIFICATE-----/p", "<path>"),
    sudo=True,
    purpose="certificates, and nothing else that the file may hold",
    usual=(
        *({"path": f"{pki}/{name}"} for pki in PKI_DIRS for name in KUBEADM_CERTIFICATES),
        {"path": KUBELET_CERTIFICATE},
    ),
)
KUBECONFIG_CERTIFICATE: Final = HostCommand(
    name="kubeconfig-certificate",
    argv=("sed", "-n", "/client-certificate-data:/p", "<path>"),
    sudo=True,
    purpose="expiry of the client certificates inside kubeadm's kubeconfigs (not their keys)",
    usual=tuple({"path": f"{KUBERNETES_DIR}/{name}"} for name in KUBECONFIGS),
)
KUBELET_SERVER: Final = HostCommand(
    name="kubelet-server",
    argv=("sed", "-n", "/server:/p", "<path>"),
    sudo=True,
    purpose="which API server address the kubelet uses",
    usual=({"path": KUBELET_KUBECONFIG},),
)
KUBELET_PID: Final = HostCommand(
    name="kubelet-pid", argv=("pgrep", "-o", "-x", "kubelet"), sudo=False, purpose="the kubelet's process"
)
KUBELET_COMMAND_LINE: Final = HostCommand(
    name="kubelet-command-line",
    argv=("cat", "/proc/<pid>/cmdline"),
    sudo=False,
    purpose="the flags that the kubelet really runs with",
    usual=(),
)
KUBELET_UNIT: Final = HostCommand(
    name="kubelet-unit",
    argv=("systemctl", "show", "kubelet.service", "--property=DropInPaths"),
    sudo=False,
    purpose="which systemd drop-ins change the kubelet",
)
KUBELET_FILE: Final = HostCommand(
    name="kubelet-file",
    argv=("cat", "<path>"),
    sudo=True,
    purpose="the kubelet's configuration and environment files",
    usual=tuple({"path": path} for path in KUBELET_FILES),
)
FILE_METADATA: Final = HostCommand(
    name="file-metadata",
    argv=("stat", "-L", "-c", STAT_FORMAT, "<path>"),
    sudo=True,
    purpose="owner and mode of files that control-plane flags point at",
    usual=(),
)
FILE_HASH: Final = HostCommand(
    name="file-hash",
    argv=("sha256sum", "<path>"),
    sudo=True,
    purpose="whether such files are alike on all control planes (never of files that hold secrets)",
    usual=(),
)
ETCD_MEMBERS: Final = HostCommand(
    name="etcd-members",
    argv=(*_CURL, "<url>/v3/cluster/member/list"),
    sudo=True,
    purpose="etcd's members and their names, asked of etcd itself (a read, though HTTP calls it POST)",
    usual=(KUBEADM_ETCD,),
)
ETCD_STATUS: Final = HostCommand(
    name="etcd-status",
    argv=(*_CURL, "<url>/v3/maintenance/status"),
    sudo=True,
    purpose="etcd's version, size and health (a read, though HTTP calls it POST)",
    usual=(KUBEADM_ETCD,),
)
DPKG: Final = HostCommand(
    name="dpkg",
    argv=("dpkg-query", "-W", "-f", r"${db:Status-Abbrev}\t${Package}\t${Version}\n"),
    sudo=False,
    purpose="versions and holds of Kubernetes' packages (Debian, Ubuntu)",
)
RPM: Final = HostCommand(
    name="rpm",
    argv=("rpm", "-qa", "--queryformat", r"%{NAME}\t%{VERSION}-%{RELEASE}\n"),
    sudo=False,
    purpose="versions of Kubernetes' packages (Red Hat, SUSE)",
)
RPM_LOCKS: Final = HostCommand(
    name="rpm-locks",
    argv=("cat", "/etc/dnf/plugins/versionlock.list"),
    sudo=False,
    purpose="packages that dnf may not change",
)
DPKG_OWNERS: Final = HostCommand(
    name="dpkg-owners",
    argv=("dpkg-query", "-S", "<files>"),
    sudo=False,
    purpose="which cron entries and units belong to a package",
    usual=(),
)
RPM_OWNERS: Final = HostCommand(
    name="rpm-owners",
    argv=("rpm", "-qf", "--queryformat", r"[%{FILENAMES}\n]", "<files>"),
    sudo=False,
    purpose="which cron entries and units belong to a package",
    usual=(),
)
CONTAINERD: Final = HostCommand(
    name="containerd", argv=("containerd", "--version"), sudo=False, purpose="the container runtime"
)
CRIO: Final = HostCommand(
    name="crio", argv=("crio", "--version"), sudo=False, purpose="the container runtime"
)
DOCKER: Final = HostCommand(
    name="docker", argv=("docker", "--version"), sudo=False, purpose="the container runtime"
)
ADDRESSES: Final = HostCommand(
    name="addresses",
    argv=("ip", "-o", "addr", "show"),
    sudo=False,
    purpose="virtual addresses that keepalived or kube-vip put on the machine",
)
CRON_FILES: Final = HostCommand(
    name="cron-files",
    argv=(
        "find",
        "/etc",
        "/var/spool",
        "-maxdepth",
        "3",
        "-type",
        "f",
        "-path",
        "*/cron*",
        *_FIND_PRINT,
    ),
    sudo=True,
    purpose="names of cron entries that something left after boot",
)
UNIT_FILES: Final = HostCommand(
    name="unit-files",
    argv=("find", "/etc/systemd/system", "-maxdepth", "2", "-type", "f", *_FIND_PRINT),
    sudo=False,
    purpose="names of systemd units that something left after boot",
)
USER_DATA: Final = HostCommand(
    name="user-data",
    argv=("grep", "-c", "-E", "kubeadm|kubelet", USER_DATA_FILE),
    sudo=True,
    purpose="how many lines of the user data speak of kubeadm (the number only)",
)
INSTALL_TIMES: Final = HostCommand(
    name="install-times",
    argv=("stat", "-L", "-c", TIMES_FORMAT, *TIMED_FILES),
    sudo=False,
    purpose="whether the kubelet is older than the machine's first boot, or came when that had ended",
)
DPKG_LOG: Final = HostCommand(
    name="dpkg-log",
    argv=("grep", "-E", " (install|upgrade) kubelet[: ]", "/var/log/dpkg.log"),
    sudo=False,
    purpose="whether the kubelet's package was installed or upgraded after boot",
)

SURVEY_COMMANDS: Final[tuple[HostCommand, ...]] = (
    *(SUDO, HOSTNAME, OS_RELEASE, SYSTEM_UUID, MACHINE_ID, LIST_FILES, EXISTS, MANIFEST, CERTIFICATE),
    *(KUBECONFIG_CERTIFICATE, KUBELET_SERVER, KUBELET_PID, KUBELET_COMMAND_LINE, KUBELET_UNIT, KUBELET_FILE),
    *(FILE_METADATA, FILE_HASH, ETCD_MEMBERS, ETCD_STATUS, DPKG, RPM, RPM_LOCKS, DPKG_OWNERS, RPM_OWNERS),
    *(CONTAINERD, CRIO, DOCKER, ADDRESSES, CRON_FILES, UNIT_FILES, USER_DATA, INSTALL_TIMES, DPKG_LOG),
)
