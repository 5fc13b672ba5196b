"""The crash runner: which points there are, and that a process dies at each of them once."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

from replank.journal.event import Event
from replank.testbed.crash.points import after, before, is_write_of_a_step, planned_points, write_word
from tests.engine.toy import irreversible, plan, step

LIFE = """
import sys
from pathlib import Path
from replank.journal.event import Event
from replank.testbed.crash.death import Death

death = Death(only=sys.argv[2], died=Path(sys.argv[1]) if sys.argv[1] else None)
for kind in ("step-started", "found", "applied", "step-done"):
    event = Event(at=1.0, kind=kind, step="align/1-a")
    death.before(event)
    death.after(event)
    if kind == "found":
        for request in ("req-1", "req-1", "req-2"):
            death.write(f"PUT /ports/7 200 {request}")
        death.write("PATCH apis/coordination.k8s.io/v1/namespaces/kube-system/leases/replank 7")
"""

HOOKED = """
import sys
from replank.testbed.crash import hooks
from replank.testbed.crash.death import Death

if "late" in sys.argv:
    import replank.transports.kubernetes.line
hooks.install(Death())
from replank.ports import receipts
from replank.transports.kubernetes import line
from replank.transports.openstack import application_credentials, calls, project_calls
assert line.receipt is project_calls.receipt is receipts.receipt
assert application_credentials.receipt_of is calls.receipt_of
assert "hooks" in receipts.receipt.__module__
"""


def python(program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", program, *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)


def test_every_step_of_a_plan_has_its_points_both_ways():
    toy = plan((step("align", "a"), irreversible(step("align", "b"))), (step("build", "c"),))
    first, second, third = (step.id for stage in toy.stages for step in stage.steps)
    words = ("begin", "found", "applied", "step-done")
    assert planned_points(toy, "apply") == tuple(
        f"apply {step_id} {word}" for step_id in (first, second, third) for word in words
    )
    assert planned_points(toy, "undo") == (
        *(f"undo {third} {word}" for word in ("begin", "applied", "step-done")),
        f"undo {second} not-undone",
        *(f"undo {first} {word}" for word in ("begin", "applied", "step-done")),
    )


def test_every_planned_point_is_one_that_events_bring_about():
    toy = plan((step("align", "a"), irreversible(step("align", "b"))))
    started = Event(at=1.0, kind="step-started", step="align/1-a")
    kinds = ("found", "applied", "step-done", "not-undone")
    words = {
        before(started).split()[-1],
        *(after(Event(at=1.0, kind=k, step="x")).split()[-1] for k in kinds),
    }
    planned = {point.split()[-1] for way in ("apply", "undo") for point in planned_points(toy, way)}  # type: ignore[arg-type]
    assert planned == words


def test_writes_are_told_apart_without_their_ids():
    assert write_word("PUT /ports/7 200 req-1", 1) == write_word("PUT /ports/7 200 req-2 (lock)", 1)
    assert write_word("PUT /ports/7 200 req-1", 2) == "write PUT /ports/7 #2"
    assert is_write_of_a_step("POST api/v1/namespaces/a/secrets 1")
    assert not is_write_of_a_step("DELETE apis/coordination.k8s.io/v1/namespaces/a/leases/replank 1")


def test_a_run_dies_once_at_every_point_and_then_lives(tmp_path: Path):
    died = tmp_path / "died.txt"
    for number in range(1, 7):
        assert python(LIFE, str(died), "").returncode == -signal.SIGKILL
        assert len(died.read_text().splitlines()) == number
    assert python(LIFE, str(died), "").returncode == 0
    assert [line.removeprefix("apply align/1-a ") for line in died.read_text().splitlines()] == [
        "begin",
        "found",
        "write PUT /ports/7",
        "write PUT /ports/7 #2",
        "applied",
        "step-done",
    ]


def test_a_run_dies_at_the_one_point_that_is_named():
    assert python(LIFE, "", "apply align/1-a applied").returncode == -signal.SIGKILL
    assert python(LIFE, "", "apply align/1-b applied").returncode == 0


def test_hooks_are_where_transports_write_and_refuse_to_come_too_late():
    assert python(HOOKED).stderr == ""
    late = python(HOOKED, "late")
    assert late.returncode == 1
    assert "imported before the hooks" in late.stderr
