"""Stage 2: namespace, Secrets and the two fences: a credential that cannot write, and Nova's locks."""

from __future__ import annotations

from collections.abc import Iterator

from replank.inventory.facts.json_value import JSON
from replank.migrations.takeover.manifest import key, texts
from replank.migrations.takeover.openstack.credentials import READER_ROLES, reader_name
from replank.migrations.takeover.stages.draft import Takeover, cannot_write
from replank.plan.draft import NOTHING_TO_UNDO, Draft, check, stage
from replank.plan.model import Stage, Undo
from replank.plan.takeover import SecretPlan

LOCK_REASON = "replank takeover"
REMOVE_IF_MADE = "Delete it again if this step made it; put back what was there if it changed it."


def credentials(given: Takeover) -> Stage:
    """Nothing of this is read by a controller yet: there is no Cluster object."""
    drafts = [
        _namespace(given),
        _reader(given) if given.credential_made else _given(given),
        *(_secret(given, secret) for secret in given.secrets),
        *_locks(given),
    ]
    return stage(
        "credentials",
        "Credentials and fences",
        "Write the Secrets that Cluster API expects, from the machines themselves. "
        + (
            "CAPO gets a credential that cannot write, and every server a lock, until the takeover is "
            "settled."
            if given.credential_made
            else "Every server gets a lock until the takeover is settled. The other fence is missing: CAPO's "
            "credential is one that is there already, and can write from the start."
        ),
        "The management cluster holds Secrets that no controller looks at. The cluster runs as before.",
        drafts,
    )


def _namespace(given: Takeover) -> Draft:
    name = given.names.namespace
    return Draft(
        slug=f"namespace-{name}",
        kind="kubernetes.apply",
        says=f"Make namespace {name} on the management cluster, unless it is there.",
        objects=(key("Namespace", name),),
        before=(
            check(
                "cluster-api.providers",
                "The management cluster serves every kind of this plan, and the providers have the plan's "
                "versions",
                kinds=list(given.kinds),
            ),
            check(
                "cluster-api.nothing-there",
                f"Nothing in namespace {name} carries the cluster's name yet",
                namespace=name,
                cluster=given.names.cluster,
            ),
        ),
        after=(check("kubernetes.exists", f"Namespace {name} is there", object=key("Namespace", name)),),
        undo=Undo(
            kind="kubernetes.delete-if-made",
            says="Delete the namespace if this step made it and it is empty.",
        ),
    )


def _reader(given: Takeover) -> Draft:
    name = reader_name(given.names)
    return Draft(
        slug="reader-credential",
        kind="openstack.application-credential.create",
        says=f"Make application credential {name}, which may only read.",
        params={"name": name, "roles": list(READER_ROLES), "project": given.seen.cloud.project_id},
        after=(
            check("openstack.credential.reads", "It can list servers, ports and networks", name=name),
            cannot_write(
                given,
                "A harmless write to a real server and a real port is refused (403; 401 with access rules)",
                name=name,
            ),
        ),
        undo=Undo(kind="openstack.application-credential.delete", says="Revoke it."),
    )


def _given(given: Takeover) -> Draft:
    credentials = given.settings.credentials
    kind = "Secret" if credentials.kind == "secret" else "OpenStackClusterIdentity"
    where: dict[str, JSON] = {
        "by": credentials.kind,
        "name": credentials.name,
        "cloud": credentials.cloud,
        "namespace": given.names.namespace,
    }
    return Draft(
        slug="given-credential",
        kind="verify.identity",
        says=f"Look at {kind} {credentials.name}, by which CAPO will log in. It can write from the start.",
        params=where,
        after=(
            check(
                "openstack.credential.given",
                f"It is there, with cloud {credentials.cloud} in its clouds.yaml"
                if credentials.kind == "secret"
                else f"It is there, and namespace {given.names.namespace} may use it",
                **where,
            ),
        ),
        undo=NOTHING_TO_UNDO,
    )


def _secret(given: Takeover, secret: SecretPlan) -> Draft:
    sources = sorted({source.source for source in secret.data.values()})
    hosts = sorted({source.machine for source in secret.data.values() if source.machine})
    before = [
        check(
            "kubernetes.secret.absent-or-same",
            f"Secret {secret.name} is not there, or holds the same",
            name=secret.name,
            namespace=secret.namespace,
        )
    ]
    if hosts:
        before.append(
            check(
                "host.files-readable",
                f"The files can be read on {', '.join(hosts)}",
                files={s.path: s.machine for s in secret.data.values() if s.path},
            )
        )
    after = [
        check(
            "kubernetes.secret.complete",
            "It has every key, type and label of the plan, and each value is what its source holds",
            name=secret.name,
            namespace=secret.namespace,
            keys=texts(sorted(secret.data)),
            type=secret.type,
        )
    ]
    if "made-kubeconfig" in sources:
        after.append(
            check(
                "kubernetes.kubeconfig.works",
                "The workload cluster answers `/readyz` to it at the endpoint of the plan",
                name=secret.name,
                namespace=secret.namespace,
                endpoint=given.load_balancer.choice.endpoint,
            )
        )
    if {"tls.crt", "tls.key"} <= set(secret.data):
        after.append(
            check(
                "kubernetes.secret.pair",
                "Key and certificate (or public key) belong together",
                name=secret.name,
                namespace=secret.namespace,
            )
        )
    return Draft(
        slug=f"secret-{secret.name}",
        kind="kubernetes.secret.write",
        says=f"Write Secret {secret.name}: {secret.says}.",
        params={"secret": secret.name, "namespace": secret.namespace},
        before=tuple(before),
        after=tuple(after),
        undo=Undo(kind="kubernetes.secret.restore", says=REMOVE_IF_MADE),
    )


def _locks(given: Takeover) -> Iterator[Draft]:
    for machine in given.machines:
        server = given.seen.cloud.server(machine.server_id)
        if server is not None and server.locked:
            # Somebody else's lock: it is neither ours to take nor ours to open.
            continue
        yield Draft(
            slug=f"lock-{machine.machine}",
            kind="openstack.server.lock",
            says=f"Lock server {machine.server_name} in Nova, with the reason '{LOCK_REASON}'.",
            params={"server": machine.server_id, "reason": LOCK_REASON},
            after=(check("openstack.server.locked", "It is locked", server=machine.server_id),),
            undo=Undo(kind="openstack.server.unlock", says="Unlock it."),
        )
