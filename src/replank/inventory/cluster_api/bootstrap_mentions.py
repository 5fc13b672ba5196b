"""Commands and files of a bootstrap configuration that are about a container runtime: where, never what.

A program cannot translate shell. It can say which line a person has to look at, and which line surely brings
a runtime to a new machine. Of a line only words of the list below and a version number are kept: commands and
files may hold tokens.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from replank.inventory.cluster_api.controlled import Mention

_COMMANDS: Final = ("bootCommands", "preKubeadmCommands", "postKubeadmCommands")
_WORDS: Final = (
    # The longest first: a line about cri-dockerd is not about Docker alone.
    ("cri-dockerd", re.compile(r"cri-?dockerd?\b")),
    ("dockershim", re.compile(r"dockershim")),
    ("docker", re.compile(r"(?<![a-z0-9])(docker|moby)(?![a-z0-9])|dockerd")),
    ("containerd", re.compile(r"containerd")),
)
_NO_RUNTIME: Final = re.compile(
    r"docker\.io/|registry[^ ]*docker|/docker\.com|docker\.com/v2|docker-registry"
)
"""Docker's registry is no runtime; its packages' addresses are told by what is installed."""
_INSTALLS: Final = re.compile(
    r"\b(apt|apt-get|yum|dnf|microdnf|tdnf|zypper|apk)\b.*\b(install|add)\b"
    r"|\bget\.docker\.com\b"
    r"|\bdpkg\b.*(-i|--install)\b|\brpm\b.*\s-[a-z]*[iU]"
    r"|\b(systemctl)\b.*\b(enable|start|restart|unmask|reenable)\b"
    r"|\btar\b.*(containerd|docker)[^ ]*\.t(ar\.)?gz"
)
_VERSION: Final = re.compile(r"(?<![0-9.])(\d{1,2}\.\d{1,2}(?:\.\d{1,3})?)(?![0-9])")


def mentions_of(spec: Mapping[str, Any]) -> tuple[Mention, ...]:
    """All of a KubeadmConfigSpec (v1beta2), in its order."""
    return (*_commands(spec), *_files(spec))


def _commands(spec: Mapping[str, Any]) -> Iterator[Mention]:
    for field in _COMMANDS:
        for index, command in enumerate(spec.get(field) or ()):
            yield from _lines(str(command), f"{field}[{index}]", commands=True)


def _files(spec: Mapping[str, Any]) -> Iterator[Mention]:
    for index, file in enumerate(spec.get("files") or ()):
        path = str(file.get("path") or "")
        place = f"files[{index}] {path}"
        content, plain = file.get("content"), file.get("encoding") in (None, "")
        if content and plain:
            found = [*_lines(str(content), place, commands=_is_script(path, str(content)))]
        else:
            found = []
        word = _word(path.lower())
        if word and not found:
            yield Mention(place=place, line=0, word=word)
        yield from found


def _lines(text: str, place: str, *, commands: bool) -> Iterator[Mention]:
    for number, line in enumerate(text.splitlines(), 1):
        said = line.strip().lower()
        word = "" if said.startswith("#") and not said.startswith("#!") else _word(_NO_RUNTIME.sub("", said))
        if not word and commands and "get.docker.com" in said:
            word = "docker"
        if word:
            installs = commands and _INSTALLS.search(said) is not None
            version = _VERSION.search(said[said.find(_stem(word)) :]) if installs else None
            yield Mention(
                place=place,
                line=number,
                word=word,
                installs=installs,
                version=version[1] if version else "",
            )


def _word(text: str) -> str:
    return next((word for word, pattern in _WORDS if pattern.search(text)), "")


def _stem(word: str) -> str:
    return "cri-docker" if word == "cri-dockerd" else word


def _is_script(path: str, content: str) -> bool:
    return content.startswith("#!") or path.endswith((".sh", ".bash")) or "/cron" in path
