"""CAPO's credential: an application credential of its own for each cluster, never the operator's.

Until the takeover is settled it may only read. On CAPO's adoption path with aligned names, no tags, no
managed groups and an unmanaged load balancer there is nothing to write, so a whole adoption runs with role
`reader`; whatever goes wrong, the cloud answers 403 (seen on CAPO v0.14.7).
"""

from __future__ import annotations

from replank.inventory.fleet.model import CapoCredentials
from replank.migrations.takeover.names import Names
from replank.migrations.takeover.openstack.load_balancer import ApiLoadBalancer
from replank.migrations.takeover.openstack.machines import Identity
from replank.migrations.takeover.seen import Cloud
from replank.migrations.takeover.vocabulary import CLUSTER_NAME, MOVE
from replank.plan.takeover import SecretPlan, SecretSource, TakeoverPlan

CLOUD_CONFIG = "cloud-config"
READER_ROLES = ("reader",)
WRITER_ROLES = ("member", "load-balancer_member")


def reader_name(names: Names) -> str:
    """Name of the application credential that cannot write."""
    return f"replank-{names.namespace}-{names.cluster}-reader"


def writer_name(names: Names) -> str:
    """Name of the application credential that stays."""
    return f"replank-{names.namespace}-{names.cluster}"


def writer_roles(cloud: Cloud, load_balancer: ApiLoadBalancer) -> tuple[str, ...]:
    """Octavia's role where CAPO keeps the load balancer; and where it does not, replank's operator keeps its
    members with this same credential, so it gets the role if our user has it (a cloud may do without)."""
    kept = load_balancer.live is not None and WRITER_ROLES[1] in cloud.roles
    return WRITER_ROLES if load_balancer.managed or kept else WRITER_ROLES[:1]


def identity_of(names: Names, credentials: CapoCredentials, region: str) -> Identity:
    """The OpenStackCluster's identityRef (CAPO v0.14.7, api/v1beta1/identity_types.go)."""
    if credentials.kind == "made":
        return Identity(name=names.secret(CLOUD_CONFIG), region=region)
    return Identity(
        name=credentials.name,
        type="Secret" if credentials.kind == "secret" else "ClusterIdentity",
        cloud=credentials.cloud,
        region=region,
    )


def is_made(plan: TakeoverPlan) -> bool:
    """Whether the takeover makes CAPO's credential, so that it is the fence that cannot write."""
    name = Names(namespace=plan.namespace, cluster=plan.cluster).secret(CLOUD_CONFIG)
    return any(secret.name == name for secret in plan.secrets)


def cloud_secret(names: Names, cloud: Cloud) -> SecretPlan:
    """`<cluster>-cloud-config`, named by the OpenStackCluster's identityRef."""
    where = f"cloud {cloud.name}, project {cloud.project_id}" if cloud.name else "the cluster's project"
    return SecretPlan(
        name=names.secret(CLOUD_CONFIG),
        namespace=names.namespace,
        type="Opaque",
        labels={CLUSTER_NAME: names.cluster, MOVE: "true"},
        data={
            "clouds.yaml": SecretSource(
                source="application-credential",
                says=f"application credential {reader_name(names)} in {where}; from the settle stage on "
                f"{writer_name(names)}",
            )
        },
        says="CAPO's credential. It may only read until the takeover is settled. The move label lets "
        "`clusterctl move` take it along",
    )
