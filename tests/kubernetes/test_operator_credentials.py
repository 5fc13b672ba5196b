"""How the operator logs in for months: a Pod's token that rotates, kubeconfigs that live in Secrets."""

from __future__ import annotations

import asyncio
import traceback
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import pytest

from replank.domain.errors import Refused, ReplankError, Transient
from replank.inventory.fleet.model import KubeconfigRef
from replank.ports.access import ObjectRef
from replank.ports.receipts import collect
from replank.testbed.fleet.demo import demo_world
from replank.testbed.serve.kubernetes import Fault, ServedApi
from replank.testbed.twin import Twin
from replank.transports.kubernetes.api import KubernetesApi
from replank.transports.kubernetes.source import HeldKubeconfig
from replank.transports.kubernetes.transport import Limits

LIMITS = Limits(timeout_s=2.0, answer_s=1.0, attempts=2, pause_s=0.01, longest_pause_s=0.02)
OLD, NEW = "planted-token-one", "planted-token-two"
WHERE = "Secret shop/blue-kubeconfig"
T = TypeVar("T")


@pytest.fixture(scope="module")
def twin(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Twin]:
    with Twin(demo_world(1), tmp_path_factory.mktemp("twin")) as running:
        yield running


class Tokens:
    """Which tokens the management cluster's API takes."""

    def __init__(self, twin: Twin, api: Any) -> None:
        self.twin, self._api = twin, api

    def good(self, *tokens: str) -> None:
        self._api.tokens = tokens


@pytest.fixture
def tokens(twin: Twin) -> Iterator[Tokens]:
    api = twin.world.management
    assert api is not None
    before = api.tokens
    yield Tokens(twin, api)
    api.tokens = before
    twin.management.faults.clear()


def served(twin: Twin) -> ServedApi:
    return twin.management


def own(twin: Twin) -> bytes:
    """A kubeconfig with a client certificate."""
    return (twin.fleet_file.parent / "kube" / "management.yaml").read_bytes()


def in_cluster(twin: Twin, folder: Path) -> KubeconfigRef:
    """What a Pod gets: a kubeconfig that names the files of its service account."""
    api = twin.world.management
    assert api is not None
    (folder / "ca.crt").write_text(api.ca_cert)
    (folder / "token").write_text(f"{OLD}\n")
    path = folder / "kubeconfig"
    path.write_text(
        "apiVersion: v1\nkind: Config\ncurrent-context: here\n"
        "contexts: [{name: here, context: {cluster: here, user: me}}]\n"
        "clusters: [{name: here, cluster: {certificate-authority: ca.crt, "
        f"server: '{served(twin).url}'}}}}]\n"
        "users: [{name: me, user: {tokenFile: token}}]\n"
    )
    return KubeconfigRef(path=str(path))


def talk(source: KubeconfigRef | HeldKubeconfig, ask: Callable[[KubernetesApi], Awaitable[T]]) -> T:
    async def run() -> T:
        async with KubernetesApi(source, fence=lambda: None, limits=LIMITS) as api:
            return await ask(api)

    return asyncio.run(run())


def test_a_rotated_token_is_used_before_the_old_one_runs_out(tokens: Tokens, tmp_path: Path) -> None:
    """The kubelet writes it anew at 80 % of its life; nobody has to be answered 401 first."""
    source, api_of = in_cluster(tokens.twin, tmp_path), served(tokens.twin)
    tokens.good(OLD, NEW)

    async def ask(api: KubernetesApi) -> None:
        await api.document("/version")
        (tmp_path / "token").write_text(NEW)
        tokens.good(NEW)
        before = len(api_of.requests)
        await api.list("v1", "Namespace")
        # Discovery and the list: no 401 in between, which would have been asked again.
        assert len(api_of.requests) - before == 2

    talk(source, ask)


def test_a_token_file_that_is_gone_is_told_and_comes_back(tokens: Tokens, tmp_path: Path) -> None:
    source = in_cluster(tokens.twin, tmp_path)
    tokens.good(OLD)

    async def ask(api: KubernetesApi) -> None:
        await api.list("v1", "Namespace")
        for content in (None, " \n", "planted\x00token"):
            (tmp_path / "token").unlink(missing_ok=True)
            if content is not None:
                (tmp_path / "token").write_text(content)
            with pytest.raises(Refused) as caught:
                await api.list("v1", "Namespace")
            assert caught.value.code == "RP051"
            assert "planted" not in str(caught.value)
        (tmp_path / "token").write_text(OLD)
        await api.list("v1", "Namespace")

    talk(source, ask)


