"""Hand edits: where a static pod manifest differs from what kubeadm would write.

A control plane made anew by Cluster API is written from the ClusterConfiguration: what only stands in the
manifest is lost then. Patches (`kubeadm --patches`) look the same as hand edits here, and are lost as well.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator

from replank.inventory.facts.hosts import StaticPod
from replank.inventory.facts.kubernetes import ClusterConfiguration, ComponentConfig, ExtraArg
from replank.inventory.hosts.kubeadm_defaults import (
    DEFAULT_VOLUMES,
    PROXY_VARIABLE,
    Defaults,
    defaults_for,
)


def manifest_drift(pod: StaticPod, config: ClusterConfiguration) -> tuple[str, ...]:
    """Sentences, one for each difference, sorted; () if there is none or the pod is no kubeadm component.

    Compared is only what the ClusterConfiguration governs: flags, image, mounts and environment names.
    """
    defaults = defaults_for(pod.component, config)
    if defaults is None:
        return ()
    found = [*_flags(pod, defaults), *_image(pod, config)]
    if defaults.config is not None:
        found += [*_volumes(pod, defaults.config), *_environment(pod, defaults.config)]
    return tuple(sorted(found))


def _flags(pod: StaticPod, defaults: Defaults) -> Iterator[str]:
    written, wanted = _by_name(pod.args), _by_name(defaults.extra_args)
    for name, values in wanted.items():
        if name not in written:
            yield f"--{name} is missing; kubeadm-config sets it to {_show(values)}"
        elif sorted(written[name]) != sorted(values):
            yield f"--{name} is {_show(written[name])}; kubeadm-config sets it to {_show(values)}"
    for name, default in defaults.fixed.items():
        if name not in wanted and name not in written:
            yield f"--{name} is missing; kubeadm writes {_show([default])}"
    for name, values in written.items():
        if name in wanted:
            continue
        if name in defaults.fixed:
            if values != [defaults.fixed[name]]:
                yield f"--{name} is {_show(values)}; kubeadm would write {_show([defaults.fixed[name]])}"
        elif name not in defaults.allowed:
            yield f"--{name} is {_show(values)}; it stands in no extraArgs of kubeadm-config"
        elif (allowed := defaults.allowed[name]) and not (len(values) == 1 and values[0] in allowed):
            yield f"--{name} is {_show(values)}; kubeadm would write {_show(allowed[:1])}"


def _image(pod: StaticPod, config: ClusterConfiguration) -> Iterator[str]:
    """Images: images.go GetKubernetesImage and GetEtcdImage (util/version.go KubernetesVersionToImageTag).

    Without an imageTag kubeadm chooses etcd's version by its own: then only the repository is compared.
    """
    repository, tag = config.image_repository, config.kubernetes_version.replace("+", "_")
    if pod.component == "etcd":
        local = config.etcd_local
        repository = (local.image_repository if local else "") or repository
        tag = local.image_tag if local else ""
    image = pod.image.partition("@")[0]
    path, colon, written_tag = image.rpartition(":")
    if not colon or "/" in written_tag:
        path, written_tag = image, ""
    written_repository, _, name = path.rpartition("/")
    if name != pod.component or (repository and written_repository != repository):
        wanted = f"{repository or written_repository}/{pod.component}"
        yield f"The image is {pod.image}; kubeadm-config leads to {wanted}"
    elif tag and written_tag != tag:
        yield f"The image is {pod.image}; kubeadm-config leads to the tag {tag}"


def _volumes(pod: StaticPod, config: ComponentConfig) -> Iterator[str]:
    written = {volume.name: volume for volume in pod.volumes}
    wanted = {volume.name: volume for volume in config.extra_volumes}
    for name, volume in wanted.items():
        if name not in written:
            yield f"The mount {name} ({volume.host_path}) is missing; it stands in extraVolumes"
            continue
        seen = written[name]
        if (seen.host_path, seen.mount_path, seen.read_only) != (
            volume.host_path,
            volume.mount_path,
            volume.read_only,
        ):
            yield f"The mount {name} ({seen.host_path}) differs from its entry in extraVolumes"
    for name, volume in written.items():
        if name not in wanted and not DEFAULT_VOLUMES.fullmatch(name):
            yield f"The mount {name} ({volume.host_path}) stands in no extraVolumes of kubeadm-config"


def _environment(pod: StaticPod, config: ComponentConfig) -> Iterator[str]:
    wanted = set(config.extra_env_names)
    for name in sorted(wanted - set(pod.env_names)):
        yield f"The environment variable {name} is missing; it stands in extraEnvs"
    for name in sorted(set(pod.env_names) - wanted):
        if not PROXY_VARIABLE.fullmatch(name):
            yield f"The environment variable {name} stands in no extraEnvs of kubeadm-config"


def _by_name(args: Iterable[ExtraArg]) -> dict[str, list[str]]:
    values: dict[str, list[str]] = defaultdict(list)
    for arg in args:
        values[arg.name].append(arg.value)
    return dict(values)


def _show(values: Iterable[str]) -> str:
    return " and ".join(f'"{value}"' for value in values)
