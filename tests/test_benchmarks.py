"""docs/benchmarks.md shows each row of the benchmark, with the target that is measured against."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.__main__ import BEGIN, END, table
from benchmarks.targets import TARGETS, Measured, Target

PAGE = (Path(__file__).parents[1] / "docs" / "benchmarks.md").read_text()


def cells(row: str) -> list[str]:
    return [cell.strip() for cell in row.strip("|").split("|")]


def rows(lines: list[str]) -> list[list[str]]:
    return [cells(line) for line in lines if line.startswith("|")][2:]


def test_the_docs_show_every_row_with_its_target() -> None:
    printed = PAGE.partition(BEGIN)[2].partition(END)[0]
    shown = [(row[0], row[2]) for row in rows(printed.splitlines())]
    assert shown == [(target.what, str(target)) for target in TARGETS.values()]


@pytest.mark.parametrize(
    ("value", "shown"), [(1.1, "1.10"), (1.11, "**1.11** falls short"), (None, "not measured")]
)
def test_what_falls_short_of_a_target_is_marked(value: float | None, shown: str) -> None:
    results = {name: Measured(target.limit, "once") for name, target in TARGETS.items()}
    found = rows(table(results | {"user": Measured(value, "once")}))
    assert [row[1] for row in found if row[0] == TARGETS["user"].what] == [shown]
    assert sum("falls short" in row[1] for row in found) == ("falls" in shown)


def test_more_requests_than_the_target_are_no_shortfall() -> None:
    rate = Target("requests", 2.3, is_least=True)
    assert [rate.is_met(value) for value in (2.2, 2.3, 2.4)] == [False, True, True]


def test_naming_the_engine_imports_no_library_that_only_making_one_needs() -> None:
    program = (
        "import sys, fastapi; before = set(sys.modules)\n"
        "from stack_fastapi import StackAuthMiddleware, CurrentUser, StackAuth\n"
        "print(*sorted({name.partition('.')[0] for name in set(sys.modules) - before}))"
    )
    command = [sys.executable, "-c", program]
    run = subprocess.run(command, check=True, capture_output=True, text=True)  # noqa: S603
    late = {"httpx", "httpx2", "joserfc", "cryptography", "pydantic_settings", "stamina"}
    assert late.isdisjoint(run.stdout.split())
    assert "stack_fastapi" in run.stdout.split()
