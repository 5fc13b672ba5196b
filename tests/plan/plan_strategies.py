"""Generated plans: any text, any JSON, any number of parts."""

from __future__ import annotations

from hypothesis import strategies as st

from replank.plan.model import Irreversible, PlanCheck, PlanFinding, PointOfNoReturn, Stage, Step, Undo
from replank.plan.takeover import (
    Forget,
    GroupDifference,
    LoadBalancerChoice,
    MachineGroup,
    Ownership,
    PlannedMachine,
    PortName,
    SecretPlan,
    SecretSource,
    TakeoverPlan,
    Targets,
)

# Words that YAML readers love to take for something else stand beside arbitrary text.
TEXT = st.one_of(
    st.sampled_from(
        [
            "",
            "on",
            "No",
            "null",
            "~",
            "0o17",
            "0x1f",
            "1_000",
            "12:30:45",
            "1e3",
            "1.10",
            "2026-11-24",
            ".inf",
            "- a",
            "a: b",
            "# c",
            "key #x",
            "'",
            '"',
            "*a",
            "&a",
            "!t",
            "{{ x }}",
            "[1]",
            "|",
            ">",
            "%d",
            "@x",
            "`x`",
            "<<",
            "=",
            "line one\nline two\n",
            "  indented\n",
            "trailing \nblank",
            "\n",
            "\ttab",
            "a\u2028b",
            "\x85",
            "\ufeffbom",
            "word " * 60,
        ]
    ),
    st.text(alphabet=st.characters(blacklist_categories=["Cs"]), max_size=30),
)
KEY = TEXT
JSON = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(-(10**20), 10**20),
        st.floats(allow_nan=False, allow_infinity=False),
        TEXT,
    ),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEY, inner, max_size=3),
    max_leaves=6,
)
OBJECT = st.dictionaries(KEY, JSON, max_size=3)
TEXTS = st.lists(TEXT, max_size=2).map(tuple)


def some(strategy: st.SearchStrategy[object]) -> st.SearchStrategy[tuple[object, ...]]:
    return st.lists(strategy, max_size=2).map(tuple)


ROLE = st.sampled_from(["control-plane", "worker"])
CHECK = st.builds(PlanCheck, kind=TEXT, says=TEXT, params=OBJECT)
STEP = st.builds(
    Step,
    id=TEXT,
    kind=TEXT,
    says=TEXT,
    params=OBJECT,
    objects=TEXTS,
    before=some(CHECK),
    after=some(CHECK),
    undo=st.one_of(
        st.builds(Undo, kind=TEXT, says=TEXT),
        st.builds(Irreversible, irreversible=TEXT),
    ),
    approval=TEXT,
)
SECRET = st.builds(
    SecretPlan,
    name=TEXT,
    namespace=TEXT,
    type=TEXT,
    labels=st.dictionaries(KEY, TEXT, max_size=2),
    data=st.dictionaries(
        KEY,
        st.builds(
            SecretSource,
            source=st.sampled_from(["host-file", "made-kubeconfig", "application-credential"]),
            machine=TEXT,
            path=TEXT,
            says=TEXT,
        ),
        max_size=2,
    ),
    says=TEXT,
)
MACHINE = st.builds(
    PlannedMachine,
    machine=TEXT,
    role=ROLE,
    server_id=TEXT,
    server_name=TEXT,
    node=TEXT,
    provider_id=TEXT,
    group=TEXT,
    version=TEXT,
    failure_domain=TEXT,
    ports=some(st.builds(PortName, id=TEXT, old=TEXT, new=TEXT)),
    rename_server_to=TEXT,
)
PLANS = st.builds(
    TakeoverPlan,
    migration=st.just("takeover"),
    cluster=TEXT,
    namespace=TEXT,
    made_by=TEXT,
    snapshot_sha256=TEXT,
    targets=st.builds(Targets, cluster_api=TEXT, capo=TEXT),
    kubernetes_version=TEXT,
    ready=st.booleans(),
    settings=OBJECT,
    load_balancer=st.builds(
        LoadBalancerChoice,
        mode=st.sampled_from(["managed", "unmanaged", "none"]),
        why=TEXT,
        endpoint=TEXT,
        load_balancer_id=TEXT,
    ),
    machines=some(MACHINE),
    groups=some(
        st.builds(
            MachineGroup,
            name=TEXT,
            role=ROLE,
            machines=TEXTS,
            why=TEXT,
            differences=some(
                st.builds(
                    GroupDifference, field=TEXT, machine=TEXT, has=TEXT, template=TEXT, at_next_rollout=TEXT
                )
            ),
        )
    ),
    ownership=some(
        st.builds(
            Ownership,
            kind=TEXT,
            id=TEXT,
            name=TEXT,
            before=st.sampled_from(["terraform", "nova", "nobody"]),
            after=st.sampled_from(["cluster-api", "terraform"]),
            address=TEXT,
            why=TEXT,
        )
    ),
    forget=some(
        st.builds(
            Forget,
            address=TEXT,
            id=TEXT,
            state=TEXT,
            how=st.sampled_from(["removed-block", "state-rm"]),
            import_id=TEXT,
        )
    ),
    findings=some(
        st.builds(
            PlanFinding,
            code=TEXT,
            severity=st.sampled_from(["blocker", "risk", "note"]),
            subject=TEXT,
            evidence=TEXTS,
            consequence=TEXT,
            remedy=TEXT,
            unknown=st.booleans(),
        )
    ),
    points_of_no_return=some(st.builds(PointOfNoReturn, step=TEXT, why=TEXT)),
    stages=some(st.builds(Stage, name=TEXT, title=TEXT, says=TEXT, rest=TEXT, steps=some(STEP))),
    secrets=some(SECRET),
    manifests=st.dictionaries(KEY, OBJECT, max_size=2),
)
