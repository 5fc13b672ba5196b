"""Generated clusters for the question "would it roll?": a control plane and its Machine, a MachineDeployment
and its MachineSets, alike or made different in ways that matter and in ways that do not.
"""

from __future__ import annotations

from copy import deepcopy
from typing import Any

from hypothesis import strategies as st

Document = dict[str, Any]
CLUSTER = "cluster.x-k8s.io/cluster-name"
NOW = 1_800_000_000.0
BOOTSTRAP, INFRASTRUCTURE = "bootstrap.cluster.x-k8s.io", "infrastructure.cluster.x-k8s.io"
TEMPLATE_KIND = f"OpenStackMachineTemplate.{INFRASTRUCTURE}"

WORDS = st.sampled_from(["", "a", "b", "external"])
NAMES = st.sampled_from(["cloud-provider", "v", "profiling"])
ARG = st.fixed_dictionaries({"name": NAMES}, optional={"value": WORDS})
ENV = st.fixed_dictionaries(
    {"name": NAMES},
    optional={"value": WORDS, "valueFrom": st.sampled_from([{}, {"fieldRef": {"fieldPath": "x"}}])},
)
TEXTS = st.lists(WORDS, max_size=2)
VOLUME = st.fixed_dictionaries(
    {"name": NAMES, "hostPath": WORDS}, optional={"readOnly": st.booleans(), "pathType": WORDS}
)
COMPONENT = {
    "extraArgs": st.lists(ARG, max_size=3),
    "extraEnvs": st.lists(ENV, max_size=1),
    "extraVolumes": st.lists(VOLUME, max_size=2),
}
TAINT = st.fixed_dictionaries({"key": WORDS, "effect": st.just("NoSchedule")}, optional={"value": WORDS})
TIMEOUTS = st.fixed_dictionaries(
    {},
    optional={
        "controlPlaneComponentHealthCheckSeconds": st.integers(0, 2),
        "kubeletHealthCheckSeconds": st.integers(0, 2),
    },
)
NODE = st.fixed_dictionaries(
    {},
    optional={
        "name": WORDS,
        "criSocket": WORDS,
        "taints": st.lists(TAINT, max_size=1),
        "kubeletExtraArgs": st.lists(ARG, max_size=2),
        "ignorePreflightErrors": TEXTS,
        "imagePullPolicy": st.sampled_from(["", "IfNotPresent", "Always"]),
        "imagePullSerial": st.booleans(),
    },
)
API_ENDPOINT = st.fixed_dictionaries({}, optional={"advertiseAddress": WORDS, "bindPort": st.integers(0, 2)})
LOCAL_ETCD = st.fixed_dictionaries(
    {},
    optional={
        "dataDir": WORDS,
        "serverCertSANs": TEXTS,
        "extraArgs": COMPONENT["extraArgs"],
        "extraEnvs": COMPONENT["extraEnvs"],
    },
)
EXTERNAL_ETCD = st.fixed_dictionaries({"endpoints": TEXTS}, optional={"caFile": WORDS})
ETCD = st.one_of(
    st.fixed_dictionaries({}, optional={"local": LOCAL_ETCD}),
    st.fixed_dictionaries({"external": EXTERNAL_ETCD}),
)
CLUSTER_CONFIGURATION = st.fixed_dictionaries(
    {},
    optional={
        "etcd": ETCD,
        "controlPlaneEndpoint": WORDS,
        "dns": st.fixed_dictionaries({}, optional={"imageTag": WORDS}),
        "apiServer": st.fixed_dictionaries({}, optional={**COMPONENT, "certSANs": TEXTS}),
        "controllerManager": st.fixed_dictionaries({}, optional=COMPONENT),
        "scheduler": st.fixed_dictionaries({}, optional=COMPONENT),
        "certificatesDir": WORDS,
        "imageRepository": WORDS,
        "featureGates": st.dictionaries(
            st.sampled_from(["ControlPlaneKubeletLocalMode", "Other"]), st.booleans(), max_size=2
        ),
        "certificateValidityPeriodDays": st.integers(0, 1),
    },
)
JOIN = st.fixed_dictionaries(
    {},
    optional={
        "nodeRegistration": NODE,
        "caCertPath": WORDS,
        "discovery": st.sampled_from([{}, {"tlsBootstrapToken": "t"}]),
        "controlPlane": st.one_of(
            st.just({}), st.fixed_dictionaries({}, optional={"localAPIEndpoint": API_ENDPOINT})
        ),
        "skipPhases": TEXTS,
        "patches": st.fixed_dictionaries({}, optional={"directory": WORDS}),
        "timeouts": TIMEOUTS,
    },
)
INIT = st.fixed_dictionaries(
    {},
    optional={
        "nodeRegistration": NODE,
        "localAPIEndpoint": API_ENDPOINT,
        "skipPhases": TEXTS,
        "timeouts": TIMEOUTS,
        "bootstrapTokens": st.lists(
            st.fixed_dictionaries({}, optional={"groups": TEXTS, "ttlSeconds": st.integers(0, 1)}), max_size=1
        ),
    },
)
FILE = st.fixed_dictionaries(
    {"path": WORDS},
    optional={
        "content": WORDS,
        "append": st.booleans(),
        "contentFrom": st.sampled_from([{}, {"secret": {"name": "s", "key": "k"}}]),
    },
)
USER = st.fixed_dictionaries(
    {"name": WORDS},
    optional={
        "groups": WORDS,
        "sshAuthorizedKeys": TEXTS,
        "lockPassword": st.booleans(),
        "passwdFrom": st.just({}),
    },
)
DISKS = st.fixed_dictionaries(
    {},
    optional={
        "filesystems": st.lists(
            st.fixed_dictionaries({"device": WORDS}, optional={"extraOpts": TEXTS}), max_size=1
        ),
        "partitions": st.lists(
            st.fixed_dictionaries(
                {"device": WORDS},
                optional={
                    "layout": st.booleans(),
                    "diskLayout": st.lists(
                        st.fixed_dictionaries({}, optional={"percentage": st.integers(0, 1)}), max_size=1
                    ),
                },
            ),
            max_size=1,
        ),
    },
)
SPEC: st.SearchStrategy[Document] = st.fixed_dictionaries(
    {},
    optional={
        "clusterConfiguration": CLUSTER_CONFIGURATION,
        "initConfiguration": INIT,
        "joinConfiguration": JOIN,
        "files": st.lists(FILE, max_size=2),
        "diskSetup": DISKS,
        "mounts": st.lists(TEXTS, max_size=1),
        "preKubeadmCommands": TEXTS,
        "postKubeadmCommands": TEXTS,
        "bootCommands": TEXTS,
        "users": st.lists(USER, max_size=1),
        "ntp": st.fixed_dictionaries({}, optional={"servers": TEXTS, "enabled": st.booleans()}),
        "format": st.sampled_from(["", "cloud-config", "ignition"]),
        "verbosity": st.integers(0, 1),
        "ignition": st.sampled_from([{}, {"containerLinuxConfig": {"strict": False}}]),
    },
)
VERSIONS = st.sampled_from(["v1.30.9", "v1.31.0", "v1.34.4", "v1.35.4", "v1.36.0", "v1.31.0-rc.1"])


