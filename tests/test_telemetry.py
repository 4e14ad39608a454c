"""What operators hear: each problem when it appears, then once a minute."""

from __future__ import annotations

import logging
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from stack_fastapi.telemetry import ProblemLog


def test_a_problem_is_logged_once_a_minute(clock: Any, caplog: pytest.LogCaptureFixture) -> None:
    log = ProblemLog(clock)
    for seconds in (0, 0, 59.9, 0.1, 1, 59):
        clock.advance(seconds)
        log.report(logging.ERROR, "DOWN", f"at {clock.now:.1f}")
    assert [record.getMessage() for record in caplog.records] == [
        "at 1800000000.0",
        "at 1800000060.0",
        "at 1800000120.0",
    ]
    assert {record.name for record in caplog.records} == {"stack_fastapi"}


def test_one_problem_does_not_hide_another(clock: Any, caplog: pytest.LogCaptureFixture) -> None:
    log = ProblemLog(clock)
    log.report(logging.WARNING, "DOWN", "Stack is down")
    log.report(logging.ERROR, "KEY", "the key is wrong")
    assert [(record.levelno, record.getMessage()) for record in caplog.records] == [
        (logging.WARNING, "Stack is down"),
        (logging.ERROR, "the key is wrong"),
    ]


def test_two_engines_do_not_share_a_log(clock: Any, caplog: pytest.LogCaptureFixture) -> None:
    for _ in range(2):
        ProblemLog(clock).report(logging.ERROR, "DOWN", "down")
    assert len(caplog.records) == 2


def test_a_message_is_text_and_no_format(clock: Any, caplog: pytest.LogCaptureFixture) -> None:
    ProblemLog(clock).report(logging.ERROR, "DOWN", "100 %s of %d")
    assert caplog.records[0].getMessage() == "100 %s of %d"


def test_many_threads_that_meet_a_problem_log_it_once(
    clock: Any, caplog: pytest.LogCaptureFixture
) -> None:
    log = ProblemLog(clock)
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda _: log.report(logging.ERROR, "DOWN", "down"), range(200)))
    assert len(caplog.records) == 1
