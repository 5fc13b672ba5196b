"""Tracebacks of bugs: where it happened, never what was in it."""

from __future__ import annotations

import logging
import logging.config
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from replank.engine.calling import bug
from replank.engine.private_log import keep_private_log


@pytest.fixture
def logging_put_back() -> Iterator[None]:
    """Other tests of this process find every logger as it was."""
    root = logging.getLogger()
    level, handlers = root.level, list(root.handlers)
    loggers = [one for one in root.manager.loggerDict.values() if isinstance(one, logging.Logger)]
    disabled = [one.disabled for one in loggers]
    yield
    root.setLevel(level)
    root.handlers[:] = handlers
    for logger, was in zip(loggers, disabled, strict=True):
        logger.disabled = was


@pytest.mark.usefixtures("logging_put_back")
def test_a_library_that_configures_logging_for_itself_does_not_silence_it(tmp_path: Path):
    file = tmp_path / "silenced.private.log"
    keep_private_log(file)
    logging.config.dictConfig({"version": 1, "root": {"level": "CRITICAL"}})
    bug("step align/2-b", ValueError("x"))
    assert "step align/2-b" in file.read_text()


def test_it_says_where_and_which_type_and_nothing_else(tmp_path: Path):
    file = tmp_path / "journal.db.private.log"
    keep_private_log(file)
    keep_private_log(file)
    secret = "hunter" + str(stat.S_IFMT(0))
    try:
        try:
            raise KeyError(secret)
        except KeyError as error:
            raise ValueError(secret) from error
    except ValueError as error:
        refused = bug("step align/1-a", error)
    text = file.read_text()
    assert secret not in text + str(refused)
    assert "test_private_log.py" in text
    assert text.count("step align/1-a") == 1
    assert text.index("ValueError") < text.index("KeyError")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
