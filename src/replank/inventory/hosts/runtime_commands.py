"""The fixed list of commands that `survey --runtime` runs on nodes, on top of what a survey runs.

Each one reads; none can write. `replank permissions runtime` prints them, the SSH transport runs nothing
else. Configuration files of a runtime may hold logins: they are read by `cat` and go to parsers that drop
them, and of files that are nothing but logins only the names of registries are cut out on the node.
"""

from __future__ import annotations

from typing import Final

from replank.inventory.hosts.command import HostCommand
from replank.inventory.hosts.commands import KUBELET_FILES, STAT_FORMAT, SURVEY_COMMANDS
from replank.inventory.runtime.systemd_unit import LIMITS

CONTAINERD_DIR: Final = "/etc/containerd"
CERTS_DIR: Final = "/etc/containerd/certs.d"
DOCKER_DIR: Final = "/etc/docker"
CNI_DIR: Final = "/etc/cni/net.d"
STORES: Final = "/var/lib/cni/networks"
CRICTL_YAML: Final = "/etc/crictl.yaml"
CONFIG_TOML: Final = "/etc/containerd/config.toml"
DAEMON_JSON: Final = "/etc/docker/daemon.json"
CONTAINERD_SOCKET: Final = "/run/containerd/containerd.sock"
DOCKER_SOCKET: Final = "/var/run/docker.sock"
CRI_DOCKERD_SOCKET: Final = "/var/run/cri-dockerd.sock"
DOCKERSHIM_SOCKET: Final = "/var/run/dockershim.sock"
DOCKER_ROOT: Final = "/var/lib/docker"
CONTAINERD_ROOT: Final = "/var/lib/containerd"
ENVIRONMENT_FILES: Final = (
    *("/etc/default/docker", "/etc/sysconfig/docker", "/etc/default/containerd", "/etc/sysconfig/containerd"),
)
LOGIN_FILES: Final = (
    *("/root/.docker/config.json", "/var/lib/kubelet/config.json", "/var/lib/kubelet/.docker/config.json"),
    *("/root/.dockercfg", "/var/lib/kubelet/.dockercfg"),
)
"""Where dockerd's users and the kubelet look for registries' logins (kubernetes v1.34,
pkg/credentialprovider/config.go)."""

UNITS: Final = (
    *("docker.service", "docker.socket", "containerd.service", "cri-docker.service", "crio.service"),
    "kubelet.service",
)
UNIT_FOLDERS: Final = ("/etc/systemd/system", "/run/systemd/system", "/usr/lib/systemd/system")
SEARCHED: Final = (
    *("/etc/crontab", "/etc/cron.d", "/etc/cron.hourly", "/etc/cron.daily", "/etc/cron.weekly"),
    *("/etc/cron.monthly", "/var/spool/cron", "/etc/systemd/system", "/usr/local/bin", "/usr/local/sbin"),
)
"""Where users of Docker's client are looked for."""

_PROPERTIES: Final = ("Id", "LoadState", "ActiveState", "MainPID", "KillMode", "FragmentPath", "DropInPaths")
_SHOWN: Final = (
    *_PROPERTIES,
    "Environment",
    "EnvironmentFiles",
    *LIMITS,
    *(f"{name}Soft" for name in LIMITS),
)
_CURL: Final = ("curl", "--silent", "--fail", "--max-time", "20", "--noproxy", "*")

