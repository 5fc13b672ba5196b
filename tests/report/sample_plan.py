"""A plan made by hand, shaped as the planner's, of any number of machines. All names and IDs are invented."""

from __future__ import annotations

import dataclasses
import uuid
from typing import Any

from replank.plan.model import Irreversible, PlanCheck, PlanFinding, PointOfNoReturn, Stage, Step, Undo
from replank.plan.takeover import (
    Forget,
    GroupDifference,
    LoadBalancerChoice,
    MachineGroup,
    Ownership,
    PlannedMachine,
    PortName,
    SecretPlan,
    SecretSource,
    TakeoverPlan,
    Targets,
)

VERSION = "v1.34.4"


def uid(name: str) -> str:
    return str(uuid.uuid5(uuid.NAMESPACE_DNS, name))


def machine(cluster: str, role: str, number: int, nics: int) -> PlannedMachine:
    short = "cp" if role == "control-plane" else "w"
    name = f"{cluster}-{short}-{number}"
    old = [f"{name}-port", ""]
    return PlannedMachine(
        machine=name,
        role="control-plane" if short == "cp" else "worker",
        server_id=uid(name),
        server_name=name,
        node=name,
        provider_id=f"openstack:///{uid(name)}",
        group=f"{cluster}-control-plane" if short == "cp" else f"{cluster}-workers",
        version=VERSION,
        failure_domain=f"az{(number - 1) % 3 + 1}",
        ports=tuple(PortName(id=uid(f"{name}-port-{n}"), old=old[n], new=f"{name}-{n}") for n in range(nics)),
    )


def _own(
    kind: str, name: str, before: str, after: str, address: str = "", why: str = "", id: str = ""
) -> Ownership:
    return Ownership(
        kind=kind,
        id=id or uid(f"{kind}-{name}"),
        name=name,
        before=before,  # type: ignore[arg-type]
        after=after,  # type: ignore[arg-type]
        address=address,
        why=why,
    )


def _ownership(cluster: str, machines: tuple[PlannedMachine, ...]) -> tuple[Ownership, ...]:
    tf = "openstack_"
    rows = [
        _own("network", f"{cluster}-net", "terraform", "terraform", f"{tf}networking_network_v2.net"),
        _own("subnet", f"{cluster}-subnet", "terraform", "terraform", f"{tf}networking_subnet_v2.subnet"),
        _own("router", f"{cluster}-router", "terraform", "terraform", f"{tf}networking_router_v2.router"),
        _own(
            "security-group",
            f"{cluster}-control-plane",
            "terraform",
            "terraform",
            f"{tf}networking_secgroup_v2.control_plane",
            "CAPO would delete rules that it does not know",
        ),
        _own("security-group", f"{cluster}-workers", "terraform", "terraform"),
        _own(
            "load-balancer",
            f"{cluster}-api",
            "terraform",
            "terraform",
            f"{tf}lb_loadbalancer_v2.api",
            "unmanaged: its listener has an allowed-CIDR list, which CAPO would clear",
            uid("lb"),
        ),
        _own("floating-ip", "203.0.113.10", "terraform", "terraform", f"{tf}networking_floatingip_v2.api"),
        _own("load-balancer", "kube_service_shop_web", "cloud-provider", "cloud-provider"),
        _own("volume", "pvc-9e6ed4c0", "cloud-provider", "cloud-provider"),
    ]
    for number, m in enumerate(machines):
        rows.append(
            _own(
                "server",
                m.server_name,
                "terraform",
                "cluster-api",
                f"{tf}compute_instance_v2.{m.role.replace('-', '_')}[{number}]",
                "adopted by name, never replaced",
                m.server_id,
            )
        )
        for port in m.ports:
            before = "terraform" if port.old else "nova"
            rows.append(_own("port", port.old, before, "cluster-api", id=port.id))
    return tuple(rows)


