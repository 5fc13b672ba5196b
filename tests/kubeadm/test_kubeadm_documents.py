"""kubeadm's documents of three API versions, and kubeconfigs, as they are found in the field."""

from __future__ import annotations

import base64
from contextlib import suppress
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from replank.domain.errors import Refused, ReplankError
from replank.inventory.facts.kubernetes import ExtraArg
from replank.inventory.kubeadm.cluster_configuration import parse_cluster_configuration
from replank.inventory.kubeadm.cluster_info import parse_cluster_info
from replank.inventory.kubeadm.kubelet_configuration import parse_kubelet_configuration
from replank.inventory.kubeconfig import check_expiry, parse_kubeconfig
from replank.testbed.fleet.mint import Mint
from replank.testbed.fleet.pki import Authority

NOW = datetime(2026, 11, 24, tzinfo=UTC)
HEAD = "apiVersion: kubeadm.k8s.io/{version}\nkind: ClusterConfiguration\n"


def cluster(text, version="v1beta4"):
    return parse_cluster_configuration(HEAD.format(version=version) + text, where="kubeadm-config")


def test_a_map_of_arguments_is_sorted_as_cluster_api_sorts_it():
    text = "apiServer:\n  extraArgs:\n    oidc-issuer-url: https://id\n    audit-log-path: /var/log/a\n"
    config = cluster(text, "v1beta3")
    assert config.api_server.extra_args == (
        ExtraArg(name="audit-log-path", value="/var/log/a"),
        ExtraArg(name="oidc-issuer-url", value="https://id"),
    )


def test_a_list_of_arguments_keeps_its_order_and_repetition():
    text = """apiServer:
  extraArgs:
  - {name: service-account-issuer, value: new}
  - {name: audit-log-path, value: /a}
  - {name: service-account-issuer, value: old}
"""
    names = [arg.value for arg in cluster(text).api_server.extra_args]
    assert names == ["new", "/a", "old"]


def test_the_control_plane_timeout_of_v1beta3_is_kept_in_seconds():
    config = cluster("apiServer: {timeoutForControlPlane: 4m0s}\n", "v1beta3")
    assert config.api_server.timeout_for_control_plane_seconds == 240


def test_external_etcd_is_told_from_local_and_local_is_the_default():
    external = cluster("etcd: {external: {endpoints: ['https://10.0.0.9:2379'], caFile: /e/ca.crt}}\n")
    assert external.etcd_local is None
    assert external.etcd_external.endpoints == ("https://10.0.0.9:2379",)
    assert cluster("etcd: {}\n").etcd_local is not None


def test_validity_periods_are_read_and_nothing_of_a_default_document_is_left_unread():
    config = cluster("certificateValidityPeriod: 8760h0m0s\ncaCertificateValidityPeriod: 87600h0m0s\n")
    assert config.certificate_validity_seconds == 365 * 86400
    assert config.ca_certificate_validity_seconds == 3650 * 86400
    assert config.unread == ()


def test_a_field_that_replank_does_not_know_is_named():
    assert cluster("apiServer: {novelty: 1}\nnews: {a: b}\n").unread == ("apiServer.novelty", "news")


def test_values_of_environment_variables_are_not_kept():
    text = "apiServer: {extraEnvs: [{name: HTTPS_PROXY, value: 'http://u:hunter2@proxy'}]}\n"
    config = cluster(text)
    assert config.api_server.extra_env_names == ("HTTPS_PROXY",)
    assert "hunter2" not in repr(config)
    assert config.unread == ()


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("{", "RP080"),
        ("- a", "RP080"),
        ("kind: Nothing", "RP081"),
        (HEAD.format(version="v1alpha3"), "RP081"),
        (HEAD.format(version="v1beta4") + "clusterName: [a]", "RP082"),
        (HEAD.format(version="v1beta4") + "certificateValidityPeriod: a year", "RP082"),
    ],
)
def test_a_document_that_cannot_be_read_is_refused_by_code(text, code):
    with pytest.raises(Refused) as error:
        parse_cluster_configuration(text, where="kubeadm-config")
    assert error.value.code == code


def kubeconfig(user, *, cluster="{server: 'https://10.0.0.1:6443'}", current="admin@prod"):
    return f"""apiVersion: v1
kind: Config
current-context: {current}
contexts: [{{name: admin@prod, context: {{cluster: prod, user: admin}}}}]
clusters: [{{name: prod, cluster: {cluster}}}]
users: [{{name: admin, user: {user}}}]
"""


