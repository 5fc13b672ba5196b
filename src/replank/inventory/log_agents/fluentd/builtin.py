"""What Fluentd's public images have built in, cut down to what reads container logs.

Source: fluent/fluentd-kubernetes-daemonset v1.1 to v1.19 (`conf/kubernetes.conf`, from v1.12 `kubernetes/
containers.conf` and `tail_container_parse.conf`); kubernetes/cluster/addons/fluentd-elasticsearch
`fluent.conf`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from replank.inventory.log_agents.mounted import Files, MountedFile
from replank.inventory.log_agents.workload import AgentContainer, mount_of

DAEMONSET_PLUGINS = ("fluent-plugin-multi-format-parser", "fluent-plugin-concat")
PARSE_FILE_FROM = (1, 12)
PARSE_FILE = "/fluentd/etc/tail_container_parse.conf"
"""Mounted over by whoever wants another parser and keeps the image (from v1.12)."""

_PARSE = """<parse>
  @type "#{ENV['FLUENT_CONTAINER_TAIL_PARSER_TYPE'] || 'json'}"
  time_format "#{ENV['FLUENT_CONTAINER_TAIL_PARSER_TIME_FORMAT'] || '%Y-%m-%dT%H:%M:%S.%NZ'}"
</parse>
"""
_CONTAINERS = """<source>
  @type tail
  @id in_tail_container_logs
  path "#{ENV['FLUENT_CONTAINER_TAIL_PATH'] || '/var/log/containers/*.log'}"
  pos_file /var/log/fluentd-containers.log.pos
  tag "#{ENV['FLUENT_CONTAINER_TAIL_TAG'] || 'kubernetes.*'}"
  read_from_head true
  @include ../tail_container_parse.conf
</source>
"""
_DAEMONSET = {
    "/fluentd/etc/fluent.conf": "@include kubernetes.conf\n@include conf.d/*.conf\n",
    "/fluentd/etc/kubernetes.conf": "@include kubernetes/containers.conf\n",
    "/fluentd/etc/kubernetes/containers.conf": _CONTAINERS,
    PARSE_FILE: _PARSE,
    "/fluentd/etc/systemd.conf": "",
    "/fluentd/etc/prometheus.conf": "",
}
_ADDON = {"/etc/fluent/fluent.conf": "@include config.d/*.conf\n"}


def is_daemonset_image(image: str) -> bool:
    return "fluentd-kubernetes-daemonset" in image


def is_addon_image(image: str) -> bool:
    return re.search(r"fluentd[-_]elasticsearch", image) is not None


def with_builtin(container: AgentContainer, files: Files) -> Files:
    """The files with those of the image put beneath: a folder that is mounted hides what the image has
    there.
    """
    texts: Mapping[str, str] = {}
    if is_daemonset_image(container.image):
        texts = _DAEMONSET
    elif is_addon_image(container.image):
        texts = _ADDON
    beneath = {
        path: MountedFile(path=path, source=None, key=path, text=text)
        for path, text in texts.items()
        if mount_of(container, path) is None
    }
    return Files(by_path={**beneath, **files.by_path}, missing=files.missing)
