"""What the import costs, in time and memory, where FastAPI is imported already."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from benchmarks.targets import Measured, Results

ROUNDS = 15

# Linux's; getrusage would tell the parent's peak.
_HAS_STATM = Path("/proc/self/statm").exists()
_PROGRAM = """
import json, os, pathlib, time
import fastapi

def resident():
    statm = pathlib.Path("/proc/self/statm")
    return int(statm.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") if statm.exists() else 0

before, began = resident(), time.perf_counter()
from stack_fastapi import StackAuthMiddleware, CurrentUser, StackAuth
took = time.perf_counter() - began
print(json.dumps([took * 1000, (resident() - before) / 2**20]))
"""


async def measure() -> Results:
    """Milliseconds and MiB; the least of several new processes."""
    runs = [_run() for _ in range(ROUNDS)]
    how = f"the least of {ROUNDS} processes"
    memory = Measured(min(run[1] for run in runs), how)
    if not _HAS_STATM:
        memory = Measured(None, "there is no /proc/self/statm")
    return {"import_time": Measured(min(run[0] for run in runs), how), "import_memory": memory}


def _run() -> tuple[float, float]:
    command = [sys.executable, "-c", _PROGRAM]
    output = subprocess.run(command, check=True, capture_output=True, timeout=60).stdout  # noqa: S603
    took, grown = json.loads(output)
    return took, grown
