"""Measure everything and print one table, as docs/benchmarks.md shows it.

A target that is missed is marked, and is no failure: the machine may be busy.
"""

from __future__ import annotations

import asyncio
import importlib.util
import platform
import sys
from importlib.metadata import version

from benchmarks import first_sight, imports, many_users, memory, throughput, warm_requests
from benchmarks.targets import TARGETS, Measured, Results, Target

BEGIN, END = "<!-- printed by make bench -->", "<!-- end of what make bench printed -->"

_SERVED_BY = ("uvloop", "httptools")


def main() -> None:
    """Measure, and print what came out."""
    results: Results = {}
    for module in (imports, warm_requests, first_sight, many_users, memory, throughput):
        print(f"measuring {module.__name__.partition('.')[2]} …", file=sys.stderr)
        results |= asyncio.run(module.measure())
    print("\n".join([BEGIN, *table(results), END]))
    missed = [name for name, result in results.items() if _falls_short(TARGETS[name], result)]
    print(f"{len(missed)} of {len(TARGETS)} fall short", file=sys.stderr)


def table(results: Results) -> list[str]:
    """The table in Markdown, with the machine it is about."""
    rows = [
        f"| {target.what} | {_value(target, results[name])} | {target} | {results[name].how} |"
        for name, target in TARGETS.items()
    ]
    return [_machine(), "", "| What | Value | Target | Measured |", "|---|--:|--:|---|", *rows]


def _value(target: Target, result: Measured) -> str:
    if result.value is None:
        return "not measured"
    shown = target.shown(result.value)
    return f"**{shown}** falls short" if _falls_short(target, result) else shown


def _falls_short(target: Target, result: Measured) -> bool:
    return result.value is not None and not target.is_met(result.value)


def _machine() -> str:
    packages = ", ".join(f"{name} {version(name)}" for name in ("fastapi", "starlette", "uvicorn"))
    helpers = " and ".join(name for name in _SERVED_BY if importlib.util.find_spec(name))
    return f"Python {platform.python_version()}, {packages} with {helpers or 'nothing beside it'}."


if __name__ == "__main__":
    main()
