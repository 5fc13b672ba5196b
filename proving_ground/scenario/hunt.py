"""The hunt for secrets: what a cluster and its operator keep to themselves, and where none of it may be."""

from __future__ import annotations

import base64
import binascii
import json
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from proving_ground.cloud import passwords
from proving_ground.cloud.layout import layout
from proving_ground.engine import docker_engine, parts
from proving_ground.legacy import create, ssh, tofu
from proving_ground.legacy.layout import LegacyCluster
from proving_ground.management.managers import KUBERNETES
from proving_ground.scenario.kube import Kube
from proving_ground.settings import Folders
from proving_ground.toolchain.groups import binary

KEYS = "sudo sh -c 'cat /etc/kubernetes/pki/*.key /etc/kubernetes/pki/etcd/*.key'"
BEGIN, END = "-----BEGIN", "-----END"
SHORTEST = 8
"""Bytes. What is shorter (a Secret's `true`, a user's name) would be found everywhere."""


@dataclass(frozen=True)
class Hunt:
    """`desk`: the operator's folder. `forms`: name of a secret -> the byte strings that would betray it."""

    ground: Folders
    desk: Path
    forms: Mapping[str, frozenset[bytes]]

    def found(self, planes: Mapping[str, Path]) -> list[str]:
        """`place: secret`, wherever one is and must not be. `planes`: name -> kubeconfig of each API server
        whose objects are looked through."""
        return [
            f"{place}: {name}"
            for place, content in self._places(planes)
            for name, forms in self.forms.items()
            if any(form in content for form in forms)
        ]

    def _places(self, planes: Mapping[str, Path]) -> Iterator[tuple[str, bytes]]:
        """The desk (snapshots, plans, journal, reports, logs), every part's output, the audit logs of the
        management planes, every object that is no Secret."""
        for file in sorted(self.desk.rglob("*")):
            if file.is_file():
                yield f"desk {file.relative_to(self.desk)}", file.read_bytes()
        for file in sorted((self.ground.state / "management").rglob("audit*.log")):
            yield f"audit log {file.name}", file.read_bytes()
        client = docker_engine.connect()
        try:
            for container in parts.all_containers(client):
                yield f"output of {container.name}", container.logs()
        finally:
            client.close()
        for plane, kubeconfig in planes.items():
            yield f"objects of {plane}", everything_but_secrets(self.ground, kubeconfig)


def hunt(ground: Folders, cluster: LegacyCluster, plane: Kube, desk: Path) -> Hunt:
    """What must not be found: the cluster's private keys as its machines have them, all that Cluster API's
    Secrets hold of it but certificates, the cloud's passwords, the operator's keys."""
    secrets = {
        f"password of {name}": word.encode() for name, word in passwords.ensure(layout(ground)).items()
    }
    secrets["the operator's SSH key"] = ground.ssh_key.read_bytes()
    secrets["the cluster's kubeconfig"] = (ground.cluster(cluster.name) / "kubeconfig").read_bytes()
    first = tofu.read(ground, cluster).control_planes[0].address
    known = create.known_hosts(ground, cluster)
    secrets["/etc/kubernetes/pki"] = ssh.run(ground, known, first, KEYS)
    for secret in plane.list("Secret", cluster.name):
        for key, value in secret.get("data", {}).items():
            if key != "tls.crt":
                secrets[f"Secret {secret['metadata']['name']}, {key}"] = base64.b64decode(value)
    found = {name: frozenset(forms(secret)) for name, secret in secrets.items()}
    return Hunt(ground, desk, {name: marks for name, marks in found.items() if marks})


def forms(secret: bytes) -> Iterator[bytes]:
    """What would betray a secret. Of a text with private keys, their lines, since line ends are written in
    many ways; of a kubeconfig or clouds.yaml, the lines that hold its words; each also in base64."""
    text = secret.decode()
    for word in _private_lines(text) if BEGIN in text else _words(text):
        yield word.encode()
        yield from _in_base64(word.encode())


def _private_lines(text: str) -> Iterator[str]:
    """Lines of private keys without the first of each (its head is the algorithm's name, alike in all)."""
    inside, number = False, 0
    for line in text.splitlines():
        if line.startswith(BEGIN):
            inside, number = "PRIVATE KEY" in line, 0
        elif line.startswith(END):
            inside = False
        elif inside:
            number += 1
            if number > 1 and len(line) >= SHORTEST:
                yield line


def _words(text: str) -> Iterator[str]:
    """The secret values of a YAML text (client-key-data, token, secret, password); else the text itself."""
    marked = ("client-key-data:", "token:", "secret:", "password:")
    lines = [line.split(":", 1)[1] for line in text.splitlines() if any(mark in line for mark in marked)]
    values = [value for line in lines if (value := line.strip(" \"'"))]
    if not values and ":" not in text and len(text) >= SHORTEST:
        values = [text]
    for value in values:
        yield value
        try:
            inner = base64.b64decode(value, validate=True).decode()
        except (binascii.Error, UnicodeDecodeError):
            continue
        yield from _private_lines(inner)


def _in_base64(word: bytes) -> Iterator[bytes]:
    """The word inside any longer text in base64, by where it may begin within three bytes."""
    for before in range(3):
        encoded = base64.b64encode(b"\0" * before + word)
        inner = encoded[4 if before else 0 : len(encoded) // 4 * 4 - 4]
        if len(inner) >= SHORTEST:
            yield inner


def everything_but_secrets(ground: Folders, kubeconfig: Path) -> bytes:
    """Every object of an API server as JSON, without Secrets."""
    kubectl = [str(binary(ground, KUBERNETES, "kube")), "kubectl", f"--kubeconfig={kubeconfig}"]

    def run(*arguments: str) -> bytes:
        return subprocess.run([*kubectl, *arguments], capture_output=True, timeout=120, check=True).stdout

    names = run("api-resources", "--verbs=list", "-o", "name").decode().split()
    assert "secrets" in names
    kinds = [name for name in names if name != "secrets"]
    objects = run("get", "--all-namespaces", "--ignore-not-found", "-o", "json", ",".join(kinds))
    assert len(json.loads(objects)["items"]) > 50, "an API server has more objects than that"
    return objects
