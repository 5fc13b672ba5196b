"""Runs `terraform` or `tofu` in a folder: bounded, ended with all that it started, complaints cleaned."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import signal
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from replank.domain.errors import Refused, Transient

_CHUNK: Final = 1024 * 1024
_STDERR_LIMIT: Final = 64 * 1024
_SECRET_NAME: Final = re.compile(r"(?i)pass|token|secret|credential|private|_key$|^aws_|^tf_var_|^tf_http_")
_ASSIGNMENT: Final = re.compile(
    r"(?i)((?:[a-z0-9_-]*(?:password|passwd|token|secret|credential|api[_-]?key|access[_-]?key|authorization)"
    r"[a-z0-9_-]*)[\"']?\s*(?:[:=]\s*|\s(?=bearer|basic))(?:(?:bearer|basic)\s+)?)[^\s,;&]+"
)
_URL_USER: Final = re.compile(r"(?i)\b([a-z][a-z0-9+.-]*://)[^/\s@]+@")
_URL_QUERY: Final = re.compile(r"(?i)\b([a-z][a-z0-9+.-]*://[^\s?\"']+)\?[^\s\"']+")
_ANSI: Final = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


@dataclass(frozen=True, slots=True)
class Finished:
    """What a command left. `says`: the command for messages. `said`: its complaints, without secrets."""

    says: str
    out: bytes
    said: str
    code: int
    environment: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Tool:
    """`timeout_s`: for each command; `limit`: bytes of its output; `environment`: None = replank's own."""

    timeout_s: float
    limit: int
    environment: Mapping[str, str] | None = None

    async def run(self, folder: Path, argv: list[str], workspace: str) -> Finished:
        """What the command left. Output of more than `limit` bytes is cut one byte later, with exit code 0.

        `workspace`: TF_WORKSPACE, "" = unset. Raises `Refused` RP028 (not started), `Transient` RP028 (it
        took too long).
        """
        environment = self.environment_for(workspace)
        says = f"`{Path(argv[0]).name} {' '.join(argv[1:])}`"
        try:
            process = await asyncio.create_subprocess_exec(
                *argv,
                cwd=folder,
                env=environment,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
                start_new_session=True,  # the tool starts plugins: all of them must end with it
            )
        except (OSError, ValueError) as error:
            raise _not_started(argv[0], folder, error) from error
        out, err, code = await self._answer(process, says, folder)
        return Finished(says, out, last_lines(err, environment), code, environment)

    def environment_for(self, workspace: str) -> dict[str, str]:
        """The tool's environment: with `workspace` ("" = none), without what the operator's shell adds."""
        environment = dict(os.environ if self.environment is None else self.environment)
        # An operator's own TF_WORKSPACE must not decide about the folders of a whole fleet.
        environment.pop("TF_WORKSPACE", None)
        # Arguments and logs from the operator's shell would end up in what is read here.
        for key in [k for k in environment if k.startswith(("TF_CLI_ARGS", "TF_LOG"))]:
            del environment[key]
        environment |= {"TF_IN_AUTOMATION": "1", "TF_INPUT": "0", "CHECKPOINT_DISABLE": "1"}
        if workspace:
            environment["TF_WORKSPACE"] = workspace
        return environment

    async def _answer(
        self, process: asyncio.subprocess.Process, says: str, folder: Path
    ) -> tuple[bytes, bytes, int]:
        """Output, complaints and exit code; output of more than `limit` bytes is cut one byte later."""
        finished = False
        complaints = asyncio.create_task(_tail(process.stderr))
        try:
            async with asyncio.timeout(self.timeout_s):
                out = await self._head(process.stdout)
                if len(out) > self.limit:
                    return out, b"", 0  # the tool still wants to write: it is ended below
                err = await complaints
                code = await process.wait()
            finished = True
        except TimeoutError as error:
            raise Transient(
                "RP028",
                f"{says} does not end",
                f"no answer within {self.timeout_s:g} s",
                "Run it in that folder by hand; it may wait for the back end.",
                where=str(folder),
            ) from error
        finally:
            if not finished:
                complaints.cancel()
                await asyncio.gather(complaints, return_exceptions=True)  # one reader at a time
                await _end(process)
        return out, err, code

    async def _head(self, stream: asyncio.StreamReader | None) -> bytes:
        found = bytearray()
        while stream is not None and len(found) <= self.limit and (chunk := await stream.read(_CHUNK)):
            found += chunk
        return bytes(found[: self.limit + 1])


async def _tail(stream: asyncio.StreamReader | None) -> bytes:
    found = bytearray()
    while stream is not None and (chunk := await stream.read(_CHUNK)):
        found += chunk
        del found[:-_STDERR_LIMIT]
    return bytes(found)


def last_lines(err: bytes, environment: Mapping[str, str]) -> str:
    """The last lines of what the tool complained about, in one line and without secrets.

    Values of environment variables that look like secrets, user information and queries of URLs, and what
    follows `password=` and the like are hidden.
    """
    text = _ANSI.sub("", err.decode("utf-8", "replace"))
    lines = [re.sub(r"^[\s│╷╵]+", "", line).strip() for line in text.splitlines()]
    said = " / ".join([line for line in lines if line][-6:])
    hidden = {v for k, v in environment.items() if _SECRET_NAME.search(k) and len(v) >= 4}
    for value in sorted(hidden, key=len, reverse=True):
        said = said.replace(value, "(hidden)")
    said = _URL_QUERY.sub(r"\1?(hidden)", _URL_USER.sub(r"\1(hidden)@", said))
    said = _ASSIGNMENT.sub(r"\1(hidden)", said)
    return "".join(char if char.isprintable() else "?" for char in said)[-800:]


def _not_started(command: str, folder: Path, error: OSError | ValueError) -> Refused:
    missing = isinstance(error, FileNotFoundError)
    return Refused(
        "RP028",
        f"`{command}` cannot be started",
        "it is not installed, or not in the PATH" if missing else "the operating system refuses to run it",
        "Install it, or write its path as `command` in fleet.yaml; a state file can also be read directly.",
        where=str(folder),
    )


async def _end(process: asyncio.subprocess.Process) -> None:
    """Ends the tool and all that it started, kindly first, and empties its pipes."""
    for number, patience_s in ((signal.SIGTERM, 2.0), (signal.SIGKILL, 5.0)):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, number)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(patience_s):
                while process.stdout is not None and await process.stdout.read(_CHUNK):
                    pass
                await _tail(process.stderr)
                await process.wait()
                return
