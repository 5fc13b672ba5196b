"""The kubelet's runtime flags, one by one.

Source: kubernetes 1.23, cmd/kubelet/app/options and pkg/kubelet/config/flags.go (all flags of dockershim);
its changelogs of 1.24 (dockershim's flags end) and 1.27 (--container-runtime ends).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from replank.inventory.facts.json_value import JSON
from replank.inventory.facts.kubernetes import ExtraArg
from replank.inventory.runtime.containerd_setting import IMAGES, RUNTIME
from replank.migrations.runtime_swap.translation.draft import Draft
from replank.migrations.runtime_swap.translation.model import Outcome
from replank.migrations.runtime_swap.translation.needs import SANDBOX

_SOURCE: Final = "kubernetes 1.23, cmd/kubelet/app/options; changelogs of 1.24 and 1.27"
ENDPOINT_FLAG: Final = "container-runtime-endpoint"

_DROPPED: Final[Mapping[str, str]] = {
    "cni-cache-dir": "containerd keeps its own results; the old ones are needed once, to free addresses.",
    "docker-endpoint": "There is no Docker to speak to.",
    "experimental-dockershim": "It was for tests of dockershim.",
    "experimental-dockershim-root-directory": "dockershim's checkpoints are not needed.",
    "network-plugin-mtu": "It was for kubenet, which ended with dockershim.",
    "non-masquerade-cidr": "It was for kubenet, which ended with dockershim.",
    "redirect-container-streaming": "The kubelet has had no such flag since 1.20.",
}
"""Flags that go, with the reason."""


def decide_flag(draft: Draft, flag: ExtraArg, decided: dict[str, str | None], *, from_docker: bool) -> None:
    """Decides one flag of the running kubelet: `decided[name]` is its new value, None drops it."""
    rule = _RULES.get(flag.name)
    if rule is not None:
        decided[flag.name] = rule(draft, flag)
    elif flag.name in _DROPPED:
        decided[flag.name] = None
        _row(draft, flag, Outcome.NOT_NEEDED, "", _DROPPED[flag.name])
    elif from_docker and flag.name.startswith(("docker", "cni-")):
        draft.stop(
            "RP441",
            f"--{flag.name}",
            "kubelet",
            flag.value,
            why="It looks like a flag of the Docker runtime, and replank does not know it.",
            todo="Say what it does: replank translates nothing by guess.",
            source=_SOURCE,
        )


def _row(draft: Draft, flag: ExtraArg, outcome: Outcome, became: str, why: str) -> None:
    draft.row(f"--{flag.name}", "kubelet", flag.value, outcome, became=became, why=why, source=_SOURCE)


def _network_plugin(draft: Draft, flag: ExtraArg) -> str | None:
    if flag.value == "cni":
        _row(draft, flag, Outcome.NOT_NEEDED, "", "containerd always uses CNI; the flag ended with 1.24.")
        return None
    no_cni(draft, flag.value)
    return flag.value


def no_cni(draft: Draft, value: str) -> None:
    """The stop for a kubelet whose pods are not connected by CNI."""
    draft.stop(
        "RP454",
        "--network-plugin",
        "kubelet",
        value or "(not set)",
        why="Pods hang on Docker's bridge or kubenet, not on CNI, and containerd knows only CNI.",
        todo="Move the cluster to a CNI plugin first.",
        source=_SOURCE,
    )


def _cni_conf_dir(draft: Draft, flag: ExtraArg) -> str | None:
    draft.set(("plugins", RUNTIME, "cni", "conf_dir"), flag.value)
    _row(draft, flag, Outcome.REPLACED, f"cni.conf_dir = {flag.value}", "containerd calls CNI itself.")
    return None


def _cni_bin_dir(draft: Draft, flag: ExtraArg) -> str | None:
    dirs: list[JSON] = [part.strip() for part in flag.value.split(",") if part.strip()]
    if len(dirs) > 1 and draft.target.line < (2, 1):
        draft.stop(
            "RP465",
            "--cni-bin-dir",
            "kubelet",
            flag.value,
            why="containerd before 2.1 knows one folder of CNI plugins.",
            todo="Take containerd 2.1 or newer, or put the plugins into one folder.",
            source="containerd 2.1, internal/cri/config/config.go",
        )
        return flag.value
    draft.set(("plugins", RUNTIME, "cni", "bin_dirs"), dirs)
    _row(draft, flag, Outcome.REPLACED, f"cni.bin_dirs = {flag.value}", "containerd calls CNI itself.")
    return None


def _pull_deadline(draft: Draft, flag: ExtraArg) -> str | None:
    if draft.target.line < (1, 7):
        _row(draft, flag, Outcome.NOT_NEEDED, "", "containerd 1.6 never gives a pull up.")
        return None
    draft.set(("plugins", IMAGES, "image_pull_progress_timeout"), flag.value)
    became = f"image_pull_progress_timeout = {flag.value}"
    _row(draft, flag, Outcome.REPLACED, became, "containerd gives a pull up by itself.")
    return None


def _sandbox_image(draft: Draft, flag: ExtraArg) -> str | None:
    draft.set(SANDBOX, flag.value)
    became = f"sandbox image of containerd = {flag.value}"
    why = "The same image, so that it is there; the kubelet keeps the flag for its garbage collection."
    _row(draft, flag, Outcome.CARRIED_OVER, became, why)
    return flag.value


def _container_runtime(draft: Draft, flag: ExtraArg) -> str | None:
    if draft.target.kubelet.line >= (1, 24):
        _row(
            draft,
            flag,
            Outcome.NOT_NEEDED,
            "",
            "Only remote is left since 1.24; the flag ended with 1.27.",
        )
        return None
    _row(draft, flag, Outcome.REPLACED, "remote", "The kubelet shall speak CRI.")
    return "remote"


def _runtime_endpoint(draft: Draft, flag: ExtraArg) -> str | None:
    same = flag.value.removeprefix("unix://") == draft.target.socket
    outcome = Outcome.CARRIED_OVER if same else Outcome.REPLACED
    new = flag.value if same else draft.target.endpoint
    _row(draft, flag, outcome, new, "The socket of the new containerd.")
    return new


def _image_endpoint(draft: Draft, flag: ExtraArg) -> str | None:
    _row(draft, flag, Outcome.REPLACED, "", "Without it the kubelet asks the runtime's endpoint.")
    return None


def _runtime_cgroups(draft: Draft, flag: ExtraArg) -> str | None:
    if "docker" not in flag.value:
        _row(draft, flag, Outcome.CARRIED_OVER, flag.value, "It names no Docker.")
        return flag.value
    new = f"/system.slice/{draft.target.unit}"
    _row(draft, flag, Outcome.REPLACED, new, "The kubelet measures the runtime there.")
    return new


def _kept(draft: Draft, flag: ExtraArg) -> str | None:
    _row(draft, flag, Outcome.CARRIED_OVER, flag.value, "It is the kubelet's own.")
    return flag.value


def _log_flag(key: str) -> Callable[[Draft, ExtraArg], str | None]:
    def rule(draft: Draft, flag: ExtraArg) -> str | None:
        if key not in draft.kubelet_keys:
            return _kept(draft, flag)
        _row(
            draft, flag, Outcome.REPLACED, f"{key}: {draft.kubelet_keys[key]}", "Docker's had counted so far."
        )
        return None

    return rule


_RULES: Final[Mapping[str, Callable[[Draft, ExtraArg], str | None]]] = {
    "network-plugin": _network_plugin,
    "cni-conf-dir": _cni_conf_dir,
    "cni-bin-dir": _cni_bin_dir,
    "image-pull-progress-deadline": _pull_deadline,
    "pod-infra-container-image": _sandbox_image,
    "container-runtime": _container_runtime,
    ENDPOINT_FLAG: _runtime_endpoint,
    "image-service-endpoint": _image_endpoint,
    "runtime-cgroups": _runtime_cgroups,
    "cgroup-driver": _kept,
    "container-log-max-size": _log_flag("containerLogMaxSize"),
    "container-log-max-files": _log_flag("containerLogMaxFiles"),
}
