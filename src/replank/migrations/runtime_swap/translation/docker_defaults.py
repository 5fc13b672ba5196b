"""Docker's settings that change every container of a node, pods' too: here a default is not a detail."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from replank.inventory.facts.json_value import JSON
from replank.inventory.runtime.containerd_setting import RUNTIME
from replank.inventory.runtime.docker_facts import DockerSetting
from replank.migrations.runtime_swap.translation.draft import Draft, shown
from replank.migrations.runtime_swap.translation.model import Outcome
from replank.migrations.runtime_swap.translation.render import dotted_home

Rule = Callable[[Draft, DockerSetting], None]

_MOBY: Final = "moby 20.10, daemon/oci_linux.go and daemon/daemon_unix.go"
_MIN_NOFILE: Final = 65536
"""Open files that a containerd itself needs on a full node."""

LIMIT_OF: Final[Mapping[str, str]] = {
    name: f"Limit{name.upper()}"
    for name in (
        *("nofile", "nproc", "core", "memlock", "stack", "rtprio", "nice", "locks", "msgqueue", "rttime"),
        *("sigpending", "as", "cpu", "data", "fsize", "rss"),
    )
}
_HURT_THE_DAEMON: Final = frozenset({"as", "cpu", "data", "fsize", "rss"})


def not_needed(draft: Draft, setting: DockerSetting, why: str, source: str = _MOBY) -> None:
    """A row for a setting that may go."""
    draft.row(setting.key, setting.where, shown(setting.value), Outcome.NOT_NEEDED, why=why, source=source)


def stop(draft: Draft, setting: DockerSetting, code: str, why: str, todo: str, source: str = _MOBY) -> None:
    """A row for a setting that has no counterpart."""
    draft.stop(code, setting.key, setting.where, shown(setting.value), why=why, todo=todo, source=source)


def _off_or_stop(off: JSON, why_off: str, code: str, why: str, todo: str) -> Rule:
    def rule(draft: Draft, setting: DockerSetting) -> None:
        if setting.value == off:
            not_needed(draft, setting, why_off)
        else:
            stop(draft, setting, code, why, todo)

    return rule


def _seccomp(draft: Draft, setting: DockerSetting) -> None:
    if setting.value in ("", "builtin"):
        not_needed(draft, setting, "Pods with RuntimeDefault get containerd's own profile.")
        return
    stop(
        draft,
        setting,
        "RP453",
        "Pods with RuntimeDefault ran under this profile; containerd has only its own for them.",
        "Put the profile into the kubelet's seccomp folder, name it in the pods (Localhost), then take it "
        "out of daemon.json.",
    )


def _cgroup_namespace(draft: Draft, setting: DockerSetting) -> None:
    version = draft.seen(draft.node.cgroup_version, "cgroup version")
    if version is None or setting.value == ("private" if version == "v2" else "host"):
        not_needed(draft, setting, "containerd does the same: private on cgroup v2, the host's on v1.")
        return
    stop(
        draft,
        setting,
        "RP453",
        f"containerd gives containers {'a private' if version == 'v2' else 'the host'} cgroup namespace on "
        f"cgroup {version}, and cannot be told otherwise.",
        "Find the pods that need it, then take it out of daemon.json.",
    )


def _oom_score(draft: Draft, setting: DockerSetting) -> None:
    path = ("oom_score",)
    draft.set(path, setting.value)
    draft.row(
        setting.key,
        setting.where,
        shown(setting.value),
        Outcome.REPLACED,
        became=f"oom_score = {shown(setting.value)}",
        why="The daemon's own; the kubelet sets it for every container.",
        source="containerd 2.3, docs/man/containerd-config.toml.5.md",
    )


def _selinux(draft: Draft, setting: DockerSetting) -> None:
    path = ("plugins", RUNTIME, "enable_selinux")
    draft.set(path, setting.value)
    _carried(draft, setting, path, "Pods keep their SELinux labels.")


def _cdi_dirs(draft: Draft, setting: DockerSetting) -> None:
    if draft.target.line < (1, 7):
        stop(draft, setting, "RP465", "containerd before 1.7 has no CDI.", "Take containerd 1.7 or newer.")
        return
    path = ("plugins", RUNTIME, "cdi_spec_dirs")
    draft.set(path, setting.value)
    draft.set(("plugins", RUNTIME, "enable_cdi"), True)
    _carried(draft, setting, path, "containerd reads the same specifications.")


def _carried(draft: Draft, setting: DockerSetting, path: tuple[str, ...], why: str) -> None:
    home = dotted_home(path, version=draft.target.config_version, line=draft.target.line)
    draft.row(
        setting.key,
        setting.where,
        shown(setting.value),
        Outcome.CARRIED_OVER,
        became=f"{'.'.join(home[1:])} = {shown(setting.value)}",
        why=why,
        source="containerd, docs/cri/config.md",
    )


def _features(draft: Draft, setting: DockerSetting) -> None:
    known = {
        "buildkit": "Builds are not containerd's.",
        "containerd-snapshotter": "Docker keeps its images in its own containerd; `docker save` reads both.",
        "containerd-migration": "It is about Docker's own store.",
        "windows-dns-proxy": "It is Windows' alone.",
        "time-namespaces": "Docker switched it on for tests alone.",
    }
    for name, on in (setting.value if isinstance(setting.value, dict) else {}).items():
        one = DockerSetting(key=f"features.{name}", where=setting.where, value=on)
        if name == "cdi":
            draft.set(("plugins", RUNTIME, "enable_cdi"), on)
            _carried(draft, one, ("plugins", RUNTIME, "enable_cdi"), "containerd reads CDI itself.")
        elif name in known or on is False:
            not_needed(draft, one, known.get(name, "It is switched off."))
        else:
            stop(draft, one, "RP441", "replank does not know this feature.", _UNKNOWN)


def _ulimits(draft: Draft, setting: DockerSetting) -> None:
    """Containers inherit the limits of the containerd that starts them; CRI clears its own defaults."""
    for name, limit in (setting.value if isinstance(setting.value, dict) else {}).items():
        one = DockerSetting(key=f"default-ulimits.{name}", where=setting.where, value=limit)
        ends = limit if isinstance(limit, dict) else {}
        soft, hard = _end(ends.get("soft")), _end(ends.get("hard"))
        if name not in LIMIT_OF:
            stop(draft, one, "RP441", "systemd has no such limit.", "Correct its name, or take it out.")
        elif name in _HURT_THE_DAEMON and hard != "infinity":
            stop(draft, one, "RP453", "It would limit containerd itself, too.", "Take it out of daemon.json.")
        elif name == "nofile" and hard != "infinity" and int(hard) < _MIN_NOFILE:
            stop(
                draft,
                one,
                "RP453",
                f"containerd itself would have {hard} open files; it needs {_MIN_NOFILE} on a full node.",
                "Raise the hard limit in daemon.json, or take it out.",
            )
        else:
            value = hard if soft == hard else f"{soft}:{hard}"
            _limit(draft, LIMIT_OF[name], value)
            draft.row(
                one.key,
                one.where,
                shown(limit),
                Outcome.REPLACED,
                became=f"{LIMIT_OF[name]}={value} in the drop-in of {draft.target.unit}",
                why="Containers inherit the limits of the containerd that starts them.",
                source="containerd, internal/cri/opts/spec_opts.go; systemd.exec(5)",
            )


def _limit(draft: Draft, name: str, value: str) -> None:
    draft.unit_lines[:] = [line for line in draft.unit_lines if not line.startswith(f"{name}=")]
    draft.unit_lines.append(f"{name}={value}")


def _end(number: JSON) -> str:
    return "infinity" if number == -1 else str(number)


_UNKNOWN: Final = "Say what it does: replank translates nothing by guess. Or take it out of daemon.json."

DEFAULT_RULES: Final[Mapping[str, Rule]] = {
    "no-new-privileges": _off_or_stop(
        False,
        "It is off, as with containerd.",
        "RP453",
        "It forbade every container new privileges; containerd leaves that to each pod.",
        "Let an admission policy set allowPrivilegeEscalation: false, then take it out of daemon.json.",
    ),
    "init": _off_or_stop(
        False,
        "It is off, as with containerd.",
        "RP453",
        "It put docker-init before every container's program, which reaps zombies; containerd does not.",
        "Use shareProcessNamespace or an init in the image where it matters, then take it out.",
    ),
    "authorization-plugins": _off_or_stop(
        [],
        "There is none.",
        "RP453",
        "It decided what Docker may run, the kubelet's containers, too; containerd has no such hook.",
        "Move the policy to Kubernetes' admission, then take it out of daemon.json.",
    ),
    "cpu-rt-period": _off_or_stop(
        0,
        "It is not set.",
        "RP453",
        "Real-time bandwidth of Docker's cgroup has no counterpart.",
        "Take it out of daemon.json.",
    ),
    "cpu-rt-runtime": _off_or_stop(
        0,
        "It is not set.",
        "RP453",
        "Real-time bandwidth of Docker's cgroup has no counterpart.",
        "Take it out of daemon.json.",
    ),
    "userns-remap": _off_or_stop(
        "",
        "It is off.",
        "RP448",
        "All containers run as other users; containerd cannot do that for a node, only for a pod (hostUsers: "
        "false), and the volumes' owners are the remapped ones.",
        "Move the pods to user namespaces of their own (Kubernetes 1.33, hostUsers: false) on other nodes.",
    ),
    "rootless": _off_or_stop(
        False,
        "It is off.",
        "RP448",
        "Docker runs without root; replank swaps runtimes that run as root.",
        "Set this node up anew.",
    ),
    "seccomp-profile": _seccomp,
    "default-cgroupns-mode": _cgroup_namespace,
    "oom-score-adjust": _oom_score,
    "selinux-enabled": _selinux,
    "cdi-spec-dirs": _cdi_dirs,
    "features": _features,
    "default-ulimits": _ulimits,
}
