"""Mirror pods of the control plane's static pods."""

from __future__ import annotations

import copy

from replank.testbed.fleet.components import COMPONENTS
from replank.testbed.fleet.kube.objects import make, pod_status
from replank.testbed.fleet.layout import ClusterLayout
from replank.testbed.fleet.static_pods import manifest
from replank.testbed.world import Document


def control_plane_objects(layout: ClusterLayout, nodes: list[Document]) -> list[Document]:
    """`<component>-<node>` in kube-system for every component of every control plane."""
    by_name = {node["metadata"]["name"]: node for node in nodes}
    found = []
    for machine in layout.control_planes:
        for component in COMPONENTS:
            source = manifest(layout, machine, component)
            digest = layout.mint.digest("config-hash", machine.name, component).hex()[:32]
            annotations = dict(source["metadata"].get("annotations", {})) | {
                "kubernetes.io/config.hash": digest,
                "kubernetes.io/config.mirror": digest,
                "kubernetes.io/config.seen": layout.timestamp(200),
                "kubernetes.io/config.source": "file",
            }
            spec = copy.deepcopy(source["spec"]) | {"nodeName": machine.name}
            found.append(
                make(
                    layout,
                    "v1",
                    "Pod",
                    f"{component}-{machine.name}",
                    namespace="kube-system",
                    labels=source["metadata"]["labels"],
                    annotations=annotations,
                    owner=by_name[machine.name],
                    spec=spec,
                    status=pod_status(layout, spec["containers"][0]),
                )
            )
    return found