FILE: Final = HostCommand(
    name="runtime-file",
    argv=("cat", "<path>"),
    sudo=True,
    purpose="configuration of Docker, containerd, CNI, crictl and the kubelet; logins in it are dropped",
    usual=tuple(
        {"path": path}
        for path in (
            *(DAEMON_JSON, CONFIG_TOML, CRICTL_YAML, *KUBELET_FILES, *ENVIRONMENT_FILES),
            *("/etc/cni/net.d/10-calico.conflist", "/etc/cni/net.d/10-flannel.conflist"),
            *("/etc/cni/net.d/05-cilium.conflist", "/etc/cni/net.d/10-containerd-net.conflist"),
        )
    ),
)
FILES: Final = HostCommand(
    name="runtime-files",
    argv=("find", "-L", "<path>", "-maxdepth", "6", "-type", "f", "-printf", "%m|%u|%g|%s|", "-print0"),
    sudo=True,
    purpose="names of drop-ins, hosts.toml files, certificates of registries and CNI configuration",
    usual=tuple({"path": path} for path in (CONTAINERD_DIR, CERTS_DIR, DOCKER_DIR, CNI_DIR)),
)
MODE: Final = HostCommand(
    name="runtime-file-mode",
    argv=("stat", "-L", "-c", STAT_FORMAT, "<path>"),
    sudo=True,
    purpose="modes of the files that a swap changes, so that they can be kept",
    usual=tuple({"path": path} for path in (CRICTL_YAML, *KUBELET_FILES)),
)
UNIT_SETTINGS: Final = HostCommand(
    name="runtime-units",
    argv=("systemctl", "show", *UNITS, f"--property={','.join(_SHOWN)}"),
    sudo=False,
    purpose="drop-ins, proxies and limits of the runtimes' units (of the environment only proxies are kept)",
)
CONTAINERD_PIDS: Final = HostCommand(
    name="containerd-pids", argv=("pgrep", "-x", "containerd"), sudo=False, purpose="which containerds run"
)
DOCKERD_PID: Final = HostCommand(
    name="dockerd-pid", argv=("pgrep", "-o", "-x", "dockerd"), sudo=False, purpose="whether dockerd runs"
)
CRI_DOCKERD_PID: Final = HostCommand(
    name="cri-dockerd-pid",
    argv=("pgrep", "-o", "-x", "cri-dockerd"),
    sudo=False,
    purpose="whether cri-dockerd runs",
)
DAEMON_COMMAND_LINE: Final = HostCommand(
    name="daemon-command-line",
    argv=("cat", "/proc/<pid>/cmdline"),
    sudo=False,
    purpose="the flags that the daemons really run with",
    usual=(),
)
DAEMON_PATH: Final = HostCommand(
    name="daemon-path",
    argv=("grep", "-z", "^PATH=", "/proc/<pid>/environ"),
    sudo=True,
    purpose="where containerd looks for its shim (of its environment PATH alone is printed)",
    usual=(),
)
KERNEL: Final = HostCommand(name="kernel", argv=("uname", "-r"), sudo=False, purpose="the kernel's version")
CGROUP: Final = HostCommand(
    name="cgroup",
    argv=("stat", "-fc", "%T", "/sys/fs/cgroup"),
    sudo=False,
    purpose="the version of cgroups",
)
SELINUX: Final = HostCommand(
    name="selinux", argv=("cat", "/sys/fs/selinux/enforce"), sudo=False, purpose="whether SELinux enforces"
)
SELINUX_FILE: Final = "/sys/fs/selinux/enforce"
ROOM: Final = HostCommand(
    name="room",
    argv=("df", "-B1", "--output=avail,size,target", "<path>"),
    sudo=False,
    purpose="room on the disk that holds the images",
    usual=(),
)
SOCKET: Final = HostCommand(
    name="socket",
    argv=("readlink", "-f", "<path>"),
    sudo=False,
    purpose="what a symbolic link at the kubelet's endpoint leads to",
    usual=(),
)
KUBELET_VERSION: Final = HostCommand(
    name="kubelet-version", argv=("kubelet", "--version"), sudo=False, purpose="the kubelet's version"
)
CONFIG_DUMP: Final = HostCommand(
    name="containerd-config-dump",
    argv=("<containerd>", "--config", "<path>", "config", "dump"),
    sudo=True,
    purpose="the configuration that containerd makes of its files (logins in it are dropped)",
    usual=({"containerd": "/usr/bin/containerd", "path": CONFIG_TOML},),
)
_CTR: Final = ("ctr", "--address", "<path>")
_AT: Final = {"path": CONTAINERD_SOCKET}
CTR_VERSION: Final = HostCommand(
    name="ctr-version",
    argv=(*_CTR, "version"),
    sudo=True,
    purpose="the version of the containerd that runs, whatever is installed",
    usual=(_AT,),
)
CTR_IMAGES: Final = HostCommand(
    name="ctr-images",
    argv=(*_CTR, "--namespace", "k8s.io", "images", "ls"),
    sudo=True,
    purpose="images of the kubelet, where crictl is not there",
    usual=(_AT,),
)
CTR_NAMESPACES: Final = HostCommand(
    name="ctr-namespaces",
    argv=(*_CTR, "namespaces", "ls", "-q"),
    sudo=True,
    purpose="who else uses this containerd",
    usual=(_AT,),
)
CTR_CONTAINERS: Final = HostCommand(
    name="ctr-containers",
    argv=(*_CTR, "--namespace", "<namespace>", "containers", "ls"),
    sudo=True,
    purpose="containers that no kubelet made",
    usual=({**_AT, "namespace": "default"}, {**_AT, "namespace": "moby"}),
)
CTR_TASKS: Final = HostCommand(
    name="ctr-tasks",
    argv=(*_CTR, "--namespace", "<namespace>", "tasks", "ls"),
    sudo=True,
    purpose="which of them run",
    usual=({**_AT, "namespace": "default"}, {**_AT, "namespace": "moby"}),
)
CTR_DEPRECATIONS: Final = HostCommand(
    name="ctr-deprecations",
    argv=(*_CTR, "deprecations", "list", "--format", "json"),
    sudo=True,
    purpose="what this containerd has been asked for that a later one lacks",
    usual=(_AT,),
)
CRICTL_IMAGES: Final = HostCommand(
    name="crictl-images",
    argv=("crictl", "--runtime-endpoint", "unix://<path>", "images", "-o", "json"),
    sudo=True,
    purpose="images of the kubelet with sizes and pins; a node without crictl is asked by ctr",
    usual=(_AT, {"path": CRI_DOCKERD_SOCKET}),
)
DOCKER_INFO: Final = HostCommand(
    name="docker-info",
    argv=("docker", "info", "--format", "{{json .}}"),
    sudo=True,
    purpose="version, storage driver, data root and cgroup driver of dockerd",
)
DOCKER_CONTAINERS: Final = HostCommand(
    name="docker-containers",
    argv=("docker", "ps", "-a", "--no-trunc", "--format", "{{json .}}"),
    sudo=True,
    purpose="containers that no kubelet made, and the sandboxes' image",
)
DOCKER_IMAGES: Final = HostCommand(
    name="docker-images",
    argv=(*_CURL, "--unix-socket", "<path>", "http://localhost/images/json"),
    sudo=True,
    purpose="Docker's images with their sizes in bytes, which its client rounds",
    usual=({"path": DOCKER_SOCKET},),
)
REGISTRY_LOGINS: Final = HostCommand(
    name="registry-logins",
    argv=("grep", "-o", "-E", "[A-Za-z0-9._:/-]+.: *[{]", "<path>"),
    sudo=True,
    purpose="for which registries there is a login (the names of JSON objects; no value is printed)",
    usual=tuple({"path": path} for path in LOGIN_FILES),
)
ADDRESS_STORE: Final = HostCommand(
    name="address-store",
    argv=("grep", "-r", "-s", "-Z", "^", "<path>"),
    sudo=True,
    purpose="which addresses host-local holds for which sandbox",
    usual=({"path": STORES},),
)
DOCKER_USERS: Final = HostCommand(
    name="docker-users",
    argv=("grep", "-rnIws", "-m", "50", "docker", *SEARCHED),
    sudo=True,
    purpose="cron entries, units and scripts that call Docker (of a line only its first word is kept)",
)
CONTAINERD_PACKAGES: Final = ("containerd.io", "containerd")
"""Docker's package of containerd, and that of Debian and Ubuntu."""
OFFERED: Final = HostCommand(
    name="packages-offered",
    # `apt` is always there: without any of the packages, apt-cache ends as it does at every error.
    argv=("apt-cache", "show", "apt", *CONTAINERD_PACKAGES),
    sudo=False,
    purpose="which versions of containerd's package apt can fetch, with their SHA-256 (nothing is fetched)",
)

