"""Whether the local Stack is quick enough for every test: start-up, a request, long lists.

What is too slow is said, and is no failure: the machine may be busy.
"""

from __future__ import annotations

import asyncio
import statistics
import time
import urllib.request
from typing import Any

from stack_fastapi import StackAuth, StackAuthSettings
from stack_fastapi.emulator import StackEmulator

REQUESTS = 500
USERS = 10_000
PAGE = 100
START_LIMIT, REQUEST_LIMIT, SLOWDOWN_LIMIT = 1.0, 3.0, 1.5


def settings_of(stack: StackEmulator) -> StackAuthSettings:
    """Settings that lead to a local Stack in this process."""
    return StackAuthSettings(
        project_id=stack.project.id,
        secret_server_key=stack.project.secret_server_key,
        api_url=stack.url,
    )


def start_up() -> float:
    """Seconds from nothing to the first answer over a socket."""
    began = time.perf_counter()
    stack = StackEmulator()
    with stack.serve() as served:
        path = f"/api/v1/projects/{stack.project.id}/.well-known/jwks.json"
        with urllib.request.urlopen(served.url + path) as answer:  # noqa: S310 - loopback
            answer.read()
        return time.perf_counter() - began


async def request_time() -> float:
    """Median milliseconds of a users/{id} in this process, our client included."""
    stack = StackEmulator()
    user_id = stack.create_user(primary_email="bench@example.com").id
    times = []
    async with StackAuth(settings_of(stack), transport=stack.transport) as auth:
        for _ in range(REQUESTS):
            began = time.perf_counter()
            await auth.client.users.get(user_id)
            times.append((time.perf_counter() - began) * 1000)
    return statistics.median(times)


async def page_times() -> tuple[float, float]:
    """Median milliseconds of a page of users at the beginning and at the end of a long list."""
    stack = StackEmulator()
    for number in range(USERS):
        stack.create_user(primary_email=f"user-{number}@example.com")
    times: list[float] = []
    cursor = ""
    async with StackAuth(settings_of(stack), transport=stack.transport) as auth:
        while len(times) * PAGE < USERS:
            began = time.perf_counter()
            page: Any = await auth._parts.http.call("GET", f"/users?limit={PAGE}{cursor}")  # noqa: SLF001
            times.append((time.perf_counter() - began) * 1000)
            if len(page["items"]) != PAGE:
                raise SystemExit("a page is incomplete")
            cursor = f"&cursor={page['pagination']['next_cursor']}"
    tenth = len(times) // 10
    return statistics.median(times[:tenth]), statistics.median(times[-tenth:])


def main() -> None:
    """Measure, print, and say where a limit is passed."""
    started = min(start_up() for _ in range(3))
    request = asyncio.run(request_time())
    first, last = asyncio.run(page_times())
    print(f"start-up to first answer: {started:.2f} s (limit {START_LIMIT} s)")
    print(f"a request in process:     {request:.2f} ms median (limit {REQUEST_LIMIT} ms)")
    print(f"{PAGE} of {USERS} users:      {first:.1f} ms at first, {last:.1f} ms at last")
    print(f"slowdown by page:         {last / first:.2f} (limit {SLOWDOWN_LIMIT})")
    if started > START_LIMIT or request > REQUEST_LIMIT or last / first > SLOWDOWN_LIMIT:
        print("the local Stack falls short")


if __name__ == "__main__":
    main()
