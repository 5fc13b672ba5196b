"""What steps look up in their plan."""

from __future__ import annotations

from replank.migrations.takeover.names import Names
from replank.plan.parameters import malformed
from replank.plan.takeover import SecretPlan, TakeoverPlan
from replank.ports.access import ObjectRef


def names_in(plan: TakeoverPlan) -> Names:
    """The names that the plan was made with."""
    return Names(namespace=plan.namespace, cluster=plan.cluster)


def host_of(plan: TakeoverPlan, machine: str) -> str:
    """The name under which `Hosts` knows a Machine's server: the one that it was surveyed with."""
    return next((m.server_name for m in plan.machines if m.machine == machine), machine)


def secret_of(plan: TakeoverPlan, name: str) -> SecretPlan:
    """The planned Secret. Raises `Refused` RP877."""
    for secret in plan.secrets:
        if secret.name == name:
            return secret
    raise malformed("secret", f"names {name}, which the plan does not describe")


def secret_ref(namespace: str, name: str) -> ObjectRef:
    """A Secret on the management cluster."""
    return ObjectRef("v1", "Secret", namespace, name)


def cluster_ref(plan: TakeoverPlan) -> ObjectRef:
    """The Cluster object. Raises `Refused` RP877."""
    manifest = plan.manifests.get(f"Cluster/{plan.cluster}")
    if manifest is None:
        raise malformed("manifests", f"has no Cluster {plan.cluster}")
    return ObjectRef(str(manifest["apiVersion"]), "Cluster", plan.namespace, plan.cluster)


def real_server_and_port(plan: TakeoverPlan) -> tuple[str, str]:
    """A server and a port that exist, to try a credential on: a refusal for what does not exist proves
    nothing. Raises `Refused` RP877."""
    for machine in plan.machines:
        if machine.ports:
            return machine.server_id, machine.ports[0].id
    raise malformed("machines", "has no machine with a port")
