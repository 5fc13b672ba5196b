"""Values of daemon.json: their shape is checked, and what replank must not keep is dropped.

Every reader gives the value that is kept, and the names of what was withheld. ValueError: another shape than
dockerd would take (it would not start).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Final

from replank.inventory.facts.json_value import JSON
from replank.inventory.runtime.docker_keys import (
    SHOWN_LOG_OPTS,
    SHOWN_PAIRS,
    SHOWN_RUNTIME_OPTIONS,
    Kind,
)
from replank.inventory.runtime.withheld import WITHHELD, without_login

Kept = tuple[JSON, tuple[str, ...]]


def read_value(kind: Kind, value: JSON) -> Kept:
    """The part of `value` that is kept, and what was withheld. Raises ValueError."""
    return _READERS[kind](value)


def _bool(value: JSON) -> Kept:
    if not isinstance(value, bool):
        raise ValueError("it is not true or false")
    return value, ()


def _int(value: JSON) -> Kept:
    if isinstance(value, bool) or not isinstance(value, int):
        raise ValueError("it is no whole number")
    return value, ()


def _text(value: JSON) -> Kept:
    if not isinstance(value, str):
        raise ValueError("it is no text")
    return value, ()


def _size(value: JSON) -> Kept:
    if isinstance(value, bool) or not isinstance(value, int | str):
        raise ValueError("it is no size")
    return value, ()


def _list(value: JSON) -> list[str]:
    if not isinstance(value, list):
        raise ValueError("it is no list of texts")
    texts = [item for item in value if isinstance(item, str)]
    if len(texts) != len(value):
        raise ValueError("it is no list of texts")
    return texts


def _texts(value: JSON) -> Kept:
    return [*_list(value)], ()


def _url(value: JSON) -> Kept:
    if not isinstance(value, str):
        raise ValueError("it is no text")
    clean, login = without_login(value)
    return clean, (("login",) if login else ())


def _urls(value: JSON) -> Kept:
    cleaned = [without_login(item) for item in _list(value)]
    return [clean for clean, _ in cleaned], tuple(f"login in {clean}" for clean, login in cleaned if login)


def _pairs(value: JSON) -> Kept:
    kept: list[JSON] = []
    withheld: list[str] = []
    for item in _list(value):
        name, equals, _ = item.partition("=")
        if equals and not name.lower().startswith(SHOWN_PAIRS):
            withheld.append(name)
            kept.append(f"{name}={WITHHELD}")
        else:
            kept.append(item)
    return kept, tuple(withheld)


def _names(value: JSON) -> Kept:
    names = [item.partition("=")[0] for item in _list(value)]
    return [f"{name}={WITHHELD}" for name in names], tuple(names)


def _table(value: JSON) -> Mapping[str, JSON]:
    if not isinstance(value, dict):
        raise ValueError("it is no table")
    return value


def _log_opts(value: JSON) -> Kept:
    kept: dict[str, JSON] = {}
    withheld: list[str] = []
    for name, option in sorted(_table(value).items()):
        if not isinstance(option, str):
            raise ValueError(f"{name} is no text")
        shown = name in SHOWN_LOG_OPTS
        kept[name] = option if shown else WITHHELD
        withheld += [] if shown else [name]
    return kept, tuple(withheld)


def _ulimits(value: JSON) -> Kept:
    """`{"nofile": {"Name": "nofile", "Hard": 64000, "Soft": 64000}}`; Go reads the names in any case."""
    kept: dict[str, JSON] = {}
    for name, limit in sorted(_table(value).items()):
        fields = {key.lower(): number for key, number in _table(limit).items()}
        if set(fields) - {"name", "hard", "soft"}:
            raise ValueError(f"{name} has fields that no ulimit has")
        numbers: dict[str, JSON] = {}
        for end in ("hard", "soft"):
            number = fields.get(end, 0)
            if isinstance(number, bool) or not isinstance(number, int):
                raise ValueError(f"{name} has a limit that is no whole number")
            numbers[end] = number
        kept[name] = numbers
    return kept, ()


def _runtimes(value: JSON) -> Kept:
    """`path` and how many `runtimeArgs`; or `runtimeType` with the options that are known (Docker 23 on)."""
    kept: dict[str, JSON] = {}
    withheld: list[str] = []
    for name, runtime in sorted(_table(value).items()):
        fields = dict(_table(runtime))
        path, kind = fields.pop("path", ""), fields.pop("runtimeType", "")
        arguments = fields.pop("runtimeArgs", None)
        options = fields.pop("options", None)
        if not isinstance(path, str) or not isinstance(kind, str):
            raise ValueError(f"{name} has a path or runtimeType that is no text")
        entry: dict[str, JSON] = {"path": path, "runtimeType": kind}
        entry["runtimeArgs"] = len(_list(arguments)) if arguments is not None else 0
        known: dict[str, JSON] = {}
        for option, content in sorted((_table(options) if options is not None else {}).items()):
            if option in SHOWN_RUNTIME_OPTIONS and isinstance(content, str | bool):
                known[option] = content
            else:
                known[option] = WITHHELD
                withheld.append(f"{name}.options.{option}")
        entry["options"] = known
        withheld += [f"{name}.{field}" for field in fields]
        kept[name] = entry
    return kept, tuple(withheld)


def _features(value: JSON) -> Kept:
    table = _table(value)
    if not all(isinstance(switch, bool) for switch in table.values()):
        raise ValueError("a feature is not true or false")
    return dict(sorted(table.items())), ()


def _pools(value: JSON) -> Kept:
    """`[{"base": "10.0.0.0/8", "size": 24}]`, or the flag's text `base=10.0.0.0/8,size=24`."""
    if not isinstance(value, list):
        raise ValueError("it is no list")
    kept: list[JSON] = []
    for pool in value:
        if isinstance(pool, str) and re.fullmatch(r"[a-z0-9=.,:/\"]+", pool):
            kept.append(pool)
        else:
            kept.append(f"base={_table(pool).get('base')},size={_table(pool).get('size')}")
    return kept, ()


def _proxies(value: JSON) -> Kept:
    kept: dict[str, JSON] = {}
    withheld: list[str] = []
    for name, url in sorted(_table(value).items()):
        if name not in ("http-proxy", "https-proxy", "no-proxy") or not isinstance(url, str):
            raise ValueError("it holds something else than http-proxy, https-proxy and no-proxy")
        kept[name], login = without_login(url)
        withheld += [name] if login else []
    return kept, tuple(withheld)


def _opaque(value: JSON) -> Kept:
    return WITHHELD, tuple(sorted(_table(value))) if isinstance(value, dict) else ("value",)


_READERS: Final[Mapping[Kind, Callable[[JSON], Kept]]] = {
    Kind.BOOL: _bool,
    Kind.INT: _int,
    Kind.TEXT: _text,
    Kind.TEXTS: _texts,
    Kind.URL: _url,
    Kind.URLS: _urls,
    Kind.PAIRS: _pairs,
    Kind.NAMES: _names,
    Kind.LOG_OPTS: _log_opts,
    Kind.ULIMITS: _ulimits,
    Kind.RUNTIMES: _runtimes,
    Kind.FEATURES: _features,
    Kind.POOLS: _pools,
    Kind.PROXIES: _proxies,
    Kind.SIZE: _size,
    Kind.OPAQUE: _opaque,
}