def _manifests(cluster: str, machines: tuple[PlannedMachine, ...]) -> dict[str, Any]:
    core, infra = "cluster.x-k8s.io/v1beta2", "infrastructure.cluster.x-k8s.io/v1beta1"

    def obj(api: str, kind: str, name: str, spec: dict[str, Any], **labels: str) -> dict[str, Any]:
        return {
            "apiVersion": api,
            "kind": kind,
            "metadata": {
                "name": name,
                "namespace": "fleet",
                "labels": {"cluster.x-k8s.io/cluster-name": cluster, **labels},
            },
            "spec": spec,
        }

    objects = [
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "fleet"}},
        obj(
            core,
            "Cluster",
            cluster,
            {
                "paused": True,
                "controlPlaneEndpoint": {"host": "203.0.113.10", "port": 6443},
                "clusterNetwork": {
                    "pods": {"cidrBlocks": ["10.244.0.0/16"]},
                    "serviceDomain": "cluster.local",
                },
            },
        ),
        obj(
            infra,
            "OpenStackCluster",
            cluster,
            {
                "identityRef": {"cloudName": "openstack", "name": f"{cluster}-cloud-config"},
                "network": {"id": uid("net")},
                "disableAPIServerFloatingIP": True,
            },
        ),
        obj(
            "controlplane.cluster.x-k8s.io/v1beta2",
            "KubeadmControlPlane",
            f"{cluster}-control-plane",
            {
                "replicas": sum(m.role == "control-plane" for m in machines),
                "version": VERSION,
                "kubeadmConfigSpec": {
                    "files": [
                        {
                            "path": "/etc/kubernetes/audit.yaml",
                            "contentFrom": {"secret": {"name": f"{cluster}-files", "key": "audit.yaml"}},
                        }
                    ],
                    "preKubeadmCommands": ["set -e\necho one\necho two\n"],
                },
            },
        ),
        obj(
            core,
            "MachineDeployment",
            f"{cluster}-workers",
            {"clusterName": cluster, "replicas": sum(m.role == "worker" for m in machines)},
        ),
    ]
    for m in machines:
        objects.append(obj(infra, "OpenStackMachine", m.server_name, {"flavorID": uid("m1.large")}))
        objects.append(
            obj(
                core,
                "Machine",
                m.server_name,
                {"clusterName": cluster, "version": VERSION, "failureDomain": m.failure_domain},
            )
        )
    return {f"{o['kind']}/{o['metadata']['name']}": o for o in objects}  # type: ignore[index]


