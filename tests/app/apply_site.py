"""The operator's desk for tests of commands that carry plans out, with a scripted engine behind them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

from bad_input_site import Done, Site
from fake_engine import Answers, FakeEngine, FakeWorld

from replank.app.approvals import Approver, write_approval
from replank.app.plan_files import PlanFile
from replank.plan import codec
from replank.plan.takeover import TakeoverPlan


@cache
def _loaded(data: bytes) -> TakeoverPlan:
    return codec.load(data, where="a plan")


@dataclass(frozen=True)
class ApplySite:
    site: Site
    world: FakeWorld

    @property
    def engine(self) -> FakeEngine:
        return self.world.engine

    @property
    def reports(self) -> Path:
        return self.site.folder / "reports"

    def plan(self, cluster: str) -> Path:
        return self.site.folder / "plans" / f"{cluster}.takeover.yaml"

    def loaded(self, cluster: str) -> TakeoverPlan:
        return _loaded(self.plan(cluster).read_bytes())

    def rewrite(self, cluster: str, **changes: object) -> None:
        """Another plan in the plan's file, with the right hash."""
        plan = replace(self.loaded(cluster), **changes)  # type: ignore[arg-type]
        self.plan(cluster).write_text(codec.dump(plan))

    def answer(self, *lines: str) -> Answers:
        """Somebody sits at the terminal and types these lines."""
        self.world.answers = Answers(list(lines))
        return self.world.answers

    def run(self, command: str, *arguments: object) -> Done:
        return self.site.run(
            *command.split(), *arguments, "--fleet", self.site.fleet, wiring=self.world.wiring
        )

    def apply(self, *arguments: object) -> Done:
        return self.run("apply", *arguments, "--reports", self.reports)

    def approve_all(self, cluster: str) -> None:
        """As `replank approve` would."""
        plan, path = self.loaded(cluster), self.plan(cluster)
        file = PlanFile(path=path, text=path.read_text(), plan=plan, sha256=codec.sha256(plan))
        write_approval(file, Approver(kubernetes="jane@mgmt", openstack="jane@legacy"), datetime.now(UTC))

    def done_steps(self, run_id: str) -> set[str]:
        """Those that were done, by the journal."""
        events = self.engine.journal.kept[run_id][1]
        return {event.step for event in events if event.kind == "step-done"}
