"""How fast a runtime takes log lines is told by its own times; what hinders is told, and stops nothing."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest
from measure_site import MEASURING, MeasuredApi, MeasureSite
from test_swap_plan import on_containerd, planned

from replank.app.planning import settings_of
from replank.domain.errors import Refused, ReplankError
from replank.migrations.runtime_swap.settings import RuntimeSwapSettings
from replank.migrations.runtime_swap.steps.log_speed import BLOCK, BLOCKS
from replank.migrations.runtime_swap.steps.measuring import MeasureNode
from replank.ports.access import Document, ObjectRef

IMAGE = "registry.example/tools:1"
LOGS = RuntimeSwapSettings(to=MEASURING.to, bundle=MEASURING.bundle, measure=True, log_image=IMAGE)
LINES = BLOCKS * BLOCK + 1


@dataclass
class LoggingApi(MeasuredApi):
    """A runtime that takes `speed` lines a second. `kept`: the first line that the node's file still has.
    `stops`: the writer ends after so many lines. `zone`: how times are written. `log_refused`: raised."""

    speed: float = 100_000.0
    kept: int = 0
    stops: int = LINES
    zone: str = "Z"
    log_refused: ReplankError | None = None

    async def log(self, pod: ObjectRef, *, last_lines: int = 0, most_bytes: int = 0) -> str:
        if self.log_refused is not None:
            raise self.log_refused
        (made,) = [each for each in self.made if each["metadata"]["name"] == pod.name]
        if not self._told(made):
            raise Refused("RP903", "The log", "container is waiting to start: ContainerCreating", "Wait.")
        began = self._times[made["metadata"]["uid"]] + 0.8
        there = min(self.stops, int((self.clock.now() - began) * self.speed))
        if last_lines:
            return self._line(began, there - 1) if there > self.kept else ""
        lines = "".join(self._line(began, n) for n in range(self.kept, min(there, self.kept + 3 * BLOCK)))
        return lines.encode()[:most_bytes].decode()

    async def list(self, api_version: str, kind: str, *given: Any, **named: Any) -> tuple[Document, ...]:
        found = await super().list(api_version, kind, *given, **named)
        return tuple(
            {**each, "status": {"containerStatuses": [{"state": {"running": {}}}]}}
            if kind == "Pod" and self._told(each)
            else each
            for each in found
        )

    def _told(self, pod: Document) -> bool:
        """Whether its status tells that it runs: a kubelet looks once a second, and tells then."""
        made = self._times.get(pod["metadata"]["uid"])
        return made is not None and self.clock.now() >= made + 2.0

    def _line(self, began: float, number: int) -> str:
        block, place = divmod(number, BLOCK)
        at = datetime.fromtimestamp(began + number / self.speed, UTC).isoformat()
        return f"{at.replace('+00:00', self.zone)} {'-' * 99 if place else f'block {block}'}\n"


def measured(**api: Any) -> tuple[dict[str, Any], MeasureSite]:
    site = MeasureSite(plan=planned(on_containerd(), LOGS))
    site.api = LoggingApi(clock=site.clock, nodes=site.api.nodes, **api)
    answer = site.run(lambda: MeasureNode().apply(site.measuring()))
    assert isinstance(answer, dict)
    return answer, site


@pytest.mark.parametrize("speed", [25_000.0, 400_000.0])
@pytest.mark.parametrize("zone", ["Z", "+00:00"])
def test_the_speed_is_that_of_the_runtimes_own_times(speed: float, zone: str) -> None:
    log = measured(speed=speed, zone=zone)[0]["log"]
    assert log["lines_per_second"] == pytest.approx(speed, rel=0.01)
    assert (log["lines"], log["image"]) == (LINES - 1, IMAGE)


def test_a_log_whose_first_file_is_gone_tells_it_as_well() -> None:
    answer, _ = measured(kept=123_456)
    assert answer["log"]["lines_per_second"] == pytest.approx(100_000, rel=0.01)


def test_the_writer_is_one_pod_with_no_rights_and_is_taken_away_again() -> None:
    _, site = measured()
    (pod,) = [pod for pod in site.api.made if pod["metadata"]["name"] == "log"]
    (container,) = pod["spec"]["containers"]
    assert (container["image"], container["imagePullPolicy"]) == (IMAGE, "IfNotPresent")
    assert pod["spec"]["nodeName"] == site.name
    assert pod["spec"]["securityContext"]["runAsNonRoot"] is True
    assert pod["spec"]["automountServiceAccountToken"] is False
    assert site.api.measured_pods == []


def test_a_shell_alone_writes_every_line() -> None:
    _, site = measured()
    (pod,) = [pod for pod in site.api.made if pod["metadata"]["name"] == "log"]
    command = pod["spec"]["containers"][0]["command"]
    done = subprocess.run(command, env={"PATH": "/nowhere"}, executable="/bin/sh", capture_output=True)
    assert (done.returncode, done.stderr) == (0, b"")
    lines = done.stdout.decode().splitlines()
    assert len(lines) == LINES
    marks = [line for line in lines if line.startswith("block ")]
    assert marks == [f"block {number}" for number in range(BLOCKS + 1)]
    assert {len(line) for line in lines} - {len(mark) for mark in marks} == {99}


@pytest.mark.parametrize(
    ("api", "why"),
    [
        ({"stops": 1000}, "had not ended after 60 s"),
        ({"kept": LINES - 1}, "not two lines whose times tell anything"),
        ({"log_refused": Refused("RP053", "Not read", "the user may not", "Grant it.")}, "RP053"),
    ],
)
def test_what_cannot_be_measured_is_told_and_the_rest_is_there(api: dict[str, Any], why: str) -> None:
    answer, site = measured(**api)
    assert why in answer["log"]["not_measured"]
    assert "median_ms" in answer["pod_start"]
    assert answer["use"]["memory_mib"] == 60.0
    assert site.api.measured_pods == []


def test_without_an_image_for_it_no_lines_are_asked_for_and_the_plan_says_which_image() -> None:
    plan = planned(on_containerd(), MEASURING)
    assert all("log_image" not in step.params for stage in plan.stages for step in stage.steps)
    logs = planned(on_containerd(), LOGS)
    assert settings_of(logs) == LOGS
    says = [step.says for stage in logs.stages for step in stage.steps if step.kind == "runtime.measure"]
    assert says
    assert all(IMAGE in words for words in says)
