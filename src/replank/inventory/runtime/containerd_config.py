"""containerd's config.toml and its drop-ins, one file at a time.

Only settings that replank knows keep their value (`containerd_settings.py`). Logins, tokens and what replank
does not know are withheld, with their paths beside the tree.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from datetime import date, datetime, time
from fnmatch import fnmatchcase
from posixpath import dirname, isabs, join, normpath
from typing import Any, Final

from replank.inventory.facts.json_value import JSON
from replank.inventory.runtime.containerd_facts import ContainerdFile, Path
from replank.inventory.runtime.containerd_homes import home_of
from replank.inventory.runtime.containerd_setting import IMAGES
from replank.inventory.runtime.containerd_settings import setting_at
from replank.inventory.runtime.refusals import not_understood
from replank.inventory.runtime.tree import grown, leaves
from replank.inventory.runtime.withheld import WITHHELD, named_like_a_secret, without_login

CONFIG_TOML: Final = "/etc/containerd/config.toml"
MAX_VERSION: Final = 4
_REGISTRY: Final = ("plugins", IMAGES, "registry")
_PROGRAMS: Final = ("stream_processors",)
_DEPTH: Final = 24


def parse_file(text: str, *, path: str, sha256: str) -> ContainerdFile:
    """One file as written. `sha256`: of its bytes.

    Raises `Refused` RP472 (not TOML, or dates in it), RP473 (a version that no containerd up to 2.3 reads, or
    imports that are no list of paths).
    """
    document = _toml(text, path, "RP472")
    version = document.pop("version", 0)
    imports = document.pop("imports", [])
    if isinstance(version, bool) or not isinstance(version, int) or not 0 <= version <= MAX_VERSION:
        raise not_understood("RP473", path, f"its version is none of 1 to {MAX_VERSION}")
    if not isinstance(imports, list) or not all(isinstance(entry, str) for entry in imports):
        raise not_understood("RP473", path, "its imports are no list of paths")
    tree, withheld, secret = scrub(document, version)
    return ContainerdFile(
        path=path,
        sha256=sha256,
        version=version,
        imports=tuple(str(entry) for entry in imports),
        tree=tree,
        withheld=withheld,
        secret=secret,
    )


def imported(file: ContainerdFile, there: list[str]) -> tuple[str, ...]:
    """The paths that the file's imports mean, of those that are `there`, in the order of loading.

    A relative path starts at the file's folder; `*` works as in a shell, sorted (containerd, resolveImports).
    A path without `*` is kept though it is not there: the daemon would fail on it.
    """
    found: list[str] = []
    for entry in file.imports:
        pattern = normpath(entry if isabs(entry) else join(dirname(file.path), entry))
        if "*" not in pattern:
            found.append(pattern)
            continue
        depth = pattern.count("/")
        found += sorted(p for p in there if p.count("/") == depth and fnmatchcase(p, pattern))
    return tuple(found)


def scrub(
    tree: Mapping[str, JSON], version: int
) -> tuple[dict[str, JSON], tuple[Path, ...], tuple[Path, ...]]:
    """The tree without what must not be kept, paths of what was dropped, and which of them are secrets."""
    kept: list[tuple[Path, JSON]] = []
    withheld: list[Path] = []
    secret: list[Path] = []
    for written, value in leaves(tree):
        path = tuple(without_login(key)[0] if "@" in key else key for key in written)
        secret += [path] if path != written else []
        home = home_of(path, version)
        if _is_login(home) and value not in ("", []):
            secret.append(path)
        elif not _is_login(home) and (setting_at(home) is None or named_like_a_secret(home[-1])):
            withheld.append(path)
        else:
            clean, login = _clean_program(home, value) if home[0] in _PROGRAMS else _clean(value)
            kept.append((path, clean))
            secret += [path] if login else []
            continue
        kept.append((path, WITHHELD))
    return grown(kept), tuple(sorted({*withheld, *secret})), tuple(sorted(set(secret)))


def _is_login(home: Path) -> bool:
    """True for what lets somebody in: logins, and headers, which carry tokens."""
    if home[:3] != _REGISTRY or len(home) < 5:
        return False
    return home[3] in ("auths", "headers") or (home[3] == "configs" and home[5:6] == ("auth",))


def _clean_program(home: Path, value: JSON) -> tuple[JSON, bool]:
    """Arguments and environment of a stream processor: only those of containerd's own decoder are kept."""
    if home[-1] not in ("args", "env") or not value:
        return _clean(value)
    texts = [str(item) for item in value] if isinstance(value, list) else []
    if texts[:1] == ["--decryption-keys-path"] and len(texts) == 2:
        return value, False
    if len(texts) == 1 and texts[0].startswith("OCICRYPT_KEYPROVIDER_CONFIG=/"):
        return value, False
    return [f"{text.partition('=')[0]}={WITHHELD}" for text in texts if home[-1] == "env"] or WITHHELD, True


def _clean(value: JSON) -> tuple[JSON, bool]:
    """`value` without logins in URLs and without values of environment variables that look like secrets."""
    if isinstance(value, str) and "://" in value:
        return without_login(value)
    if isinstance(value, list):
        cleaned = [_clean(item) for item in value]
        return [item for item, _ in cleaned], any(dropped for _, dropped in cleaned)
    if isinstance(value, dict):
        pairs = {key: _clean(item) for key, item in value.items()}
        return {key: item for key, (item, _) in pairs.items()}, any(dropped for _, dropped in pairs.values())
    if isinstance(value, str):
        name, equals, _ = value.partition("=")
        if equals and named_like_a_secret(name):
            return f"{name}={WITHHELD}", True
    return value, False


def read_toml(text: str, where: str, code: str) -> dict[str, JSON]:
    """A TOML document as JSON values. Raises `Refused` with `code`."""
    return _toml(text, where, code)


def _toml(text: str, where: str, code: str) -> dict[str, JSON]:
    try:
        document = tomllib.loads(text.removeprefix("\ufeff"))
        _check(document, 0)
    except tomllib.TOMLDecodeError as error:
        # The library's text quotes what it found, which may be a secret; the place is enough.
        line = str(error).rpartition("(at ")[2].partition(")")[0]
        raise not_understood(code, where, f"it is not TOML ({line or 'unknown place'})") from None
    except (ValueError, RecursionError) as error:
        raise not_understood(code, where, "it holds what no configuration holds") from error
    return document


def _check(value: Any, depth: int) -> None:
    """Raises ValueError for dates, for numbers that JSON has not, and for tables too deep."""
    if depth > _DEPTH:
        raise ValueError("too deep")
    if isinstance(value, date | datetime | time):
        raise ValueError("a date")
    if isinstance(value, float) and (value != value or value in (float("inf"), float("-inf"))):
        raise ValueError("not a JSON number")
    for inner in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        _check(inner, depth + 1)
