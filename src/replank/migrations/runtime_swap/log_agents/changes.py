"""What all remedies of a cluster come to: which ConfigMaps would be written, and what stands in the way."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from replank.inventory.log_agents.agent import SourceRef
from replank.inventory.log_agents.judgement import Judgement, judge
from replank.inventory.log_agents.mounted import Texts
from replank.inventory.log_agents.read import read
from replank.inventory.log_agents.recognise import kind_of
from replank.inventory.log_agents.workload import AgentContainer, AgentWorkload
from replank.migrations.runtime_swap.log_agents.hunks import look_secret
from replank.migrations.runtime_swap.log_agents.model import Edit, changed
from replank.migrations.runtime_swap.log_agents.remedy import Remedy, remedy

MANAGED: Final = "RP961"
_FINE: Final = ("both", "nothing")


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveMap:
    """A ConfigMap as it was read. `version`: resourceVersion. `kept_by`: who writes it anew, "" = nobody."""

    namespace: str
    name: str
    uid: str
    version: str
    texts: Mapping[str, str] = field(repr=False)
    immutable: bool = False
    kept_by: str = ""

    @property
    def source(self) -> SourceRef:
        return SourceRef(kind="ConfigMap", name=self.name)


@dataclass(frozen=True, slots=True, kw_only=True)
class Hindrance:
    """Why a ConfigMap is not written. `code`: RP961 (`--managed` lifts it), RP965, RP966 or RP967."""

    code: str
    why: str
    todo: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentRemedy:
    """One agent with its remedy."""

    workload: AgentWorkload
    container: AgentContainer
    remedy: Remedy

    @property
    def name(self) -> str:
        """`DaemonSet/fluent-bit, fluent-bit`: the container behind the workload."""
        return f"{self.workload.reference}, container {self.container.name}"

    @property
    def is_done(self) -> bool:
        """Nothing has to be done: it reads both formats as it is, or no container logs at all."""
        return self.remedy.before.reads in _FINE and not self.remedy.edits and not self.remedy.by_hand


@dataclass(frozen=True, slots=True, kw_only=True)
class MapChange:
    """A ConfigMap that remedies would change. `edits`: one for each key. `agents`: whose remedies it is."""

    live: LiveMap
    edits: tuple[Edit, ...]
    agents: tuple[str, ...]
    hindrances: tuple[Hindrance, ...] = ()

    def may_be_written(self, *, managed: bool) -> bool:
        """`managed`: those that somebody else keeps, too."""
        return all(managed and found.code == MANAGED for found in self.hindrances)


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterRemedies:
    """All agents and all ConfigMaps to be changed, sorted."""

    agents: tuple[AgentRemedy, ...]
    changes: tuple[MapChange, ...]


def cluster_remedies(workloads: Iterable[AgentWorkload], maps: Sequence[LiveMap]) -> ClusterRemedies:
    """The remedies of all log agents. `maps`: the ConfigMaps that could be read; another one that an agent
    mounts makes the agent unreadable."""
    texts: dict[str, dict[SourceRef, Mapping[str, str]]] = {}
    for live in maps:
        texts.setdefault(live.namespace, {})[live.source] = live.texts
    agents = [
        AgentRemedy(
            workload=workload,
            container=container,
            remedy=remedy(workload, container, kind, texts.get(workload.namespace, {})),
        )
        for workload in workloads
        for container in workload.containers
        if (kind := kind_of(container)) is not None
    ]
    agents.sort(key=lambda agent: (agent.workload.namespace, agent.name))
    found = tuple(
        change
        for live in sorted(maps, key=lambda live: (live.namespace, live.name))
        if (change := _change(live, agents)) is not None
    )
    return ClusterRemedies(agents=tuple(agents), changes=_without_harm(found, agents, texts))


def restart(workload: AgentWorkload) -> str:
    """How a workload comes to read its configuration anew."""
    namespace, kind = workload.namespace, workload.kind
    if kind in ("DaemonSet", "Deployment", "StatefulSet"):
        command = f"kubectl -n {namespace} rollout restart {kind.lower()}/{workload.name}"
        return f"It reads its configuration when it starts: {command}"
    return f"It reads its configuration when it starts: restart the pods of {workload.reference}."


def _change(live: LiveMap, agents: Sequence[AgentRemedy]) -> MapChange | None:
    by_key: dict[str, dict[str, Edit]] = {}
    whose = []
    for agent in agents:
        own = [edit for edit in agent.remedy.edits if edit.source == live.source]
        if agent.workload.namespace != live.namespace or not own:
            continue
        whose.append(agent.name)
        for edit in own:
            by_key.setdefault(edit.key, {})[edit.after] = edit
    if not whose:
        return None
    edits = tuple(next(iter(wanted.values())) for _, wanted in sorted(by_key.items()))
    change = MapChange(live=live, edits=edits, agents=tuple(whose))
    several = [key for key, wanted in by_key.items() if len(wanted) > 1]
    return replace(change, hindrances=tuple(_hindrances(change, several)))


def _hindrances(change: MapChange, several: Sequence[str]) -> list[Hindrance]:
    found = []
    if several:
        why = f"its agents want different changes of {', '.join(several)}: {'; '.join(change.agents)}"
        todo = "Give each agent a ConfigMap of its own, or change it by hand."
        found.append(Hindrance(code="RP965", why=why, todo=todo))
    if any(look_secret(edit.before, edit.after) for edit in change.edits):
        why = "a line to be changed may hold a secret, which no record for the way back may keep"
        found.append(Hindrance(code="RP966", why=why, todo="Change it by hand."))
    if change.live.immutable:
        todo = "Make a ConfigMap of another name with the change, and mount that one."
        found.append(Hindrance(code="RP967", why="it is immutable", todo=todo))
    if change.live.kept_by:
        why = f"{change.live.kept_by} keeps it and will write over the change"
        todo = "Make the change where it comes from; `--managed` writes it nevertheless."
        found.append(Hindrance(code=MANAGED, why=why, todo=todo))
    return found


def _without_harm(
    changes: tuple[MapChange, ...],
    agents: Sequence[AgentRemedy],
    texts: Mapping[str, Texts],
) -> tuple[MapChange, ...]:
    """An agent that reads both and shares a ConfigMap with one that does not may be the worse for the other's
    remedy: then nobody writes it."""
    harmed = {
        (agent.workload.namespace, source): agent
        for agent in agents
        if agent.remedy.before.reads == "both"
        for source in agent.remedy.before.agent.sources
        if _after_all(agent, changes, texts).reads != "both"
    }
    return tuple(
        replace(change, hindrances=(*change.hindrances, _harm(harmed[key])))
        if (key := (change.live.namespace, change.live.source)) in harmed
        else change
        for change in changes
    )


def _after_all(agent: AgentRemedy, changes: tuple[MapChange, ...], texts: Mapping[str, Texts]) -> Judgement:
    namespace = agent.workload.namespace
    made = tuple(edit for change in changes if change.live.namespace == namespace for edit in change.edits)
    after = changed(texts.get(namespace, {}), made)
    kind = agent.remedy.before.agent.kind
    return judge(read(agent.workload, agent.container, kind, after))


def _harm(agent: AgentRemedy) -> Hindrance:
    return Hindrance(
        code="RP965",
        why=f"{agent.name} mounts it too, reads both formats now, and would not do so with the change",
        todo="Give each agent a ConfigMap of its own, or change it by hand.",
    )
