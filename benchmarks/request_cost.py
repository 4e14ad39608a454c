"""What the kit adds to a request that it has seen before: ratios, measured side by side.

Every route runs in this process on the same event loop, in turns; the fastest turn of each
counts, for everything slower was the machine's doing. Printed are microseconds for the reader's
own machine, and ratios that mean something on any.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Annotated, Any

from fastapi import Depends, FastAPI
from fastapi.security import APIKeyHeader

from stack_fastapi import (
    CurrentClaims,
    CurrentUser,
    OptionalUser,
    StackAuth,
    StackAuthMiddleware,
    StackAuthSettings,
    User,
    require_permission,
    require_team_permission,
)
from stack_fastapi.emulator import StackEmulator
from stack_fastapi.testing import sign_in

TURNS = 15
REQUESTS = 1_000
#: The most that a permission may add to the warm route of a user.
PERMISSION_LIMIT = 1.3

Call = Callable[[], Awaitable[None]]


def plain_app() -> FastAPI:
    """Routes without the kit: nothing at all, and FastAPI's own dependency that checks nothing."""
    app = FastAPI()

    @app.get("/bare")
    async def bare() -> dict[str, bool]:
        return {"ok": True}

    @app.get("/no-op")
    async def no_op(
        _: Annotated[str, Depends(APIKeyHeader(name="X-Stack-Access-Token"))],
    ) -> dict[str, bool]:
        return {"ok": True}

    return app


def protected_app(auth: StackAuth) -> FastAPI:
    """The same routes with the kit."""
    app = FastAPI()
    app.add_middleware(StackAuthMiddleware, auth=auth)

    @app.get("/current_user")
    async def user(_: CurrentUser) -> dict[str, bool]:
        return {"ok": True}

    @app.get("/permission")
    async def permission(
        _: Annotated[User, Depends(require_permission("read"))],
    ) -> dict[str, bool]:
        return {"ok": True}

    @app.get("/users/{team_id}")
    async def user_at_a_path(team_id: str, _: CurrentUser) -> dict[str, bool]:
        return {"ok": bool(team_id)}

    @app.get("/teams/{team_id}")
    async def team_permission(
        team_id: str,
        _: Annotated[User, Depends(require_team_permission("bill"))],
    ) -> dict[str, bool]:
        return {"ok": bool(team_id)}

    @app.get("/current_claims")
    async def claims(_: CurrentClaims) -> dict[str, bool]:
        return {"ok": True}

    @app.get("/optional_user")
    async def optional(_: OptionalUser) -> dict[str, bool]:
        return {"ok": True}

    return app


def requests_to(app: FastAPI, path: str, token: str) -> Call:
    """A function that sends one request to a path and insists on a 200."""
    headers = [
        (b"host", b"api.example.com"),
        (b"user-agent", b"Mozilla/5.0"),
        (b"accept", b"application/json"),
        (b"accept-encoding", b"gzip, deflate, br"),
        (b"x-stack-access-token", token.encode()),
    ]

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Any) -> None:  # noqa: ANN401 - an ASGI message
        if message["type"] == "http.response.start" and message["status"] != 200:  # noqa: PLR2004
            raise SystemExit(f"{path} answered {message['status']}")

    async def call() -> None:
        scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": "GET",
            "scheme": "http",
            "path": path,
            "raw_path": path.encode(),
            "query_string": b"",
            "root_path": "",
            "headers": list(headers),
            "client": ("127.0.0.1", 1),
            "server": ("127.0.0.1", 80),
        }
        await app(scope, receive, send)

    return call


async def fastest(calls: dict[str, Call]) -> dict[str, float]:
    """Microseconds a request, of each call's fastest turn."""
    best = dict.fromkeys(calls, float("inf"))
    for _ in range(TURNS):
        for name, call in calls.items():
            began = time.perf_counter()
            for _ in range(REQUESTS):
                await call()
            best[name] = min(best[name], (time.perf_counter() - began) / REQUESTS * 1e6)
    return best


async def main() -> None:
    """Measure, print, and fail where a permission costs too much."""
    stack = StackEmulator()
    settings = StackAuthSettings(
        project_id=stack.project.id,
        secret_server_key=stack.project.secret_server_key,
        api_url=stack.url,
    )
    alice = sign_in(
        stack,
        primary_email="bench@example.com",
        permissions=["read"],
        team="Acme",
        team_permissions=["bill"],
    )
    token, team_id = alice.token, next(iter(stack.project.teams))
    async with StackAuth(settings, transport=stack.transport) as auth:
        plain, protected = plain_app(), protected_app(auth)
        calls = {
            "bare": requests_to(plain, "/bare", token),
            "no-op": requests_to(plain, "/no-op", token),
            "current_user": requests_to(protected, "/current_user", token),
            "permission": requests_to(protected, "/permission", token),
            "user, id in path": requests_to(protected, f"/users/{team_id}", token),
            "team permission": requests_to(protected, f"/teams/{team_id}", token),
            "current_claims": requests_to(protected, "/current_claims", token),
            "optional_user": requests_to(protected, "/optional_user", token),
        }
        best = await fastest(calls)
    print(f"{'warm route':<16} {'µs':>7} {'÷ no-op':>8} {'÷ bare':>7}")
    for name, micros in best.items():
        print(
            f"{name:<16} {micros:7.1f} {micros / best['no-op']:8.2f} {micros / best['bare']:7.2f}"
        )
    # Each beside the user's route of the same shape: a parameter in the path has its own price.
    pairs = [("permission", "current_user"), ("team permission", "user, id in path")]
    added = [(name, other, best[name] / best[other]) for name, other in pairs]
    for name, other, ratio in added:
        print(f"{name} ÷ {other}: {ratio:.2f} (limit {PERMISSION_LIMIT})")
    if any(ratio > PERMISSION_LIMIT for _, _, ratio in added):
        raise SystemExit(1)


if __name__ == "__main__":
    asyncio.run(main())
