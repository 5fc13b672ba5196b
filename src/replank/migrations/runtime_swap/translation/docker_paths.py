"""Docker's storage, data root, downloads, daemon log and IP forwarding."""

from __future__ import annotations

from typing import Final

from replank.inventory.runtime.containerd_setting import IMAGES, TRANSFER
from replank.inventory.runtime.docker_facts import DockerConfiguration, DockerSetting
from replank.migrations.runtime_swap.translation.docker_defaults import not_needed, stop
from replank.migrations.runtime_swap.translation.draft import Draft, shown
from replank.migrations.runtime_swap.translation.model import Outcome

_GOOD_DRIVERS: Final = frozenset({"overlay2", "overlayfs"})
_DEFAULT_ROOT: Final = "/var/lib/docker"
_STORAGE: Final = "moby, daemon/graphdriver; containerd, docs/snapshotters"
_LOG_LEVELS: Final = frozenset({"debug", "info", "warn", "error", "fatal"})
_IP_FORWARD_FILE: Final = "/etc/sysctl.d/90-replank-ip-forward.conf"


def translate_storage(draft: Draft, docker: DockerConfiguration) -> None:
    """Rows for the storage driver, its options and the data root."""
    driver = draft.seen(draft.node.storage_driver, "Docker's storage driver")
    setting = docker.find("storage-driver")
    one = setting or DockerSetting(key="storage-driver", where="Docker's choice", value=driver)
    if driver is not None and driver not in _GOOD_DRIVERS:
        stop(
            draft,
            one,
            "RP445",
            f"Docker uses {driver}; where overlay2 cannot be used, overlayfs may not work either.",
            "Check that the new root's file system can carry overlayfs (ext4, xfs with ftype=1), change "
            "Docker to overlay2, then survey again.",
            _STORAGE,
        )
    elif driver is not None:
        draft.set(("plugins", IMAGES, "snapshotter"), "overlayfs")
        draft.row(
            one.key,
            one.where,
            driver,
            Outcome.REPLACED,
            became="snapshotter = overlayfs",
            why="The same kernel file system; layers are unpacked anew under the new root.",
            source=_STORAGE,
        )
    for options in [s for s in docker.settings if s.key == "storage-opts"]:
        for option in options.value if isinstance(options.value, list) else ():
            _storage_option(draft, options, shown(option))
    _data_root(draft, docker)


def _storage_option(draft: Draft, setting: DockerSetting, option: str) -> None:
    name, _, value = option.partition("=")
    one = DockerSetting(key=f"storage-opts.{name}", where=setting.where, value=value)
    if name == "overlay2.override_kernel_check":
        not_needed(draft, one, "containerd checks by trying.", _STORAGE)
    else:
        stop(
            draft,
            one,
            "RP453",
            "containerd has no such option (a quota is the pod's ephemeral-storage limit).",
            "Set limits on the pods where it matters, then take it out of daemon.json.",
            _STORAGE,
        )


def _data_root(draft: Draft, docker: DockerConfiguration) -> None:
    root = draft.seen(draft.node.data_root, "Docker's data root")
    draft.set(("root",), draft.target.root)
    draft.set(("state",), draft.target.state)
    implicit = DockerSetting(key="data-root", where="Docker's default", value=root or _DEFAULT_ROOT)
    code = "RP458" if _other_disk(draft) else ""
    for one in [s for s in docker.settings if s.key in ("data-root", "graph")] or [implicit]:
        draft.row(
            one.key,
            one.where,
            shown(one.value),
            Outcome.REPLACED,
            became=f"root = {draft.target.root}",
            why="Docker's data stays where it is until commit; containerd has a root of its own.",
            source="docs/decisions/0006-runtime-swap.md",
            code=code,
        )
        if code:
            draft.warn(
                code,
                one.key,
                one.where,
                why=f"Docker's data has a file system of its own, and {draft.target.root} is not on it.",
                todo="Give the new containerd a root on that disk, unless the other one is meant.",
            )


def _other_disk(draft: Draft) -> bool:
    disk = draft.seen(draft.node.disk, "room on the data root's disk")
    mount = disk.mount.rstrip("/") if disk is not None else ""
    return bool(mount) and not f"{draft.target.root}/".startswith(f"{mount}/")


def translate_daemon(draft: Draft, docker: DockerConfiguration) -> None:
    """Rows for log level and format, downloads, metrics and IP forwarding."""
    debug, level = docker.find("debug"), docker.find("log-level")
    for setting in docker.settings:
        if setting.key == "max-concurrent-downloads":
            _downloads(draft, setting)
        elif setting.key == "metrics-addr":
            _metrics(draft, setting)
        elif setting.key == "log-format":
            draft.set(("debug", "format"), setting.value)
            _replaced(draft, setting, f"debug.format = {shown(setting.value)}")
    chosen = "debug" if debug is not None and debug.value is True else shown(level.value if level else "")
    if chosen in _LOG_LEVELS and chosen != "info":
        draft.set(("debug", "level"), chosen)
    for one in (debug, level):
        if one is not None:
            _replaced(draft, one, f"debug.level = {chosen or 'info'}")
    _ip_forward(draft, docker.find("ip-forward"))


def _replaced(draft: Draft, setting: DockerSetting, became: str) -> None:
    draft.row(
        setting.key,
        setting.where,
        shown(setting.value),
        Outcome.REPLACED,
        became=became,
        why="The daemon's own log.",
        source="containerd, docs/man/containerd-config.toml.5.md",
    )


def _downloads(draft: Draft, setting: DockerSetting) -> None:
    """From 2.1 on images are pulled by the transfer service, which has a limit of its own."""
    plugin = TRANSFER if draft.target.line >= (2, 1) else IMAGES
    draft.set(("plugins", plugin, "max_concurrent_downloads"), setting.value)
    draft.row(
        setting.key,
        setting.where,
        shown(setting.value),
        Outcome.REPLACED,
        became=f"max_concurrent_downloads = {shown(setting.value)} of {plugin}",
        why="Layers of one image at a time.",
        source="containerd 2.1, internal/cri/config/config.go CheckLocalImagePullConfigs",
    )


def _metrics(draft: Draft, setting: DockerSetting) -> None:
    if not setting.value:
        not_needed(draft, setting, "It is not set.")
        return
    not_needed(draft, setting, "Docker's own metrics (engine_*) end with Docker.")
    draft.warn(
        "RP468",
        setting.key,
        setting.where,
        why="Docker's metrics end; containerd's have other names.",
        todo="Change what scrapes this address, its dashboards and its alerts.",
    )


def _ip_forward(draft: Draft, setting: DockerSetting | None) -> None:
    """dockerd switches forwarding on at each start; containerd never does, and pods need it."""
    if setting is not None and setting.value is False:
        not_needed(draft, setting, "Something else switches forwarding on, or nothing needs it.")
        return
    draft.write(_IP_FORWARD_FILE, "net.ipv4.ip_forward = 1\n")
    draft.row(
        "ip-forward",
        setting.where if setting is not None else "Docker's default",
        "true",
        Outcome.REPLACED,
        became=f"net.ipv4.ip_forward = 1 in {_IP_FORWARD_FILE}",
        why="dockerd switches it on at its start, containerd does not: after a reboot pods would be cut off.",
        source="libnetwork, drivers/bridge/setup_ip_forwarding.go; kubernetes documentation, "
        "Container Runtimes",
    )