def as_written(spec: Document, *, init: bool) -> Document:
    """A KubeadmConfig as KCP makes it of its own spec, but for defaults."""
    config = deepcopy(spec)
    if init:
        config.pop("joinConfiguration", None)
    else:
        config.pop("initConfiguration", None)
        config.setdefault("joinConfiguration", {}).setdefault("controlPlane", {})
    return config


def places(value: Any) -> list[tuple[Any, Any]]:
    """Every (container, key) in a document."""
    found: list[tuple[Any, Any]] = []
    if isinstance(value, dict | list):
        for key in value if isinstance(value, dict) else range(len(value)):
            found.append((value, key))
            found += places(value[key])
    return found


def other(value: Any) -> Any:
    """Another value of the type; mappings stay, since a field that Go does not know is none."""
    match value:
        case bool():
            return not value
        case int():
            return value + 1
        case str():
            return f"{value}x"
        case list():
            return [*value, *value[:1]]
    return value


def emptied(value: Any) -> Any:
    """Go's zero value of the type, but set."""
    return type(value)()


def turned(value: Any) -> Any:
    """A list from its end."""
    return value[::-1] if isinstance(value, list) else value


@st.composite
def changed(draw: st.DrawFn, document: Document) -> Document:
    """The document with one place removed, emptied, turned round or made another one, or as it is."""
    result = deepcopy(document)
    found = places(result)
    if not found or draw(st.booleans()):
        return result
    container, key = draw(st.sampled_from(found))
    change = draw(st.sampled_from([None, other, emptied, turned]))
    if change is None:
        del container[key]
    else:
        container[key] = change(container[key])
    return result


