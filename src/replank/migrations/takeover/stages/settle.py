"""Stage 7: the fences come down. From here Cluster API can replace machines, and will when it is asked to."""

from __future__ import annotations

from collections.abc import Iterator

from replank.migrations.takeover.manifest import key
from replank.migrations.takeover.openstack.credentials import (
    CLOUD_CONFIG,
    reader_name,
    writer_name,
    writer_roles,
)
from replank.migrations.takeover.stages.draft import Draft, Takeover, check, cloud_unchanged, stage
from replank.plan.model import Irreversible, PlanCheck, Stage, Undo


def settle(given: Takeover) -> Stage:
    """Writing credential, unlocking, field ownership, guards, and the end of the reading credential."""
    drafts = [_writer(given), _swap(given), *_unlock(given), _fields(given), *_guards(given), _revoke(given)]
    return stage(
        "settle",
        "Settle",
        "Give CAPO the credential that can write, unlock the servers, hand the objects over to whoever "
        "keeps them from now on, and take the guards off the Machines.",
        "Cluster API owns the cluster. The skip annotations on the control plane stay: they keep KCP from "
        "changing kube-proxy and CoreDNS until somebody decides that it should.",
        drafts,
    )


def _writer(given: Takeover) -> Draft:
    name = writer_name(given.names)
    roles = writer_roles(given.load_balancer.managed)
    return Draft(
        slug="writer-credential",
        kind="openstack.application-credential.create",
        says=f"Make application credential {name} with {' and '.join(roles)}.",
        params={"name": name, "roles": list(roles), "project": given.seen.cloud.project_id},
        after=(check("openstack.credential.reads", "It can list servers, ports and networks", name=name),),
        undo=Undo(kind="openstack.application-credential.delete", says="Revoke it."),
    )


def _swap(given: Takeover) -> Draft:
    secret = given.names.secret(CLOUD_CONFIG)
    return Draft(
        slug="swap-credential",
        kind="kubernetes.secret.write",
        says=f"Put credential {writer_name(given.names)} into Secret {secret}: CAPO can write from now on.",
        params={"secret": secret, "namespace": given.names.namespace, "credential": writer_name(given.names)},
        before=(
            _nothing_deleting(given),
            check("cluster-api.keep", "Nothing is marked for replacement"),
            cloud_unchanged(given),
        ),
        after=(
            check("cluster-api.infrastructure-ready", "CAPO reconciles with it and reports no error"),
            cloud_unchanged(given),
        ),
        undo=Undo(
            kind="kubernetes.secret.write",
            says="Put the reading credential back. What CAPO wrote in between stays written.",
        ),
        approval="credential-that-can-write",
    )


def _nothing_deleting(given: Takeover) -> PlanCheck:
    # A pending deletion fires within a second of the swap (seen on CAPO v0.14.7).
    return check(
        "cluster-api.nothing-deleting",
        "No object carries a deletionTimestamp: a pending deletion would fire at once",
        namespace=given.names.namespace,
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
            params={"server": machine.server_id},
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


def _guards(given: Takeover) -> Iterator[Draft]:
    if not given.machines:
        return
    yield Draft(
        slug="guards",
        kind="cluster-api.remove-guards",
        says="Take the guard hooks off every Machine: from now on Cluster API may drain and delete one when "
        "asked to.",
        params={"objects": [key("Machine", m.machine) for m in given.machines]},
        before=(_nothing_deleting(given), check("cluster-api.keep", "Nothing is marked for replacement")),
        after=(
            check(
                "cluster-api.unguarded",
                "No Machine carries a guard, and none is being deleted",
                machines=[m.machine for m in given.machines],
            ),
            cloud_unchanged(given),
        ),
        undo=Undo(
            kind="cluster-api.add-guards",
            says="Put the guards on again. A machine that was replaced in between does not come back.",
        ),
        approval="hand-over",
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
            ),
        ),
        after=(check("openstack.credential.gone", "It is not accepted any more", name=name),),
        undo=Irreversible(
            irreversible="a revoked credential cannot be had back; an undo of the takeover makes a new one"
        ),
    )
