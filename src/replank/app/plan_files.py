"""Plans as the operator names them: files, or folders of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from replank.app.store import read_file
from replank.domain.errors import Refused, ReplankError
from replank.plan import codec
from replank.plan.codec import AnyPlan

PLAN_SUFFIXES = (".takeover.yaml", ".runtime.yaml")


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanFile:
    """A plan with the text that it was read from."""

    path: Path
    text: str
    plan: AnyPlan
    sha256: str

    @property
    def cluster(self) -> str:
        """The cluster's name."""
        return self.plan.cluster


@dataclass(frozen=True, slots=True)
class Rejected:
    """A plan that is not carried out. `subject`: the cluster, or the file where there is no telling.

    `detail`: a terminal view that shows more, such as the differences of a drift.
    """

    subject: str
    error: ReplankError
    detail: object = None


def read_plan(path: Path) -> PlanFile:
    """Raises `Refused` RP002, RP032-RP036."""
    data = read_file(path, what="The plan")
    plan = codec.load(data, where=str(path))
    return PlanFile(path=path, text=data.decode(), plan=plan, sha256=codec.sha256(plan))


def plan_paths(named: Iterable[Path]) -> tuple[Path, ...]:
    """The files, each once, in the order given. Raises `Refused` RP840 for a folder without plans."""
    found: dict[Path, None] = {}
    for path in named:
        found.update(dict.fromkeys(_in_folder(path) if path.is_dir() else (path,)))
    return tuple(found)


def _in_folder(folder: Path) -> tuple[Path, ...]:
    plans = tuple(sorted(path for path in folder.iterdir() if path.name.endswith(PLAN_SUFFIXES)))
    if not plans:
        raise Refused(
            "RP840",
            "There are no plans in this folder",
            f"no file in it ends in {' or '.join(PLAN_SUFFIXES)}",
            "Run `replank plan takeover` or `replank plan runtime` first, or name the plan files.",
            where=str(folder),
        )
    return plans


def read_plans(paths: Iterable[Path]) -> tuple[list[PlanFile], list[Rejected]]:
    """Those that may be looked at further; and those that cannot be read, are not ready, or are double."""
    files: list[PlanFile] = []
    rejected: list[Rejected] = []
    for path in paths:
        try:
            files.append(read_plan(path))
        except ReplankError as error:
            rejected.append(Rejected(path.name, error))
    rejected += [Rejected(file.cluster, error) for file, error in _unfit(files)]
    unfit = {each.subject for each in rejected}
    return [file for file in files if file.cluster not in unfit], rejected


def _unfit(files: list[PlanFile]) -> Iterator[tuple[PlanFile, Refused]]:
    seen: dict[str, PlanFile] = {}
    for file in files:
        if file.cluster in seen:
            yield file, _two_plans(seen[file.cluster], file)
            continue
        seen[file.cluster] = file
        try:
            require_ready(file)
        except Refused as error:
            yield file, error


def _two_plans(first: PlanFile, second: PlanFile) -> Refused:
    return Refused(
        "RP841",
        f"There are two plans for cluster {first.cluster}",
        f"{first.path} and {second.path} name the same cluster",
        "Name one of them.",
        where=str(second.path),
    )


def require_ready(file: PlanFile) -> None:
    """Raises `Refused` RP842 naming the blockers."""
    if file.plan.ready:
        return
    blockers = [f"{f.code} {f.subject}" for f in file.plan.findings if f.severity == "blocker"]
    if not file.plan.stages and not blockers:
        raise Refused(
            "RP842",
            "The plan has nothing to do",
            "everything is as it wants it already",
            "Nothing is left to do.",
            where=str(file.path),
        )
    raise Refused(
        "RP842",
        "The plan is not ready",
        f"blockers stand: {'; '.join(blockers) or 'the planner could not plan every part'}",
        "Clear them (`replank explain CODE`), then survey and plan again.",
        where=str(file.path),
    )
