"""The parts that judgements are made of: expressions, times, selectors, conditions, syntaxes, workloads."""

from __future__ import annotations

import pytest

from replank.domain.errors import Refused
from replank.domain.unknown import Unknown
from replank.inventory.log_agents.agent import LogAgent, LogInput, Place, SourceRef
from replank.inventory.log_agents.expression import compiled
from replank.inventory.log_agents.fluentd.syntax import tag_pattern
from replank.inventory.log_agents.judgement import judge
from replank.inventory.log_agents.loki.river import parse
from replank.inventory.log_agents.loki.selector import selector
from replank.inventory.log_agents.mounted import MountedFile, mounted
from replank.inventory.log_agents.otel.conditions import holds
from replank.inventory.log_agents.recognise import kind_of
from replank.inventory.log_agents.times import layout_reads, strptime_reads
from replank.inventory.log_agents.version import at_least, version_of
from replank.inventory.log_agents.workload import AgentContainer, select, sources

UTC, OFFSET = "2026-05-01T10:00:00.123456789Z", "2026-05-01T10:00:00.123456789+02:00"


@pytest.mark.parametrize(
    ("written", "utc", "offset"),
    [
        ("%Y-%m-%dT%H:%M:%S.%NZ", True, False),
        ("%Y-%m-%dT%H:%M:%S.%N%:z", True, True),
        ("%Y-%m-%dT%H:%M:%S.%L%z", True, True),
        ("%Y-%m-%dT%H:%M:%S.%L", True, False),
        ("%iso8601", True, True),
        ("%d/%b/%Y", False, False),
        ("", True, True),
    ],
)
def test_strptime_formats_read_what_they_say(written: str, utc: bool, offset: bool) -> None:
    assert (strptime_reads(written, UTC), strptime_reads(written, OFFSET)) == (utc, offset)


@pytest.mark.parametrize(
    ("layout", "utc", "offset"),
    [
        ("2006-01-02T15:04:05.999999999Z07:00", True, True),
        ("2006-01-02T15:04:05.999999999-07:00", False, True),
        ("2006-01-02T15:04:05.999Z", True, False),
        ("RFC3339Nano", True, True),
    ],
)
def test_go_layouts_read_what_they_say(layout: str, utc: bool, offset: bool) -> None:
    assert (layout_reads(layout, UTC), layout_reads(layout, OFFSET)) == (utc, offset)


@pytest.mark.parametrize(
    "expression",
    ["(a+)+$", "^(?:(x*)y?)*$", "[[:alpha:]]+", r"\p{L}", "(?i-m)x", "(", "x" * 3000, "((a|b+){2,})*"],
)
def test_expressions_that_cannot_be_tried_are_refused(expression: str) -> None:
    with pytest.raises(Refused) as refused:
        compiled(expression)
    assert refused.value.code == "RP483"


@pytest.mark.parametrize(
    "expression", ["^(?<a>[^ ]+) (?<b>(x|y)+)$", "^(?s)(?P<c>.*)$", r"[(]+(\w+)", r"(?:ab){2}"]
)
def test_usual_expressions_are_read(expression: str) -> None:
    assert compiled(expression)


@pytest.mark.parametrize(
    ("pattern", "tag", "matches"),
    [
        ("kubernetes.**", "kubernetes.var.log", True),
        ("kubernetes.**", "kubernetes", True),
        ("kubernetes.**", "raw.kubernetes.x", False),
        ("**", "any.thing", True),
        ("a.*", "a.b.c", False),
        ("{a,b}.c", "b.c", True),
        ("x a.b", "a.b", True),
        ("kubernetes.var.log.containers.fluentd**", "kubernetes.var.log.containers.web.log", False),
    ],
)
def test_fluentds_tag_patterns(pattern: str, tag: str, matches: bool) -> None:
    assert bool(tag_pattern(pattern)(tag)) == matches


def test_selectors_take_labels_and_lines() -> None:
    found = selector('{filename=~".+", app!="x"} !~ "^\\\\{"')
    assert found.holds({"filename": "a"}, "2026")
    assert not found.holds({"filename": "a"}, "{")
    assert not found.holds({"filename": "a", "app": "x"}, "2026")
    assert found.unknown_labels({"filename": "a"}) == ("app",)
    with pytest.raises(Refused, match="RP484"):
        selector('{a="b"} | json')


@pytest.mark.parametrize(
    ("condition", "result"),
    [
        (r'body matches "^\\{"', True),
        (r"$$body matches '^[^ Z]+ '", False),
        ('body startsWith "{" and attributes.stream == "x"', True),
        ('not (body contains "log")', False),
        ('body startsWith "2" or attributes["stream"] != "y"', True),
        ("true", True),
    ],
)
def test_conditions_of_the_collector(condition: str, result: bool) -> None:
    assert holds(condition, {"body": '{"log":1}', "attributes": {"stream": "x"}}) == result


def test_a_condition_that_is_not_understood_is_refused() -> None:
    with pytest.raises(Refused, match="RP484"):
        holds("len(body) > 3", {"body": ""})


def test_alloys_syntax_with_comments_strings_and_objects() -> None:
    text = 'a.b "c" {\n  // x = {\n  t = [{ __path__ = "/x}", n = 1 }]\n  /* { */ d "e" { f = `g"` }\n}\n'
    (block,) = parse(MountedFile(path="x", source=None, key="x", text=text))
    assert (block.address, block.line, block.end) == ("a.b.c", 1, 5)
    assert [inner.address for inner in block.blocks] == ["d.e"]
    assert block.blocks[0].text("f") == 'g"'


