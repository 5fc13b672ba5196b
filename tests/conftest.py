"""For all tests: hypothesis without deadlines (the machine may be busy), and a loud word on what was left
out.
"""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, settings

settings.register_profile(
    "replank", deadline=None, print_blob=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("replank")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Names every upstream test that did not run: without Go the manifests are validated against nothing."""
    left_out = [r for r in terminalreporter.stats.get("skipped", []) if "upstream" in r.keywords]
    if not left_out:
        return
    terminalreporter.section("NOT VALIDATED against upstream's CustomResourceDefinitions", sep="!", red=True)
    terminalreporter.write_line("Go is missing. Install it to validate the manifests. Left out:")
    for report in left_out:
        terminalreporter.write_line(f"  {report.nodeid}")