def _stages(cluster: str, machines: tuple[PlannedMachine, ...]) -> tuple[Stage, ...]:
    ports = [port for m in machines for port in m.ports]
    back = Undo(kind="openstack.port.restore-name", says="Give the port back the name that was found.")
    cps = [m.server_name for m in machines if m.role == "control-plane"]
    workers = [m.server_name for m in machines if m.role == "worker"]

    def apply(stage: str, n: int, says: str, *objects: str) -> Step:
        return Step(
            id=f"{stage}/{n}-apply",
            kind="kubernetes.apply",
            says=says,
            objects=objects,
            before=(PlanCheck(kind="dry-run", says="The API server accepts the objects in a dry run."),),
            after=(PlanCheck(kind="exists", says="The objects are there and paused."),),
            undo=Undo(kind="kubernetes.delete", says="Strip finalizers and delete, with preconditions."),
        )

    return (
        Stage(
            name="align-names",
            title="Align names",
            says="Terraform lets go, then ports get the names that CAPO will look them up by.",
            rest="Terraform no longer manages servers and ports; nothing else has changed.",
            steps=(
                Step(
                    id="align-names/1-terraform-forget",
                    kind="terraform.forget",
                    says="Terraform forgets the servers and ports that Cluster API will own.",
                    before=(PlanCheck(kind="terraform.lock", says="Nobody holds the state's lock."),),
                    after=(PlanCheck(kind="terraform.plan", says="`terraform plan` wants no change."),),
                    undo=Undo(kind="terraform.import", says="Import them again by the IDs below."),
                    approval="terraform-forget",
                ),
                *(
                    Step(
                        id=f"align-names/{n}-rename-port",
                        kind="openstack.port.rename",
                        says=f"Rename port {port.old or '(unnamed)'} ({port.id[:8]}) to {port.new}.",
                        params={"port": port.id, "name": port.new},
                        before=(PlanCheck(kind="port.named", says=f"The port is named {port.old!r}."),),
                        after=(PlanCheck(kind="port.named", says=f"The port is named {port.new!r}."),),
                        undo=back,
                    )
                    for n, port in enumerate(ports, 2)
                ),
            ),
        ),
        Stage(
            name="credentials",
            title="Credentials and certificates",
            says="Secrets are written to the management cluster; CAPO gets a credential that cannot write.",
            rest="Secrets lie in the namespace; no controller uses them yet.",
            steps=(apply("credentials", 1, "Make the namespace fleet.", "Namespace/fleet"),),
        ),
        Stage(
            name="infrastructure",
            title="Infrastructure",
            says="Cluster and OpenStackCluster, paused.",
            rest="Paused objects without effect.",
            steps=(
                apply(
                    "infrastructure",
                    1,
                    "Apply Cluster and OpenStackCluster, paused.",
                    f"Cluster/{cluster}",
                    f"OpenStackCluster/{cluster}",
                ),
            ),
        ),
        Stage(
            name="workers",
            title="Workers",
            says="Machines, MachineSet and MachineDeployment, paused.",
            rest="Paused objects without effect.",
            steps=(
                apply(
                    "workers",
                    1,
                    "Apply the workers' objects, paused.",
                    *(f"OpenStackMachine/{w}" for w in workers),
                    *(f"Machine/{w}" for w in workers),
                    f"MachineDeployment/{cluster}-workers",
                ),
            ),
        ),
        Stage(
            name="control-plane",
            title="Control plane",
            says="Every control-plane Machine with its KubeadmConfig, then the KubeadmControlPlane, paused.",
            rest="Paused objects without effect.",
            steps=(
                apply(
                    "control-plane",
                    1,
                    "Apply the control plane's objects, paused.",
                    *(f"OpenStackMachine/{c}" for c in cps),
                    *(f"Machine/{c}" for c in cps),
                    f"KubeadmControlPlane/{cluster}-control-plane",
                ),
            ),
        ),
        Stage(
            name="unpause",
            title="Unpause with checks",
            says="First the Cluster, then MachineSet, MachineDeployment and control plane, each checked.",
            rest="Cluster API runs the cluster; its credential still cannot write to OpenStack.",
            steps=(
                Step(
                    id="unpause/1-cluster",
                    kind="capi.unpause",
                    says=f"Unpause the Cluster {cluster}.",
                    before=(
                        PlanCheck(kind="no-deletion", says="No object carries a deletionTimestamp."),
                        PlanCheck(kind="fence", says="CAPO's credential is refused a write (403)."),
                    ),
                    after=(
                        PlanCheck(kind="instance-ids", says="Every OpenStackServer found its own server."),
                        PlanCheck(kind="no-new", says="No new server and no new port exists."),
                        PlanCheck(kind="node-refs", says="Every Machine has its nodeRef."),
                    ),
                    undo=Undo(kind="capi.pause", says="Pause the Cluster again and wait for Paused=True."),
                ),
            ),
        ),
        Stage(
            name="settle",
            title="Settle",
            says="The writing credential goes in, locks come off, replank's field ownership is given up.",
            rest="The takeover is complete.",
            steps=(
                Step(
                    id="settle/1-credential",
                    kind="openstack.credential.swap",
                    says="Swap in the credential that can write.",
                    before=(PlanCheck(kind="no-deletion", says="No object carries a deletionTimestamp."),),
                    after=(PlanCheck(kind="no-new", says="OpenStack is unchanged after 60 seconds."),),
                    undo=Irreversible(
                        irreversible="From here Cluster API may create and delete servers; what it did "
                        "in the meantime cannot be taken back."
                    ),
                    approval="settle",
                ),
            ),
        ),
    )


def _findings(cluster: str, blocked: bool) -> tuple[PlanFinding, ...]:
    findings = [
        PlanFinding(
            code="RP118",
            severity="risk",
            subject=f"floating IP 198.51.100.7 of {cluster}-cp-1",
            evidence=("port " + uid("x")[:8] + " has floating IP 198.51.100.7",),
            consequence="CAPO deletes the floating IP with the first control-plane Machine that it deletes.",
            remedy="Take the floating IP off the server before the takeover.",
        ),
        PlanFinding(
            code="RP305",
            severity="risk",
            subject="namespace shop",
            evidence=("PodDisruptionBudget shop/web allows 0 disruptions",),
            consequence="The drain of a node would wait for ever at the next rollout.",
            remedy="Raise the replicas or loosen the budget.",
        ),
        PlanFinding(
            code="RP702",
            severity="risk",
            subject="management cluster",
            evidence=("fleet.yaml names no kubeconfig for it",),
            consequence="Nobody knows whether the providers are installed in the versions of this plan.",
            remedy="Name the management cluster's kubeconfig in fleet.yaml.",
            unknown=True,
        ),
        PlanFinding(
            code="RP110",
            severity="note",
            subject=f"port {cluster}-w-1-port",
            evidence=(f"named {cluster}-w-1-port, CAPO looks for {cluster}-w-1-0",),
            consequence="The plan renames it.",
            remedy="Nothing, unless something else finds the port by its name.",
        ),
    ]
    if blocked:
        findings.insert(
            0,
            PlanFinding(
                code="RP207",
                severity="blocker",
                subject=f"etcd member etcd2 on {cluster}-cp-2",
                evidence=("etcd lists the member etcd2", f"the Node is named {cluster}-cp-2"),
                consequence="KubeadmControlPlane would remove the member from etcd within a minute.",
                remedy="Rename the member: take it out and join it again under the Node's name.",
            ),
        )
    return tuple(findings)


