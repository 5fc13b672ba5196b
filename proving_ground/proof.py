"""The long proof: every test of the ground, resumable, with its record in docs/proof.md."""

from __future__ import annotations

import fnmatch
import json
import re
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from proving_ground.errors import GroundError
from proving_ground.progress import Progress
from proving_ground.settings import HERE, Folders

REPOSITORY = HERE.parent
TESTS = REPOSITORY / "tests" / "ground"
RECORD = REPOSITORY / "docs" / "proof.md"
_TOLD = re.compile(r"[.]*proof: (.+)")
"""A line that a test prints past pytest's capture to have it kept, perhaps behind the dots of others."""


@dataclass(frozen=True, slots=True)
class Result:
    """One test file at one commit. `when`: RFC 3339, UTC; `closing`: pytest's own closing line; `told`: the
    test's own."""

    name: str
    commit: str
    passed: bool
    seconds: float
    when: str
    closing: str
    told: list[str] = field(default_factory=list)


def prove(folders: Folders, progress: Progress, only: Sequence[str] = ()) -> list[Result]:
    """Runs every test file of the ground that has not passed at this commit yet, and writes the record, where
    each file stands with the commit at which it ran last.

    `only`: beginnings of file names (`test_scen`); files that do not match are left out, as the record says.
    Raises `GroundError` where the work tree has changes: nobody could tell what was proven.
    """
    commit = _commit()
    kept = folders.cache / "proofs.json"
    results = _read(kept)
    files = sorted(path.name for path in TESTS.glob("test_*.py"))
    chosen = [name for name in files if not only or any(fnmatch.fnmatch(name, f"{p}*") for p in only)]
    for name in chosen:
        if name in results and results[name].passed and results[name].commit == commit:
            progress.note(f"{name}: passed at this commit already, {results[name].when}")
            continue
        results[name] = _run(folders, name, commit, progress)
        kept.parent.mkdir(parents=True, exist_ok=True)
        kept.write_text(json.dumps({key: asdict(result) for key, result in results.items()}, indent=1))
    RECORD.write_text(record(commit, files, results))
    return [results[name] for name in chosen]


def record(commit: str, files: Sequence[str], results: dict[str, Result]) -> str:
    """docs/proof.md. Its line `Last run:` is what `make test` prints."""
    shown = [results[name] for name in files if name in results]
    passed = [result for result in shown if result.passed]
    older = [result for result in passed if result.commit != commit]
    last = max((result.when for result in shown), default="never")
    note = f", {len(older)} of them at older commits" if older else ""
    lines = [
        "# What the real controllers have proven",
        "",
        "Written by `make prove-full`. A test that stands here as passed ran on the proving ground: real",
        "OpenStack, real Kubernetes, real Cluster API (see `proving_ground/README.md`).",
        "",
        f"Last run: {last}, commit {commit[:12]}, {len(passed)} of {len(files)} test files passed{note}.",
        "",
        "| test file | result | commit | seconds | when | pytest's closing line |",
        "|---|---|---|---|---|---|",
    ]
    for name in files:
        result = results.get(name)
        if result is None:
            lines.append(f"| {name} | **not run** | | | | |")
        else:
            word = "passed" if result.passed else "**failed**"
            lines.append(
                f"| {name} | {word} | {result.commit[:12]} | {result.seconds:.0f} | {result.when} "
                f"| {result.closing.strip('= ')} |"
            )
    told = [f"- {name}: {line}" for name in files if name in results for line in results[name].told]
    return "\n".join([*lines, "", *told, *([""] if told else [])])


def told_in(lines: Sequence[str]) -> list[str]:
    """Of pytest's output, what tests want to have kept."""
    return [found[1] for line in lines if (found := _TOLD.match(line))]


def _run(folders: Folders, name: str, commit: str, progress: Progress) -> Result:
    log = folders.logs / f"proof-{name}.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    began = time.monotonic()
    with progress.step(f"proof {name}"), log.open("w+") as output:
        done = subprocess.run(
            [sys.executable, "-m", "pytest", "-m", "ground", str(TESTS / name)],
            cwd=REPOSITORY,
            stdout=output,
            stderr=subprocess.STDOUT,
            check=False,
        )
        output.seek(0)
        said = [line for line in output.read().splitlines() if line.strip()]
    return Result(
        name=name,
        commit=commit,
        passed=done.returncode == 0,
        seconds=time.monotonic() - began,
        when=time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        closing=said[-1] if said else "",
        told=told_in(said),
    )


def _commit() -> str:
    dirty = _git("status", "--porcelain", "--untracked-files=no", "--", ".", ":!docs/proof.md")
    if dirty:
        raise GroundError(
            "proof",
            "the work tree has changes",
            "Commit them: a proof names the commit that it holds for.",
            dirty,
        )
    return _git("rev-parse", "HEAD")


def _git(*arguments: str) -> str:
    done = subprocess.run(["git", *arguments], cwd=REPOSITORY, capture_output=True, text=True, check=True)
    return done.stdout.strip()


def _read(kept: Path) -> dict[str, Result]:
    if not kept.exists():
        return {}
    return {name: Result(**fields) for name, fields in json.loads(kept.read_text()).items()}
