"""Findings that the planner makes on its way: what it could not see, and what cannot be carried over."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeVar

from replank.audit.finding import Finding
from replank.domain.severity import Severity
from replank.domain.unknown import Fact, Unknown
from replank.inventory.fleet.model import CapoCredentials
from replank.plan.model import PlanFinding
from replank.plan.takeover import StateLetGo

T = TypeVar("T")

INCOMPLETE = "RP075"
BAD_NAME = "RP076"
NOT_CARRIED_OVER = "RP077"
SETTING_IMPOSSIBLE = "RP078"
PARTLY_SEEN = "RP079"
NO_TERRAFORM_PLAN = "RP870"
PARTLY_READ = "RP884"
CAN_WRITE = "RP885"


def plan_finding(finding: Finding) -> PlanFinding:
    """A finding of the audit as a plan keeps it."""
    return PlanFinding(
        code=finding.code,
        severity=finding.severity.value,
        subject=finding.subject,
        evidence=finding.evidence,
        consequence=finding.consequence,
        remedy=finding.remedy,
        unknown=finding.unknown,
    )


@dataclass(slots=True)
class Notes:
    """Collects the planner's own findings; each is kept once."""

    found: set[PlanFinding] = field(default_factory=set)

    def gap(self, subject: str, why: str, *, unknown: bool = True) -> None:
        """RP075: a fact is missing that the manifests need. The plan cannot be ready."""
        self.found.add(
            PlanFinding(
                code=INCOMPLETE,
                severity=Severity.BLOCKER.value,
                subject=subject,
                evidence=(why,),
                consequence="The plan is incomplete: objects or steps that need this fact are missing from "
                "it.",
                remedy="Make the fact visible and run `replank survey` and `replank plan takeover` again.",
                unknown=unknown,
            )
        )

    def partly(self, subject: str, why: str) -> None:
        """RP079: a fact is missing that no manifest needs; the review sees less than there is."""
        self.found.add(
            PlanFinding(
                code=PARTLY_SEEN,
                severity=Severity.RISK.value,
                subject=subject,
                evidence=(why,),
                consequence="Ownership and differences are listed without it.",
                remedy="Give replank the right to see it and survey again, or settle it by hand in the "
                "review.",
                unknown=True,
            )
        )

    def bad_name(self, subject: str, why: str, remedy: str) -> None:
        """RP076: an object of Cluster API could not carry the name that it needs."""
        self.found.add(
            PlanFinding(
                code=BAD_NAME,
                severity=Severity.BLOCKER.value,
                subject=subject,
                evidence=(why,),
                consequence="The management cluster would refuse the object, or CAPO would not find the "
                "server by its name and try to create another one.",
                remedy=remedy,
            )
        )

    def lost(self, subject: str, *evidence: str) -> None:
        """RP077: something live has no place in the manifests; new machines will come without it."""
        self.found.add(
            PlanFinding(
                code=NOT_CARRIED_OVER,
                severity=Severity.RISK.value,
                subject=subject,
                evidence=evidence,
                consequence="Machines that are running keep it; machines made after the takeover come "
                "without.",
                remedy="Bring it into the image or another mechanism before the first rollout, or accept it.",
            )
        )

    def impossible(self, subject: str, why: tuple[str, ...], remedy: str) -> None:
        """RP078: a setting asks for something that this cluster does not allow."""
        self.found.add(
            PlanFinding(
                code=SETTING_IMPOSSIBLE,
                severity=Severity.BLOCKER.value,
                subject=subject,
                evidence=why,
                consequence="The plan was made without it and is not ready.",
                remedy=remedy,
            )
        )

    def no_terraform_plan(self, state: str, folder: str) -> None:
        """RP870: nothing beside the state says what Terraform would do with it. `folder`: of a configuration
        that was read, though the state was named as a file."""
        self.found.add(
            PlanFinding(
                code=NO_TERRAFORM_PLAN,
                severity=Severity.NOTE.value,
                subject=f"state {state}",
                evidence=(
                    f"fleet.yaml names a file, not the working folder ({folder})"
                    if folder
                    else "the configuration that belongs to it was not seen",
                ),
                consequence="The plan has no check that `terraform plan` has nothing to do: replank sees "
                "only that the state has let go.",
                remedy="Run `terraform plan` yourself before and after; or name the working folder in "
                "fleet.yaml (`pull` or `folder`) and survey again.",
            )
        )

    def can_write(self, credentials: CapoCredentials) -> None:
        """RP885: CAPO's credential is not the takeover's, so it is no fence."""
        kind = "Secret" if credentials.kind == "secret" else "OpenStackClusterIdentity"
        self.found.add(
            PlanFinding(
                code=CAN_WRITE,
                severity=Severity.RISK.value,
                subject=f"{kind} {credentials.name}",
                evidence=(f"fleet.yaml names it for CAPO (credentials.{credentials.kind})",),
                consequence="CAPO can write in OpenStack from the moment the Cluster is unpaused, not only "
                "once the takeover is settled. Nova's locks keep it from deleting or changing an adopted "
                "server; nothing keeps it from making servers, or from changing or deleting ports and load "
                "balancers.",
                remedy="Leave `credentials` out of fleet.yaml, and the takeover makes an application "
                "credential that cannot write until it is settled; or accept it: unpausing the Cluster asks "
                "for an approval.",
            )
        )

    def partly_read(self, let_go: StateLetGo) -> None:
        """RP884: a part of the configuration was not read."""
        self.found.add(
            PlanFinding(
                code=PARTLY_READ,
                severity=Severity.NOTE.value,
                subject=f"configuration of state {let_go.state}",
                evidence=let_go.unread,
                consequence="Blocks of what is forgotten, and references to it, may stand there too and are "
                "not listed by file and line.",
                remedy="Look there by hand before Terraform lets go; `terraform plan` afterwards must have "
                "nothing to do.",
            )
        )

    def needed(self, fact: Fact[T], subject: str, default: T) -> T:
        """The fact, or `default` with an RP075 where it is unknown."""
        if isinstance(fact, Unknown):
            self.gap(subject, fact.unknown)
            return default
        return fact

    def wanted(self, fact: Fact[T], subject: str, default: T) -> T:
        """The fact, or `default` with an RP079 where it is unknown."""
        if isinstance(fact, Unknown):
            self.partly(subject, fact.unknown)
            return default
        return fact
