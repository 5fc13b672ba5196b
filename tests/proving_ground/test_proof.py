"""What the long proof keeps of a test file, and how it is written down."""

from __future__ import annotations

from proving_ground.proof import Result, record, told_in

SAID = """
   1 killed at apply run run-started after 1.2 s
.proof: 412 kills: 190 in a takeover; never met: none
E   proof: of nothing, in a traceback
1 passed in 900.11s (0:15:00)
"""


def test_lines_that_a_test_tells_the_proof_are_found_and_no_others():
    assert told_in(SAID.splitlines()) == ["412 kills: 190 in a takeover; never met: none"]


COMMIT = "c80cf3b" + "0" * 33


def test_the_record_names_commit_date_and_what_tests_told():
    done = Result("test_crash.py", COMMIT, True, 900.0, "2026-11-26T03:00:00Z", "1 passed", ["412 kills"])
    text = record(COMMIT, ["test_cloud.py", "test_crash.py"], {"test_crash.py": done})
    assert "Last run: 2026-11-26T03:00:00Z, commit c80cf3b00000, 1 of 2 test files passed." in text
    assert "| test_cloud.py | **not run** | | | | |" in text
    assert text.endswith("\n\n- test_crash.py: 412 kills\n")


def test_what_passed_at_an_older_commit_says_so():
    done = Result("test_crash.py", "b" * 40, True, 900.0, "2026-11-26T03:00:00Z", "1 passed")
    text = record(COMMIT, ["test_crash.py"], {"test_crash.py": done})
    assert "1 of 1 test files passed, 1 of them at older commits." in text
    assert "| test_crash.py | passed | bbbbbbbbbbbb | 900 |" in text


def test_a_record_without_such_lines_ends_with_its_table():
    assert record("0" * 40, ["test_cloud.py"], {}).endswith("| test_cloud.py | **not run** | | | | |\n")
