"""Stage 7: the fences come down, but for the guards. CAPO can write from here on."""

from __future__ import annotations

from collections.abc import Iterator

from replank.inventory.facts.json_value import JSON
from replank.migrations.takeover.openstack.credentials import (
    CLOUD_CONFIG,
    READER_ROLES,
    reader_name,
    writer_name,
    writer_roles,
)
from replank.migrations.takeover.stages.credentials import LOCK_REASON
from replank.migrations.takeover.stages.draft import (
    Takeover,
    cloud_unchanged,
    lockable,
    nothing_deleting,
    state_locked,
)
from replank.migrations.takeover.terraform import StateRelease
from replank.plan.draft import NOTHING_TO_UNDO, Draft, check, stage
from replank.plan.model import Irreversible, Stage, Undo


def settle(given: Takeover) -> Stage:
    """Writing credential, unlocking, field ownership, the end of the reading credential and of the state's
    lock."""
    drafts = [
        *((_writer(given), _swap(given)) if given.credential_made else (_look(given),)),
        *_unlock(given),
        _fields(given),
        *((_revoke(given),) if given.credential_made else ()),
        *(_unlock_state(release) for release in given.releases if lockable(given, release)),
    ]
    return stage(
        "settle",
        "Settle",
        ("Give CAPO the credential that can write, unlock" if given.credential_made else "Unlock")
        + " the servers, and hand the objects over to whoever keeps them from now on.",
        "Cluster API owns the cluster and can add machines. The guards stay on the adopted Machines, so none "
        "of them can be drained or terminated yet. The skip annotations on the control plane stay too: they "
        "keep KCP from changing kube-proxy and CoreDNS until somebody decides that it should.",
        drafts,
    )


def _writer(given: Takeover) -> Draft:
    name = writer_name(given.names)
    roles = writer_roles(given.seen.cloud, given.load_balancer)
    return Draft(
        slug="writer-credential",
        kind="openstack.application-credential.create",
        says=f"Make application credential {name} with {' and '.join(roles)}.",
        params={"name": name, "roles": list(roles), "project": given.seen.cloud.project_id},
        after=(check("openstack.credential.reads", "It can list servers, ports and networks", name=name),),
        undo=Undo(kind="openstack.application-credential.delete", says="Revoke it."),
    )


def _look(given: Takeover) -> Draft:
    """Before the last fence falls. CAPO's own credential could write all the time."""
    return Draft(
        slug="look-before-unlocking",
        kind="verify.identity",
        says="Look at everything once more before the servers' locks are taken off.",
        after=(
            nothing_deleting(given),
            check("cluster-api.keep", "Nothing is marked for replacement"),
            *state_locked(given),
            cloud_unchanged(given),
        ),
        undo=NOTHING_TO_UNDO,
    )


def _swap(given: Takeover) -> Draft:
    secret = given.names.secret(CLOUD_CONFIG)
    return Draft(
        slug="swap-credential",
        kind="kubernetes.secret.write",
        says=f"Put credential {writer_name(given.names)} into Secret {secret}: CAPO can write from now on.",
        params={
            "secret": secret,
            "namespace": given.names.namespace,
            "credential": writer_name(given.names),
            "back": reader_name(given.names),
            "back_roles": list(READER_ROLES),
        },
        before=(
            nothing_deleting(given),
            check("cluster-api.keep", "Nothing is marked for replacement"),
            *state_locked(given),
            cloud_unchanged(given),
        ),
        after=(
            check(
                "kubernetes.secret.complete",
                "It holds the credential that can write",
                name=secret,
                namespace=given.names.namespace,
                keys=["clouds.yaml"],
                type="Opaque",
                credential=writer_name(given.names),
            ),
            check("cluster-api.infrastructure-ready", "CAPO reconciles with it and reports no error"),
            cloud_unchanged(given),
        ),
        undo=Undo(
            kind="kubernetes.secret.write",
            says="Put the reading credential back, made anew if it is revoked, and prove that it cannot "
            "write. What CAPO wrote in between stays written.",
        ),
        approval="credential-that-can-write",
    )


def _unlock(given: Takeover) -> Iterator[Draft]:
    for machine in given.machines:
        server = given.seen.cloud.server(machine.server_id)
        if server is not None and server.locked:
            continue
        yield Draft(
            slug=f"unlock-{machine.machine}",
            kind="openstack.server.unlock",
            says=f"Unlock server {machine.rename_server_to or machine.server_name}.",
            params={"server": machine.server_id, "reason": LOCK_REASON},
            before=(
                check(
                    "cluster-api.not-deleting",
                    "Its Machine carries no deletionTimestamp",
                    machine=machine.machine,
                ),
            ),
            after=(check("openstack.server.unlocked", "It is not locked", server=machine.server_id),),
            undo=Undo(kind="openstack.server.lock", says="Lock it again."),
        )


def _fields(given: Takeover) -> Draft:
    return Draft(
        slug="field-ownership",
        kind="kubernetes.drop-managed-fields",
        says="Take replank's entries out of managedFields, so that fields which others remove later really "
        "go.",
        params={"namespace": given.names.namespace, "manager": "replank"},
        after=(
            check(
                "kubernetes.no-managed-fields",
                "No object lists replank as a manager of fields",
                manager="replank",
            ),
            # An empty apply instead would delete the fields that replank alone owns, dataSecretName among
            # them.
            check("kubernetes.as-planned", "Every object still has every field of the plan"),
        ),
        undo=Irreversible(
            irreversible="who owned which field is not told again by any API; the fields themselves stay as "
            "they are, and the takeover can still be undone"
        ),
    )


def _revoke(given: Takeover) -> Draft:
    name = reader_name(given.names)
    return Draft(
        slug="revoke-reader",
        kind="openstack.application-credential.delete",
        says=f"Revoke the reading credential {name}.",
        params={"name": name},
        before=(
            check(
                "openstack.credential.unused",
                f"Secret {given.names.secret(CLOUD_CONFIG)} holds the other one",
                name=name,
                secret=given.names.secret(CLOUD_CONFIG),
            ),
        ),
        after=(check("openstack.credential.gone", "It is not accepted any more", name=name),),
        undo=Irreversible(
            irreversible="a revoked credential cannot be had back; an undo of the takeover makes a new one"
        ),
    )


def _unlock_state(release: StateRelease) -> Draft:
    state = release.state
    where: dict[str, JSON] = {"state": state.source, "workspace": state.workspace}
    return Draft(
        slug=f"terraform-unlock-{state.source}",
        kind="terraform.unlock",
        says=f"Give the lock of state {state.source} back.",
        params=where,
        after=(check("terraform.unlocked", "The lock is not ours any more", ours=False, **where),),
        undo=Undo(kind="terraform.lock", says="Take the lock again."),
    )
