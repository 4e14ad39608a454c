"""Measuring on a machine that others use as well.

What is compared runs in turns, short ones and many, so that all of it has the same bad moments.
The fastest turn of each counts: whatever made another one slower was not the code.
"""

from __future__ import annotations

import gc
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from starlette.types import ASGIApp

#: Does a turn's work, and says how many microseconds one piece of it took.
Turn = Callable[[], Awaitable[float]]

_OK = 200


async def fastest(turns: Mapping[str, Turn], rounds: int) -> dict[str, float]:
    """The microseconds of each one's fastest turn."""
    best = dict.fromkeys(turns, float("inf"))
    gc.collect()
    for _ in range(rounds):
        for name, turn in turns.items():
            best[name] = min(best[name], await turn())
    return best


async def micros_each(app: ASGIApp, path: str, tokens: Sequence[str | None]) -> float:
    """Microseconds of a request, of one with each of the tokens, one after the other.

    Made anew each time and before the clock starts, as a server would: what a request brings along
    lies in the processor's cache, however many others there are.
    """
    scopes = [_scope(path, token) for token in tokens]
    began = time.perf_counter()
    for scope in scopes:
        await app(scope, _receive, _send)
    return (time.perf_counter() - began) / len(scopes) * 1e6


async def _receive() -> dict[str, Any]:
    return {"type": "http.request", "body": b"", "more_body": False}


async def _send(message: Any) -> None:  # noqa: ANN401 - an ASGI message
    if message["type"] == "http.response.start" and message["status"] != _OK:
        raise SystemExit(f"a measured route answered {message['status']}")


def _scope(path: str, token: str | None) -> dict[str, Any]:
    headers = [
        (b"host", b"api.example.com"),
        (b"user-agent", b"Mozilla/5.0"),
        (b"accept", b"application/json"),
        (b"accept-encoding", b"gzip, deflate, br"),
    ]
    if token is not None:
        headers.append((b"x-stack-access-token", token.encode()))
    return {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "root_path": "",
        "headers": headers,
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 80),
    }
