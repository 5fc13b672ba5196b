#!/usr/bin/env python3
"""Swaps the container runtime of the node on which it runs, or puts the old one back. Python 3.6+, root.

For the node's owner: replank puts this file and `plan.json` into one folder (`/var/lib/replank/swap`), calls
`check`, `stage`, `start`, and reads `status`. Once started, nothing outside the node is needed: the node
finishes, or goes back by itself. To go back by hand: `python3 swap_node.py undo`. To see: `... status`, and
`... measure` for what the runtime uses.

In the folder: `plan.json` (what to do; no secrets), `plan.begun.json` (the same, as it was begun), `journal`
(one JSON object a line: each phase before and after it, each command by its name), `kept/` (the originals of
every file that is changed, and logs), `log` (for reading: the commands, with polls), `package` (only while a
package is unpacked).

A swap is a list of phases. Each can be done and taken back any number of times and looks at what is there
first, so after a crash the same command just goes on. Staging changes nothing that serves. After it:
  staged -> switching -> swapped -> committed     or     staged, switching, swapped -> undoing -> undone
`stuck` is said only where the way back itself failed, with what was tried and what to do.

From top to bottom: the world outside (programs, files, sockets), the journal, what all swaps share, the two
strategies (`in-place` for containerd to containerd, `switch` for Docker to containerd), the commands.
"""

import argparse
import base64
import binascii
import concurrent.futures
import errno
import fcntl
import hashlib
import http.client
import ipaddress
import json
import os
import re
import shutil
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import time
import urllib.parse
from pathlib import Path
from typing import Any, Callable, Dict, Iterable, List, NamedTuple, Optional, Sequence, Set, Tuple

SCHEMA = "replank-swap-plan/1"
STATUS_SCHEMA = "replank-swap-status/1"
BASE = "/var/lib/replank/swap"
RUN_UNIT = "replank-swap.service"
DEADLINE_UNIT = "replank-swap-deadline"
RESUME_UNIT = "replank-swap-resume.service"
AT_ONCE = 16  # programs that may run at the same time where several are started
TIMED_OUT = -1000  # no exit status: the program was killed because its time was up
MEASURED_SECONDS = 10.0
RUNTIMES = ("dockerd", "docker-proxy", "cri-dockerd", "containerd", "containerd-shim")
TRIES_BACK = 3  # the way back tries each phase so often before it says `stuck`
ANY_HOST = "0.0.0.0"  # noqa: S104  a port mapping's word for every address; nothing is bound here
STEADY = 2  # so many looks in a row have to be good
BALLAST_BYTES = 1 << 18  # given up when the disk is full, so that the journal can still be written
GOES_BACK = ("unstage", "undo")
EXIT = {"staged": 0, "swapped": 0, "committed": 0, "undone": 3, "stuck": 4}


class Trouble(Exception):
    """Something did not work. While going forward it turns the node back."""

    def __init__(self, why: str, code: str = "", todo: str = "") -> None:
        super().__init__(why)
        self.why, self.code, self.todo = why, code, todo


class Refusal(Trouble):
    """Said before anything is touched: the node stays where it is."""


# What can come out of a phase: trouble, a file system's error, or an answer in a form nobody expected. All of
# them have to end in the way back, so all of them are named here.
AMISS = (Trouble, OSError, ValueError, LookupError, TypeError, AttributeError)


def words_of(error: BaseException) -> str:
    """An error in one line, without its traceback."""
    return error.why if isinstance(error, Trouble) else f"{type(error).__name__}: {error}"


# ---------------------------------------------------------------- the world outside


class Outside:
    """Everything that is not a file: programs, the clock, sockets. Tests put another one in its place."""

    def now(self) -> float:
        return time.time()

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds)

    def boot(self) -> str:
        """Which boot of the machine this is.

        A machine that is a container keeps its host's boot_id when it is started anew; its first process is
        another one then (proc(5), starttime).
        """
        kernel = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        first = Path("/proc/1/stat").read_text().rpartition(")")[2].split()
        return f"{kernel}:{first[19]}"

    def proc(self) -> Path:
        return Path("/proc")

    def free_bytes(self, path: str) -> int:
        place = Path(path)
        while not place.exists():
            place = place.parent
        return shutil.disk_usage(str(place)).free

    def spawn(
        self, argv: Sequence[str], stdin: str, env: Dict[str, str], seconds: float
    ) -> Tuple[int, str, str]:
        """Runs a program: exit status, stdout, stderr. `TIMED_OUT` if it was killed when its time was up."""
        with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
            try:
                child = subprocess.Popen(
                    list(argv),
                    stdin=subprocess.PIPE if stdin else subprocess.DEVNULL,
                    stdout=out,
                    stderr=err,
                    env=dict(os.environ, **env),
                    start_new_session=True,
                )
            except OSError as error:
                return 127, "", f"{argv[0]}: {error.strerror}"
            try:
                child.communicate(stdin.encode() if stdin else None, timeout=seconds)
            except subprocess.TimeoutExpired:
                end_group(child)
                return TIMED_OUT, "", f"no end after {seconds:g} s"
            out.seek(0)
            err.seek(0)
            return (
                child.returncode,
                out.read().decode("utf-8", "replace"),
                err.read().decode("utf-8", "replace"),
            )

    def spawn_each(self, argvs: Sequence[Sequence[str]], seconds: float) -> List[Tuple[int, str, str]]:
        """As `spawn`, some at the same time; the answers in the order of `argvs`."""
        with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as threads:
            return list(threads.map(lambda argv: self.spawn(argv, "", {}, seconds), argvs))

    def pipe(self, giver: Sequence[str], taker: Sequence[str], seconds: float) -> Tuple[int, int, str]:
        """`giver | taker`: both exit statuses and what they said on stderr. Nothing lies on disk between."""
        with tempfile.TemporaryFile() as said:
            try:
                first = subprocess.Popen(
                    list(giver), stdout=subprocess.PIPE, stderr=said, start_new_session=True
                )
            except OSError as error:
                return 127, 0, f"{giver[0]}: {error.strerror}"
            try:
                second = subprocess.Popen(
                    list(taker), stdin=first.stdout, stdout=said, stderr=said, start_new_session=True
                )
            except OSError as error:
                end_group(first)
                return 0, 127, f"{taker[0]}: {error.strerror}"
            if first.stdout:
                first.stdout.close()  # so that the giver ends when the taker does
            until = time.monotonic() + seconds
            try:
                second.wait(timeout=seconds)
                first.wait(timeout=max(1.0, until - time.monotonic()))
            except subprocess.TimeoutExpired:
                end_group(first)
                end_group(second)
                return TIMED_OUT, TIMED_OUT, f"no end after {seconds:g} s"
            said.seek(0)
            return first.returncode, second.returncode, said.read().decode("utf-8", "replace")

    def healthy(self, url: str) -> bool:
        """True if an HTTP GET answers 200."""
        place = urllib.parse.urlsplit(url)
        line = http.client.HTTPConnection(place.hostname or "", place.port, timeout=5)
        try:
            line.request("GET", place.path or "/")
            return line.getresponse().status == 200
        except (OSError, http.client.HTTPException):
            return False
        finally:
            line.close()

    def answers(self, host: str, port: int) -> bool:
        """True if something accepts a TCP connection."""
        try:
            socket.create_connection((host, port), timeout=3).close()
        except OSError:
            return False
        return True


def end_group(child: "subprocess.Popen[bytes]") -> None:
    """Kills a program and what it started."""
    try:
        os.killpg(child.pid, signal.SIGKILL)
        child.wait(timeout=5)
    except (OSError, subprocess.TimeoutExpired):
        return  # gone already, or hanging in the kernel, which nobody can end


def sync_folder(folder: Path) -> None:
    handle = os.open(str(folder), os.O_RDONLY | os.O_DIRECTORY)
    os.fsync(handle)
    os.close(handle)


def temporary(path: Path) -> Path:
    """Always the same name for the same file, so that a crash leaves at most one, which is written over."""
    return path.with_name(f".{path.name}.replank")


