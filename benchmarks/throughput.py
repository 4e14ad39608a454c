"""Requests a second through uvicorn: one worker, 32 connections of wrk."""

from __future__ import annotations

import importlib.util
import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from benchmarks.served import APPS
from benchmarks.targets import Measured, Results

ROUNDS = 12
SECONDS = 1
CONNECTIONS = 32

_RATE = re.compile(r"Requests/sec:\s+([0-9.]+)")
_FAILED = re.compile(r"Non-2xx|Socket errors")


async def measure() -> Results:
    """The ratios to an app that checks nothing, and to one with PyJWT."""
    wrk = shutil.which("wrk")
    if wrk is None:
        return dict.fromkeys(("served", "served_pyjwt"), Measured(None, "wrk is not installed"))
    has_pyjwt = importlib.util.find_spec("jwt") is not None
    with ExitStack() as servers:
        lines = {
            name: [wrk, "-t1", f"-c{CONNECTIONS}", *servers.enter_context(_serving(name))]
            for name in APPS
            if has_pyjwt or name != "pyjwt"
        }
        best = dict.fromkeys(lines, 0.0)
        for _ in range(ROUNDS):
            for name, line in lines.items():
                best[name] = max(best[name], _rate(line))
    pyjwt = Measured(None, "PyJWT is not installed")
    if has_pyjwt:
        pyjwt = _ratio(best, "pyjwt")
    return {"served": _ratio(best, "nothing"), "served_pyjwt": pyjwt}


@contextmanager
def _serving(name: str) -> Iterator[list[str]]:
    """A server as long as the block lasts; what to tell wrk of it."""
    command = [sys.executable, "-m", "benchmarks.served", name]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:  # noqa: S603
        try:
            assert server.stdout is not None  # noqa: S101 - it is a pipe
            said = json.loads(server.stdout.readline())
            yield ["-H", f"x-stack-access-token: {said['token']}", said["url"]]
        finally:
            server.terminate()


def _rate(line: list[str]) -> float:
    command = [*line[:-1], f"-d{SECONDS}s", line[-1]]
    output = subprocess.run(  # noqa: S603
        command, check=True, capture_output=True, text=True, timeout=SECONDS + 30
    ).stdout
    rate = _RATE.search(output)
    if rate is None or _FAILED.search(output):
        raise SystemExit(f"wrk was not answered as it should be:\n{output}")
    return float(rate[1])


def _ratio(best: dict[str, float], other: str) -> Measured:
    ours, theirs = best["stack_fastapi"], best[other]
    how = f"{ours:,.0f} to {theirs:,.0f}; {ROUNDS} rounds of {SECONDS} s"
    return Measured(ours / theirs, how)
