"""What hangs on Docker in a cluster that still has nodes with it, as a runtime swap meets it."""

from __future__ import annotations

from typing import Any

from replank.testbed.fleet.kube.objects import make, pod, pod_status
from replank.testbed.fleet.layout import ClusterLayout, MachineLayout
from replank.testbed.world import Document

_LOGGING, _CI = "logging", "ci"
_FLUENT_BIT = """[SERVICE]
    Parsers_File parsers.conf

[INPUT]
    Name              tail
    Tag               kube.*
    Path              /var/log/containers/*.log
    Parser            docker
    Read_from_Head    On
    DB                /var/log/flb_kube.db

[OUTPUT]
    Name              http
    Match             *
    HTTP_User         replank
    HTTP_Passwd       {password}
"""
_PARSERS = """[PARSER]
    Name        docker
    Format      json
    Time_Key    time
    Time_Format %Y-%m-%dT%H:%M:%S.%L
    Time_Keep   On
"""


def runtime_users(layout: ClusterLayout) -> list[Document]:
    """A log agent for Docker's lines, users of the socket and of a folder above it, a job that runs."""
    docker = [machine for machine in layout.machines if machine.docker]
    if not docker:
        return []
    if layout.spec.tidy_docker:
        space = make(layout, "v1", "Namespace", _LOGGING, status={"phase": "Active"})
        return [space, *_log_agent(layout, docker)]
    return [
        *(make(layout, "v1", "Namespace", name, status={"phase": "Active"}) for name in (_LOGGING, _CI)),
        *_log_agent(layout, docker),
        *_daemon(layout, "node-exporter", "monitoring-root", "/", docker, image="prom/node-exporter:v1.9.1"),
        _cron_job(layout),
        *_job(layout, docker[0]),
        _host_port(layout, docker[0]),
    ]


def _volume(name: str, path: str) -> Document:
    return {"name": name, "hostPath": {"path": path, "type": ""}}


def _mount(name: str, path: str, *, read_only: bool = False) -> Document:
    return {"name": name, "mountPath": path, "readOnly": read_only}


def _log_agent(layout: ClusterLayout, docker: list[MachineLayout]) -> list[Document]:
    text = _FLUENT_BIT.format(password=layout.secret("config-map", "fluent-bit"))
    config = {"name": "config", "configMap": {"name": "fluent-bit"}}
    container: Document = {
        "name": "fluent-bit",
        "image": "fluent/fluent-bit:4.0.1",
        "env": [{"name": "HTTP_PASSWD", "value": layout.secret("env", "fluent-bit")}],
        "volumeMounts": [
            _mount("config", "/fluent-bit/etc"),
            _mount("varlog", "/var/log"),
            _mount("docker", "/var/lib/docker/containers", read_only=True),
        ],
    }
    volumes = [config, _volume("varlog", "/var/log"), _volume("docker", "/var/lib/docker/containers")]
    daemon_set = _daemon_set(layout, "fluent-bit", _LOGGING, container, volumes, len(docker))
    return [
        make(
            layout,
            "v1",
            "ConfigMap",
            "fluent-bit",
            namespace=_LOGGING,
            data={"fluent-bit.conf": text, "parsers.conf": _PARSERS},
        ),
        daemon_set,
        *_pods(layout, daemon_set, docker, container, volumes),
    ]


def _daemon(
    layout: ClusterLayout,
    name: str,
    volume: str,
    path: str,
    docker: list[MachineLayout],
    *,
    image: str,
) -> list[Document]:
    container: Document = {
        "name": name,
        "image": image,
        "volumeMounts": [_mount(volume, "/host", read_only=True)],
    }
    daemon_set = _daemon_set(layout, name, _LOGGING, container, [_volume(volume, path)], len(docker))
    return [daemon_set, *_pods(layout, daemon_set, docker, container, [_volume(volume, path)])]


def _daemon_set(
    layout: ClusterLayout,
    name: str,
    namespace: str,
    container: Document,
    volumes: list[Document],
    count: int,
) -> Document:
    labels = {"app": name}
    return make(
        layout,
        "apps/v1",
        "DaemonSet",
        name,
        namespace=namespace,
        labels=labels,
        spec={
            "selector": {"matchLabels": labels},
            "template": {
                "metadata": {"labels": labels},
                "spec": {"containers": [container], "volumes": volumes},
            },
        },
        status={"desiredNumberScheduled": count, "currentNumberScheduled": count, "numberReady": count},
    )


def _pods(
    layout: ClusterLayout,
    owner: Document,
    machines: list[MachineLayout],
    container: Document,
    volumes: list[Document],
) -> list[Document]:
    about = owner["metadata"]
    found = []
    for machine in machines:
        suffix = layout.mint.suffix("cluster", layout.name, about["name"], machine.name)
        made = pod(
            layout,
            f"{about['name']}-{suffix}",
            machine.name,
            namespace=about["namespace"],
            labels=about["labels"],
            image=container["image"],
            owner=owner,
            volumes=volumes,
        )
        made["spec"]["containers"] = [container]
        found.append(made)
    return found


def _cron_job(layout: ClusterLayout) -> Document:
    """It has no pod now."""
    container = {
        "name": "prune",
        "image": "docker:28-cli",
        "command": ["docker", "system", "prune", "-f", "--filter", layout.secret("args", "prune")],
        "volumeMounts": [_mount("socket", "/var/run/docker.sock")],
    }
    spec: dict[str, Any] = {
        "containers": [container],
        "volumes": [_volume("socket", "/var/run/docker.sock")],
        "restartPolicy": "OnFailure",
    }
    return make(
        layout,
        "batch/v1",
        "CronJob",
        "prune",
        namespace=_CI,
        spec={"schedule": "0 3 * * 0", "jobTemplate": {"spec": {"template": {"spec": spec}}}},
    )


def _job(layout: ClusterLayout, machine: MachineLayout) -> list[Document]:
    template = {"spec": {"containers": [{"name": "import", "image": "registry.example.org/ci/import:1"}]}}
    job = make(layout, "batch/v1", "Job", "import", namespace=_CI, spec={"template": template})
    made = pod(
        layout,
        "import-7k2xv",
        machine.name,
        namespace=_CI,
        labels={"app": "import"},
        image="registry.example.org/ci/import:1",
        owner=job,
    )
    made["spec"]["restartPolicy"] = "Never"
    return [job, made]


def _host_port(layout: ClusterLayout, machine: MachineLayout) -> Document:
    """A bare pod with a port of the node."""
    container = {
        "name": "edge",
        "image": "registry.example.org/ci/edge:1",
        "ports": [{"containerPort": 8080, "hostPort": 8080, "protocol": "TCP"}],
    }
    return make(
        layout,
        "v1",
        "Pod",
        "edge",
        namespace=_CI,
        labels={"app": "edge"},
        spec={"nodeName": machine.name, "containers": [container], "restartPolicy": "Always"},
        status=pod_status(layout, container),
    )
