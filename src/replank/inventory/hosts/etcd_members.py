"""etcd's own answers, through its gRPC gateway (etcd 3.4-3.6, api/etcdserverpb/rpc.proto).

The gateway writes 64-bit integers as decimal text; etcdctl and Cluster API's logs show member IDs in
hexadecimal, so that is how they are kept.
"""

from __future__ import annotations

import json
import re
from typing import Any, Final

from replank.domain.errors import Refused
from replank.inventory.facts.hosts import EtcdFacts, EtcdMember, StaticPod
from replank.inventory.hosts.command_line import flag_value
from replank.inventory.hosts.static_pods import host_path

CODE: Final = "RP088"
_DECIMAL = re.compile(r"[0-9]{1,20}", flags=re.ASCII)


def etcd_access(pods: tuple[StaticPod, ...]) -> tuple[dict[str, str], ...]:
    """Ways to ask etcd: `ca`, `cert`, `key` (paths on the host) and `url`, one for each endpoint.

    As the API server asks it, so stacked and external etcd are the same here. () if no kube-apiserver
    manifest names etcd.
    """
    for pod in pods:
        servers = flag_value(pod.args, "etcd-servers")
        if pod.component == "kube-apiserver" and servers:
            files = {
                name: host_path(pod, flag_value(pod.args, flag))
                for name, flag in (("ca", "etcd-cafile"), ("cert", "etcd-certfile"), ("key", "etcd-keyfile"))
            }
            return tuple({**files, "url": url.strip().rstrip("/")} for url in servers.split(","))
    return ()


def parse_members(text: str) -> tuple[EtcdMember, ...]:
    """The answer of /v3/cluster/member/list, sorted by name and ID. Raises `Refused` RP088."""
    members = _document(text).get("members")
    if not isinstance(members, list) or not members:
        raise _strange("it names no members")
    found = [_member(member) for member in members]
    return tuple(sorted(found, key=lambda member: (member.name, member.id)))


def parse_status(text: str, members: tuple[EtcdMember, ...]) -> EtcdFacts:
    """The answer of /v3/maintenance/status with the members. Raises `Refused` RP088.

    Healthy means: the member knows a leader and reports no error (alarms such as NOSPACE stand there).
    """
    document = _document(text)
    version, size = document.get("version", ""), document.get("dbSize")
    if not isinstance(version, str) or not version:
        raise _strange("the status has no version")
    return EtcdFacts(
        members=members,
        version=version,
        db_size_bytes=int(_number(size)) if size is not None else None,
        healthy=_healthy(document),
    )


def parse_health(text: str) -> tuple[str, bool]:
    """Which member answered /v3/maintenance/status (its ID, hexadecimal), and whether it is healthy.

    Raises `Refused` RP088.
    """
    document = _document(text)
    header = document.get("header")
    member = header.get("member_id") if isinstance(header, dict) else None
    return f"{int(_number(member)):x}", _healthy(document)


def _healthy(status: dict[str, Any]) -> bool:
    return _number(status.get("leader", "0")) != "0" and not status.get("errors")


def _member(member: Any) -> EtcdMember:
    if not isinstance(member, dict):
        raise _strange("a member is no object")
    name = member.get("name", "")
    if not isinstance(name, str):
        raise _strange("a member's name is no text")
    return EtcdMember(
        id=f"{int(_number(member.get('ID'))):x}",
        name=name,
        peer_urls=_texts(member.get("peerURLs")),
        client_urls=_texts(member.get("clientURLs")),
        learner=member.get("isLearner") is True,
    )


def _document(text: str) -> dict[str, Any]:
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise _strange("it is not JSON") from error
    if not isinstance(document, dict):
        raise _strange("it is no object")
    return document


def _number(value: object) -> str:
    text = str(value) if isinstance(value, int | str) and not isinstance(value, bool) else ""
    if not _DECIMAL.fullmatch(text):
        raise _strange("a number is not written as etcd writes it")
    return text


def _texts(value: object) -> tuple[str, ...]:
    return tuple(sorted(item for item in value if isinstance(item, str))) if isinstance(value, list) else ()


def _strange(why: str) -> Refused:
    return Refused(
        CODE,
        "etcd's answer was not understood",
        why,
        "Ask etcd with `etcdctl member list` on the machine; a proxy before it, or etcd before 3.4?",
    )
