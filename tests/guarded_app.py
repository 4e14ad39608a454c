"""The local Stack with a clock that tests move, and an app of every kind of guard."""

# No "from __future__ import annotations": FastAPI cannot resolve local names that are text.

from collections import Counter
from typing import Annotated, Any

from fake_stack import Clock, Reply, get
from fastapi import APIRouter, Depends, FastAPI
from starlette.types import ASGIApp

from stack_fastapi import (
    ApiKeyPrincipal,
    CurrentPrincipal,
    CurrentTeam,
    CurrentUser,
    StackAuth,
    StackAuthMiddleware,
    UserPrincipal,
    require_api_key,
    require_permission,
    require_team_member,
    require_team_permission,
    require_user,
)
from stack_fastapi.emulator import Fault, StackEmulator
from stack_fastapi.engine.authentication import Authentication
from stack_fastapi.testing import SignedIn, auth_for, sign_in

#: What is asked of Stack, by the end of its path.
QUESTIONS = {
    "users/me": "users",
    "project-permissions": "project",
    "team-permissions": "team",
    "teams": "teams",
    "auth/sessions": "sessions",
    "user-api-keys/check": "user keys",
    "team-api-keys/check": "team keys",
    "jwks.json": "keys",
}


class LocalStack:
    """An emulator, its clock, and what was asked of it."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.emulator = StackEmulator(clock=self.clock)

    @classmethod
    def with_permissions(cls) -> "LocalStack":
        """One that has the permissions which the guards below ask for."""
        stack = cls()
        stack.emulator.define_permission("read")
        stack.emulator.define_permission("bill", "team")
        return stack

    def engine(self, **changes: Any) -> StackAuth:
        return auth_for(self.emulator, **changes)

    def sign_in(self, **fields: Any) -> SignedIn:
        return sign_in(self.emulator, **fields)

    def go_down(self, path: str = "*") -> None:
        self.emulator.faults.add(Fault(kind="status", status=500, path=path))

    def come_back(self) -> None:
        self.emulator.faults.clear()

    def asked(self) -> dict[str, int]:
        """How often each question was asked since the last time, keys left out."""
        counted: Counter[str] = Counter()
        for request in self.emulator.requests:
            path = request.path.removeprefix("/api/v1/")
            last = next((name for end, name in QUESTIONS.items() if path.endswith(end)), None)
            counted[last or path.partition("/")[0]] += 1
        self.emulator.requests.clear()
        del counted["keys"]
        return dict(counted)


GUARDS: dict[str, Any] = {
    "/permission": require_permission("read"),
    "/both": require_permission("read", "write"),
    "/either": require_permission("read", "write", any_of=True),
    "/verified-reader": require_permission("read", verified_email=True),
    "/now": require_permission("read", max_age=0),
    "/teams/{team_id}/permission": require_team_permission("bill"),
    "/teams/{team_id}/both": require_team_permission("bill", "$delete_team"),
    "/teams/{team_id}/hidden": require_team_permission("bill", reveal=False),
    "/teams/{team_id}/now": require_team_permission("bill", max_age=0),
    "/clubs/{club}/permission": require_team_permission("bill", team="club"),
    "/teams/{team_id}/member": require_team_member(),
    "/teams/{team_id}/hidden-member": require_team_member(reveal=False),
    "/live": require_user(live_session=True),
    "/live-now": require_user(live_session=True, max_age=0),
    "/mfa": require_user(mfa=True),
    "/key": require_api_key(),
    "/user-key": require_api_key("user"),
    "/team-key": require_api_key("team"),
    "/reader-key": require_api_key(permission="read"),
}


def app_of(auth: StackAuth, *, eager: bool = True) -> FastAPI:
    """An app with a route for each guard."""
    app = FastAPI(openapi_url=None)
    app.add_middleware(StackAuthMiddleware, auth=auth, eager=eager)
    guarded = APIRouter()

    async def ok() -> str:
        return "ok"

    for path, guard in GUARDS.items():
        guarded.add_api_route(path, ok, dependencies=[Depends(guard)])
    app.include_router(guarded)

    @app.get("/user")
    async def user_route(user: CurrentUser) -> str:
        return "ok"

    @app.get("/principal")
    async def principal_route(principal: CurrentPrincipal) -> str:
        kind = type(principal).__name__
        return f"{kind} {principal.user.id}" if isinstance(principal, UserPrincipal) else kind

    @app.get("/team")
    @app.get("/teams/{team_id}/current")
    async def team_route(team: CurrentTeam) -> str:
        return team.id

    @app.get("/everything")
    async def everything(
        user: CurrentUser,
        read: Annotated[Any, Depends(require_permission("read"))],
        write: Annotated[Any, Depends(require_permission("read", "write", any_of=True))],
    ) -> str:
        return "ok"

    return app


async def outcome(app: ASGIApp, path: str, token: str | None = None, **headers: str) -> str:
    """Status and code of an answer; ``200`` alone where there is none."""
    reply = await get(app, path, token, **headers)
    return "200" if reply.status == 200 else f"{reply.status} {reply.code}"


async def ask(app: ASGIApp, path: str, token: str | None = None, **headers: str) -> Reply:
    """The whole answer."""
    return await get(app, path, token, **headers)


async def key_owner(decision: Authentication, scope: dict[str, Any]) -> ApiKeyPrincipal | None:
    """On whose behalf the API key of a scope is sent."""
    return await decision.key_owner(decision.find_api_key(scope))
