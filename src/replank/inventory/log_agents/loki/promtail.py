"""From Promtail's configuration, or the logs part of Grafana Agent's, to its inputs that read container
logs.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ruamel.yaml.comments import CommentedMap, CommentedSeq

from replank.domain.errors import Refused
from replank.domain.unknown import Fact, Unknown
from replank.inventory.log_agents import probes
from replank.inventory.log_agents.agent import AgentKind, Format, LogInput, Through
from replank.inventory.log_agents.loki.stages import Stage, decoder, holds, says
from replank.inventory.log_agents.mounted import Files, MountedFile
from replank.inventory.log_agents.paths import positions_on, reads_container_logs
from replank.inventory.log_agents.version import at_least
from replank.inventory.log_agents.workload import AgentContainer
from replank.inventory.log_agents.yaml_text import item_line, items, key_line, load, mapping

JOINS_FROM: Mapping[AgentKind, tuple[int, ...]] = {
    "promtail": (2, 6),
    "grafana-agent": (0, 30),
    "alloy": (1,),
}
"""From which version the cri stage joins partial lines (Loki pull request 6177; the agents took it over
later).
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A scrape configuration. `stages`: the YAML list of its pipeline, None if it has none."""

    name: str
    line: int
    found: CommentedMap
    stages: CommentedSeq | None
    positions: str


def configuration(kind: AgentKind, container: AgentContainer, files: Files) -> MountedFile:
    """The file that the agent starts with. Raises `Refused` RP485 or RP486."""
    usual = ("/etc/agent/agent.yaml", "/etc/agent/config.yaml", "/etc/agent-config/agent.yaml")
    if kind == "promtail":
        usual = ("/etc/promtail/promtail.yaml", "/etc/promtail/config.yml", "/etc/promtail/config.yaml")
    return files.require((*container.flags, *usual))


def jobs(file: MountedFile) -> Iterator[Job]:
    """All scrape configurations. Raises `Refused` RP480."""
    document = load(file)
    parts: Sequence[Any] = [document]
    logs = mapping(document.get("logs") or document.get("loki"))
    if logs:
        parts = items(logs.get("configs"))
    for part in parts:
        positions = str(mapping(part.get("positions")).get("filename", "/tmp/positions.yaml"))  # noqa: S108 its default
        scrapes = part.get("scrape_configs")
        for index, found in enumerate(items(scrapes)):
            stages = found.get("pipeline_stages")
            yield Job(
                name=str(found.get("job_name", "")),
                line=item_line(scrapes, index),
                found=found,
                stages=stages if isinstance(stages, CommentedSeq) else None,
                positions=positions,
            )


def inputs(kind: AgentKind, container: AgentContainer, files: Files) -> tuple[LogInput, ...]:
    """All inputs that read container logs. Raises `Refused` RP480, RP485, RP486."""
    file = configuration(kind, container, files)
    return tuple(_input(kind, job, file, container) for job in reading_jobs(file, container))


def reading_jobs(file: MountedFile, container: AgentContainer) -> Iterator[Job]:
    """Jobs that read container logs from files, or through Docker's API."""
    for job in jobs(file):
        if through(job) != "files" or reads_container_logs(container, paths(job)):
            yield job


def through(job: Job) -> Through:
    return "docker-api" if "docker_sd_configs" in job.found else "files"


def paths(job: Job) -> tuple[str, ...]:
    """`__path__` of static targets, and what relabelling makes of it."""
    found = [
        str(mapping(static.get("labels")).get("__path__", "")) for static in _list(job, "static_configs")
    ]
    found += [
        str(rule.get("replacement", "$1"))
        for rule in _list(job, "relabel_configs")
        if rule.get("target_label") == "__path__"
    ]
    return tuple(path for path in found if path)


def stages_of(found: CommentedSeq | None, file: MountedFile) -> tuple[Stage, ...]:
    """The stages of a YAML list."""
    stages: list[Stage] = []
    for index, entry in enumerate(found or ()):
        for kind, settings in mapping(entry).items():
            inner = mapping(settings).get("stages")
            stages.append(
                Stage(
                    kind=str(kind),
                    place=file.place(item_line(found, index)) if found is not None else file.place(0),
                    settings=dict(mapping(settings)),
                    stages=stages_of(inner, file) if isinstance(inner, CommentedSeq) else (),
                )
            )
    return tuple(stages)


def runtime_labels(job: Job) -> tuple[str, ...]:
    """Labels that relabelling makes of the container's ID, which begins with its runtime."""
    return tuple(
        str(rule.get("target_label"))
        for rule in _list(job, "relabel_configs")
        if "__meta_kubernetes_pod_container_id" in items(rule.get("source_labels"))
    )


def joined(kind: AgentKind, stages: Sequence[Stage], image: str) -> tuple[Format, ...]:
    """Docker's partial lines are joined by no stage."""
    return ("cri",) if holds(stages, "cri") and at_least(image, JOINS_FROM[kind]) else ()


def _input(kind: AgentKind, job: Job, file: MountedFile, container: AgentContainer) -> LogInput:
    stages = stages_of(job.stages, file)
    seen: Fact[tuple[str, ...]]
    try:
        seen = probes.understood(decoder(stages, runtime_labels(job)))
    except Refused as error:
        seen = Unknown(error.reason, error.code)
    line = key_line(job.found, "pipeline_stages") if job.stages is not None else job.line
    return LogInput(
        name=job.name,
        place=file.place(line),
        through=through(job),
        paths=paths(job),
        says=says(stages),
        understood=seen,
        joins=joined(kind, stages, container.image),
        positions=job.positions,
        positions_on=positions_on(container, job.positions),
    )


def _list(job: Job, key: str) -> list[CommentedMap]:
    return [mapping(entry) for entry in items(job.found.get(key))]
