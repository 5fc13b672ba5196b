"""Approvals given beforehand: `<plan>.approval.json` beside the plan, good for exactly one plan's content.

Who approved is what the management cluster and Keystone say of the credentials in use, never free text.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from replank.app.holder import holder
from replank.app.plan_files import PlanFile
from replank.app.store import read_file, write_private
from replank.domain.errors import Refused
from replank.plan.codec import AnyPlan
from replank.plan.runtime_swap import RuntimeSwapPlan
from replank.ports.access import Access

SCHEMA: Final = "replank.approval/v1"


class Approver(BaseModel):
    """`kubernetes`: as SelfSubjectReview says, of the management cluster or, for a runtime swap, of the
    cluster itself. `openstack`: as Keystone says, "" where no cloud is touched."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    kubernetes: str
    openstack: str

    def __str__(self) -> str:
        keystone = f", {self.openstack} (Keystone)" if self.openstack else ""
        return f"{self.kubernetes} (Kubernetes){keystone}"


class Approval(BaseModel):
    """What the file holds. `words`: the approvals that the plan's steps ask for. `at`: ISO 8601, UTC."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    schema_: Literal["replank.approval/v1"] = SCHEMA
    cluster: str
    plan_sha256: str
    words: tuple[str, ...]
    at: str
    who: Approver


def approval_path(plan: Path) -> Path:
    """`prod.takeover.yaml` -> `prod.takeover.yaml.approval.json`."""
    return plan.with_name(f"{plan.name}.approval.json")


def words_of(plan: AnyPlan) -> tuple[str, ...]:
    """The approvals that the engine will ask for, in the order of the steps.

    That is a step's own word, or the ID of a point of no return that has none.
    """
    no_return = {point.step for point in plan.points_of_no_return}
    steps = [step for stage in plan.stages for step in stage.steps]
    return tuple(dict.fromkeys(s.approval or s.id for s in steps if s.approval or s.id in no_return))


async def whoever(access: Access, plan: AnyPlan) -> Approver:
    """Who we are, by the systems themselves."""
    if isinstance(plan, RuntimeSwapPlan):
        return Approver(kubernetes=await _of_cluster(access), openstack="")
    return Approver(kubernetes=await access.management.whoami(), openstack=await access.cloud.whoami())


async def _of_cluster(access: Access) -> str:
    """API servers before 1.27 do not say who asks: then this machine's user."""
    try:
        return await access.workload.whoami()
    except Refused:
        return f"{holder()}, whom the API server does not name"


def write_approval(file: PlanFile, who: Approver, now: datetime) -> tuple[Path, Approval]:
    """Approves every word of the plan. Raises `Refused` RP001."""
    approval = Approval(
        cluster=file.cluster,
        plan_sha256=file.sha256,
        words=words_of(file.plan),
        at=now.astimezone(UTC).isoformat(timespec="seconds"),
        who=who,
    )
    path = approval_path(file.path)
    write_private(path, (json.dumps(as_dict(approval), indent=2, ensure_ascii=False) + "\n").encode())
    return path, approval


def as_dict(approval: Approval) -> dict[str, object]:
    """As it stands in the file."""
    data = approval.model_dump(mode="json")
    return {"schema": data.pop("schema_"), **data}


def read_approval(file: PlanFile) -> Approval | None:
    """The approval beside the plan, None where there is none.

    Raises `Refused` RP843 (not an approval), RP844 (of another plan: somebody believes this one approved).
    """
    path = approval_path(file.path)
    if not path.exists():
        return None
    approval = _parsed(read_file(path, what="The approval"), path)
    if approval.plan_sha256 == file.sha256 and approval.cluster == file.cluster:
        return approval
    raise Refused(
        "RP844",
        "The approval is for another plan",
        f"it was given at {approval.at} to a plan of cluster {approval.cluster} with SHA-256 "
        f"{approval.plan_sha256[:12]}, this plan has {file.sha256[:12]}",
        f"Read this plan and run `replank approve {file.path}`, or remove the file to be asked instead.",
        where=str(path),
    )


def _parsed(data: bytes, path: Path) -> Approval:
    try:
        document = json.loads(data)
        if isinstance(document, dict):
            document["schema_"] = document.pop("schema", "")
        return Approval.model_validate(document)
    except (ValueError, ValidationError) as error:
        raise Refused(
            "RP843",
            "The approval cannot be read",
            f"it is no document of the form {SCHEMA}",
            "Run `replank approve PLAN` again, or remove the file to be asked instead.",
            where=str(path),
        ) from error
