"""daemon.json and dockerd's flags: every setting with the place where it was made, and no secret."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Final

from replank.inventory.facts.json_value import JSON
from replank.inventory.hosts.command_line import parse_flags
from replank.inventory.runtime.docker_facts import DockerConfiguration, DockerSetting
from replank.inventory.runtime.docker_keys import DOCKER_KEYS, FLAGS, NO_SETTINGS, Kind
from replank.inventory.runtime.docker_values import read_value
from replank.inventory.runtime.refusals import not_understood
from replank.inventory.runtime.withheld import WITHHELD

DAEMON_JSON: Final = "/etc/docker/daemon.json"
_LISTS: Final = frozenset({Kind.TEXTS, Kind.URLS, Kind.PAIRS, Kind.NAMES, Kind.POOLS})
_TABLES: Final = frozenset({Kind.LOG_OPTS, Kind.ULIMITS, Kind.RUNTIMES, Kind.FEATURES, Kind.OPAQUE})


def parse_daemon_json(text: str, *, path: str = DAEMON_JSON) -> tuple[DockerSetting, ...]:
    """The settings of a daemon.json, sorted by key. An empty file sets nothing, as for dockerd.

    A byte order mark is skipped as dockerd does from 23.0 on. Raises `Refused` RP470: not JSON, not an
    object, or a known key with a value that dockerd would refuse.
    """
    content = text.removeprefix("\ufeff").strip()
    if not content:
        return ()
    try:
        document = json.loads(content, parse_constant=_no_number)
    except (ValueError, RecursionError) as error:
        raise not_understood("RP470", path, "it is not JSON") from error
    if not isinstance(document, dict):
        raise not_understood("RP470", path, "it is not a JSON object")
    return tuple(_setting(key, value, path, "RP470") for key, value in sorted(document.items()))


def parse_dockerd(command_line: bytes) -> tuple[DockerSetting, ...]:
    """The settings that dockerd's flags make, from /proc/<pid>/cmdline. Raises `Refused` RP471.

    Flags that may stand more than once make one list or table.
    """
    words = [word for word in command_line.decode("utf-8", errors="replace").split("\0") if word]
    gathered: dict[str, list[tuple[str, str]]] = {}
    for flag in parse_flags(words):
        if flag.name not in NO_SETTINGS:
            gathered.setdefault(FLAGS.get(flag.name, flag.name), []).append((flag.name, flag.value))
    settings = []
    for key, given in sorted(gathered.items()):
        where = f"dockerd {'-' if len(given[0][0]) == 1 else '--'}{given[0][0]}"
        values = [value for _, value in given]
        settings.append(_setting(key, _flag_value(key, values, where), where, "RP471"))
    return tuple(settings)


def docker_configuration(*parts: Iterable[DockerSetting]) -> DockerConfiguration:
    """Settings of file and flags together. dockerd refuses a key that stands in both (but for runtimes)."""
    settings = sorted((setting for part in parts for setting in part), key=lambda s: (s.key, s.where))
    return DockerConfiguration(settings=tuple(settings))


def _no_number(constant: str) -> JSON:
    raise ValueError(f"{constant} is not JSON")


def _setting(key: str, value: JSON, where: str, code: str) -> DockerSetting:
    kind = DOCKER_KEYS.get(key)
    if kind is None:
        return DockerSetting(key=key, where=where, value=WITHHELD, withheld=("value",), known=False)
    try:
        kept, withheld = read_value(kind, value)
    except ValueError as error:
        raise not_understood(code, where, f"{key}: {error}") from error
    return DockerSetting(key=key, where=where, value=kept, withheld=withheld)


def _flag_value(key: str, values: Sequence[str], where: str) -> JSON:
    """The value that daemon.json would have for these flags."""
    kind = DOCKER_KEYS.get(key)
    if kind in _LISTS:
        return list(values)
    if kind is Kind.BOOL:
        if values[-1].lower() not in ("true", "false", "1", "0"):
            raise not_understood("RP471", where, f"{key} is not true or false")
        return values[-1].lower() in ("true", "1")
    if kind is Kind.INT:
        try:
            return int(values[-1])
        except ValueError as error:
            raise not_understood("RP471", where, f"{key} is no whole number") from error
    if kind in _TABLES:
        return _flag_table(key, values, where)
    return values[-1]


def _flag_table(key: str, values: Sequence[str], where: str) -> JSON:
    table: dict[str, JSON] = {}
    for value in values:
        name, _, content = value.partition("=")
        if key == "default-ulimits":
            table[name] = _ulimit(content, where)
        elif key == "runtimes":
            table[name] = {"path": content}
        elif key == "features":
            table[name] = content.lower() in ("", "true", "1")
        else:
            table[name] = content
    return table


def _ulimit(text: str, where: str) -> JSON:
    """`1024` or `soft:hard` (go-units, ParseUlimit)."""
    soft, _, hard = text.partition(":")
    try:
        return {"Soft": int(soft), "Hard": int(hard or soft)}
    except ValueError as error:
        raise not_understood("RP471", where, "a default ulimit is no number") from error
