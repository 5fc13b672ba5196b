"""`terraform state pull` and `tofu state pull`: every back end that the tool knows, without its credentials.

Pulling a workspace that does not exist is not read only: the local back end makes its folder (seen with
Terraform 1.11.4), S3 and others write an empty state (internal/backend/remote-state/s3/backend_state.go). So
a named workspace is looked for with `workspace list` first.
"""

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

from replank.domain.errors import Refused, ReplankError, Transient
from replank.transports.terraform.files import is_folder
from replank.transports.terraform.folder import selected_workspace

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
_STATE: Final = re.compile(rb"^[ \t]*\{", flags=re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Pulled:
    """What was pulled. `workspace`: the one that it is of."""

    data: bytes
    workspace: str


@dataclass(frozen=True, slots=True)
class Puller:
    """Runs the tool. `timeout_s`: for each command; `limit`: bytes of a state; `environment`: the tool's."""

    timeout_s: float = 120.0
    limit: int = 512 * 1024 * 1024
    environment: Mapping[str, str] | None = None

    async def pull(self, folder: Path, command: str, workspace: str) -> Pulled:
        """The state of `workspace` ("" = the selected one) of the working folder.

        Raises `Refused` RP020 (no such folder), RP021 (no state), RP027 (too large) or RP028 (the tool
        failed), `Transient` RP028 (it took too long).
        """
        if not is_folder(folder):
            raise Refused(
                "RP020",
                "The state cannot be pulled",
                "the folder does not exist or may not be entered",
                "Mend the path in fleet.yaml.",
                where=str(folder),
            )
        data_dir = self._environment("").get("TF_DATA_DIR") or ".terraform"
        name = workspace or await asyncio.to_thread(selected_workspace, folder, data_dir)
        if name != "default":
            await self._check_workspace(folder, command, name)
        out = await self._run(folder, [command, "state", "pull"], name)
        return Pulled(_state_of(out, f"`{Path(command).name} state pull`", folder), name)

    async def _check_workspace(self, folder: Path, command: str, name: str) -> None:
        out = await self._run(folder, [command, "workspace", "list"], "")
        lines = out.decode("utf-8", "replace").splitlines()
        names = sorted({line.lstrip("* ").strip() for line in lines if line[:2] in ("* ", "  ")} - {""})
        if name not in names:
            raise Refused(
                "RP028",
                f"The workspace `{name}` does not exist",
                f"`{Path(command).name} workspace list` names {', '.join(names) or 'none'}",
                "Mend `workspace` in fleet.yaml; replank does not pull, because the tool would make it.",
                where=str(folder),
            )

    def _environment(self, workspace: str) -> dict[str, str]:
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

    async def _run(self, folder: Path, argv: list[str], workspace: str) -> bytes:
        environment = self._environment(workspace)
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
        return self._checked(out, err, code, says, folder, environment)

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

    def _checked(
        self, out: bytes, err: bytes, code: int, says: str, folder: Path, environment: Mapping[str, str]
    ) -> bytes:
        if len(out) > self.limit:
            raise Refused(
                "RP027",
                "The state is too large",
                f"{says} printed more than {self.limit} bytes",
                "Split the state.",
                where=str(folder),
            )
        if code != 0:
            raise _failed(says, folder, code, last_lines(err, environment))
        return out


def _state_of(out: bytes, says: str, folder: Path) -> bytes:
    """The state alone: OpenTofu 1.12 prints its warnings (a CLI configuration file that is not there) to
    stdout, before it. Without one it prints nothing more, and ends well."""
    begin = _STATE.search(out)
    if begin is not None:
        return out[begin.start() :]
    # What else it printed is not quoted: it may be a state in another form, with all its secrets.
    printed = "something, but no line of it begins a state" if out.strip() else "nothing"
    raise Refused(
        "RP021",
        "The state is empty",
        f"{says} printed {printed}: the folder or workspace has no state",
        "Mend the folder or the workspace in fleet.yaml; run `init` there if it never ran.",
        where=str(folder),
    )


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


def _failed(says: str, folder: Path, code: int, said: str) -> ReplankError:
    return Refused(
        "RP028",
        f"{says} failed",
        f"exit code {code}: {said or 'it said nothing'}",
        "Run it in that folder by hand until it prints the state (`init`, credentials of the back end).",
        where=str(folder),
    )


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