def test_the_client_certificate_is_kept_by_subject_and_date_and_judged_by_a_given_time():
    authority = Authority(Mint(1), datetime(2026, 11, 1), "kubernetes")
    pair = authority.issue("admin", organization="ops", client=True, not_after=datetime(2026, 12, 1))
    certificate, key = (base64.b64encode(pem.encode()).decode() for pem in (pair.cert, pair.key))
    text = kubeconfig(f"{{client-certificate-data: {certificate}, client-key-data: {key}}}")
    fact = parse_kubeconfig(text, where="k")
    assert (fact.auth, fact.client_cert_not_after) == ("client-certificate", "2026-12-01T00:00:00Z")
    assert "admin" in fact.client_cert_subject
    assert key not in repr(fact)
    assert certificate not in repr(fact)
    check_expiry(fact, now=NOW, where="k")
    with pytest.raises(Refused, match="expired on 2026-12-01") as error:
        check_expiry(fact, now=datetime(2026, 12, 2, tzinfo=UTC), where="k")
    assert error.value.code == "RP052"


@pytest.mark.parametrize(
    ("user", "auth"),
    [
        ("{token: abc-secret}", "token"),
        ("{username: a, password: abc-secret}", "basic"),
        ("{exec: {command: login, env: [{name: A, value: abc-secret}]}}", "exec"),
    ],
)
def test_the_kind_of_credentials_is_kept_and_the_credentials_are_not(user, auth):
    fact = parse_kubeconfig(kubeconfig(user), where="k")
    assert (fact.auth, fact.cluster_name, fact.context) == (auth, "prod", "admin@prod")
    assert "abc-secret" not in repr(fact)


def test_proxy_server_name_and_switched_off_checks_are_facts():
    entry = "{server: 'https://a', tls-server-name: api.prod, "
    entry += "proxy-url: 'http://u:pw@p:1', insecure-skip-tls-verify: true}"
    fact = parse_kubeconfig(kubeconfig("{token: t}", cluster=entry), where="k")
    assert (fact.tls_server_name, fact.proxy, fact.insecure) == ("api.prod", True, True)
    assert "pw@p" not in repr(fact)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("not: [yaml", "RP050"),
        (kubeconfig("{token: t}", current="other"), "RP050"),
        (kubeconfig("{token: t}", current="''"), "RP050"),
        (kubeconfig("{token: t}", cluster="{}"), "RP050"),
        (kubeconfig("{}"), "RP051"),
        (kubeconfig("{client-certificate-data: '%%%', client-key-data: YQ==}"), "RP051"),
        (kubeconfig("{client-certificate: /c.crt}"), "RP051"),
    ],
)
def test_a_kubeconfig_that_leads_nowhere_is_refused_by_code(text, code):
    with pytest.raises(Refused) as error:
        parse_kubeconfig(text, where="kube/prod.yaml")
    assert error.value.code == code


WORDS = ["apiVersion", "kind", "kubeadm.k8s.io/v1beta4", "ClusterConfiguration", "apiServer", "extraArgs"]
WORDS += [
    "etcd",
    "local",
    "external",
    "endpoints",
    "contexts",
    "clusters",
    "users",
    "current-context",
    "name",
]
TEXTS = st.text(max_size=60) | st.lists(
    st.sampled_from([*WORDS, ": ", "\n", "  ", "- ", "{", "}", "[", "]", "1", "null", "&a", "*a", "!!x"]),
    max_size=40,
).map("".join)


@given(TEXTS)
def test_parsers_raise_nothing_but_errors_with_a_code(text):
    head = HEAD.format(version="v1beta4")
    for parse in (
        lambda: parse_cluster_configuration(text, where="w"),
        lambda: parse_cluster_configuration(head + text, where="w"),
        lambda: parse_kubelet_configuration(text, where="w"),
        lambda: parse_kubeconfig(text, where="w"),
        lambda: parse_kubeconfig(kubeconfig(text), where="w"),
        lambda: parse_cluster_info({"kubeconfig": text}, where="w"),
    ):
        with suppress(ReplankError):
            parse()


def test_http_endpoints_that_kubeadm_fills_in_by_itself_are_no_loss():
    same = "endpoints: ['https://10.0.0.9:2379'], httpEndpoints: ['https://10.0.0.9:2379']"
    own = "endpoints: ['https://10.0.0.9:2379'], httpEndpoints: ['http://10.0.0.9:2381']"
    assert cluster(f"etcd: {{external: {{{same}}}}}\n").unread == ()
    assert cluster(f"etcd: {{external: {{{own}}}}}\n").unread == ("etcd.external.httpEndpoints",)
