"""Docker's OCI runtimes and cgroup driver as containerd's runtime handlers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from replank.inventory.facts.json_value import JSON
from replank.inventory.runtime.containerd_setting import RUNTIME
from replank.inventory.runtime.docker_facts import DockerConfiguration, DockerSetting
from replank.migrations.runtime_swap.translation.docker_defaults import not_needed, stop
from replank.migrations.runtime_swap.translation.draft import Draft, shown
from replank.migrations.runtime_swap.translation.model import Outcome
from replank.migrations.runtime_swap.translation.needs import kubelet_cgroup_driver

RUNC_V2: Final = "io.containerd.runc.v2"
_HANDLERS: Final = ("plugins", RUNTIME, "containerd", "runtimes")
_STOCK: Final = frozenset({"", "runc", RUNC_V2})
_SOURCE: Final = "moby, daemon/runtime_unix.go; containerd, docs/cri/config.md"


def translate_runtimes(draft: Draft, docker: DockerConfiguration) -> None:
    """runc with the kubelet's cgroup driver, then every further runtime, then which one is the default."""
    systemd = _cgroup_driver(draft, docker)
    _handler(draft, "runc", RUNC_V2, {"SystemdCgroup": systemd})
    names = {"runc"}
    for setting in docker.settings:
        if setting.key == "runtimes":
            for name, entry in (setting.value if isinstance(setting.value, dict) else {}).items():
                one = DockerSetting(key=f"runtimes.{name}", where=setting.where, value=entry)
                fields = entry if isinstance(entry, dict) else {}
                if _runtime(draft, one, name, fields, _dropped(setting, name), systemd=systemd):
                    names.add(name)
    _default(draft, docker.find("default-runtime"), names)


def _cgroup_driver(draft: Draft, docker: DockerConfiguration) -> bool:
    """True for systemd. What Docker has, what the kubelet has and what containerd gets must be one."""
    used = draft.seen(draft.node.cgroup_driver, "Docker's cgroup driver")
    kubelet = draft.seen(draft.node.kubelet, "the kubelet's flags and configuration")
    wanted = kubelet_cgroup_driver(kubelet) if kubelet is not None else ""
    rows = [s for s in docker.settings if s.key == "exec-opts"]
    implicit = DockerSetting(key="cgroup driver", where="Docker's default", value=used)
    for setting in rows or [implicit]:
        for option in setting.value if isinstance(setting.value, list) else [f"native.cgroupdriver={used}"]:
            _exec_option(draft, setting, shown(option), wanted)
    if used is not None and wanted and used != wanted:
        draft.stop(
            "RP449",
            "cgroup driver",
            kubelet.config_path if kubelet is not None else "",
            f"Docker {used}, kubelet {wanted}",
            why="They must be equal, or pods are killed under memory pressure that is not there.",
            todo="Make the kubelet's cgroupDriver Docker's (drain, restart both), then survey again.",
            source="kubernetes documentation, Configuring a cgroup driver",
        )
    return wanted == "systemd"


def _exec_option(draft: Draft, setting: DockerSetting, option: str, wanted: str) -> None:
    name, _, value = option.partition("=")
    one = DockerSetting(key=f"{setting.key}.{name}", where=setting.where, value=value)
    if name.lower() != "native.cgroupdriver":
        stop(draft, one, "RP441", "dockerd on Linux has no such option.", "Take it out.", _SOURCE)
        return
    draft.row(
        one.key,
        one.where,
        value,
        Outcome.REPLACED,
        became=f"runtimes.runc.options.SystemdCgroup = {shown(wanted == 'systemd')}",
        why="It must be the kubelet's.",
        source=_SOURCE,
    )


def _runtime(
    draft: Draft,
    one: DockerSetting,
    name: str,
    fields: Mapping[str, JSON],
    dropped: tuple[str, ...],
    *,
    systemd: bool,
) -> bool:
    """True if the runtime has a handler now."""
    kind, path = shown(fields.get("runtimeType")), shown(fields.get("path"))
    if _no_runtime(draft, one, kind, fields, dropped):
        return False
    options = fields.get("options")
    known = dict(options) if isinstance(options, dict) else {}
    kind = kind or RUNC_V2
    known |= {"BinaryName": path} if path else {}
    known |= {"SystemdCgroup": systemd} if kind == RUNC_V2 else {}
    _handler(draft, name, kind, known)
    draft.row(
        one.key,
        one.where,
        path or kind,
        Outcome.REPLACED,
        became=f"runtimes.{name} with runtime_type = {kind}" + (f", BinaryName = {path}" if path else ""),
        why="Docker runs it through the same shim.",
        source=_SOURCE,
    )
    return True


def _no_runtime(
    draft: Draft, one: DockerSetting, kind: str, fields: Mapping[str, JSON], dropped: tuple[str, ...]
) -> bool:
    """True if containerd cannot have this runtime: a stop was added."""
    if dropped:
        why = f"replank does not know {', '.join(dropped)} of it."
        stop(draft, one, "RP441", why, "Set this runtime up in containerd by hand.", _SOURCE)
    elif fields.get("runtimeArgs"):
        why = "Docker starts it through a script that adds arguments; containerd has no such script."
        todo = "Use its containerd shim (as gVisor's and Kata's), or a script without arguments as `path`."
        stop(draft, one, "RP452", why, todo, _SOURCE)
    elif kind in ("io.containerd.runc.v1", "io.containerd.runtime.v1.linux"):
        why = "containerd 2.x has this shim no more."
        stop(draft, one, "RP452", why, "Use io.containerd.runc.v2.", _SOURCE)
    else:
        return False
    return True


def _default(draft: Draft, setting: DockerSetting | None, names: set[str]) -> None:
    chosen = shown(setting.value) if setting is not None else ""
    name = "runc" if chosen in _STOCK else chosen
    draft.set(("plugins", RUNTIME, "containerd", "default_runtime_name"), name)
    if setting is None:
        return
    if name not in names:
        why = "This runtime has no counterpart here, and every pod without a RuntimeClass would use it."
        stop(draft, setting, "RP452", why, "See the row of the runtime itself.", _SOURCE)
    elif chosen in _STOCK:
        not_needed(draft, setting, "runc is containerd's default, too.", _SOURCE)
    else:
        draft.row(
            setting.key,
            setting.where,
            chosen,
            Outcome.REPLACED,
            became=f"default_runtime_name = {name}",
            why="Pods without a RuntimeClass keep their runtime.",
            source=_SOURCE,
        )


def _handler(draft: Draft, name: str, kind: str, options: Mapping[str, JSON]) -> None:
    draft.set((*_HANDLERS, name, "runtime_type"), kind)
    for option, value in options.items():
        draft.set((*_HANDLERS, name, "options", option), value)


def _dropped(setting: DockerSetting, name: str) -> tuple[str, ...]:
    return tuple(item for item in setting.withheld if item.startswith(f"{name}."))