def write_file(path: Path, data: bytes, mode: int, uid: int, gid: int) -> None:
    """The whole file or the one before it, whatever happens, and on disk when this returns."""
    beside = temporary(path)
    handle = os.open(str(beside), os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
    with os.fdopen(handle, "wb") as stream:
        stream.write(data)
        stream.flush()
        os.fchown(handle, uid, gid)
        os.fchmod(handle, mode)
        os.fsync(handle)
    beside.replace(path)
    sync_folder(path.parent)


def copy_exactly(source: Path, target: Path) -> None:
    """Content, owner, mode, times and extended attributes (SELinux), atomically."""
    beside = temporary(target)
    with source.open("rb") as reader, beside.open("wb") as writer:
        shutil.copyfileobj(reader, writer)
        writer.flush()
        was = os.fstat(reader.fileno())
        os.fchown(writer.fileno(), was.st_uid, was.st_gid)
        shutil.copystat(str(source), str(beside))
        os.fsync(writer.fileno())
    beside.replace(target)
    sync_folder(target.parent)


def sha256_of(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        for block in iter(lambda: stream.read(1 << 20), b""):
            digest.update(block)
    return digest.hexdigest()


def remove_if_there(path: Path) -> None:
    try:
        path.unlink()
    except FileNotFoundError:
        return
    sync_folder(path.parent)


def link_logs(files: Iterable[Tuple[Path, Path]], aside: Path) -> int:
    """Hard links `(log, name below aside)`. Another file system: a copy is all there is. How many are new."""
    made = 0
    for log, name in files:
        target = aside / name
        if target.exists():
            was, now = target.stat(), log.stat()
            if was.st_ino == now.st_ino or (was.st_size, was.st_mtime) == (now.st_size, now.st_mtime):
                continue
            target = target.with_name(f"{target.name}.{log.stat().st_ino}")
            if target.exists():
                continue
        target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        try:
            os.link(str(log), str(target))
        except OSError as error:
            if error.errno not in (errno.EXDEV, errno.EPERM, errno.EMLINK):
                raise
            copy_exactly(log, target)
        made += 1
    return made


# ---------------------------------------------------------------- the journal


class State:
    """Where the node stands: a fold over the journal. An `attempt` is one swap from its staging on."""

    def __init__(self, entries: Sequence[Dict[str, Any]]) -> None:
        self.attempt = 0
        self.clear({})
        for entry in entries:
            self.take(entry)

    def clear(self, entry: Dict[str, Any]) -> None:
        self.attempt = entry.get("number", self.attempt)
        self.id, self.strategy, self.digest = (entry.get(k, "") for k in ("id", "strategy", "plan"))
        self.outcome = ""
        self.said: Dict[str, str] = {}
        self.back = False  # the attempt only goes back from here
        self.cause: Dict[str, str] = {}
        self.begun: List[str] = []
        self.done: Dict[str, str] = {}  # phase -> the boot in which it was done
        self.undone: Set[str] = set()
        self.found: List[Dict[str, Any]] = []
        self.facts: Dict[str, Any] = {}
        self.times: Dict[Tuple[str, str], float] = {}
        self.deadline: Optional[float] = None
        self.committing = False

    def take(self, entry: Dict[str, Any]) -> None:
        event, phase = entry["event"], entry.get("phase", "")
        self.times.setdefault((event, phase), entry["at"])
        if event == "attempt":
            self.clear(entry)
        elif event == "begun" and phase not in self.begun:
            self.begun.append(phase)
        elif event == "done":
            self.done[phase] = entry["boot"]
        elif event == "undone":
            self.undone.add(phase)
        elif event == "found":
            self.found.append(entry)
        elif event == "fact":
            self.facts[entry["name"]] = entry["value"]
        elif event == "deadline":
            self.deadline = entry["until"]
        elif event == "back":
            self.back, self.cause = True, entry
        elif event == "commit":
            self.committing = entry["goes_on"]
            for name in () if self.committing else ("commit-shim",):
                self.done.pop(name, None)
        elif event == "outcome":
            self.outcome, self.said = entry["word"], entry


class Journal:
    """Append-only JSON lines, each on disk before what it announces happens."""

    def __init__(self, path: Path, ballast: Path, now: Callable[[], float]) -> None:
        self.path, self.ballast, self.now = path, ballast, now
        data = path.read_bytes() if path.exists() else b""
        whole = data.rfind(b"\n") + 1  # a crash can cut the last line short; it then announced nothing
        self.cut = len(data) != whole
        self.whole = whole
        self.entries: List[Dict[str, Any]] = []
        for number, line in enumerate(data[:whole].splitlines(), 1):
            try:
                self.entries.append(json.loads(line.decode()))
            except ValueError:
                raise Trouble(
                    f"{path}: line {number} is not JSON",
                    "RP498",
                    "Repair or remove that line by hand, knowing what the node did, then run `undo`.",
                ) from None
        self.state = State(self.entries)

    def add(self, event: str, **what: Any) -> None:
        entry = dict(what, event=event, at=round(self.now(), 3))
        line = (json.dumps(entry, sort_keys=True) + "\n").encode()
        try:
            self.write(line)
        except OSError as error:
            if error.errno != errno.ENOSPC or not self.ballast.exists():
                raise
            self.ballast.unlink()
            self.cut = True  # half a line may have been written
            self.write(line)
        self.whole += len(line)
        self.entries.append(entry)
        self.state.take(entry)

    def write(self, line: bytes) -> None:
        new = not self.path.exists()
        handle = os.open(str(self.path), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        if self.cut:
            os.ftruncate(handle, self.whole)
            self.cut = False
        try:
            while line:  # a disk that is nearly full takes a part, and says so only the next time
                line = line[os.write(handle, line) :]
            os.fsync(handle)
        finally:
            os.close(handle)
        if new:
            sync_folder(self.path.parent)


# ---------------------------------------------------------------- what all swaps share


class Phase(NamedTuple):
    """One step. `once`: what it did survives a reboot; the others are done again after one.

    The way back needs no such word: each part of it asks for the kubelet to be down first.
    """

    name: str
    do: Callable[[], None]
    undo: Callable[[], None]
    once: bool = False


Look = Callable[[], List[str]]  # what is amiss now; nothing: well


def nothing() -> None:
    """The way back of a phase that leaves nothing behind."""


STRING = r'("(?:[^"\\]|\\.)*"|\'[^\']*\')'


def alike(line: str) -> str:
    """A line of TOML with all strings in double quotes, and no blanks outside of them."""
    parts = re.split(STRING, line)
    parts[::2] = [re.sub(r"\s+", "", part) for part in parts[::2]]
    parts[1::2] = [json.dumps(p[1:-1], ensure_ascii=False) if p[0] == "'" else p for p in parts[1::2]]
    return "".join(parts)


def settings(dump: str) -> Dict[str, str]:
    """`table.key` -> value of a `containerd config dump`, made alike; a list on one line."""
    table, key, found = "", "", {}  # type: str, str, Dict[str, str]
    for line in map(alike, dump.splitlines()):
        if not line or line.startswith("#"):
            continue
        if key and unclosed(found[key]):
            found[key] = re.sub(r",\]$", "]", found[key] + line)
        elif line.startswith("["):
            table = line.strip("[]")
        else:
            name, _, value = line.partition("=")
            key = f"{table}.{name}" if table else name
            found[key] = value
    return found


def unclosed(value: str) -> bool:
    """True for a list that goes on in the next line."""
    bare = re.sub(STRING, "", value)
    return bare.count("[") > bare.count("]")


def kubelet_driver(config: str, flags: str) -> str:
    """The kubelet's cgroup driver: its flag wins over its file; neither: `cgroupfs`, its own default."""
    by_flag = re.search(r"--cgroup-driver[= ]([a-z]+)", flags)
    by_file = re.search(r"(?:^|[{,])\s*[\"']?cgroupDriver[\"']?\s*:\s*[\"']?([a-z]+)", config, re.MULTILINE)
    return (by_flag or by_file).group(1) if by_flag or by_file else "cgroupfs"  # type: ignore[union-attr]


class Node:
    """What both strategies do alike. `plan` is `plan.json`, as replank's `order.py` describes it."""

    def __init__(self, base: Path, plan: Dict[str, Any], journal: Journal, outside: Outside) -> None:
        self.base, self.plan, self.journal, self.outside = base, plan, journal, outside
        self.containerd: Dict[str, Any] = plan["containerd"]
        self.kubelet: Dict[str, Any] = plan["kubelet"]
        self.boot = outside.boot()

    @property
    def state(self) -> State:
        return self.journal.state

    def stage_phases(self) -> List[Phase]:
        raise NotImplementedError

    def switch_phases(self) -> List[Phase]:
        raise NotImplementedError

    def commit_phases(self) -> List[Phase]:
        raise NotImplementedError

    def before_switch(self) -> None:
        """Raises `Refusal` where the switch must not begin. Touches nothing that serves."""
        raise NotImplementedError

    def own_checks(self) -> "List[Tuple[str, Look]]":
        """The strategy's own preconditions of staging."""
        raise NotImplementedError

    def commit_failed(self, error: BaseException) -> None:
        """What a commit that did not work leaves behind."""
        raise NotImplementedError

    # -- programs

    def call(
        self,
        *words: str,
        seconds: float = 60,
        stdin: str = "",
        env: Optional[Dict[str, str]] = None,
        may_fail: bool = False,
        quiet: bool = False,
    ) -> str:
        """The only place where a program is started (images excepted). Returns its stdout.

        `quiet`: a look that is repeated; it goes to `log`, not to the journal.
        """
        argv = self.tool(words[0]) + list(words[1:])
        code, out, err = self.outside.spawn(argv, stdin, env or {}, seconds)
        self.note_command(words, code, quiet)
        if code != 0 and not may_fail:
            raise Trouble(f"`{shown(words)}` {ended(code, err or out)}")
        return out if code == 0 else ""

    def tool(self, name: str) -> List[str]:
        """A tool's name in `plan.json`'s `tools`: a path, or words to put before the arguments."""
        given = self.plan.get("tools", {}).get(name, name)
        return list(given) if isinstance(given, list) else [given]

    def note_command(self, words: Sequence[str], code: int, quiet: bool = False) -> None:
        if not quiet:
            self.journal.add("command", name=shown(words), code=code)
        self.log(f"{shown(words)} -> {code}")

    def log(self, text: str) -> None:
        line = "{} {}\n".format(time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(self.outside.now())), text)
        try:
            with (self.base / "log").open("a") as stream:
                stream.write(line)
        except OSError:
            return  # a full disk must not stop the way back; the journal has what counts

    def systemctl(self, *words: str, seconds: float = 120, may_fail: bool = False) -> str:
        return self.call("systemctl", *words, seconds=seconds, may_fail=may_fail)

    def unit(self, name: str) -> Dict[str, str]:
        """What systemd says of a unit."""
        wanted = ("LoadState", "ActiveState", "UnitFileState", "KillMode", "Delegate")
        text = self.call("systemctl", "show", name, *("--property=" + w for w in wanted), quiet=True)
        return dict(line.partition("=")[::2] for line in text.splitlines() if "=" in line)

    def active(self, unit: str) -> bool:
        return self.unit(unit).get("ActiveState") in ("active", "activating", "reloading")

    def stop_unit(self, unit: str) -> None:
        if self.unit(unit).get("ActiveState") not in ("inactive", "failed"):
            self.systemctl("stop", unit)
        if self.active(unit):
            raise Trouble(f"{unit} is still active after `systemctl stop`")

    def crictl(self, *words: str, seconds: float = 20, quiet: bool = True) -> Any:
        """A question to the runtime over the CRI; JSON."""
        where = "unix://" + str(self.endpoint())
        text = self.call("crictl", "--runtime-endpoint", where, *words, seconds=seconds, quiet=quiet)
        return json.loads(text or "{}")

    def ctr(self, *words: str, seconds: float = 60, may_fail: bool = False, quiet: bool = True) -> str:
        argv = ["--address", self.endpoint(), "--namespace", "k8s.io", *words]
        return self.call("ctr", *argv, seconds=seconds, may_fail=may_fail, quiet=quiet)

    def endpoint(self) -> str:
        """Where the new containerd listens now."""
        return str(self.containerd["socket"])

    # -- files

    def keep(self, phase: str, path: Path) -> None:
        """Keeps the original of `path` before `phase` changes it, and says so in the journal. Once."""
        if any(f["phase"] == phase and f["path"] == str(path) for f in self.state.found):
            return
        made = [str(p) for p in path.parents if not p.exists()]
        if path.is_symlink():
            self.journal.add("found", phase=phase, path=str(path), kind="link", to=os.readlink(str(path)))
        elif not path.exists():
            self.journal.add("found", phase=phase, path=str(path), kind="absent", made=made)
        else:
            name = "{}/{}/{}".format(self.state.attempt, phase, str(path).strip("/").replace("/", "%"))
            kept = self.base / "kept" / name
            kept.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            copy_exactly(path, kept)
            was = path.stat()
            what = {"mode": stat.S_IMODE(was.st_mode), "uid": was.st_uid, "gid": was.st_gid}
            self.journal.add("found", phase=phase, path=str(path), kind="file", kept=name, **what)

    def put(self, phase: str, file: Dict[str, Any]) -> None:
        """Writes a file of the plan; its original is kept."""
        path = Path(file["path"])
        self.keep(phase, path)
        path.parent.mkdir(parents=True, exist_ok=True)
        owner = (file.get("uid", os.getuid()), file.get("gid", os.getgid()))
        write_file(path, file["content"].encode(), file.get("mode", 0o644), *owner)

    def put_back(self, phase: str) -> None:
        """Every file that `phase` changed, exactly as it was found: content, mode, owner, or not there."""
        for was in reversed([f for f in self.state.found if f["phase"] == phase]):
            path = Path(was["path"])
            if was["kind"] == "file":
                if path.is_symlink():
                    path.unlink()
                copy_exactly(self.base / "kept" / was["kept"], path)
                continue
            remove_if_there(path)
            remove_if_there(temporary(path))
            if was["kind"] == "link":
                os.symlink(was["to"], str(path))
            for folder in was.get("made", ()):
                if Path(folder).exists() and not any(Path(folder).iterdir()):
                    Path(folder).rmdir()

    # -- phases

    def remember(self, name: str, value: Any) -> None:
        self.journal.add("fact", name=name, value=value)

    def say(self, word: str, code: str = "", what: str = "", why: str = "", todo: str = "") -> None:
        self.journal.add("outcome", word=word, code=code, what=what, why=why, todo=todo)
        self.log(" ".join(filter(None, (word, code, ": ".join(filter(None, (what, why)))))))

    def in_time(self) -> None:
        """A switch that is late goes back, even where the timer that should see to it does not fire."""
        if self.outside.now() >= self.last_moment():
            raise Trouble("the node was not well by its deadline", "RP496")

    def last_moment(self) -> float:
        """When the switch has to be over. Staging, the way back and a commit have no such end."""
        until = self.state.deadline
        return until if until is not None and self.state.outcome == "switching" else float("inf")

    def forward(self, phases: Sequence[Phase]) -> None:
        for phase in phases:
            boot = self.state.done.get(phase.name)
            if boot is not None and (phase.once or boot == self.boot):
                continue
            self.in_time()
            self.journal.add("begun", phase=phase.name)
            phase.do()
            self.journal.add("done", phase=phase.name, boot=self.boot)

    def turn_back(self, code: str, why: str, todo: str = "") -> None:
        """From here on this attempt only goes back; a crash does not change that."""
        if not self.state.back:
            self.journal.add("back", code=code, why=why, todo=todo)

    def go_back(self) -> str:
        """Takes back what was begun, the last first. Returns `undone` or `stuck`."""
        self.say(
            "undoing", self.state.cause.get("code", ""), "The node goes back", self.state.cause.get("why", "")
        )
        for phase in reversed(self.stage_phases() + self.switch_phases()):
            if phase.name not in self.state.begun or phase.name in self.state.undone:
                continue
            self.journal.add("undoing", phase=phase.name)
            failed = self.try_back(phase)
            if failed:
                self.say_stuck(phase.name, failed)
                return "stuck"
            self.journal.add("undone", phase=phase.name)
        cause = self.state.cause
        self.say(
            "undone",
            cause.get("code", ""),
            "The node is as it was before the swap",
            cause.get("why", ""),
            cause.get("todo") or ("Mend what is named, then stage again." if cause.get("code") else ""),
        )
        self.tidy()
        return "undone"

    def try_back(self, phase: Phase) -> List[str]:
        """Tries the way back of one phase; the words of each failure, or nothing if it worked."""
        failed: List[str] = []
        while len(failed) < TRIES_BACK:
            try:
                phase.undo()
            except AMISS as error:
                failed.append(words_of(error))
                self.log(f"the way back of {phase.name}: {failed[-1]}")
                self.outside.sleep(2 * len(failed))
            else:
                return []
        return failed

    def say_stuck(self, phase: str, failed: List[str]) -> None:
        tried = "; ".join(dict.fromkeys(failed))
        cause = self.state.cause.get("why", "")
        self.say(
            "stuck",
            "RP497",
            f"The way back of `{phase}` failed",
            "tried {} times: {}{}".format(
                len(failed), tried, ". It went back because: " + cause if cause else ""
            ),
            f"Mend what is named, then run `undo` again: it goes on from `{phase}`. A reboot ends "
            "every container that is in the way; `undo` then starts by itself.",
        )

    def tidy(self) -> None:
        """The timer and the unit at boot have nothing more to do. Left over, they see that and end."""
        self.systemctl("stop", DEADLINE_UNIT + ".timer", may_fail=True)
        self.systemctl("disable", RESUME_UNIT, may_fail=True)

    def wait_well(self, look: Look, what: str, seconds: float, steady: int = 1) -> float:
        """Waits until `look` has nothing to say, `steady` times in a row; else its last words are the reason.

        Returns when it was good first (epoch).
        """
        until, good, since = min(self.outside.now() + seconds, self.last_moment()), 0, 0.0
        waits_for: List[str] = []
        while True:
            try:
                amiss = look()
            except AMISS as error:
                amiss = [words_of(error)]
            if amiss != waits_for:
                waits_for = amiss
                self.log("waits for: {}".format("; ".join(amiss) or "nothing any more"))
            good, since = (0, 0.0) if amiss else (good + 1, since or self.outside.now())
            if good >= steady:
                return since
            if self.outside.now() >= until:
                more = f"; and {len(amiss) - 5} more" if len(amiss) > 5 else ""
                raise Trouble(f"{what}: {'; '.join(amiss[:5]) or 'well only once'}{more}")
            self.outside.sleep(self.plan.get("poll_seconds", 1) if steady > 1 else 0.2)

    def verify_well(self, look: Look, what: str) -> None:
        """The last look: it has to be good for a while, and says when the window of the swap ended."""
        well = self.wait_well(look, what, self.plan["verify_seconds"], STEADY)
        if self.state.outcome == "switching":
            self.remember("well", well)

    # -- staging that both share

    def write_resume_unit(self) -> None:
        argv = [sys.executable or "/usr/bin/python3", str(Path(__file__).resolve()), "--base", str(self.base)]
        text = (
            "# Written by replank for a runtime swap; `swap_node.py undo` or `commit` removes it.\n"
            "[Unit]\nDescription=replank: goes on with a runtime swap after a reboot\n"
            "After=local-fs.target network.target\n"
            "[Service]\nType=simple\nExecStart={} resume\n"
            "[Install]\nWantedBy=multi-user.target\n"
        ).format(" ".join(argv))
        self.put("resume-unit", {"path": str(self.resume_unit()), "content": text})
        self.systemctl("daemon-reload")

    def resume_unit(self) -> Path:
        return Path(self.plan.get("paths", {}).get("units", "/etc/systemd/system")) / RESUME_UNIT

    def remove_resume_unit(self) -> None:
        self.systemctl("disable", RESUME_UNIT, may_fail=True)
        self.put_back("resume-unit")
        self.systemctl("daemon-reload")

    def package_phases(self) -> List[Phase]:
        """Only where a package brings the programs."""
        if not self.plan.get("package"):
            return []
        return [Phase("package", self.fetch_package, self.remove_package, True)]

    def fetch_package(self) -> None:
        """apt fetches the .deb, which is unpacked and not installed: dpkg, its holds, and the daemon that a
        package's scripts would restart are left alone. Nothing of it is used before its hash was right."""
        package, aside = self.plan["package"], self.package_aside()
        folder = Path(package["folder"])
        self.claim(folder)
        for left in (aside, folder):  # of a staging that was cut off
            if left.exists():
                shutil.rmtree(str(left))
        (aside / "tree").mkdir(mode=0o700, parents=True)
        deb = self.fetched_deb(package, aside)
        self.call("dpkg-deb", "-x", str(deb), str(aside / "tree"), seconds=300)
        folder.mkdir(parents=True)
        hashes = {}
        for name in [*package["programs"], *package.get("optional", [])]:
            found = program_in(aside / "tree", name)
            if found:
                copy_exactly(found, folder / name)
                hashes[str(folder / name)] = sha256_of(folder / name)
            elif name in package["programs"]:
                raise Trouble(
                    "{} {} has no program {}".format(package["name"], package["version"], name),
                    "",
                    "It is not the package of containerd that replank knows: plan with --bundle.",
                )
        self.remember("programs", hashes)
        shutil.rmtree(str(aside))

    def fetched_deb(self, package: Dict[str, Any], aside: Path) -> Path:
        wanted = "{}={}".format(package["name"], package["version"])
        # apt-get writes to its working folder; as root, since apt's own user may not look into this one.
        get = ["apt-get", "-q", "-o", "APT::Sandbox::User=root", "download", wanted]
        try:
            self.call(
                "env", f"--chdir={aside}", *get, seconds=package.get("seconds", 900), env={"LC_ALL": "C"}
            )
        except Trouble as error:
            raise Trouble(
                f"apt cannot fetch {wanted}: {error.why}",
                "",
                "Nothing was installed, and nothing is left of it. Look at the node's network, its proxy for "
                "apt and its sources (`apt-get update`), then stage again; or plan with --bundle.",
            ) from error
        debs = sorted(aside.glob("*.deb"))
        sums = [sha256_of(deb) for deb in debs]
        if sums != [package["sha256"]]:
            raise Trouble(
                "apt fetched another file for {} than was planned: SHA-256 {}, planned was {}".format(
                    wanted, ", ".join(sums) or "of nothing", package["sha256"]
                ),
                "",
                "The archive changed since the survey, or is not the one that it says. Find out why before "
                "you survey and plan again.",
            )
        return debs[0]

    def package_aside(self) -> Path:
        return self.base / "package"

    def claim(self, folder: Path) -> None:
        """Says that this folder is ours to remove; it must not be there yet."""
        if any(f["phase"] == "package" for f in self.state.found):
            return
        if folder.exists():
            raise Trouble(f"{folder} exists already", "", "Remove it if it is nobody's, stage again.")
        made = [str(p) for p in folder.parents if not p.exists()]
        self.journal.add("found", phase="package", path=str(folder), kind="folder", made=made)

    def remove_package(self) -> None:
        was = [f for f in self.state.found if f["phase"] == "package"]
        for left in (self.package_aside(), *(Path(f["path"]) for f in was)):
            if left.exists():
                shutil.rmtree(str(left))
        for folder in [folder for f in was for folder in f["made"]]:
            if Path(folder).exists() and not any(Path(folder).iterdir()):
                Path(folder).rmdir()

    def binaries(self) -> List[Dict[str, str]]:
        """The programs and their hashes: the plan's, and those of the package while it is unpacked."""
        here = "package" in self.state.done and "package" not in self.state.undone
        unpacked = self.state.facts.get("programs", {}) if here else {}
        more = [{"path": path, "sha256": digest} for path, digest in sorted(unpacked.items())]
        return list(self.plan.get("binaries", [])) + more

    def wrong_binaries(self) -> List[str]:
        wrong = []
        for binary in self.binaries():
            path = Path(binary["path"])
            if not path.is_file():
                wrong.append(f"{path} is not there")
            elif sha256_of(path) != binary["sha256"]:
                wrong.append(f"{path} has another sha256 than planned")
        return wrong

    def make_executable(self) -> None:
        wrong = self.wrong_binaries()
        if wrong:
            raise Trouble("; ".join(wrong))
        for binary in self.binaries():
            path = Path(binary["path"])
            if not any(f["path"] == str(path) and f["phase"] == "binaries" for f in self.state.found):
                mode = stat.S_IMODE(path.stat().st_mode)
                self.journal.add("found", phase="binaries", path=str(path), kind="mode", mode=mode)
            path.chmod(0o755)

    def binaries_back(self) -> None:
        for was in (f for f in self.state.found if f["phase"] == "binaries"):
            if Path(was["path"]).exists():
                Path(was["path"]).chmod(was["mode"])

    def write_containerd_files(self) -> None:
        for file in self.containerd["files"]:
            self.put("containerd-files", file)

    def compare_settings(self) -> None:
        """What the daemons say is in force must be what was planned. Names only: values can be secret."""
        expected = self.plan.get("expected", {})
        pairs = [("new", self.containerd["daemon"], self.containerd["config"])]
        if expected.get("old") is not None:
            pairs.append(("old", self.plan["in_place"]["old_daemon"], self.plan["in_place"]["old_config"]))
        for which, daemon, config in pairs:
            dump = settings(self.call(daemon, "--config", config, "config", "dump"))
            wanted = expected.get(which)
            if wanted is not None:
                names = set(wanted) | (set(dump) if expected.get("whole") else set())
                wrong = [k for k in sorted(names) if differs(wanted.get(k), dump.get(k))]
                if wrong:
                    raise Trouble(
                        "`config dump` of the {} containerd is not what was planned: {}".format(
                            which, ", ".join(wrong[:8])
                        ),
                        "RP493",
                        "Make the plan again: it compares what is in force on the node now.",
                    )
            if which == "new":
                self.compare_driver(dump)

    def compare_driver(self, dump: Dict[str, str]) -> None:
        runtime = ".runtimes.{}.".format(self.containerd.get("runtime", "runc"))
        seen = [v for k, v in dump.items() if runtime in k and k.endswith("SystemdCgroup")]
        driver = "systemd" if "true" in seen else "cgroupfs"
        if driver != self.plan["cgroup_driver"]:
            raise Trouble(
                "the new containerd would use the cgroup driver {}, the kubelet uses {}".format(
                    driver, self.plan["cgroup_driver"]
                ),
                "RP493",
                "Set `SystemdCgroup` in the new configuration to fit the kubelet, and make the plan again.",
            )

    # -- looking

    def cri_amiss(self) -> List[str]:
        """The CRI's own words about itself: a unit is active although its CRI plugin is in error."""
        status = self.crictl("info").get("status", {})
        ready = {c.get("type"): c.get("status") for c in status.get("conditions", [])}
        return [f"the CRI says {c} is not true" for c in ("RuntimeReady", "NetworkReady") if not ready.get(c)]

    def plugin_errors(self) -> List[str]:
        rows = [line.split() for line in self.ctr("plugins", "ls").splitlines()[1:]]
        return sorted(f"{r[0]}.{r[1]}" for r in rows if len(r) > 2 and r[-1] == "error")

    def plugins_amiss(self, before: Iterable[str]) -> List[str]:
        fine = set(before) | set(self.plan.get("accepted_plugin_errors", []))
        return [f"plugin {p} is in error" for p in self.plugin_errors() if p not in fine]

    def kubelet_amiss(self) -> List[str]:
        url = self.kubelet["healthz"]
        return [] if self.outside.healthy(url) else [f"the kubelet does not answer 200 on {url}"]

    def cri_running(self) -> Dict[str, List[str]]:
        """Pod uid -> names of its running containers, in pods whose sandbox is ready."""
        ready = {p["id"] for p in self.crictl("pods", "-o", "json").get("items") or [] if is_ready(p)}
        running: Dict[str, Set[str]] = {}
        for one in self.crictl("ps", "-o", "json").get("containers") or []:
            if one.get("state") == "CONTAINER_RUNNING" and one.get("podSandboxId") in ready:
                uid = one.get("labels", {}).get("io.kubernetes.pod.uid", "")
                running.setdefault(uid, set()).add(one["metadata"]["name"])
        return {uid: sorted(names) for uid, names in running.items()}

    def pods_amiss(self, before: Dict[str, List[str]], now: Dict[str, List[str]]) -> List[str]:
        """Pods that ran and do not run now. A pod that the kubelet has cleared away is gone from the API."""
        amiss = []
        pods = Path(self.kubelet.get("pods_folder", "/var/lib/kubelet/pods"))
        for uid, names in sorted(before.items()):
            missing = sorted(set(names) - set(now.get(uid, [])))
            if not missing or uid in self.plan["pods"].get("not_waited_for", []):
                continue
            if pods.is_dir() and not (pods / uid).exists():
                continue
            amiss.append("pod {}: {} not running".format(uid, ", ".join(missing)))
        return amiss

    # -- preconditions

    def checks(self) -> List[Dict[str, Any]]:
        """Every precondition of staging, with what is amiss. Changes nothing."""
        looks: List[Tuple[str, Look]] = [
            ("room", self.room_amiss),
            ("binaries", self.wrong_binaries),
            ("cgroup-driver", self.driver_amiss),
            ("systemd", self.systemd_amiss),
            *self.own_checks(),
        ]
        seen = []
        for name, look in looks:
            try:
                seen.append({"name": name, "amiss": look()})
            except AMISS as error:
                seen.append({"name": name, "amiss": [words_of(error)]})
        return seen

    def room_amiss(self) -> List[str]:
        amiss = []
        for need in self.plan.get("room", []):
            free = self.outside.free_bytes(need["path"])
            if free < need["bytes"]:
                amiss.append("{} has {} bytes free and needs {}".format(need["path"], free, need["bytes"]))
        return amiss

    def driver_amiss(self) -> List[str]:
        config, flags = (Path(self.kubelet[k]) for k in ("config", "flags_file"))
        here = kubelet_driver(text_of(config), text_of(flags))
        if here == self.plan["cgroup_driver"]:
            return []
        return ["the kubelet's cgroup driver is {}, planned was {}".format(here, self.plan["cgroup_driver"])]

    def systemd_amiss(self) -> List[str]:
        if not Path(self.plan.get("paths", {}).get("systemd_runtime", "/run/systemd/system")).is_dir():
            return ["systemd does not run this machine"]
        amiss = []
        for unit in (RUN_UNIT, DEADLINE_UNIT + ".timer", DEADLINE_UNIT + ".service"):
            if self.active(unit):
                amiss.append(f"the unit {unit} is there and active")
        return amiss

    def killmode_amiss(self, unit: str) -> List[str]:
        """Without these, systemd would end every container when the daemon restarts."""
        seen = self.unit(unit)
        wanted = {"KillMode": "process", "Delegate": "yes"}
        return [f"{unit} has {k}={seen.get(k)}, not {v}" for k, v in wanted.items() if seen.get(k) != v]


def shown(words: Sequence[str]) -> str:
    """A command as it is written down: its program's and its arguments' names, cut short."""
    line = " ".join([Path(words[0]).name, *words[1:]])
    return line if len(line) <= 100 else line[:97] + "..."


def ended(code: int, said: str) -> str:
    """How a program ended, with its last line; credentials in an URL are left out. A line that is too long
    keeps its end, which says why."""
    lines = [line for line in said.strip().splitlines() if line.strip()]
    last = re.sub(r"://[^/@\s]+@", "://", lines[-1].strip()) if lines else "it said nothing"
    last = last if len(last) <= 200 else f"{last[:57]}...{last[-140:]}"
    return f"did not end: {last}" if code == TIMED_OUT else f"failed with {code}: {last}"


def differs(wanted: Optional[str], seen: Optional[str]) -> bool:
    return seen is None if wanted == "*" else wanted != seen


def program_in(tree: Path, name: str) -> Optional[Path]:
    """A program of an unpacked package. A link is none: it would lead out of the package."""
    for folder in ("usr/bin", "usr/local/bin", "usr/sbin", "bin"):
        path = tree / folder / name
        if path.is_file() and not path.is_symlink() and not (tree / folder).is_symlink():
            return path
    return None


def is_ready(pod: Dict[str, Any]) -> bool:
    return bool(pod.get("state") == "SANDBOX_READY")


def text_of(path: Path) -> str:
    return path.read_text() if path.is_file() else ""


# ---------------------------------------------------------------- containerd -> containerd


class InPlace(Node):
    """The new daemon on the old root, by a drop-in of its unit: pods keep running.

    Until commit the new daemon starts pods with a copy of the OLD shim, so that the old daemon can take them
    over again: going back touches no pod.
    """

    def __init__(self, base: Path, plan: Dict[str, Any], journal: Journal, outside: Outside) -> None:
        super().__init__(base, plan, journal, outside)
        self.own: Dict[str, Any] = plan["in_place"]
        self.name: str = self.containerd["unit"]
        self.shim = Path(self.own["old_shim_folder"]) / Path(self.own["old_shim"]["path"]).name

    def stage_phases(self) -> List[Phase]:
        return [
            Phase("resume-unit", self.write_resume_unit, self.remove_resume_unit, True),
            *self.package_phases(),
            Phase("binaries", self.make_executable, self.binaries_back, True),
            Phase(
                "containerd-files",
                self.write_containerd_files,
                lambda: self.put_back("containerd-files"),
                True,
            ),
            Phase("configuration", self.compare_settings, nothing, True),
            Phase("old-shim", self.copy_shim, self.remove_shim, True),
            Phase("drop-in-aside", self.write_aside, nothing, True),
        ]

    def switch_phases(self) -> List[Phase]:
        return [
            Phase("record", self.record, self.verify_back, True),
            Phase("activate", self.activate, self.deactivate),
            Phase(
                "verify", lambda: self.verify("tasks", "the node is not well on the new containerd"), nothing
            ),
        ]

    def commit_phases(self) -> List[Phase]:
        return [
            Phase("commit-shim", self.commit_shim, self.commit_shim_back),
            Phase("leftovers", self.remove_resume_unit, nothing, True),
        ]

    def own_checks(self) -> List[Tuple[str, Look]]:
        return [
            ("unit", lambda: self.killmode_amiss(self.name)),
            ("old-shim", self.shim_amiss),
            ("cri", self.cri_amiss),
        ]

    def shim_amiss(self) -> List[str]:
        path = Path(self.own["old_shim"]["path"])
        fine = path.is_file() and sha256_of(path) == self.own["old_shim"]["sha256"]
        return [] if fine else [f"{path} is not there, or not the planned one"]

    def before_switch(self) -> None:
        amiss = self.killmode_amiss(self.name) + self.wrong_binaries() + self.cri_amiss()
        if amiss:
            raise Refusal("; ".join(amiss), "RP490")
        self.compare_settings()

    def copy_shim(self) -> None:
        self.keep("old-shim", self.shim)
        self.shim.parent.mkdir(parents=True, exist_ok=True)
        copy_exactly(Path(self.own["old_shim"]["path"]), self.shim)
        if sha256_of(self.shim) != self.own["old_shim"]["sha256"]:
            raise Trouble("{} is not the planned shim".format(self.own["old_shim"]["path"]))

    def remove_shim(self) -> None:
        """Pods of the trial name this file in their bundles: it stays while one of them runs."""
        proc = Path(self.plan.get("paths", {}).get("proc", "/proc"))
        for exe in proc.glob("[0-9]*/exe"):
            try:
                runs = os.readlink(str(exe))
            except OSError:
                continue  # that process has ended
            if runs == str(self.shim):
                self.remember("stays", [f"{self.shim}: pods that were started during the swap run on it"])
                return
        self.put_back("old-shim")

    def drop_in(self, old_shim: bool) -> str:
        folders = [str(self.shim.parent)] if old_shim else []
        folders += [str(Path(self.containerd["daemon"]).parent), *self.own["path"]]
        argv = [self.containerd["daemon"], "--config", self.containerd["config"]]
        argv += self.containerd.get("daemon_arguments", [])
        return (
            "# Written by replank (runtime swap {}). To go back: swap_node.py undo\n"
            "[Service]\nExecStart=\nExecStart={}\nEnvironment=PATH={}\n"
        ).format(self.plan["id"], " ".join(argv), ":".join(folders))

    def write_aside(self) -> None:
        aside = self.base / "prepared" / Path(self.own["drop_in"]).name
        aside.parent.mkdir(mode=0o700, exist_ok=True)
        write_file(aside, self.drop_in(True).encode(), 0o644, os.getuid(), os.getgid())

    def restart(self) -> None:
        self.systemctl("daemon-reload")
        self.systemctl("reset-failed", self.name, may_fail=True)
        self.systemctl("restart", self.name)

    def tasks(self) -> Dict[str, Any]:
        """Id -> pid and pod uid of every running container, sandboxes among them."""
        rows = [line.split() for line in self.ctr("tasks", "ls").splitlines()[1:]]
        uids = {p["id"]: p["metadata"]["uid"] for p in self.crictl("pods", "-o", "json").get("items") or []}
        for one in self.crictl("ps", "-o", "json").get("containers") or []:
            uids[one["id"]] = one.get("labels", {}).get("io.kubernetes.pod.uid", "")
        return {
            r[0]: {"pid": int(r[1]), "uid": uids.get(r[0], "")}
            for r in rows
            if len(r) == 3 and r[2] == "RUNNING"
        }

    def record(self) -> None:
        self.remember("plugin_errors", self.plugin_errors())
        self.remember("tasks", {"boot": self.boot, "running": self.tasks(), "pods": self.cri_running()})

    def activate(self) -> None:
        self.put("activate", {"path": self.own["drop_in"], "content": self.drop_in(True)})
        self.restart()

    def deactivate(self) -> None:
        """Back to the old daemon. What runs now, pods of the trial too, has to run on there."""
        if "tasks_back" not in self.state.facts:
            try:
                now = {"boot": self.boot, "running": self.tasks(), "pods": self.cri_running()}
            except AMISS:
                now = self.state.facts[
                    "tasks"
                ]  # the new daemon does not answer; its containers run all the same
            self.remember("tasks_back", now)
        self.put_back("activate")
        self.restart()

    def verify(self, before: str, what: str) -> None:
        self.verify_well(lambda: self.look(self.state.facts[before]), what)

    def verify_back(self) -> None:
        if "tasks_back" in self.state.facts:
            self.verify("tasks_back", "the old containerd runs again, but the node is not well")

    def look(self, before: Dict[str, Any]) -> List[str]:
        amiss = (
            self.cri_amiss() + self.plugins_amiss(self.state.facts["plugin_errors"]) + self.kubelet_amiss()
        )
        if (
            before["boot"] != self.boot
        ):  # a reboot ends every process: the pods have to be back, as new containers
            return amiss + self.pods_amiss(before["pods"], self.cri_running())
        now = self.tasks()
        for task, was in sorted(before["running"].items()):
            if now.get(task, {}).get("pid") == was["pid"] or was["uid"] in self.plan["pods"].get(
                "not_waited_for", []
            ):
                continue
            if not self.completed(task):
                amiss.append("container {} (pid {}) does not run on".format(task[:12], was["pid"]))
        return amiss

    def completed(self, container: str) -> bool:
        """True for a container that ended by itself with status 0, as a Job's does at any time."""
        try:
            status = self.crictl("inspect", container).get("status", {})
        except Trouble:
            return False
        return bool(status.get("state") == "CONTAINER_EXITED" and status.get("exitCode", 0) == 0)

    def commit_shim(self) -> None:
        self.remember(
            "tasks_commit", {"boot": self.boot, "running": self.tasks(), "pods": self.cri_running()}
        )
        self.put("commit-shim", {"path": self.own["drop_in"], "content": self.drop_in(False)})
        self.restart()
        self.verify("tasks_commit", "the node is not well with the new shim")

    def commit_failed(self, error: BaseException) -> None:
        """Back to the old shim: the node stays swapped, and undo is still possible."""
        self.journal.add("commit", goes_on=False)
        failed = self.try_back(self.commit_phases()[0])
        if failed:
            self.say_stuck("commit-shim", failed)
            return
        todo = "Mend what is named, then commit again; `undo` is possible as before."
        self.say("swapped", "RP494", "The commit failed, the old shim is in use again", words_of(error), todo)

    def commit_shim_back(self) -> None:
        self.put_back("commit-shim")
        self.restart()
        self.verify("tasks_commit", "the node is not well with the old shim again")


# ---------------------------------------------------------------- Docker -> containerd

TRIAL = "replank-trial"  # a container that staging starts and removes
READ_AT_LEAST, READ_AT_MOST = 2.0, 10.0  # seconds that log agents get once nobody writes any more
DOCKER_ROW = (
    '{{.ID}}\t{{.Status}}\t{{.Label "io.kubernetes.pod.uid"}}\t{{.Label "io.kubernetes.container.name"}}\t'
    + ('{{.Label "io.kubernetes.docker.type"}}')
)


class DockerRow(NamedTuple):
    """A container of Kubernetes' as `docker ps` shows it."""

    id: str
    status: str
    uid: str
    name: str
    type: str

    @property
    def runs(self) -> bool:
        return self.status.startswith("Up")


class Switch(Node):
    """A second containerd beside Docker, with root, state and socket of its own; the kubelet moves over."""

    def __init__(self, base: Path, plan: Dict[str, Any], journal: Journal, outside: Outside) -> None:
        super().__init__(base, plan, journal, outside)
        self.own: Dict[str, Any] = plan["switch"]
        self.cni: Dict[str, Any] = self.own["cni"]
        self.docker_unit: str = self.own["docker"]["unit"]

    def endpoint(self) -> str:
        moved = "containerd-final" in self.state.begun
        return str(self.own.get("final_socket") or self.containerd["socket"]) if moved else super().endpoint()

    def stage_phases(self) -> List[Phase]:
        return [
            Phase("resume-unit", self.write_resume_unit, self.remove_resume_unit, True),
            *self.package_phases(),
            Phase("binaries", self.make_executable, self.binaries_back, True),
            Phase("folders", self.claim_folders, self.remove_folders, True),
            Phase("containerd-files", self.write_containerd_files, self.containerd_files_back, True),
            Phase("configuration", self.compare_settings, nothing, True),
            Phase("containerd-beside", self.start_beside, self.stop_beside, True),
            Phase("images", self.carry_images, self.untag_images, True),
            Phase("trial", self.trial, self.clear_trial, True),
        ]

    def switch_phases(self) -> List[Phase]:
        return [
            Phase("record", self.record, self.verify_back, True),
            Phase("kubelet-stop", self.kubelet_down, self.kubelet_back),
            Phase("containers-stop", self.stop_containers, nothing),
            Phase("logs", self.secure_docker_logs, nothing),
            Phase("addresses", self.free_docker_addresses, nothing),
            Phase("old-runtime-stop", self.stop_old_runtime, self.old_runtime_back),
            Phase("files", self.move_files, self.files_back, True),
            Phase("containerd-final", self.final_containerd, self.leave_new_runtime),
            Phase("kubelet-start", self.start_kubelet, self.kubelet_down),
            Phase("verify", self.verify, nothing),
        ]

    def commit_phases(self) -> List[Phase]:
        return [
            Phase("remove-containers", self.remove_containers, nothing, True),
            Phase("remove-data", self.remove_data, nothing, True),
            Phase("commands", self.commit_commands, nothing, True),
            Phase("leftovers", self.remove_leftovers, nothing, True),
        ]

    def own_checks(self) -> List[Tuple[str, Look]]:
        return [
            ("units", self.unit_amiss),
            ("docker", self.docker_driver_amiss),
            ("files", self.changed_files),
            ("cni", self.unreadable_results),
            ("images", lambda: self.room_for(self.own["images"])),
        ]

    def unit_amiss(self) -> List[str]:
        """The second containerd's unit must be nobody else's."""
        ours = any(f["phase"] == "containerd-files" for f in self.state.found)
        free = ours or self.unit(self.containerd["unit"]).get("LoadState") in ("not-found", "", None)
        return [] if free else [f"{self.containerd['unit']} exists already"]

    def docker_driver_amiss(self) -> List[str]:
        driver = self.call("docker", "info", "--format", "{{.CgroupDriver}}").strip()
        wanted = self.plan["cgroup_driver"]
        return [] if driver == wanted else [f"Docker's cgroup driver is {driver}, planned was {wanted}"]

    def before_switch(self) -> None:
        if not self.active(self.containerd["unit"]):  # the node was rebooted since staging
            self.systemctl("start", self.containerd["unit"])
        amiss = self.changed_files()
        if amiss:
            raise Refusal(
                "; ".join(amiss), "RP493", "Make the plan again for this node, unstage, and stage it."
            )
        amiss = self.cri_amiss() + self.unreadable_results()
        if amiss:
            raise Refusal("; ".join(amiss), "RP490")
        self.refuse_single_runs()

    def refuse_single_runs(self) -> None:
        """The kubelet would start `Never`/`OnFailure` pods again; a pod that nobody judged counts as one."""
        pods = self.plan["pods"]
        agreed = [] if pods.get("agreed") == "refuse" else pods.get("agreed", [])
        fine = set(pods["restartable"]) | set(agreed)
        running = sorted({row.uid for row in self.docker_rows() if row.runs} - fine)
        if running:
            raise Refusal(
                "pods run here that must not be started twice, or that the plan does not know: "
                + ", ".join(running),
                "RP492",
                "Wait until they have ended, or agree to them in the plan's `pods`; then start again.",
            )

    def changed_files(self) -> List[str]:
        """Files that are no longer as replank saw them when it made the plan."""
        changed = []
        for file in self.own["files"]:
            path, wanted = Path(file["path"]), file.get("found_sha256", "*")
            seen = sha256_of(path) if path.is_file() else None
            if wanted not in ("*", seen):
                changed.append(f"{path} is not what the plan was made from")
        return changed

    # -- staging

    def claim_folders(self) -> None:
        """The new containerd's root and state: they must not be there, so that going back may remove them."""
        ours = [f["path"] for f in self.state.found if f["phase"] == "folders"]
        for folder in self.containerd["folders"]:
            if folder not in ours:
                if Path(folder).exists():
                    raise Trouble(f"{folder} exists already", "", "Remove it if it is nobody's, stage again.")
                self.journal.add("found", phase="folders", path=folder, kind="folder")

    def remove_folders(self) -> None:
        for folder in [f["path"] for f in self.state.found if f["phase"] == "folders"]:
            for mount in self.mounts_below(folder):
                self.call("umount", mount)  # it must work: what is below a mount is not ours to delete
            if Path(folder).exists():
                shutil.rmtree(folder)

    def mounts_below(self, folder: str) -> List[str]:
        """The last first. `folder` itself is one of them only where it is ours to remove."""
        mounts = Path(self.plan.get("paths", {}).get("proc", "/proc")) / "self" / "mounts"
        found = [line.split()[1] for line in text_of(mounts).splitlines() if line]
        own = folder in self.containerd["folders"]
        return [m for m in reversed(found) if (own and m == folder) or m.startswith(folder + "/")]

    def containerd_files_back(self) -> None:
        self.put_back("containerd-files")
        self.systemctl("daemon-reload")

    def start_beside(self) -> None:
        self.systemctl("daemon-reload")
        self.systemctl("start", self.containerd["unit"])
        self.wait_well(self.runtime_amiss, "the new containerd is not well beside Docker", 60)

    def runtime_amiss(self) -> List[str]:
        return [m for m in self.cri_amiss() if "RuntimeReady" in m]

    def stop_beside(self) -> None:
        self.systemctl("disable", self.containerd["unit"], may_fail=True)
        self.stop_unit(self.containerd["unit"])

    def room_for(self, images: Sequence[Dict[str, Any]]) -> List[str]:
        """Why there is no room for these images. Docker writes what it saves to its own disk first."""
        reserve = self.own.get("image_reserve_bytes", 1 << 30)
        root, docker = self.containerd["folders"][0], self.own["docker"]["data_root"]
        total, biggest = sum(i["bytes"] for i in images), max([i["bytes"] for i in images] or [0])
        for place, need in ((root, total + biggest), (docker, biggest)):
            free = self.outside.free_bytes(place)
            if free < need + reserve:
                return [f"{place} has {free} bytes free, the images need {need} and {reserve} in reserve"]
        return []

    def carry_images(self) -> None:
        """One at a time and gently, the sandbox's first; what is there by name and ID is left alone."""
        for image in sorted(self.own["images"], key=lambda i: not i.get("sandbox", False)):
            there = self.ctr("images", "ls", "-q").split()
            if image["id"] not in there or not set(image["references"]) <= set(there):
                tight = self.room_for([image])
                if tight:
                    name = image["references"][0]
                    raise Trouble(f"image {name}: {tight[0]}", "", "Make room, then stage again.")
                self.carry(image)
            if image.get("sandbox"):
                for reference in image["references"]:
                    self.ctr("images", "label", reference, "io.cri-containerd.pinned=pinned", quiet=False)

    def carry(self, image: Dict[str, Any]) -> None:
        gently = self.plan.get("gently", ["nice", "-n", "19", "ionice", "-c", "3"])
        name = image.get("save") or spare_tag(image)
        arrives = image["references"][0] if image.get("save") else name
        if not image.get("save"):  # an image that has a digest only: `docker save` would lose its name
            self.call("docker", "tag", image["id"], name)
        giver = [*gently, *self.tool("docker"), "save", name]
        taker = [
            *gently,
            *self.tool("ctr"),
            "--address",
            self.endpoint(),
            "--namespace",
            "k8s.io",
            "images",
            "import",
        ]
        gave, took, said = self.outside.pipe(giver, [*taker, "-"], self.own.get("image_seconds", 1800))
        self.note_command(["docker", "save", name, "|", "ctr", "images", "import"], gave or took)
        if took and gave in (0, -signal.SIGPIPE):  # a taker that ends early takes the giver along
            raise Trouble(
                "image {} cannot be imported: {}".format(image["references"][0], ended(took, said)),
                "",
                "Mend what is named (a full disk: make room), then stage again.",
            )
        if gave or took:
            raise Trouble(
                "image {} cannot be exported from Docker: {}".format(
                    image["references"][0], ended(gave or took, said)
                ),
                "",
                "Pull it again with Docker, or take it out of the plan if no pod needs it; stage again.",
            )
        there = self.ctr("images", "ls", "-q").split()
        for reference in image["references"]:
            if reference != arrives or reference not in there:
                self.ctr("images", "tag", "--force", arrives, reference, quiet=False)
        if not image.get("save"):
            self.ctr("images", "rm", name)
            self.call("docker", "rmi", name)

    def untag_images(self) -> None:
        for image in self.own["images"]:
            if not image.get("save"):
                self.call("docker", "rmi", spare_tag(image), may_fail=True)

    def trial(self) -> None:
        """A container of the sandbox image starts: root file system, shim and runc work.

        A CRI that says it is ready has tried none of them: a root on an overlay, for one, takes no overlay.
        """
        sandboxes = [image for image in self.own["images"] if image.get("sandbox")]
        for image in sandboxes[:1]:
            self.clear_trial()
            name = image["references"][0]
            try:
                self.ctr("run", "--detach", name, TRIAL, seconds=60, quiet=False)
            except Trouble as error:
                raise Trouble(
                    f"no container starts on the new containerd: {error.why}",
                    "",
                    "Mend what is named (often the file system of the new root), then stage again.",
                ) from None
            self.clear_trial()

    def clear_trial(self) -> None:
        for words in (("tasks", "rm", "--force", TRIAL), ("containers", "rm", TRIAL)):
            self.ctr(*words, may_fail=True)
        if TRIAL in self.ctr("containers", "ls", "-q", may_fail=True).split():
            raise Trouble(f"the trial container {TRIAL} cannot be removed")

    # -- what Docker says

    def docker_rows(self, quiet: bool = False) -> List[DockerRow]:
        only = ["--filter", "label=io.kubernetes.pod.uid"]
        text = self.call("docker", "ps", "-a", "--no-trunc", *only, "--format", DOCKER_ROW, quiet=quiet)
        return [DockerRow(*(line.split("\t") + [""] * 5)[:5]) for line in text.splitlines() if line.strip()]

    def docker_running(self) -> Dict[str, List[str]]:
        running: Dict[str, Set[str]] = {}
        for row in self.docker_rows(quiet=True):
            if row.runs and row.type != "podsandbox":
                running.setdefault(row.uid, set()).add(row.name)
        return {uid: sorted(names) for uid, names in running.items()}

    # -- the switch

    def record(self) -> None:
        rows = self.docker_rows()
        uids = {row.id: row.uid for row in rows}
        self.remember("pods", self.docker_running())
        self.remember("sandboxes", sorted(row.id for row in rows if row.type == "podsandbox"))
        self.remember("results", sorted(p.name for p in results_in(self.cni["new_cache"])))
        self.remember("plugin_errors", self.plugin_errors())
        self.remember("kubelet", self.active(self.kubelet["unit"]))
        states = {u: self.unit(u) for u in self.own["docker"]["units"]}
        self.remember(
            "units",
            {
                u: {"active": s.get("ActiveState") == "active", "enabled": s.get("UnitFileState")}
                for u, s in states.items()
            },
        )
        ports = [dict(p) for p in self.plan.get("host_ports", [])]
        for path in results_in(self.cni["cache"]):
            entry = json.loads(path.read_text())
            for mapping in entry.get("capabilityArgs", {}).get("portMappings") or []:
                if mapping.get("hostPort") and mapping.get("protocol", "tcp").lower() == "tcp":
                    host = mapping.get("hostIP") or "127.0.0.1"
                    uid = uids.get(entry["containerId"], "")
                    ports.append(
                        {
                            "port": mapping["hostPort"],
                            "host": "127.0.0.1" if host == ANY_HOST else host,
                            "uid": uid,
                        }
                    )
        self.remember("ports", [p for p in ports if self.port_answers(p)])

    def port_answers(self, port: Dict[str, Any]) -> bool:
        return self.outside.answers(port.get("host", "127.0.0.1"), port["port"])

    def kubelet_down(self) -> None:
        """Asked for by each phase that takes away what the kubelet stands on: after a reboot it runs."""
        self.stop_unit(self.kubelet["unit"])

    def kubelet_back(self) -> None:
        if self.state.facts["kubelet"]:
            self.start_kubelet()

    def start_kubelet(self) -> None:
        self.systemctl("reset-failed", self.kubelet["unit"], may_fail=True)
        self.systemctl("start", self.kubelet["unit"])

    def docker_gone(self) -> bool:
        """True if an earlier pass has switched Docker off: its phases have nothing more to do."""
        return "old-runtime-stop" in self.state.begun and not self.active(self.docker_unit)

    def stop_containers(self) -> None:
        """Stops all of Kubernetes' containers, then their sandboxes. Removes none: logs go with them."""
        if self.docker_gone():
            return
        grace = self.own.get("stop_seconds", 30)
        for sandboxes in (False, True):
            ids = [r.id for r in self.docker_rows() if r.runs and (r.type == "podsandbox") == sandboxes]
            self.remember("stopped", sorted(set(self.state.facts.get("stopped", [])) | set(ids)))
            if ids:
                self.call("docker", "stop", "-t", str(grace), *ids, seconds=grace + 60, may_fail=True)
        left = [row.id for row in self.docker_rows() if row.runs]
        if left:
            self.call("docker", "kill", *left, may_fail=True)
            if any(row.runs for row in self.docker_rows()):
                raise Trouble("Docker's containers do not stop: {}".format(", ".join(i[:12] for i in left)))

    def logs_aside(self, name: str) -> Path:
        return self.base / "kept" / str(self.state.attempt) / "logs" / name

    def secure_docker_logs(self) -> None:
        """Hard links: the kubelet removes dead containers with their logs, and an agent may be behind."""
        if self.docker_gone():
            return
        ids = [row.id for row in self.docker_rows()]
        text = self.call("docker", "inspect", "--format", "{{.LogPath}}", *ids) if ids else ""
        logs = [Path(line.strip()) for line in text.splitlines() if line.strip()]
        files = [
            (f, Path(log.parent.name, f.name))
            for log in logs
            for f in sorted(log.parent.glob(log.name + "*"))
        ]
        self.remember("docker_logs", link_logs(files, self.logs_aside("docker")))

    def free_docker_addresses(self) -> None:
        runs = set() if self.docker_gone() else {row.id for row in self.docker_rows() if row.runs}
        self.free_addresses(self.cni["cache"], lambda _, container: container not in runs)
        left = self.leftover_addresses(set(self.state.facts["sandboxes"]) - runs)
        if left:
            raise Trouble("addresses of stopped pods are still taken: {}".format(", ".join(left)))

    def stop_old_runtime(self) -> None:
        for unit, was in self.state.facts["units"].items():
            if was["enabled"] == "enabled":
                self.systemctl("disable", unit)
            self.stop_unit(unit)

    def old_runtime_back(self) -> None:
        self.kubelet_down()
        for unit, was in reversed(list(self.state.facts["units"].items())):
            if was["enabled"] == "enabled":
                self.systemctl("enable", unit)
            if was["active"]:
                self.systemctl("reset-failed", unit, may_fail=True)
                self.systemctl("start", unit)
        self.wait_well(self.docker_amiss, "Docker does not come back", 60)

    def docker_amiss(self) -> List[str]:
        self.call("docker", "info", "--format", "{{.ServerVersion}}", quiet=True)
        return []

    def move_files(self) -> None:
        for file in self.own["files"]:
            self.put("files", file)
        self.systemctl("daemon-reload")

    def files_back(self) -> None:
        self.kubelet_down()
        self.put_back("files")
        self.systemctl("daemon-reload")

    def final_containerd(self) -> None:
        unit = self.containerd["unit"]
        self.systemctl("enable", unit)
        if self.own.get("restart_containerd") or not self.active(unit):
            self.systemctl("restart", unit)
        self.wait_well(self.cri_amiss, "the new containerd is not well", 60)

    def leave_new_runtime(self) -> None:
        """Stops every pod of the new runtime through the CRI: CNI DEL frees what they had. Then its daemon.

        Belongs to the daemon, not to the kubelet's start: after a reboot the kubelet starts by itself.
        """
        self.kubelet_down()
        unit = self.containerd["unit"]
        if self.active(unit) or self.tasks_left():
            try:
                if not self.active(unit):
                    self.systemctl("start", unit)
                self.stop_pods()
            except AMISS as error:
                self.log(f"the new containerd does not stop its pods, it is restarted: {words_of(error)}")
                self.systemctl("restart", unit)
                self.wait_well(self.runtime_amiss, "the new containerd does not answer", 30)
                self.stop_pods()
            self.wait_well(self.tasks_left, "containers of the new containerd run on", 20)
        before = set(self.state.facts["results"])
        self.free_addresses(self.cni["new_cache"], lambda name, _: name not in before)
        self.stop_beside()
        self.secure_pod_logs()  # where it has to copy them, nothing may be written any more

    def stop_pods(self) -> None:
        """All of them, those too that are said to be stopped: it frees what an earlier stop has left.

        Those that read logs come last: where they look, the lines of this runtime will not be any more.
        """
        pods = self.crictl("pods", "-o", "json").get("items") or []
        known = set(self.state.facts.get("new_sandboxes", []))
        self.remember("new_sandboxes", sorted(known | {p["id"] for p in pods}))
        running = [
            (c["id"], c.get("podSandboxId", ""))
            for c in self.crictl("ps", "-o", "json").get("containers") or []
            if c.get("state") == "CONTAINER_RUNNING"
        ]
        looking = self.log_readers()
        reading = {pod for container, pod in running if container in looking}
        self.end_containers([container for container, pod in running if pod not in reading])
        if reading:
            self.let_readers_catch_up()
            self.end_containers([container for container, pod in running if pod in reading])
        for pod in pods:
            self.call(
                "crictl", "--runtime-endpoint", "unix://" + self.endpoint(), "stopp", pod["id"], seconds=90
            )
        if any(is_ready(p) for p in self.crictl("pods", "-o", "json").get("items") or []):
            raise Trouble("pods of the new containerd are still ready after `crictl stopp`")

    def end_containers(self, ids: Sequence[str]) -> None:
        """Asks each to end, and gives it its time. `crictl stopp` alone kills at once (containerd v2.3.5,
        internal/cri/server/sandbox_stop.go); it comes afterwards, and ends who did not."""
        grace = self.own.get("stop_seconds", 30)
        asked = ["--runtime-endpoint", "unix://" + self.endpoint(), "stop", "--timeout", str(grace)]
        argvs = [[*self.tool("crictl"), *asked, container] for container in ids]
        answers = self.outside.spawn_each(argvs, grace + 30)
        for number, container in enumerate(ids):
            self.note_command(["crictl", *asked, container], answers[number][0])

    def log_readers(self) -> Set[str]:
        """Containers that have the pods' logs, or a folder above them, mounted."""
        logs = Path(self.own.get("pod_logs", "/var/log/pods"))
        found: Set[str] = set()
        for bundle in sorted(self.tasks().glob("*/config.json")):
            for mount in json.loads(bundle.read_text()).get("mounts") or []:
                source = Path(mount.get("source") or "-")
                if source == logs or source in logs.parents or logs in source.parents:
                    found.add(bundle.parent.name)
        return found

    def let_readers_catch_up(self) -> None:
        """Until what is open is read to its end; who opens files anew for each look gets a while anyway."""
        began, behind = self.outside.now(), ["?"]
        logs = sorted(Path(self.own.get("pod_logs", "/var/log/pods")).glob("*/*/*.log"))
        while behind or self.outside.now() < began + READ_AT_LEAST:
            behind = unread(self.outside.proc(), logs)
            if self.outside.now() >= began + READ_AT_MOST:
                self.log("not read to the end: {}".format(", ".join(behind)))
                return
            self.outside.sleep(0.2)

    def tasks(self) -> Path:
        """A folder for each container of the new containerd that runs; its daemon is not needed for it."""
        return Path(self.containerd["state"]) / "io.containerd.runtime.v2.task" / "k8s.io"

    def tasks_left(self) -> List[str]:
        return [f"container {p.name[:12]}" for p in sorted(self.tasks().glob("*"))]

    def secure_pod_logs(self) -> None:
        """dockershim replaces containerd's log by a link of its own: hard links first, or copies."""
        pods = Path(self.own.get("pod_logs", "/var/log/pods"))
        files = [
            (log, log.relative_to(pods)) for log in sorted(pods.glob("*/*/*.log*")) if not log.is_symlink()
        ]
        link_logs(files, self.logs_aside("pods"))

    # -- addresses

    def unreadable_results(self) -> List[str]:
        amiss = []
        for path in results_in(self.cni["cache"]):
            try:
                entry = json.loads(path.read_text())
                cached_config(entry)
                fine = bool(entry["containerId"] and entry["ifName"])
            except (OSError, ValueError, LookupError, TypeError):
                fine = False
            if not fine:
                amiss.append(f"the cached CNI result {path.name} cannot be read")
        return amiss

    def free_addresses(self, cache: str, wanted: Callable[[str, str], bool]) -> None:
        """CNI DEL of the whole plugin chain for cached results, last plugin first.

        As libcni does it (containernetworking/cni v1.1.2, libcni/api.go, DelNetworkList): the result is
        handed over from version 0.4.0 on, capability arguments only to plugins that declare the capability.
        """
        for path in results_in(cache):
            entry = json.loads(path.read_text())
            if wanted(path.name, entry["containerId"]):
                config = cached_config(entry)
                for plugin in reversed(config.get("plugins") or [config]):
                    self.cni_del(config, plugin, entry)
                remove_if_there(path)

    def cni_del(self, config: Dict[str, Any], plugin: Dict[str, Any], entry: Dict[str, Any]) -> None:
        version = config.get("cniVersion") or "0.1.0"
        given = dict(plugin, name=config["name"], cniVersion=version)
        if [int(n) for n in version.split(".")[:2]] >= [0, 4] and entry.get("result"):
            given["prevResult"] = entry["result"]
        able = [c for c, on in plugin.get("capabilities", {}).items() if on]
        runtime = {c: entry["capabilityArgs"][c] for c in able if c in (entry.get("capabilityArgs") or {})}
        if runtime:
            given["runtimeConfig"] = runtime
        folders = self.cni["bin_folders"]
        programs = [p for p in (Path(f) / plugin["type"] for f in folders) if p.is_file()]
        if not programs:
            raise Trouble("the CNI plugin {} is in none of {}".format(plugin["type"], ", ".join(folders)))
        env = {
            "CNI_COMMAND": "DEL",
            "CNI_CONTAINERID": entry["containerId"],
            "CNI_NETNS": "",
            "CNI_IFNAME": entry["ifName"],
            "CNI_PATH": ":".join(folders),
            "CNI_ARGS": ";".join("=".join(pair) for pair in entry.get("cniArgs") or []),
        }
        self.call(str(programs[0]), seconds=60, stdin=json.dumps(given), env=env)

    def leftover_addresses(self, dead: Set[str]) -> List[str]:
        """Addresses that host-local's stores still give to containers in `dead`. The stores are only read."""
        left = []
        for store in self.cni.get("stores", []):
            for path in sorted(Path(store).glob("*/[0-9a-f]*[.:]*")):
                if text_of(path).split("\n")[0].strip() in dead:
                    left.append(path.name)
        return left

    def shared_addresses(self) -> List[str]:
        """Addresses that more than one pod of the new runtime has."""
        seen: Dict[Tuple[str, str], str] = {}
        shared = []
        for path in results_in(self.cni["new_cache"]):
            entry = json.loads(path.read_text())
            for one in (entry.get("result") or {}).get("ips") or []:
                key = (entry.get("networkName", ""), one.get("address", "").split("/")[0])
                if ipaddress.ip_address(key[1]).is_loopback:  # containerd caches its loopback network, too
                    continue
                if seen.setdefault(key, entry["containerId"]) != entry["containerId"]:
                    shared.append(f"{key[1]} is the address of two pods")
        return shared

    # -- well?

    def verify(self) -> None:
        self.verify_well(self.look, "the node is not well on containerd")

    def look(self) -> List[str]:
        facts = self.state.facts
        amiss = self.cri_amiss() + self.plugins_amiss(facts["plugin_errors"]) + self.kubelet_amiss()
        amiss += self.pods_amiss(facts["pods"], self.cri_running()) + self.shared_addresses()
        amiss += [f"{a} is kept for a dead pod" for a in self.leftover_addresses(set(facts["sandboxes"]))]
        return amiss + self.ports_amiss()

    def ports_amiss(self) -> List[str]:
        away = self.plan["pods"].get("not_waited_for", [])
        ports = [p for p in self.state.facts["ports"] if p.get("uid", "") not in away]
        return ["port {} does not answer".format(p["port"]) for p in ports if not self.port_answers(p)]

    def verify_back(self) -> None:
        """The way back of `record`: the node has to be what was recorded. New containers, the same pods."""
        if "kubelet-stop" in self.state.begun:
            self.verify_well(self.look_back, "Docker serves again, but the node is not well")

    def look_back(self) -> List[str]:
        facts = self.state.facts
        amiss = self.kubelet_amiss() if facts["kubelet"] else []
        amiss += self.pods_amiss(facts["pods"], self.docker_running()) if facts["kubelet"] else []
        left = self.leftover_addresses(set(facts.get("new_sandboxes", [])))
        amiss += [f"{a} is kept for a dead pod" for a in left]
        return amiss + (self.ports_amiss() if facts["kubelet"] else [])

    # -- commit

    def remove_containers(self) -> None:
        """Removes Docker's containers of Kubernetes. Docker is started for it, and stopped again."""
        if not self.own["commit"].get("remove_containers"):
            return
        self.systemctl("start", self.docker_unit)
        self.wait_well(self.docker_amiss, "Docker does not start to remove its containers", 60)
        ids = [row.id for row in self.docker_rows() if not row.runs]
        if ids:
            self.call("docker", "rm", "--volumes", *ids, seconds=600)
        kept = [f"container {i[:12]}" for i in self.call("docker", "ps", "-aq", "--no-trunc").split()]
        kept += [f"volume {name}" for name in self.call("docker", "volume", "ls", "-q").split()]
        self.remember("docker_keeps", kept)
        for unit in self.state.facts["units"]:
            self.stop_unit(unit)

    def remove_data(self) -> None:
        """Docker's images, layers and what else it kept, unless something there is not Kubernetes'."""
        if not self.own["commit"].get("remove_data"):
            return
        root = Path(self.own["docker"]["data_root"])
        why = self.keeps_data(root)
        if why:
            self.remember("stays", [f"{root}: {why}"])
            return
        for mount in self.mounts_below(str(root)):
            self.call("umount", mount)  # it must work: what is below a mount is not ours to delete
        for one in sorted(root.iterdir()) if root.exists() else []:
            if one.is_dir() and not one.is_symlink():
                shutil.rmtree(str(one))
            else:
                remove_if_there(one)

    def keeps_data(self, root: Path) -> str:
        """Why Docker's data may not go, "" where it may. The folder itself may be a mount, and stays."""
        kept = self.state.facts.get("docker_keeps", [])
        if kept:
            return "it holds what is not Kubernetes': {}".format(", ".join(kept[:5]))
        ours = [Path(f) for f in self.containerd["folders"]]
        if any(root == f or root in f.parents for f in ours):
            return "the new containerd's root is below it"
        found = sorted(p.name for p in root.iterdir()) if root.exists() else []
        if found and not {"containers", "image"} <= set(found):
            return "it does not look like Docker's"
        if not set(found).isdisjoint(("zfs", "devicemapper")):
            return "its storage driver keeps more than files; remove it by hand"
        return ""

    def commit_commands(self) -> None:
        """The plan's own commands (packages), in order; they can be run twice. Not where Docker is used."""
        if self.state.facts.get("docker_keeps"):
            return
        for argv in self.own["commit"].get("commands", []):
            self.call(*argv, seconds=self.own["commit"].get("seconds", 900))

    def commit_failed(self, error: BaseException) -> None:
        todo = (
            "Mend what is named, then commit again. The old runtime is partly removed: there is no way back."
        )
        self.say("swapped", "RP494", "The commit did not come to its end", words_of(error), todo)

    def remove_leftovers(self) -> None:
        self.remove_resume_unit()
        aside = self.logs_aside("docker").parent
        if aside.exists():
            shutil.rmtree(str(aside))


def unread(proc: Path, logs: Iterable[Path]) -> List[str]:
    """Which of these files a process has open for reading, and has not read to the end (proc(5), fdinfo)."""
    sizes = {}
    for log in logs:
        try:
            known = log.stat()
        except FileNotFoundError:
            continue  # rotated away
        sizes[(known.st_dev, known.st_ino)] = (known.st_size, str(log))
    behind = set()
    for opened in proc.glob("[0-9]*/fd/*"):
        try:
            seen = opened.stat()
            size, name = sizes.get((seen.st_dev, seen.st_ino), (0, ""))
            info = (opened.parent.parent / "fdinfo" / opened.name).read_text() if name else ""
        except OSError:
            continue  # closed meanwhile, or nothing that has a place in a file system
        said = dict(line.split(":", 1) for line in info.splitlines() if ":" in line)
        if name and int(said["flags"], 8) & os.O_ACCMODE == os.O_RDONLY and int(said["pos"]) < size:
            behind.add(name)
    return sorted(behind)


def spare_tag(image: Dict[str, Any]) -> str:
    """A name for the time of the export, for an image without one. `.invalid` is nobody's (RFC 2606)."""
    return "replank.invalid/swap:{}".format(image["id"].split(":")[-1][:12])


def results_in(cache: str) -> List[Path]:
    folder = Path(cache)
    return sorted(p for p in folder.iterdir() if p.is_file()) if folder.is_dir() else []


def cached_config(entry: Dict[str, Any]) -> Dict[str, Any]:
    """The network configuration in a cached result. Before libcni 0.8 there is none: no DEL is possible."""
    try:
        config = json.loads(base64.b64decode(entry["config"]).decode())
    except (KeyError, binascii.Error, ValueError) as error:
        raise ValueError("no configuration in a cached CNI result") from error
    if not isinstance(config, dict) or "name" not in config:
        raise ValueError("no network configuration in a cached CNI result")
    return config


# ---------------------------------------------------------------- commands


class Lock:
    """Only one command works at a time. The kernel lets go of it when its process dies, however it dies."""

    def __init__(self, base: Path) -> None:
        self.path = base / "lock"
        self.handle = os.open(str(self.path), os.O_RDWR | os.O_CREAT, 0o600)

    def take(self) -> bool:
        try:
            fcntl.flock(self.handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        os.ftruncate(self.handle, 0)
        os.pwrite(self.handle, str(os.getpid()).encode(), 0)
        return True

    def holder(self) -> int:
        return int(os.pread(self.handle, 20, 0).decode() or "0")

    def release(self) -> None:
        os.close(self.handle)


def read_plan(path: Path) -> Dict[str, Any]:
    try:
        plan = json.loads(path.read_text())
    except (OSError, ValueError) as error:
        raise Refusal(f"{path}: {words_of(error)}", "RP498", "Let replank write it again.") from error
    if not isinstance(plan, dict) or plan.get("schema") != SCHEMA:
        raise Refusal(f"{path} is not of the schema {SCHEMA}", "RP498", "Let replank write it again.")
    needed = [
        "id",
        "strategy",
        "containerd",
        "kubelet",
        "cgroup_driver",
        "deadline_seconds",
        "verify_seconds",
        "pods",
    ]
    needed += {"in-place": ["in_place"], "switch": ["switch"]}.get(plan.get("strategy", ""), ["strategy"])
    missing = [key for key in needed if not plan.get(key)]
    if missing:
        raise Refusal("{} lacks {}".format(path, ", ".join(missing)), "RP498", "Let replank write it again.")
    return plan


def digest_of(plan: Dict[str, Any]) -> str:
    """What must not change between staging and the start: everything but what is said of the pods."""
    rest = {k: v for k, v in plan.items() if k != "pods"}
    return hashlib.sha256(json.dumps(rest, sort_keys=True).encode()).hexdigest()


def open_node(base: Path, outside: Outside) -> Node:
    """The node with its plan: the one that was begun as long as an attempt is not over, else the new one."""
    journal = Journal(base / "journal", base / "ballast", outside.now)
    begun, state = base / "plan.begun.json", journal.state
    over = state.attempt == 0 or state.outcome in ("undone", "committed")
    new = (over and (base / "plan.json").exists()) or not begun.exists()
    plan = read_plan(base / "plan.json" if new else begun)
    return (InPlace if plan["strategy"] == "in-place" else Switch)(base, plan, journal, outside)


def stage(node: Node) -> None:
    state = node.state
    given = read_plan(node.base / "plan.json")
    if state.outcome in ("", "staged") and state.attempt and digest_of(given) != state.digest:
        raise Refusal(
            "plan.json is not the one that was staged", "RP499", "Run `unstage`, then `stage` again."
        )
    if state.outcome == "staged":
        return
    if state.outcome not in ("", "undone", "committed"):
        raise Refusal(f"the node is {state.outcome}", "RP499", "Look at `status`.")
    if state.back and not state.outcome:
        node.go_back()
        return
    amiss = ["{}: {}".format(c["name"], m) for c in node.checks() for m in c["amiss"]]
    if amiss:
        raise Refusal("; ".join(amiss), "RP490", "Mend what is named, then stage again.")
    if state.attempt == 0 or state.outcome:
        write_file(node.base / "plan.begun.json", json.dumps(given).encode(), 0o600, os.getuid(), os.getgid())
        write_file(node.base / "ballast", b"\0" * BALLAST_BYTES, 0o600, os.getuid(), os.getgid())
        what = {"id": given["id"], "strategy": given["strategy"], "plan": digest_of(given)}
        node.journal.add("attempt", number=state.attempt + 1, **what)
    try:
        node.forward(node.stage_phases())
    except AMISS as error:
        todo = getattr(error, "todo", "") or "Mend what is named, then stage again."
        node.turn_back(getattr(error, "code", "") or "RP491", words_of(error), todo)
        node.go_back()
    else:
        node.say("staged", what="Everything is ready, nothing that serves has changed", todo="Run `start`.")


def renew_pods(node: Node) -> None:
    """Pods come and go between staging and the start: what `plan.json` says of them then is what counts."""
    given = read_plan(node.base / "plan.json")
    if digest_of(given) != node.state.digest:
        raise Refusal(
            "plan.json is not the one that was staged", "RP499", "Run `unstage`, then `stage` again."
        )
    node.plan["pods"] = given["pods"]
    write_file(node.base / "plan.begun.json", json.dumps(node.plan).encode(), 0o600, os.getuid(), os.getgid())


def refuse_unless_ready(node: Node) -> None:
    """Nothing has been touched: whatever is amiss now leaves the node staged."""
    try:
        renew_pods(node)
        node.before_switch()
    except AMISS as error:
        code = getattr(error, "code", "") or "RP490"
        todo = getattr(error, "todo", "") or "Mend what is named, then start again."
        node.say("staged", code, "The switch was not begun", words_of(error), todo)
        node.tidy()
        raise Refusal(words_of(error), code, todo) from error


def launch(node: Node, verb: str) -> None:
    """Runs `verb` as a unit of its own, with the timer that undoes what is not well by the deadline.

    systemd starts a killed process again, at once: the switch then goes on and does not wait for the timer.
    """
    this = [sys.executable or "/usr/bin/python3", str(Path(__file__).resolve()), "--base", str(node.base)]
    again = ["--property=Restart=on-abnormal", "--property=RestartSec=1"]
    node.systemctl("enable", RESUME_UNIT)
    if verb == "run" and node.state.deadline is not None:
        left = max(1, round(node.state.deadline - node.outside.now()))
        node.systemctl("stop", DEADLINE_UNIT + ".timer", may_fail=True)
        node.systemctl("reset-failed", DEADLINE_UNIT + ".service", may_fail=True)
        timer = [f"--on-active={left}s", "--timer-property=AccuracySec=1s"]
        node.call("systemd-run", "--unit=" + DEADLINE_UNIT, *timer, *again, *this, "deadline")
    node.systemctl("reset-failed", RUN_UNIT, may_fail=True)
    # From here on the unit writes the journal: `quiet`.
    node.call(
        "systemd-run", "--unit=" + RUN_UNIT, "--property=TimeoutStopSec=10", *again, *this, verb, quiet=True
    )


def start(node: Node, verb: str, lock: Lock) -> None:
    state = node.state
    if verb == "run":
        if state.outcome not in ("staged", "switching"):
            raise Refusal(
                "the node is {}".format(state.outcome or "not staged"), "RP499", "Look at `status`."
            )
        if state.outcome == "staged":
            refuse_unless_ready(node)
            node.journal.add("deadline", until=node.outside.now() + node.plan["deadline_seconds"])
    fcntl.flock(lock.handle, fcntl.LOCK_UN)  # the unit needs it
    try:
        launch(node, verb)
    except Trouble as error:
        not_launched(node, lock, error)


def not_launched(node: Node, lock: Lock, error: Trouble) -> None:
    """systemd-run failed, or started the unit and did not answer: then the work is finished here."""
    take_over(node, lock)
    node = open_node(node.base, node.outside)
    if node.state.outcome == "switching":
        run(node)
        return
    node.tidy()
    raise Refusal(error.why, "RP490", "Nothing was begun. Mend what is named, then start again.") from error


def run(node: Node) -> None:
    state = node.state
    if state.outcome in ("swapped", "committed", "undone", "stuck"):
        if state.outcome != "stuck":
            node.tidy()
        return
    if not state.attempt:
        raise Refusal("nothing is staged", "RP499", "Run `stage` first.")
    if not state.outcome:
        node.turn_back("RP491", "staging was cut off", "Stage again.")
    if state.back:
        node.go_back()
        return
    if state.outcome == "staged":
        refuse_unless_ready(node)
        if state.deadline is None or state.deadline <= node.outside.now():
            node.journal.add("deadline", until=node.outside.now() + node.plan["deadline_seconds"])
        node.say("switching")
    try:
        node.forward(node.switch_phases())
    except AMISS as error:
        code = getattr(error, "code", "") or "RP495"
        node.turn_back(code, words_of(error), getattr(error, "todo", ""))
        node.go_back()
    else:
        node.say(
            "swapped",
            what="The node is well on the new runtime",
            todo="Run `commit` when it has proven itself.",
        )
        node.tidy()


def resume(node: Node, lock: Lock) -> None:
    """At boot. The transient units are gone: they are made again, with what is left of the deadline."""
    state = node.state
    if state.outcome not in ("switching", "undoing", "stuck"):
        if state.outcome == "":
            run(node)
        else:
            node.tidy()
        return
    verb = "undo" if state.back or state.outcome == "stuck" else "run"
    fcntl.flock(lock.handle, fcntl.LOCK_UN)
    try:
        launch(node, verb)
    except Trouble as error:
        node.log(f"no transient unit after the reboot, it is done here: {error.why}")
        if lock.take():
            (undo if verb == "undo" else run)(node)


def undo(node: Node) -> None:
    state = node.state
    if state.committing:
        raise Refusal(
            "the swap is committed, or its commit has begun", "RP499", "There is no way back; run `commit`."
        )
    if not state.attempt or state.outcome == "undone":
        return
    if state.outcome not in ("", "staged"):
        node.systemctl("enable", RESUME_UNIT, may_fail=True)  # a reboot in the middle must not end it
    node.turn_back("", "it was asked for", "")
    node.go_back()


def unstage(node: Node) -> None:
    if node.state.outcome not in ("", "staged", "undone"):
        raise Refusal(f"the node is {node.state.outcome}", "RP499", "Run `undo` instead.")
    undo(node)


def deadline(node: Node) -> None:
    """The dead man's timer. What works has been stopped before this is called."""
    if node.state.outcome in ("switching", "undoing"):
        node.turn_back("RP496", "the node was not well by its deadline")
        node.go_back()
    elif node.state.outcome != "stuck":
        node.tidy()


def commit(node: Node) -> None:
    state = node.state
    if state.outcome == "committed":
        return
    if state.outcome != "swapped":
        raise Refusal(
            "the node is {}".format(state.outcome or "not staged"),
            "RP499",
            "Only a swapped node is committed.",
        )
    if not state.committing:
        node.journal.add("commit", goes_on=True)
    try:
        node.forward(node.commit_phases())
    except AMISS as error:
        node.commit_failed(error)
    else:
        node.say("committed", what="The old runtime is given up; there is no way back")
        remove_if_there(node.base / "ballast")


def take_over(node: Node, lock: Lock) -> None:
    """Ends whatever works now: its unit first, then the process that holds the lock, should it be another."""
    if lock.take():
        return
    node.call("systemctl", "stop", RUN_UNIT, may_fail=True, quiet=True)
    for _ in range(20):
        if lock.take():
            return
        try:
            os.kill(lock.holder(), signal.SIGKILL)
        except ProcessLookupError:
            node.log("the process that held the lock has ended")
        node.outside.sleep(0.5)
    raise Refusal("another command works here and does not end", "RP499", "Look at `status`.")


def wait_for(lock: Lock, outside: Outside) -> None:
    """The lock, after at most ten seconds: who started this unit may still hold it."""
    for _ in range(20):
        if lock.take():
            return
        outside.sleep(0.5)
    raise Refusal(
        "another command works on this node", "RP499", "Look at `status`; try again when it has ended."
    )


# ---------------------------------------------------------------- what the runtime uses


class Process(NamedTuple):
    """A process of a container runtime. `ticks`: of the CPU so far, its children's not among them.

    `started`: in ticks since the boot; with `pid` it tells one process from a later one.
    """

    pid: str
    started: int
    program: str
    ticks: int


def measured(outside: Outside) -> Dict[str, Any]:
    """Memory and CPU time of the runtime's daemons and shims, by program. Only reads.

    Memory is the proportional set size (PSS, proc(5)): pages that shims share are counted once. A process
    that ends within the time is left out. Containers are not counted, nor is what runs in a PID namespace of
    its own (Docker in a pod).
    """
    proc, began = outside.proc(), outside.now()
    before = {(p.pid, p.started): p.ticks for p in runtime_processes(proc)}
    outside.sleep(MEASURED_SECONDS)
    seconds, hertz = round(outside.now() - began, 3), os.sysconf("SC_CLK_TCK")
    programs: Dict[str, Dict[str, Any]] = {}
    for one in runtime_processes(proc):
        pss = pss_bytes(proc / one.pid)
        if pss is None:
            continue
        none = {"program": one.program, "processes": 0, "pss_bytes": 0, "cpu_seconds": 0.0}
        row = programs.setdefault(one.program, none)
        row["processes"] += 1
        row["pss_bytes"] += pss
        row["cpu_seconds"] += (one.ticks - before.get((one.pid, one.started), 0)) / hertz
    return {"seconds": seconds, "programs": [programs[name] for name in sorted(programs)]}


def runtime_processes(proc: Path) -> List[Process]:
    """By the name that the kernel has of them, which it cuts after 15 bytes (proc(5), comm)."""
    here, found = os.readlink(str(proc / "self" / "ns" / "pid")), []
    for folder in sorted(proc.glob("[0-9]*")):
        try:
            name, _, rest = (folder / "stat").read_text().partition("(")[2].rpartition(")")
            if name not in RUNTIMES or os.readlink(str(folder / "ns" / "pid")) != here:
                continue
            program = os.readlink(str(folder / "exe"))
        except (FileNotFoundError, ProcessLookupError):
            continue  # it has ended
        fields = rest.split()  # from field 3 of proc(5), stat: utime is 14, stime 15, starttime 22
        program = program[: -len(" (deleted)")] if program.endswith(" (deleted)") else program
        found.append(Process(folder.name, int(fields[19]), program, int(fields[11]) + int(fields[12])))
    return found


def pss_bytes(folder: Path) -> Optional[int]:
    """PSS of a process; None if it has ended. Before Linux 4.14 there is only smaps, mapping by mapping."""
    for name in ("smaps_rollup", "smaps"):
        try:
            text = (folder / name).read_text()
        except (FileNotFoundError, ProcessLookupError):
            continue
        return 1024 * sum(int(line.split()[1]) for line in text.splitlines() if line.startswith("Pss:"))
    return None


# ---------------------------------------------------------------- what it says


def status(base: Path, outside: Outside) -> Dict[str, Any]:
    """Where the node stands, from the journal alone. What is not there is left empty."""
    try:
        journal = Journal(base / "journal", base / "ballast", outside.now)
    except (Trouble, OSError) as error:
        said = {
            "outcome": "stuck",
            "code": "RP498",
            "what": "The journal cannot be read",
            "why": words_of(error),
        }
        return dict(said, schema=STATUS_SCHEMA, todo=getattr(error, "todo", ""))
    state = journal.state
    switched = state.times.get(("begun", "kubelet-stop"), state.times.get(("begun", "activate")))
    well = state.facts.get("well")
    return {
        "schema": STATUS_SCHEMA,
        "outcome": state.outcome,
        "code": state.said.get("code", ""),
        "what": state.said.get("what", ""),
        "why": state.said.get("why", ""),
        "todo": state.said.get("todo", ""),
        "id": state.id,
        "strategy": state.strategy,
        "attempt": state.attempt,
        "phases": [phase_status(state, name) for name in state.begun],
        "deadline": state.deadline,
        "committing": state.committing,
        "window_seconds": round(well - switched, 3) if well and switched else None,
        "stays": state.facts.get("stays", []),
        "kept": str(base / "kept") if (base / "kept").is_dir() else "",
        "working": working(base),
        "rebooted": "boot" in state.facts.get("tasks", {}) and state.facts["tasks"]["boot"] != outside.boot(),
        "entries": len(journal.entries),
    }


def phase_status(state: State, name: str) -> Dict[str, Any]:
    word = "undone" if name in state.undone else "done" if name in state.done else "begun"
    begun, done = state.times.get(("begun", name)), state.times.get(("done", name))
    return {"name": name, "state": word, "seconds": round(done - begun, 3) if begun and done else None}


def working(base: Path) -> bool:
    """True if a command holds the lock now."""
    if not (base / "lock").exists():
        return False
    with (base / "lock").open() as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


LOOKS = ("check", "status", "measure")  # their exit status says nothing of the swap
COMMANDS = ("stage", "unstage", "start", "run", "resume", "deadline", "undo", "commit", *LOOKS)


def work(command: str, verb: str, base: Path, outside: Outside) -> Dict[str, Any]:
    """Carries out one command; returns what is more to say than the status."""
    lock = Lock(base)
    try:
        if command in ("undo", "deadline"):
            take_over(open_node(base, outside), lock)
        else:
            wait_for(lock, outside)
        node = open_node(base, outside)  # read under the lock: who held it may have written
        if command == "check":
            seen = node.checks()
            return {"checks": seen, "ok": not any(c["amiss"] for c in seen)}
        if command == "start":
            start(node, verb, lock)
        elif command == "resume":
            resume(node, lock)
        else:
            doers = {
                "stage": stage,
                "unstage": unstage,
                "run": run,
                "undo": undo,
                "deadline": deadline,
                "commit": commit,
            }
            doers[command](node)
    finally:
        lock.release()
    return {}


def answer(command: str, verb: str, base: Path, outside: Outside) -> Tuple[int, Dict[str, Any]]:
    """Exit status and the JSON of one command."""
    more: Dict[str, Any] = {}
    code = 0
    try:
        if command == "measure":  # without the lock: who only looks must not be in the way of a swap
            more = {"measured": measured(outside)}
        elif command != "status":
            more = work(command, verb, base, outside)
            code = 0 if more.get("ok", True) else 1
    except (Trouble, OSError) as error:
        refused = {"code": getattr(error, "code", "") or "RP490", "why": words_of(error)}
        more, code = {"refused": dict(refused, todo=getattr(error, "todo", ""))}, 1
    seen = dict(status(base, outside), **more)
    wanted = command in LOOKS or (command in GOES_BACK and seen["outcome"] == "undone")
    return code or (0 if wanted else EXIT.get(seen["outcome"], 0)), seen


def main(argv: Optional[List[str]] = None, outside: Optional[Outside] = None) -> int:
    """0: as wanted. 1: refused, nothing was touched. 2: wrong usage. 3: the node went back. 4: stuck."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--base", default=BASE, help="the folder with plan.json and the journal")
    parser.add_argument("command", choices=COMMANDS)
    parser.add_argument(
        "verb", nargs="?", default="run", choices=("run", "undo", "commit"), help="of `start`"
    )
    given = parser.parse_args(argv)
    outside, base = outside or Outside(), Path(given.base)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)  # a lost SSH session ends nothing
    code, seen = answer(given.command, given.verb, base, outside)
    sys.stdout.write(json.dumps(seen, sort_keys=True) + "\n")
    return code


if __name__ == "__main__":
    sys.exit(main())
