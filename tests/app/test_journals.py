"""Which journal is used, and which run is meant."""

from __future__ import annotations

import pytest

from replank.app.journals import journal_url
from replank.app.runs import chosen_run
from replank.domain.errors import Refused
from replank.ports.journal import Run


def run(run_id: str, cluster: str) -> Run:
    return Run(
        id=run_id,
        cluster=cluster,
        plan_sha256="",
        plan="",
        fleet="",
        started_at=0.0,
        holder="",
        schema="",
    )


RUNS = (run("a-1", "a"), run("b-1", "b"), run("a-2", "a"), run("b", "c"))


def test_the_journal_lies_beside_the_fleet_file(tmp_path):
    url = journal_url(None, tmp_path / "fleet.yaml", make=True)
    assert url == f"sqlite:///{tmp_path}/.replank/journal.db"


def test_reading_makes_no_journal_and_says_where_it_looked(tmp_path):
    with pytest.raises(Refused, match="RP845") as error:
        journal_url(None, tmp_path / "fleet.yaml")
    assert error.value.where == str(tmp_path / ".replank" / "journal.db")
    assert list(tmp_path.iterdir()) == []


def test_a_database_is_taken_as_it_is_given(tmp_path):
    url = "postgresql://jane@db/replank"
    assert journal_url(url, tmp_path / "fleet.yaml") == url


@pytest.mark.parametrize(
    ("named", "found"), [("a-1", "a-1"), ("a", "a-2"), ("b-", "b-1"), ("b", "b"), ("c", "b")]
)
def test_a_run_is_named_by_id_cluster_or_beginning(named, found):
    assert chosen_run(RUNS, named).id == found


@pytest.mark.parametrize("named", ["x", "", "a-"])
def test_a_run_that_is_not_one_is_refused_with_those_there_are(named):
    with pytest.raises(Refused, match=r"RP809.*a-2"):
        chosen_run(RUNS, named)


def test_an_empty_journal_says_so():
    with pytest.raises(Refused, match="no runs"):
        chosen_run((), "a")