@st.composite
def configurations(draw: st.DrawFn) -> dict[str, Document]:
    """As `control_planes`, alike in everything but, perhaps, the KubeadmConfig."""
    objects = draw(control_planes())
    machine, plane = objects["Machine/m"]["spec"], objects["KubeadmControlPlane/cp"]["spec"]
    machine["version"] = plane["version"]
    plane["rollout"] = {}
    objects.pop("OpenStackMachine/m", None)
    return objects


@st.composite
def control_planes(draw: st.DrawFn) -> dict[str, Document]:
    """A KubeadmControlPlane `cp` with Machine `m`, its KubeadmConfig and OpenStackMachine."""
    version, spec = draw(VERSIONS), draw(SPEC)
    config = draw(changed(as_written(spec, init=draw(st.booleans()) and draw(st.booleans()))))
    if draw(st.booleans()):
        config.setdefault("clusterConfiguration", {}).setdefault("featureGates", {}).setdefault(
            "ControlPlaneKubeletLocalMode", True
        )
    cloned = draw(st.sampled_from([None, "cp", "cp", "older"]))
    marks = {
        "cluster.x-k8s.io/cloned-from-name": cloned,
        "cluster.x-k8s.io/cloned-from-groupkind": draw(st.sampled_from([TEMPLATE_KIND, "Other.example.org"])),
    }
    rollout = draw(
        st.fixed_dictionaries(
            {},
            optional={
                "before": st.just({"certificatesExpiryDays": 30}),
                "after": st.sampled_from(["2026-06-01T00:00:00Z", "2040-01-01T00:00:00Z"]),
            },
        )
    )
    metadata: Document = {"name": "m", "namespace": "ns"}
    labels = {CLUSTER: "c", "cluster.x-k8s.io/control-plane": ""}
    created = draw(st.sampled_from(["2026-05-01T00:00:00Z", "2026-07-01T00:00:00Z"]))
    machine_version = draw(st.sampled_from([version, version, version, "v1.33.1"]))
    status = draw(
        st.sampled_from(
            [
                {},
                {"certificatesExpiryDate": "2027-01-20T00:00:00Z"},
                {"certificatesExpiryDate": "2028-01-20T00:00:00Z"},
            ]
        )
    )
    objects = {
        "KubeadmControlPlane/cp": thing(
            "controlplane.cluster.x-k8s.io/v1beta2",
            {"name": "cp", "namespace": "ns", "uid": "kcp", "labels": {CLUSTER: "c"}},
            spec={
                "version": version,
                "kubeadmConfigSpec": spec,
                "rollout": rollout,
                "machineTemplate": {
                    "spec": {
                        "infrastructureRef": {
                            "apiGroup": INFRASTRUCTURE,
                            "kind": "OpenStackMachineTemplate",
                            "name": "cp",
                        }
                    }
                },
            },
        ),
        "Machine/m": thing(
            "cluster.x-k8s.io/v1beta2",
            {**metadata, "labels": labels, "creationTimestamp": created},
            spec={
                "clusterName": "c",
                "version": machine_version,
                "bootstrap": {
                    "configRef": {"apiGroup": BOOTSTRAP, "kind": "KubeadmConfig", "name": "m"},
                    "dataSecretName": "none",
                },
                "infrastructureRef": {"apiGroup": INFRASTRUCTURE, "kind": "OpenStackMachine", "name": "m"},
            },
            status=status,
        ),
        "KubeadmConfig/m": thing(f"{BOOTSTRAP}/v1beta2", metadata, spec=config),
        "OpenStackMachine/m": thing(
            f"{INFRASTRUCTURE}/v1beta1", metadata | ({"annotations": marks} if cloned else {}), spec={}
        ),
    }
    if draw(st.integers(0, 9)) == 0:
        del objects[draw(st.sampled_from(["KubeadmConfig/m", "OpenStackMachine/m"]))]
    return with_kinds(objects)


