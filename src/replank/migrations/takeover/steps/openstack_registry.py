"""The kinds that touch OpenStack, Secrets, etcd and Terraform, bound to their code."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from replank.migrations.takeover.steps import (
    cloud_checks,
    credential_checks,
    etcd,
    given_credential,
    locks,
    name_checks,
    secret_checks,
    terraform_checks,
)
from replank.migrations.takeover.steps.application_credential import CredentialCreate, CredentialDelete
from replank.migrations.takeover.steps.at import CheckCode, StepCode
from replank.migrations.takeover.steps.locks import ServerLock, ServerUnlock
from replank.migrations.takeover.steps.name_checks import BalancingIs
from replank.migrations.takeover.steps.names import BalancingRename, PortRename, ServerRename
from replank.migrations.takeover.steps.secret import SecretWrite
from replank.migrations.takeover.steps.terraform import TerraformForget, TerraformLock, TerraformUnlock

BALANCING: Final = ("load-balancer", "listener", "pool", "monitor", "member")


def step_codes() -> Mapping[str, StepCode]:
    """Step kind -> its code."""
    return {
        "etcd.snapshot": etcd.EtcdSnapshotStep(),
        "kubernetes.secret.write": SecretWrite(),
        "openstack.application-credential.create": CredentialCreate(),
        "openstack.application-credential.delete": CredentialDelete(),
        "openstack.port.rename": PortRename(),
        "openstack.server.lock": ServerLock(),
        "openstack.server.rename": ServerRename(),
        "openstack.server.unlock": ServerUnlock(),
        "terraform.forget": TerraformForget(),
        "terraform.lock": TerraformLock(),
        "terraform.unlock": TerraformUnlock(),
        **{f"openstack.{kind}.rename": BalancingRename(kind) for kind in BALANCING},
    }


def check_codes() -> Mapping[str, CheckCode]:
    """Check kind -> its code."""
    return {
        "cluster-api.certificates": secret_checks.certificates,
        "etcd.members-are-nodes": etcd.members_are_nodes,
        "etcd.snapshot-fresh": etcd.snapshot_fresh,
        "host.files-readable": secret_checks.files_readable,
        "kubernetes.kubeconfig.works": secret_checks.kubeconfig_works,
        "kubernetes.secret.absent-or-same": secret_checks.absent_or_same,
        "kubernetes.secret.complete": secret_checks.complete,
        "kubernetes.secret.pair": secret_checks.pair,
        "openstack.credential.cannot-write": credential_checks.credential_cannot_write,
        "openstack.credential.given": given_credential.credential_given,
        "openstack.credential.gone": credential_checks.credential_gone,
        "openstack.credential.reads": credential_checks.credential_reads,
        "openstack.credential.unused": credential_checks.credential_unused,
        "openstack.found-by-name": name_checks.found_by_name,
        "openstack.load-balancer.active": name_checks.load_balancer_active,
        "openstack.port.is": name_checks.port_is,
        "openstack.port.name-free": name_checks.port_name_free,
        "openstack.server.is": name_checks.server_is,
        "openstack.server.locked": locks.server_locked,
        "openstack.server.name-free": name_checks.server_name_free,
        "openstack.server.unlocked": locks.server_unlocked,
        "openstack.servers-active": cloud_checks.servers_active,
        "openstack.unchanged": cloud_checks.unchanged,
        "terraform.forgotten": terraform_checks.forgotten,
        "terraform.locked": terraform_checks.locked,
        "terraform.no-changes": terraform_checks.no_changes,
        "terraform.state-is": terraform_checks.state_is,
        "terraform.unlocked": terraform_checks.unlocked,
        **{f"openstack.{kind}.is": BalancingIs(kind) for kind in BALANCING},
    }
