"""Which formats a log agent reads, and what it loses on the way. A pure function of the facts."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Literal

from replank.domain.unknown import Fact, Unknown
from replank.inventory.log_agents.agent import Format, LogAgent, LogInput

Reads = Literal["docker", "cri", "both", "neither", "nothing"]
"""`nothing`: the agent reads no container logs, so that no swap concerns it."""

CODES: Final = {"docker": "RP420", "cri": "RP421", "neither": "RP422"}
UNREADABLE: Final = "RP423"
_DOCKER_FOLDER = "/var/lib/docker"
_MUST: Final[dict[Format, frozenset[str]]] = {
    "docker": frozenset(("docker",)),
    "cri": frozenset(("cri", "cri-stderr")),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Trap:
    """Something that is lost or changed though a format is read. `code`: RP424 to RP434."""

    code: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class InputJudgement:
    """One input. `evidence`: where it stands and what it says, one fact a line."""

    name: str
    place: str
    reads: Fact[Reads]
    traps: tuple[Trap, ...] = ()
    evidence: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """An agent. `reads`: what all of its inputs read; Unknown as soon as one is."""

    agent: LogAgent
    reads: Fact[Reads]
    inputs: tuple[InputJudgement, ...] = ()

    @property
    def code(self) -> str:
        """The finding's code, "" where the agent may stay as it is."""
        if isinstance(self.reads, Unknown):
            return UNREADABLE
        return CODES.get(self.reads, "")

    @property
    def trap_codes(self) -> tuple[str, ...]:
        return tuple(sorted({trap.code for one in self.inputs for trap in one.traps}))

    def ready_for(self, wanted: Format) -> bool:
        """Whether nodes that write `wanted` may come: what is not known is not ready."""
        if isinstance(self.reads, Unknown):
            return False
        return self.reads in (wanted, "both", "nothing")


def judge(agent: LogAgent) -> Judgement:
    """What the agent reads of both formats, with the traps in its way."""
    if isinstance(agent.inputs, Unknown):
        return Judgement(agent=agent, reads=agent.inputs)
    inputs = tuple(judge_input(found) for found in agent.inputs)
    return Judgement(agent=agent, reads=_together(inputs), inputs=inputs)


def judge_input(found: LogInput) -> InputJudgement:
    """One input by itself."""
    reads = _reads(found)
    return InputJudgement(
        name=found.name,
        place=str(found.place),
        reads=reads,
        traps=tuple(_traps(found, reads)),
        evidence=(f"{found.place}: {found.name}", *(f"paths {path}" for path in found.paths), *found.says),
    )


def _reads(found: LogInput) -> Fact[Reads]:
    if found.through == "kubernetes-api":
        return "both"
    if found.through == "docker-api":
        return "docker"
    if isinstance(found.understood, Unknown):
        return found.understood
    docker, cri = (_reads_format(found, found.understood, wanted) for wanted in ("docker", "cri"))
    if docker and cri:
        return "both"
    return "docker" if docker else "cri" if cri else "neither"


def _reads_format(found: LogInput, understood: tuple[str, ...], wanted: Format) -> bool:
    if wanted == "cri" and _only_docker_paths(found):
        return False
    lost = wanted in found.blind_to or any(loss.format == wanted for loss in found.losses)
    return not lost and set(understood) >= _MUST[wanted]


def _traps(found: LogInput, reads: Fact[Reads]) -> Iterator[Trap]:
    if found.through == "docker-api":
        yield Trap(code="RP432", why="it reads lines through Docker's API, which goes away with Docker")
        return
    if found.through == "kubernetes-api":
        return
    for loss in found.losses:
        yield Trap(code="RP426", why=f"{loss.format}: {loss.why}")
    if not isinstance(reads, Unknown) and not isinstance(found.understood, Unknown):
        yield from _traps_of_lines(found, found.understood, reads)
    below = [path for path in found.paths if path.startswith(_DOCKER_FOLDER)]
    if below:
        yield Trap(code="RP428", why=f"{below[0]} is empty once Docker is gone")
    for blind in found.blind_to:
        yield Trap(
            code="RP428",
            why=f"{blind}: /var/log/pods is not mounted, and links in /var/log/containers lead there",
        )
    if isinstance(found.positions_on, Unknown):
        yield Trap(code="RP429", why=found.positions_on.unknown)
    elif found.positions_on == "pod":
        said = f"{found.positions} is lost with the pod" if found.positions else "no positions are kept"
        yield Trap(code="RP429", why=said)
    if found.new_files_from == "end":
        yield Trap(code="RP434", why="files that it has no position of are read from their end")


def _traps_of_lines(found: LogInput, understood: tuple[str, ...], reads: Reads) -> Iterator[Trap]:
    seen = set(understood)
    docker, cri = reads in ("docker", "both"), reads in ("cri", "both")
    if cri and "cri-offset" not in seen:
        yield Trap(code="RP424", why="a CRI time with another offset than Z is not read")
    if cri and "cri-empty" not in seen:
        yield Trap(code="RP425", why="a CRI line without content is not read")
    if docker and "docker-empty" not in seen:
        yield Trap(code="RP425", why="a Docker line without content is not read")
    if cri and "cri-partial" not in seen:
        yield Trap(code="RP426", why="cri: a partial line is not read")
    for format_, is_read in (("docker", docker), ("cri", cri)):
        if is_read and format_ not in found.joins:
            yield Trap(code="RP426", why=f"{format_}: parts of a line over 16 KiB stay parts")
    if docker and cri and found.fields.get("docker") != found.fields.get("cri"):
        at = {name: found.fields.get(name, "") for name in ("docker", "cri")}
        said = f"the content is in `{at['docker']}` from Docker and in `{at['cri']}` from CRI"
        yield Trap(code="RP427", why=said)
    mixed = [name for name in ("docker-like-cri", "docker-json") if docker and name not in seen]
    mixed += ["cri-json"] if cri and "cri-json" not in seen else []
    if mixed:
        yield Trap(code="RP433", why="a line whose content looks like the other format is cut wrongly")


def _only_docker_paths(found: LogInput) -> bool:
    return bool(found.paths) and all(path.startswith(_DOCKER_FOLDER) for path in found.paths)


def _together(inputs: tuple[InputJudgement, ...]) -> Fact[Reads]:
    """What every input reads: an agent is as good as its worst input."""
    if not inputs:
        return "nothing"
    formats = {"docker", "cri"}
    for one in inputs:
        if isinstance(one.reads, Unknown):
            return Unknown(f"{one.name}: {one.reads.unknown}", one.reads.code)
        formats &= {"docker", "cri"} if one.reads == "both" else {one.reads}
    if len(formats) == 2:
        return "both"
    return "docker" if "docker" in formats else "cri" if "cri" in formats else "neither"