@st.composite
def deployments(draw: st.DrawFn) -> dict[str, Document]:
    """A MachineDeployment `w` and up to three MachineSets."""
    template = {"metadata": {"labels": {"pool": "w"}}, "spec": worker()}
    selector = draw(
        st.sampled_from(
            [
                {"matchLabels": {"pool": "w"}},
                {"matchExpressions": [{"key": "pool", "operator": "In", "values": ["w"]}]},
                {"matchExpressions": [{"key": "gone", "operator": "DoesNotExist"}]},
            ]
        )
    )
    rollout = draw(
        st.sampled_from([{}, {"after": "2026-06-01T00:00:00Z"}, {"after": "2040-01-01T00:00:00Z"}])
    )
    api = "cluster.x-k8s.io/v1beta2"
    objects = {
        "MachineDeployment/w": thing(
            api,
            {"name": "w", "namespace": "ns", "uid": "md"},
            spec={
                "clusterName": "c",
                "replicas": 2,
                "selector": selector,
                "rollout": rollout,
                "template": template,
            },
        )
    }
    for number in range(draw(st.integers(0, 3))):
        other = deepcopy(template)
        other["spec"] = draw(changed_worker(template["spec"]))
        other["metadata"]["labels"]["hash"] = str(number)
        owner = draw(st.sampled_from([None, None, "md", "another"]))
        metadata: Document = {
            "name": f"s{number}",
            "namespace": "ns",
            "labels": {"pool": draw(st.sampled_from(["w", "w", "v"]))},
            "creationTimestamp": draw(st.sampled_from(["2026-05-01T00:00:00Z", "2026-07-01T00:00:00Z"])),
        }
        if owner:
            metadata["ownerReferences"] = [
                {
                    "apiVersion": api,
                    "kind": "MachineDeployment",
                    "name": "w",
                    "uid": owner,
                    "controller": True,
                }
            ]
        objects[f"MachineSet/s{number}"] = thing(
            api,
            metadata,
            spec={"clusterName": "c", "replicas": draw(st.integers(0, 2)), "template": other},
        )
    return with_kinds(objects)


def worker() -> Document:
    """A Machine's spec in a template."""
    return {
        "clusterName": "c",
        "version": "v1.35.4",
        "failureDomain": "nova",
        "bootstrap": {"configRef": {"apiGroup": BOOTSTRAP, "kind": "KubeadmConfigTemplate", "name": "w"}},
        "infrastructureRef": {"apiGroup": INFRASTRUCTURE, "kind": "OpenStackMachineTemplate", "name": "w"},
        "deletion": {"nodeDrainTimeoutSeconds": 10},
    }


@st.composite
def changed_worker(draw: st.DrawFn, spec: Document) -> Document:
    """With one field another one, or none."""
    result = deepcopy(spec)
    match draw(st.integers(0, 9)):
        case 0:
            result["version"] = "v1.34.4"
        case 1:
            result.pop("failureDomain")
        case 2:
            result["bootstrap"]["dataSecretName"] = draw(st.sampled_from(["", "s"]))
        case 3:
            result["infrastructureRef"]["name"] = "older"
        case 4:
            result["deletion"] = {"nodeDrainTimeoutSeconds": 99}
        case 5:
            result["bootstrap"] = {"configRef": {}, "dataSecretName": "s"}
    return result


def with_kinds(objects: dict[str, Document]) -> dict[str, Document]:
    """Each object with the kind that its key says."""
    return {key: {"kind": key.partition("/")[0], **found} for key, found in objects.items()}


def thing(api_version: str, metadata: Document, **parts: Any) -> Document:
    """An object; its kind stands in the key."""
    return {"apiVersion": api_version, "metadata": metadata, **parts}
