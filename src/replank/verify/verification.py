"""From what was seen to what is said of it."""

from __future__ import annotations

from collections.abc import Iterator

from replank.domain.unknown import Fact, Unknown
from replank.inventory.cluster_api.object_meta import key_of, part
from replank.verify.checks import CHECKS
from replank.verify.model import Part, Replacement, Verification
from replank.verify.reality.server import as_it_is, texts
from replank.verify.reality.trait import TRAITS, Makeup, differs
from replank.verify.rollout import live_machines, next_makeup, version_of
from replank.verify.sight import Document, Sight, name_of, node_of


def verify(sight: Sight) -> Verification:
    """A pure function: the same sight gives the same verification."""
    findings = [finding for check in CHECKS for finding in check.findings(sight)]
    return Verification(
        cluster=sight.cluster,
        namespace=sight.namespace,
        judged_by=sight.judged if isinstance(sight.judged, Unknown) else sight.judged.by,
        findings=tuple(sorted(findings, key=lambda finding: (finding.code, finding.subject))),
        replacements=tuple(
            _replacement(sight, name, machine) for name, machine in sorted(sight.of("Machine").items())
        ),
    )


def _replacement(sight: Sight, name: str, machine: Document) -> Replacement:
    keeper, server = sight.keeper(machine), sight.server_of(machine)
    if keeper is None:
        return Replacement(machine=name, server=server, keeper="")
    parts = (_version(sight, machine, keeper), *_parts(sight, name, keeper))
    return Replacement(machine=name, server=server, keeper=key_of(keeper), parts=parts)


def _version(sight: Sight, machine: Document, keeper: Document) -> Part:
    """What the Node runs, rather than what the Machine says that it should."""
    nodes = () if isinstance(sight.nodes, Unknown) else sight.nodes
    node = next((node for node in nodes if name_of(node) == node_of(machine)), None)
    now: Fact[str] = str(part(node, "status", "nodeInfo").get("kubeletVersion") or "") or Unknown(
        "its Node was not seen" if node is None else "its Node does not tell"
    )
    then = version_of(keeper)
    changed = None if isinstance(now, Unknown) else now != then
    return Part(what="version", now=now, then=then, changed=changed)


def _parts(sight: Sight, name: str, keeper: Document) -> Iterator[Part]:
    if isinstance(sight.cloud, Unknown):
        yield from _all_unknown(sight.cloud)
        return
    coming = next_makeup(sight, keeper, sight.cloud)
    if isinstance(coming, Unknown):
        yield from _all_unknown(coming)
        return
    live = live_machines(sight, sight.cloud).get(name)
    if live is None:
        unseen = Unknown("its server was not seen")
        now: Makeup = dict.fromkeys(TRAITS, unseen)
    else:
        now = as_it_is(live.server, sight.cloud)
    has, gets = texts(now), texts(coming)
    for trait in TRAITS:
        changed = differs(now[trait], coming[trait])
        yield Part(what=trait, now=has[trait], then=gets[trait], changed=changed)


def _all_unknown(why: Unknown) -> Iterator[Part]:
    for trait in TRAITS:
        yield Part(what=trait, now=why, then=why, changed=None)