ADDED_COMMANDS: Final[tuple[HostCommand, ...]] = (
    *(
        FILE,
        FILES,
        MODE,
        UNIT_SETTINGS,
        CONTAINERD_PIDS,
        DOCKERD_PID,
        CRI_DOCKERD_PID,
        DAEMON_COMMAND_LINE,
        DAEMON_PATH,
    ),
    *(KERNEL, CGROUP, SELINUX, ROOM, SOCKET, KUBELET_VERSION, CONFIG_DUMP, CTR_VERSION, CTR_IMAGES),
    *(CTR_NAMESPACES, CTR_CONTAINERS, CTR_TASKS, CTR_DEPRECATIONS, CRICTL_IMAGES, DOCKER_INFO),
    *(DOCKER_CONTAINERS, DOCKER_IMAGES, REGISTRY_LOGINS, ADDRESS_STORE, DOCKER_USERS, OFFERED),
)
RUNTIME_COMMANDS: Final[tuple[HostCommand, ...]] = (*SURVEY_COMMANDS, *ADDED_COMMANDS)

PROBED: Final = (
    *(
        CONTAINERD_DIR,
        CERTS_DIR,
        DOCKER_DIR,
        CNI_DIR,
        STORES,
        DAEMON_JSON,
        CONFIG_TOML,
        CRICTL_YAML,
        SELINUX_FILE,
    ),
    *(*ENVIRONMENT_FILES, *LOGIN_FILES),
)
"""Paths that a survey asks about by `commands.EXISTS`, beyond those of a survey without runtimes."""
