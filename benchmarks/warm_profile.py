"""Where the time of a warm request goes: own time by package, and the kit's functions.

The profiler makes each call dearer, so the shares lean towards small functions.
"""

from __future__ import annotations

import asyncio
import cProfile
import pstats
import sys
from collections import Counter
from pathlib import Path
from typing import Any

from benchmarks.apps import engine_for, plain_app, protected_app, signed_in
from benchmarks.measuring import micros_each
from stack_fastapi.emulator import StackEmulator

REQUESTS = 20_000


async def main() -> None:
    """Profile the same route without the kit and with it."""
    stack = StackEmulator()
    alice = signed_in(stack)
    tokens = [alice.token] * REQUESTS
    async with engine_for(stack) as auth:
        for name, app in (("checks nothing", plain_app()), ("CurrentUser", protected_app(auth))):
            await micros_each(app, "/user", tokens[:100])
            profile = cProfile.Profile()
            with profile:
                await micros_each(app, "/user", tokens)
            _print(name, profile)


def _print(name: str, profile: cProfile.Profile) -> None:
    stats: Any = pstats.Stats(profile)
    rooms: Counter[str] = Counter()
    functions: Counter[str] = Counter()
    for (file, _, function), (_, _, own, _, _) in stats.stats.items():
        room = _room(file)
        rooms[room] += own
        if room == "stack_fastapi":
            functions[f"{Path(file).stem}.{function}"] += own
    total = rooms.total()
    print(f"{name}:")
    for room, own in rooms.most_common(8):
        print(f"  {own / total:6.1%} {own / REQUESTS * 1e6:6.1f} µs  {room}")
    for function, own in functions.most_common():
        print(f"         {own / REQUESTS * 1e6:6.2f} µs  {function}")


def _room(file: str) -> str:
    """The package of a file; C code has none."""
    path = Path(file)
    if file == "~":
        return "functions in C"
    if "site-packages" in path.parts:
        return path.parts[path.parts.index("site-packages") + 1]
    if path.is_relative_to(sys.base_prefix):
        return "standard library"
    return next((part for part in path.parts if part in {"stack_fastapi", "benchmarks"}), file)


if __name__ == "__main__":
    asyncio.run(main())