@pytest.mark.parametrize(
    ("image", "version"),
    [
        ("fluent/fluent-bit:1.8.9", (1, 8, 9)),
        ("registry:5000/fluent/fluent-bit", None),
        ("fluent/fluentd-kubernetes-daemonset:v1.16-debian-x@sha256:abc", (1, 16)),
        ("grafana/agent:latest", None),
    ],
)
def test_versions_come_from_tags(image: str, version: tuple[int, ...] | None) -> None:
    assert version_of(image) == version
    assert at_least(image, (1, 9)) == (version is not None and version >= (1, 9))


@pytest.mark.parametrize(
    ("image", "kind"),
    [
        ("quay.io/fluentd_elasticsearch/fluentd:v3", "fluentd"),
        ("amazon/aws-for-fluent-bit:2", "fluent-bit"),
        ("docker.io/grafana/agent:v0.40", "grafana-agent"),
        ("timberio/vector:0.3", "vector"),
        (
            "ghcr.io/open-telemetry/opentelemetry-collector-releases/opentelemetry-collector-k8s:0.1",
            "opentelemetry",
        ),
        ("docker.elastic.co/beats/filebeat:8", "filebeat"),
        ("ghcr.io/jimmidyson/configmap-reload:v1", None),
        ("example.test/shop/vectorizer:1", None),
        ("nginx:1", None),
    ],
)
def test_agents_are_recognised_by_their_images(image: str, kind: str | None) -> None:
    assert kind_of(AgentContainer(name="x", image=image)) == kind


def daemon_set() -> dict[str, object]:
    container = {
        "name": "fluentd",
        "image": "fluentd:1",
        "command": ["fluentd"],
        "args": ["-c", "/etc/fluent.conf", "--password", "hunter2"],
        "env": [
            {"name": "FLUENT_ELASTICSEARCH_PASSWORD", "value": "hunter2"},
            {"name": "FLUENT_CONTAINER_TAIL_PARSER_TYPE", "value": "cri"},
            {"name": "LOG_PATH", "valueFrom": {}},
        ],
        "envFrom": [{"secretRef": {"name": "x"}}],
        "volumeMounts": [
            {"name": "all", "mountPath": "/etc/conf"},
            {"name": "log", "mountPath": "/host/log", "subPath": "pods"},
        ],
    }
    volumes = [
        {
            "name": "all",
            "projected": {
                "sources": [
                    {"configMap": {"name": "one", "items": [{"key": "k", "path": "fluent.conf"}]}},
                    {"secret": {"name": "two"}},
                ]
            },
        },
        {"name": "log", "hostPath": {"path": "/var/log"}},
    ]
    pod = {
        "containers": [container],
        "volumes": volumes,
        "initContainers": [{"name": "i", "image": "fluentd:1"}],
    }
    return {
        "kind": "DaemonSet",
        "metadata": {"name": "f", "namespace": "n"},
        "spec": {"template": {"spec": pod}},
    }


def test_of_a_workload_only_what_matters_is_kept() -> None:
    found = select(daemon_set())
    (container,) = found.containers
    assert "hunter2" not in repr(found)
    assert container.env == {"FLUENT_CONTAINER_TAIL_PARSER_TYPE": "cri"}
    assert container.env_names[2] == "LOG_PATH"
    assert container.env_from
    assert container.flags == ("/etc/fluent.conf",)
    assert sources(found) == (SourceRef(kind="ConfigMap", name="one"), SourceRef(kind="Secret", name="two"))
    assert [mount.host_path for mount in container.mounts if mount.host_path] == ["/var/log/pods"]


def test_files_are_where_the_container_sees_them() -> None:
    (container,) = select(daemon_set()).containers
    files = mounted(container, {SourceRef(kind="ConfigMap", name="one"): {"k": "text", "other": "x"}})
    assert list(files.by_path) == ["/etc/conf/fluent.conf"]
    assert files.missing == (SourceRef(kind="Secret", name="two"),)
    assert "text" not in repr(files)


def agent(*inputs: LogInput) -> LogAgent:
    return LogAgent(
        kind="fluentd", namespace="n", workload="DaemonSet/x", container="c", image="i", inputs=inputs
    )


def entry(*understood: str) -> LogInput:
    place = Place(source=None, key="k")
    return LogInput(
        name="x", place=place, understood=understood, positions_on="node", joins=("docker", "cri")
    )


def test_an_agent_is_as_good_as_its_worst_input() -> None:
    docker, cri = entry("docker"), entry("cri", "cri-stderr")
    both = entry("docker", "cri", "cri-stderr")
    assert judge(agent(both, docker)).reads == "docker"
    assert judge(agent(docker, cri)).reads == "neither"
    assert judge(agent(both, both)).reads == "both"
    assert judge(agent()).reads == "nothing"


def test_an_unknown_input_makes_the_agent_unknown_and_never_ready() -> None:
    unknown = LogInput(name="x", place=Place(source=None, key="k"), understood=Unknown("why", "RP484"))
    judged = judge(agent(entry("docker", "cri", "cri-stderr"), unknown))
    assert isinstance(judged.reads, Unknown)
    assert judged.code == "RP423"
    assert not judged.ready_for("cri")


def test_a_stream_that_is_not_read_is_a_format_that_is_not_read() -> None:
    assert judge(agent(entry("docker", "cri"))).reads == "docker"
