"""Surveys many clusters at once: states first (they say who claims which server), then each cluster whole."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass

from replank.domain.errors import Refused, ReplankError
from replank.domain.unknown import Fact, Unknown, is_known
from replank.inventory.facts.openstack import OpenStackFacts
from replank.inventory.facts.snapshot import Snapshot
from replank.inventory.facts.terraform import StateFile, TerraformFacts
from replank.inventory.fleet.model import CloudRef, ClusterConfig, StateSource
from replank.inventory.terraform.select import select_resources, unmatched
from replank.ports.readers import (
    CloudReader,
    ClusterApiReader,
    ClusterReader,
    HostReader,
    ManagementReader,
    RuntimeReader,
    RuntimeUseReader,
    StateReader,
)
from replank.survey.claims import claims_of_others
from replank.survey.cluster import ClusterSurvey
from replank.survey.look import look
from replank.survey.progress import Progress
from replank.survey.runtimes import RuntimeSurvey


@dataclass(frozen=True, slots=True, kw_only=True)
class Readers:
    """The outside world. A reader that is None is not asked (offline)."""

    state: StateReader
    cloud: CloudReader | None
    cluster: ClusterReader | None
    management: ManagementReader | None
    host: HostReader | None
    runtime: RuntimeReader | None = None
    runtime_use: RuntimeUseReader | None = None
    cluster_api: ClusterApiReader | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SurveyOptions:
    """`parallel`: clusters at once. `workers`: reach workers over SSH too. `runtime`: look at the container
    runtime of every Node."""

    parallel: int = 10
    workers: bool = False
    runtime: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Surveyed:
    """One cluster's outcome: a snapshot, or why there is none (then nothing at all could be seen)."""

    cluster: str
    snapshot: Snapshot | None
    error: ReplankError | None


class Projects:
    """Each OpenStack project is listed once a survey, however many clusters stand in it."""

    def __init__(self, reader: CloudReader | None) -> None:
        self._reader = reader
        self._tasks: dict[CloudRef, asyncio.Task[OpenStackFacts]] = {}

    async def read(self, cloud: CloudRef) -> OpenStackFacts:
        """The whole project. Every cluster of a project that could not be read gets the same error."""
        if self._reader is None:
            raise Refused(
                "RP000", "OpenStack", "not looked at: the survey is offline", "Survey without --offline."
            )
        if cloud not in self._tasks:
            self._tasks[cloud] = asyncio.create_task(self._reader.read(cloud))
        return await asyncio.shield(self._tasks[cloud])


async def survey_fleet(
    clusters: Sequence[ClusterConfig], readers: Readers, options: SurveyOptions, progress: Progress
) -> AsyncIterator[Surveyed]:
    """Yields each cluster as it is done. One cluster's trouble never stops another."""
    gate = asyncio.Semaphore(options.parallel)
    states = await asyncio.gather(*(_states(c, readers.state, gate, progress) for c in clusters))
    claims = claims_of_others({c.name: s for c, s in zip(clusters, states, strict=True)})
    projects = Projects(readers.cloud)

    async def one(config: ClusterConfig, state: Fact[TerraformFacts]) -> Surveyed:
        async with gate:
            survey = ClusterSurvey(
                config=config,
                state=state,
                claimed_by_others=claims[config.name],
                read_project=projects.read,
                cluster=readers.cluster,
                management=readers.management,
                host=readers.host,
                workers=options.workers,
                progress=progress,
                runtimes=_runtimes(config, readers, options, progress),
            )
            snapshot = await survey.run()
        progress.finished(config.name)
        return _outcome(config.name, snapshot)

    tasks = [asyncio.create_task(one(c, s)) for c, s in zip(clusters, states, strict=True)]
    try:
        for task in asyncio.as_completed(tasks):
            yield await task
    finally:
        for task in tasks:
            task.cancel()


def _runtimes(
    config: ClusterConfig, readers: Readers, options: SurveyOptions, progress: Progress
) -> RuntimeSurvey | None:
    if not options.runtime:
        return None
    return RuntimeSurvey(
        config=config,
        nodes=readers.runtime,
        uses=readers.runtime_use,
        cluster_api=readers.cluster_api,
        progress=progress,
    )


async def _states(
    config: ClusterConfig, reader: StateReader, gate: asyncio.Semaphore, progress: Progress
) -> Fact[TerraformFacts]:
    if not config.state:
        return Unknown("fleet.yaml names no state for this cluster", "RP000")

    async def read_all() -> TerraformFacts:
        states: list[StateFile] = []
        for source in config.state:
            read = await reader.read(source)
            if misspelt := unmatched(read, source.only):
                raise _nothing_matches(source, misspelt)
            states.extend(select_resources(read, source.only))
        return TerraformFacts(states=tuple(states))

    async with gate:
        return await look(progress, config.name, "state", read_all())


def _nothing_matches(source: StateSource, globs: tuple[str, ...]) -> Refused:
    """A part of the state that is meant to be the cluster's, and is not there: most likely misspelt."""
    return Refused(
        "RP008",
        "A pattern in `only` matches nothing",
        f"no resource of the state is covered by {', '.join(globs)}",
        "Correct `only` in fleet.yaml; `terraform state list` prints the addresses.",
        where=source.path,
    )


def _outcome(cluster: str, snapshot: Snapshot) -> Surveyed:
    """A snapshot in which nothing was seen is none: it must not stand for the cluster."""
    sources = (snapshot.terraform, snapshot.infrastructure.openstack, snapshot.kubernetes)
    if any(is_known(source) for source in sources):
        return Surveyed(cluster=cluster, snapshot=snapshot, error=None)
    reasons = "; ".join(dict.fromkeys(s.unknown for s in sources if isinstance(s, Unknown)))
    error = Refused(
        "RP006",
        f"Nothing of cluster {cluster} could be seen, so no snapshot was written",
        reasons,
        "Mend what the messages above name, and survey again. Earlier snapshots are as they were.",
    )
    return Surveyed(cluster=cluster, snapshot=None, error=error)