def test_a_token_is_in_no_error_and_no_receipt(tokens: Tokens, tmp_path: Path) -> None:
    source, api_of = in_cluster(tokens.twin, tmp_path), served(tokens.twin)
    tokens.good(OLD)
    ref = ObjectRef("v1", "Namespace", "", "nowhere")

    async def ask(api: KubernetesApi) -> str:
        receipts, shown = collect(), ""
        for fault in (Fault(status=401), Fault(status=403), Fault(status=500), Fault(kind="cut")):
            api_of.faults[:] = [Fault(method="PATCH", kind=fault.kind, status=fault.status)]
            with pytest.raises(ReplankError) as caught:
                await api.merge(ref, {"metadata": {"labels": {"a": "b"}}})
            shown += "".join(traceback.format_exception(caught.value)) + repr(caught.value.args)
        return f"{shown} {receipts}"

    shown = talk(source, ask)
    assert shown
    assert not [token for token in (OLD, NEW, "Bearer") if token in shown]


def test_a_kubeconfig_in_memory_opens_the_cluster_without_any_file(
    twin: Twin, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = HeldKubeconfig.of(own(twin), where=WHERE)

    def no_file(*args: Any, **kwargs: Any) -> None:
        raise AssertionError("a file was used")

    monkeypatch.setattr(Path, "read_text", no_file)
    monkeypatch.setattr("tempfile.TemporaryDirectory", no_file)
    assert talk(source, lambda api: api.ready()) == ""
    assert repr(source) == f"HeldKubeconfig(where={WHERE!r})"


@pytest.mark.parametrize(
    "user",
    [
        "tokenFile: /var/run/secrets/kubernetes.io/serviceaccount/token",
        "exec: {apiVersion: client.authentication.k8s.io/v1, command: planted-program}",
        "client-certificate: /etc/kubernetes/pki/ca.crt, client-key: /etc/kubernetes/pki/ca.key",
    ],
)
def test_a_kubeconfig_in_memory_may_name_no_file_and_no_program(twin: Twin, user: str) -> None:
    """Else whoever writes the Secret gets the operator's own token sent to a server of his choice."""
    text = (
        "current-context: here\ncontexts: [{name: here, context: {cluster: here, user: me}}]\n"
        f"clusters: [{{name: here, cluster: {{server: '{served(twin).url}'}}}}]\n"
        f"users: [{{name: me, user: {{{user}}}}}]\n"
    )
    before = len(served(twin).requests)
    with pytest.raises(Refused) as caught:
        talk(HeldKubeconfig.of(text.encode(), where=WHERE), lambda api: api.ready())
    assert (caught.value.code, caught.value.where) == ("RP050", WHERE)
    assert len(served(twin).requests) == before


@pytest.mark.parametrize(
    "content",
    [
        b"users: [{name: me, user: {token: planted-token-one",
        b"\xffplanted-token-one",
        b"- planted-token-one",
        b"current-context: x\nusers: planted-token-one",
    ],
)
def test_a_broken_kubeconfig_in_memory_is_told_without_its_content(content: bytes) -> None:
    with pytest.raises(Refused) as caught:
        talk(HeldKubeconfig.of(content, where=WHERE), lambda api: api.ready())
    assert caught.value.code == "RP050"
    assert OLD not in "".join(traceback.format_exception(caught.value)) + repr(caught.value.args)


def by_token(twin: Twin, token: str) -> bytes:
    text = own(twin).decode()
    head, _, _ = text.partition("users:")
    name = next(line.split(":")[1].strip() for line in head.splitlines() if line.strip().startswith("user:"))
    return f"{head}users:\n- name: {name}\n  user:\n    token: {token}\n".encode()


def test_a_renewed_secret_is_read_after_a_401_and_old_lines_are_closed(tokens: Tokens) -> None:
    """A refused credential costs a new line each time; a process that runs for months must not keep them."""
    given, read = [OLD], []

    async def secret() -> bytes:
        read.append(given[0])
        return by_token(tokens.twin, given[0])

    async def ask(api: KubernetesApi) -> None:
        tokens.good(OLD)
        await asyncio.gather(*(api.list("v1", "Namespace") for _ in range(3)))
        assert read == [OLD]
        given[0] = NEW
        tokens.good(NEW)
        await asyncio.gather(*(api.list("v1", "Namespace") for _ in range(3)))
        assert read == [OLD, NEW]
        tokens.good()
        for _ in range(5):
            with pytest.raises(Refused) as caught:
                await api.list("v1", "Namespace")
            assert caught.value.code == "RP052"
        assert len(api._line._opened) == 1

    talk(HeldKubeconfig(where=WHERE, read=secret), ask)


def test_what_the_secrets_owner_raises_comes_through(twin: Twin) -> None:
    async def secret() -> bytes:
        raise Transient("RP055", "The Secret was not read", "the management cluster is away", "Wait.")

    with pytest.raises(Transient) as caught:
        talk(HeldKubeconfig(where=WHERE, read=secret), lambda api: api.ready())
    assert caught.value.code == "RP055"