def sample_plan(
    cluster: str = "plain",
    *,
    control_planes: int = 3,
    workers: int = 2,
    blocked: bool = False,
    **changes: object,
) -> TakeoverPlan:
    """A plan of `control_planes` + `workers` machines; with the defaults 5 machines and 7 ports."""
    cps = tuple(machine(cluster, "control-plane", n, 1) for n in range(1, control_planes + 1))
    ws = tuple(machine(cluster, "worker", n, 2) for n in range(1, workers + 1))
    machines = cps + ws
    groups = [
        MachineGroup(
            name=f"{cluster}-control-plane",
            role="control-plane",
            machines=tuple(m.machine for m in cps),
            why="All control planes, or etcd would lose members.",
        )
    ]
    if ws:
        groups.append(
            MachineGroup(
                name=f"{cluster}-workers",
                role="worker",
                machines=tuple(m.machine for m in ws),
                why="Alike in flavor m1.large, image, networks, security groups, labels and taints.",
                differences=(
                    GroupDifference(
                        field="kubelet maxPods",
                        machine=ws[-1].machine,
                        has="250",
                        template="110",
                        at_next_rollout="The new machine gets 110.",
                    ),
                ),
            )
        )
    plan = TakeoverPlan(
        migration="takeover",
        cluster=cluster,
        namespace="fleet",
        made_by="replank 0.1.0",
        snapshot_sha256="9e6ed4c07f78f93f988340d2f1f2e172f17b4dab66d5964a9f916235abfdc86b",
        targets=Targets(),
        kubernetes_version=VERSION,
        ready=not blocked,
        settings={"load_balancer": "auto", "rename_servers": False},
        load_balancer=LoadBalancerChoice(
            mode="unmanaged",
            why="Its listener has an allowed-CIDR list, which CAPO would clear.",
            endpoint="203.0.113.10:6443",
            load_balancer_id=uid("lb"),
        ),
        machines=machines,
        groups=tuple(groups),
        ownership=_ownership(cluster, machines),
        forget=(
            *(
                Forget(
                    address=f"openstack_compute_instance_v2.{m.role.replace('-', '_')}[{n}]",
                    id=m.server_id,
                    state="states/plain.tfstate",
                    how="state-rm",
                    import_id=m.server_id,
                )
                for n, m in enumerate(machines)
            ),
            Forget(
                address="module.ports.openstack_networking_port_v2.extra",
                id=uid("extra"),
                state="states/plain.tfstate",
                how="removed-block",
                import_id=uid("extra"),
            ),
        ),
        findings=_findings(cluster, blocked),
        points_of_no_return=(
            PointOfNoReturn(
                step="settle/1-credential",
                why="From here Cluster API may create and delete servers.",
            ),
        ),
        stages=_stages(cluster, machines),
        secrets=(
            SecretPlan(
                name=f"{cluster}-ca",
                namespace="fleet",
                type="Opaque",
                labels={"cluster.x-k8s.io/cluster-name": cluster},
                data={
                    "tls.crt": SecretSource(
                        source="host-file", machine=f"{cluster}-cp-1", path="/etc/kubernetes/pki/ca.crt"
                    ),
                    "tls.key": SecretSource(
                        source="host-file", machine=f"{cluster}-cp-1", path="/etc/kubernetes/pki/ca.key"
                    ),
                },
                says="The cluster's CA. Opaque, so that it survives if the control plane object is deleted.",
            ),
            SecretPlan(
                name=f"{cluster}-cloud-config",
                namespace="fleet",
                type="Opaque",
                labels={"clusterctl.cluster.x-k8s.io/move": "true"},
                data={
                    "clouds.yaml": SecretSource(
                        source="application-credential", says="role reader until the plan settles"
                    )
                },
                says="CAPO's own credential, never the operator's.",
            ),
        ),
        manifests=_manifests(cluster, machines),
    )
    return dataclasses.replace(plan, **changes)  # type: ignore[arg-type]
