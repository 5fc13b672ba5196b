"""Docker's log drivers and options. containerd writes one format; the kubelet rotates it.

Under dockershim the kubelet's own containerLogMax* had no effect (kubernetes 1.23, cmd/kubelet/app/options).
"""

from __future__ import annotations

import re
from typing import Final

from replank.inventory.runtime.docker_facts import DockerConfiguration, DockerSetting
from replank.migrations.runtime_swap.translation.docker_defaults import not_needed, stop
from replank.migrations.runtime_swap.translation.draft import Draft, shown
from replank.migrations.runtime_swap.translation.model import Outcome

_SIZE: Final = re.compile(r"([0-9]+(?:\.[0-9]+)?) ?([kKmMgGtTpP])?[iI]?[bB]?", re.ASCII)
_FACTORS: Final = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9, "t": 10**12, "p": 10**15}
_SUFFIXES: Final = (("G", 10**9), ("M", 10**6), ("k", 10**3))
_SOURCE: Final = "moby, daemon/logger/jsonfilelog; kubernetes, KubeletConfiguration"
_LOCAL_DEFAULTS: Final = {"max-size": "20m", "max-file": "5"}
"""Of the driver `local` (moby, daemon/logger/local/config.go)."""

_LABELS: Final = frozenset({"labels", "labels-regex", "env", "env-regex", "tag"})
_READING: Final = frozenset({"cache-disabled", "cache-max-file", "cache-max-size", "cache-compress"})


def translate_logs(draft: Draft, docker: DockerConfiguration) -> None:
    """Rows for log-driver and every log-opt, and for the default of Docker that has none of them."""
    driver = docker.find("log-driver")
    name = shown(driver.value) if driver is not None else "json-file"
    given: dict[str, DockerSetting] = {}
    for setting in [s for s in docker.settings if s.key == "log-opts"]:
        for option, value in (setting.value if isinstance(setting.value, dict) else {}).items():
            given[option] = DockerSetting(key=f"log-opts.{option}", where=setting.where, value=value)
    if driver is not None and not _driver(draft, driver, name):
        for one in given.values():
            stop(draft, one, "RP446", f"It belongs to {name}.", "See the row of log-driver.", _SOURCE)
        return
    _rotation(draft, given, name)
    for option, one in given.items():
        if option not in ("max-size", "max-file"):
            _option(draft, option, one)


def _driver(draft: Draft, setting: DockerSetting, name: str) -> bool:
    """The driver's row. True if its options are worth looking at."""
    if name in ("", "json-file", "local"):
        draft.row(
            setting.key,
            setting.where,
            name,
            Outcome.REPLACED,
            became="containerd's CRI format in /var/log/pods",
            why="Log agents read another format from now on; the kubelet rotates.",
            source=_SOURCE,
        )
        return True
    stop(
        draft,
        setting,
        "RP446",
        f"Docker sends logs to {name} itself; containerd writes files, and nobody would send them there.",
        "Let a log agent read /var/log/pods and send them, set the driver to json-file, then survey again.",
        _SOURCE,
    )
    return False


def _rotation(draft: Draft, given: dict[str, DockerSetting], driver: str) -> None:
    defaults = _LOCAL_DEFAULTS if driver == "local" else {}
    for option, key in (("max-size", "containerLogMaxSize"), ("max-file", "containerLogMaxFiles")):
        one = given.get(option)
        text = shown(one.value) if one is not None else defaults.get(option, "")
        where = one.where if one is not None else f"Docker's default of {driver or 'json-file'}"
        value = _quantity(text) if option == "max-size" else _files(text, unbounded="max-size" not in given)
        if one is not None and value is None and not _unlimited(text):
            stop(
                draft, one, "RP447", "replank does not understand it.", "Correct it in daemon.json.", _SOURCE
            )
            continue
        _rotate(draft, f"log-opts.{option}", where, text, key, value)


def _rotate(draft: Draft, setting: str, where: str, text: str, key: str, value: str | int | None) -> None:
    kubelets_own = "10Mi" if key == "containerLogMaxSize" else 5
    if value is not None:
        draft.kubelet_keys[key] = value
    became = value if value is not None else kubelets_own
    exact = value is not None and not (key == "containerLogMaxFiles" and text != str(value))
    draft.row(
        setting,
        where,
        text or "(not set)",
        Outcome.REPLACED,
        became=f"{key}: {became}",
        why="The kubelet rotates what containerd writes."
        if exact
        else "The kubelet always rotates, and keeps at least two files.",
        source=_SOURCE,
        code="" if exact else "RP460",
    )
    if not exact:
        draft.warn(
            "RP460",
            setting,
            where,
            why=f"Docker kept {text or 'logs without a limit'}; the kubelet will keep {key} {became}.",
            todo="Set containerLogMaxSize and containerLogMaxFiles where that is too little for log agents.",
        )


def _option(draft: Draft, option: str, one: DockerSetting) -> None:
    if option == "compress":
        not_needed(draft, one, "The kubelet compresses what it has rotated.", _SOURCE)
    elif option in _READING:
        not_needed(draft, one, "It is for reading logs through Docker from a remote driver.", _SOURCE)
    elif option == "mode" and one.value in ("", "blocking"):
        not_needed(draft, one, "containerd's logging blocks, too.", _SOURCE)
    elif option in ("mode", "max-buffer-size"):
        stop(
            draft,
            one,
            "RP447",
            "containerd has no buffer that drops lines: a slow disk holds up the program instead.",
            "Decide whether that may be, then take it out of daemon.json.",
            _SOURCE,
        )
    elif option in _LABELS:
        stop(
            draft,
            one,
            "RP447",
            "It adds attributes to every line of Docker's JSON; the CRI format has no place for them.",
            "Let the log agent add them from the pod's metadata, then take it out of daemon.json.",
            _SOURCE,
        )
    else:
        stop(
            draft,
            one,
            "RP447",
            "json-file has no such option, or replank does not know it.",
            "Take it out of daemon.json.",
            _SOURCE,
        )


def _unlimited(text: str) -> bool:
    return text in ("", "-1", "0")


def _quantity(text: str) -> str | None:
    """`10m` (decimal, go-units FromHumanSize) as a Kubernetes quantity `10M`. None: unlimited, or no size."""
    match = _SIZE.fullmatch(text)
    if match is None:
        return None
    size = int(float(match[1]) * _FACTORS[(match[2] or "").lower()])
    if size <= 0:
        return None
    for suffix, factor in _SUFFIXES:
        if size % factor == 0:
            return f"{size // factor}{suffix}"
    return str(size)


def _files(text: str, *, unbounded: bool) -> int | None:
    """max-file; Docker's default is 1. The kubelet wants 2 at least, and None leaves it its own 5."""
    if not text:
        return None if unbounded else 2
    return max(int(text), 2) if re.fullmatch(r"[0-9]{1,6}", text, re.ASCII) else None
