"""What must hold after every event of a takeover, and in its end.

They watch the stores themselves, so that nothing which comes and goes between two looks is missed.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from replank.journal.event import Event
from replank.plan.takeover import TakeoverPlan
from replank.testbed.simulation.documents import Document
from replank.testbed.simulation.labels import (
    CLUSTER_NAME,
    CONTROL_PLANE,
    FINALIZERS,
    PAUSED,
    PRE_DRAIN,
    PRE_TERMINATE,
    annotations_of,
    labels_of,
)
from replank.testbed.simulation.worlds import SimulatedWorld

_HOOKS = (f"{PRE_DRAIN}replank", f"{PRE_TERMINATE}replank")
_AUTHORITIES = ("-ca", "-etcd", "-sa", "-proxy")
_COUNTED = ("server", "port", "floating-ip")


@cache
def _any_of(secrets: tuple[str, ...]) -> re.Pattern[str]:
    return re.compile("|".join(re.escape(secret) for secret in secrets))


@dataclass(slots=True)
class Invariants:
    """`broken`: what was seen, in words. `near`: harm that only CAPO's credential kept away."""

    world: SimulatedWorld
    plan: TakeoverPlan
    tell: Callable[[str], None]
    broken: list[str] = field(default_factory=list)
    near: list[str] = field(default_factory=list)
    _handed_over: bool = False
    _may_write: bool = False
    _kinds: dict[str, str] = field(default_factory=dict)
    _planted: re.Pattern[str] = field(default_factory=lambda: re.compile("(?!)"))
    _made: set[str] = field(default_factory=set)

    def watch(self) -> None:
        """From now on."""
        self._kinds = {step.id: step.kind for stage in self.plan.stages for step in stage.steps}
        self._planted = _any_of(self.world.planted)
        self.world.cloud.observers.append(self._cloud)
        self.world.etcd.observers.append(lambda verb, name: self._break(f"etcd member {name} {verb}"))
        self.world.management.observers.append(self._management)

    def take(self, event: Event) -> None:
        """An event of the journal: phases of the run, and no secret in any of it."""
        kind = self._kinds.get(event.step, "")
        if event.kind == "step-started" and event.direction == "apply":
            self._handed_over |= kind == "cluster-api.remove-guards"
            self._may_write |= self._swaps(event.step)
        if event.kind == "step-done" and event.direction == "undo":
            self._handed_over &= kind != "cluster-api.remove-guards"
            self._may_write &= not self._swaps(event.step)
        self.no_secret(json.dumps(event.data, default=str), f"event {event.kind} of {event.step}")

    def no_secret(self, text: str, where: str) -> None:
        """No planted or made secret in a text."""
        if self._planted.search(text) or any(secret in text for secret in self._made):
            self._break(f"a secret in {where}")

    def at_end(self) -> None:
        """After the run: no secret in any object but Secrets, nor beside the data of a Secret."""
        for document in self.world.management.documents.values():
            shown = {k: v for k, v in document.items() if document["kind"] != "Secret" or k == "metadata"}
            name = f"{document['kind']} {document['metadata']['name']}"
            self.no_secret(json.dumps(shown), name)

    def _swaps(self, step_id: str) -> bool:
        return step_id.partition("/")[2].endswith("swap-credential")

    def _break(self, what: str) -> None:
        if what not in self.broken:
            self.tell(f"BROKEN: {what}")
            self.broken.append(what)

    def _cloud(self, verb: str, kind: str, thing_id: str) -> None:
        if kind in _COUNTED and verb in ("created", "deleted"):
            self._break(f"{kind} {thing_id} {verb}")
        if kind == "credential" and verb == "created":
            self._made.add(self.world.cloud.credentials[thing_id]["secret"])

    def _management(self, old: Document | None, new: Document | None) -> None:
        document = new or old or {}
        kind, name = document["kind"], document["metadata"]["name"]
        if new is not None and new["metadata"].get("deletionTimestamp"):
            held = FINALIZERS.get(kind) in (new["metadata"].get("finalizers") or [])
            if held:
                self._held(kind, f"{kind} {name} has a deletionTimestamp and its provider's finalizer")
        if kind == "Machine":
            self._machine(old, new)
        elif kind == "Secret":
            self._secret(old, new)
        elif kind == "MachineSet" and old is None and f"MachineSet/{name}" not in self.plan.manifests:
            self._break(f"MachineSet {name} was made")
        if kind in ("Cluster", "KubeadmControlPlane", "Machine"):
            self._control_plane()

    def _held(self, kind: str, what: str) -> None:
        """CAPO tells nobody what it has seen. While a watch of it is behind it may make an OpenStackServer
        anew whose OpenStackMachine goes next: then only the credential that cannot write is in the way.
        """
        if kind.startswith("OpenStack") and self.world.cache.was_behind and not self._capo_writes():
            self.tell(f"NEAR: {what}")
            self.near.append(what)
        else:
            self._break(what)

    def _capo_writes(self) -> bool:
        name = f"{self.plan.cluster}-cloud-config"
        secret = self.world.management.get("", "Secret", self.plan.namespace, name)
        return secret is None or bool(self._writers(secret))

    def _machine(self, old: Document | None, new: Document | None) -> None:
        document = new or old or {}
        name = document["metadata"]["name"]
        if f"Machine/{name}" not in self.plan.manifests:
            if old is None:
                self._break(f"Machine {name} was made")
            return
        if new is not None and not self._handed_over:
            for hook in _HOOKS:
                if hook not in annotations_of(new):
                    self._break(f"Machine {name} is without {hook}")

    def _secret(self, old: Document | None, new: Document | None) -> None:
        if new is None:
            return
        name = new["metadata"]["name"]
        if old is None and name.endswith(_AUTHORITIES) and new.get("type") == "cluster.x-k8s.io/secret":
            self._break(f"Secret {name} was made by a controller")
        if name == f"{self.plan.cluster}-cloud-config" and not self._may_write:
            self._fenced(new)

    def _fenced(self, secret: Mapping[str, Any]) -> None:
        """Until the swap CAPO's credential is no other than one that can only read."""
        for name in self._writers(secret):
            self._break(f"CAPO has credential {name}, which can write")

    def _writers(self, secret: Mapping[str, Any]) -> list[str]:
        """Names of the credentials in the Secret that can write."""
        text = base64.b64decode(secret["data"].get("clouds.yaml", "")).decode()
        return [
            credential["name"]
            for credential in self.world.cloud.credentials.values()
            if credential["id"] in text and {role["name"] for role in credential["roles"]} != {"reader"}
        ]

    def _control_plane(self) -> None:
        """KCP never unpaused without every one of its Machines."""
        management = self.world.management
        for kcp in management.all("KubeadmControlPlane", self.plan.namespace):
            cluster = next(
                (
                    c
                    for c in management.all("Cluster", self.plan.namespace)
                    if c["metadata"]["name"] == labels_of(kcp).get(CLUSTER_NAME)
                ),
                None,
            )
            if cluster is None or cluster["spec"].get("paused") or PAUSED in annotations_of(kcp):
                continue
            there = {
                m["metadata"]["name"]
                for m in management.all("Machine", self.plan.namespace)
                if CONTROL_PLANE in labels_of(m)
            }
            missing = {m.machine for m in self.plan.machines if m.role == "control-plane"} - there
            if missing:
                self._break(f"KubeadmControlPlane unpaused without Machines {sorted(missing)}")
