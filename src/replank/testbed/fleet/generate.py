"""From a seed and specs to a world."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from replank.testbed.fleet.cloud.load_balancer import add_api_load_balancer
from replank.testbed.fleet.cloud.network import add_network
from replank.testbed.fleet.cloud.project import count_quotas, make_project
from replank.testbed.fleet.cloud.servers import add_servers
from replank.testbed.fleet.defects import DEFECTS
from replank.testbed.fleet.hosts.cluster_pki import api_server_certificate, make_pki
from replank.testbed.fleet.hosts.machines import make_machines
from replank.testbed.fleet.kube.addons import addon_objects
from replank.testbed.fleet.kube.control_plane import control_plane_objects
from replank.testbed.fleet.kube.kubeadm import kubeadm_objects
from replank.testbed.fleet.kube.nodes import node_objects
from replank.testbed.fleet.kube.runtime_users import runtime_users
from replank.testbed.fleet.kube.workloads import workload_objects
from replank.testbed.fleet.layout import lay_out, lay_out_cloud
from replank.testbed.fleet.made import Made
from replank.testbed.fleet.management import make_management
from replank.testbed.fleet.mint import Mint
from replank.testbed.fleet.pki import ssh_key
from replank.testbed.fleet.spec import ClusterSpec
from replank.testbed.fleet.state.document import state_files
from replank.testbed.world import ApiServer, Project, TwinCluster, World


def generate(seed: int, specs: Sequence[ClusterSpec], now: datetime) -> World:
    """A world with one cluster for each spec, equal for equal arguments.

    `now`: certificates are 90 days old at that time, and live for a year (authorities ten). Naive, or with
    a time zone. Raises ValueError for two specs of one name and KeyError for an unknown defect.
    """
    if len({spec.name for spec in specs}) != len(specs):
        raise ValueError("two clusters of one name")
    moment = _naive_utc(now)
    mint = Mint(seed)
    management, client_cert, client_key = make_management(mint, moment)
    world = World(
        seed=seed,
        management=management,
        management_client_cert=client_cert,
        management_client_key=client_key,
        ssh_client_key=ssh_key(mint, "operator").key,
        bastion_host_key=ssh_key(mint, "bastion").key,
    )
    projects = {name: _project(mint, name, specs) for name in dict.fromkeys(spec.cloud for spec in specs)}
    world.projects = list(projects.values())
    made: list[Made] = []
    for number, spec in enumerate(specs):
        made.append(_cluster(world, mint, moment, number, spec, projects[spec.cloud], tuple(made)))
    for project in world.projects:
        count_quotas(project)
    for cluster in made:
        for defect in cluster.layout.spec.defects:
            DEFECTS[defect].bend(cluster)
    world.planted_secrets = tuple(dict.fromkeys(mint.planted))
    return world


def _naive_utc(now: datetime) -> datetime:
    offset = now.utcoffset()
    plain = now.replace(tzinfo=None, microsecond=0)
    return plain - offset if offset else plain


def _project(mint: Mint, name: str, specs: Sequence[ClusterSpec]) -> Project:
    versions = [spec.version for spec in specs if spec.cloud == name]
    return make_project(lay_out_cloud(mint, name), versions, mint.secret("cloud", name))


def _cluster(
    world: World,
    mint: Mint,
    now: datetime,
    number: int,
    spec: ClusterSpec,
    project: Project,
    others: tuple[Made, ...],
) -> Made:
    layout = lay_out(mint, now, number, spec, lay_out_cloud(mint, spec.cloud))
    add_network(project, layout)
    add_servers(project, layout)
    add_api_load_balancer(project, layout)
    pki = make_pki(layout)
    nodes = node_objects(layout)
    objects = [
        *nodes,
        *kubeadm_objects(layout, pki.ca.pair.cert),
        *control_plane_objects(layout, nodes),
        *addon_objects(layout),
        *workload_objects(layout, project),
        *runtime_users(layout),
    ]
    # The endpoint leads to any control plane; the twin answers as the first one.
    server = api_server_certificate(layout, pki, layout.control_planes[0])
    client = pki.ca.issue("kubernetes-admin", "operator", organization="kubeadm:cluster-admins", client=True)
    cluster = TwinCluster(
        name=spec.name,
        cloud=spec.cloud,
        api=ApiServer(
            version=spec.version,
            ca_cert=pki.ca.pair.cert,
            server_cert=server.cert,
            server_key=server.key,
            objects=objects,
        ),
        client_cert=client.cert,
        client_key=client.key,
        machines=make_machines(layout, pki),
        state_files=state_files(layout, project),
    )
    world.clusters.append(cluster)
    return Made(world, project, cluster, layout, pki, others)
