"""A plan's manifests as files, in the order in which its stages apply them."""

from __future__ import annotations

import re
from typing import Any

from replank.plan.order import applying_stages, manifest_keys, ordered
from replank.plan.takeover import SecretPlan, SecretSource, TakeoverPlan
from replank.plan.yaml_writer import write_yaml
from replank.report.words import printable

_NOTE = """\
# {title}
# Cluster {cluster}, from a replank plan. To read and to compare: applied by hand, these objects would come
# without the checks before and after each step that keep the running machines safe.
"""

SECRETS = "05-secrets.yaml.template"
"""Not `.yaml`: `kubectl apply -f FOLDER` must not make Secrets without data, which Cluster API would take as
they are or, for missing ones, fill with new CAs (cluster-api v1.14.0, util/secret LookupOrGenerateCached)."""


def manifest_files(plan: TakeoverPlan) -> dict[str, str]:
    """File name -> text. `00-namespace.yaml`, the Secrets' template, then `<10 x stage>-<stage>.yaml`."""
    stages = applying_stages(plan)
    numbers = {stage.name: 10 * number for number, stage in enumerate(plan.stages, 1)}
    documents: dict[tuple[int, str], list[str]] = {}
    for key in manifest_keys(plan):
        stage = stages.get(key)
        if plan.manifests[key].get("kind") == "Namespace":
            place = (0, "namespace")
        elif stage is not None:
            place = (numbers[stage.name], stage.name)
        else:
            place = (10 * (len(plan.stages) + 1), "other")
        documents.setdefault(place, []).append(manifest_yaml(plan, key))
    files = {
        f"{number:02d}-{_slug(name)}.yaml": _file(plan, name, texts)
        for (number, name), texts in documents.items()
    }
    if plan.secrets:
        files[SECRETS] = _file(
            plan, "Secrets, without their data", [secret_template(s) for s in plan.secrets]
        )
    return dict(sorted(files.items()))


def manifest_yaml(plan: TakeoverPlan, key: str) -> str:
    """One manifest as YAML."""
    value = ordered(plan.manifests[key])
    return write_yaml(value) if isinstance(value, dict) else ""


def secret_template(secret: SecretPlan) -> str:
    """The Secret without data; a comment for each key says where its value comes from."""
    head: dict[str, Any] = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {
            "name": secret.name,
            "namespace": secret.namespace,
            "labels": dict(sorted(secret.labels.items())),
        },
        "type": secret.type,
    }
    keys = "".join(
        f"  {_comment(key)}: # {_comment(secret_source(source))}\n"
        for key, source in sorted(secret.data.items())
    )
    says = f"# {_comment(secret.says)}\n" if secret.says else ""
    return f"{says}{write_yaml(head)}data:\n{keys}" if keys else f"{says}{write_yaml(head)}"


def secret_source(source: SecretSource) -> str:
    """`from cp-1:/etc/kubernetes/pki/ca.key`, or how the value is made."""
    if source.source == "host-file":
        text = f"from {source.machine}:{source.path}"
    elif source.source == "made-kubeconfig":
        text = "a kubeconfig with a client certificate that the CA signs when the plan is applied"
    else:
        text = "an application credential made in Keystone when the plan is applied"
    return f"{text}; {source.says}" if source.says else text


def _file(plan: TakeoverPlan, title: str, documents: list[str]) -> str:
    note = _NOTE.format(title=_comment(title).capitalize(), cluster=_comment(plan.cluster))
    return note + "".join(f"---\n{document}" for document in documents)


def _comment(text: str) -> str:
    return printable(" ".join(text.split("\n")))


def _slug(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-") or "stage"
