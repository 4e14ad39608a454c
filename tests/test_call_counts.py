"""How many functions of the package one request calls: a guard of its speed on any machine.

Times depend on the machine and on who else uses it; the number of calls does not.
"""

# No "from __future__ import annotations": FastAPI cannot resolve local names that are text.

import sys
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Annotated

import pytest
from fake_stack import get
from fastapi import Depends, FastAPI

import stack_fastapi
from stack_fastapi import (
    CurrentUser,
    StackAuth,
    StackAuthMiddleware,
    User,
    require_permission,
    require_team_permission,
)
from stack_fastapi.emulator import StackEmulator
from stack_fastapi.testing import SignedIn, settings_for, sign_in

# Where a change means to call more or fewer, put the number of the failing test's message here,
# and say in the commit why it is worth it.
FIGURES = {
    "CurrentUser": 10,
    "require_permission": 15,
    "require_team_permission": 16,
    "a guest on a public route": 3,
    "CurrentUser, at first sight of the token": 128,
}
TOLERANCE = 0.05

PACKAGE = Path(stack_fastapi.__file__).parent
#: Beside the way of a request: they stand in for Stack, and help tests.
NOT_COUNTED = {"emulator", "testing"}


@dataclass(frozen=True)
class Warm:
    """An app, and somebody whom it has let in everywhere.

    Attributes:
        paths: by the name of what guards them.
    """

    app: FastAPI
    stack: StackEmulator
    alice: SignedIn
    paths: dict[str, str]


def app_of(auth: StackAuth) -> FastAPI:
    app = FastAPI(openapi_url=None)
    app.add_middleware(StackAuthMiddleware, auth=auth)

    @app.get("/user")
    async def user_route(user: CurrentUser) -> None: ...

    @app.get("/permission")
    async def permission_route(user: Annotated[User, Depends(require_permission("read"))]) -> None:
        pass

    @app.get("/teams/{team_id}")
    async def team_route(
        team_id: str, user: Annotated[User, Depends(require_team_permission("bill"))]
    ) -> None: ...

    @app.get("/public")
    async def public_route() -> None: ...

    return app


@pytest.fixture
async def warm() -> AsyncIterator[Warm]:
    stack = StackEmulator()
    alice = sign_in(stack, permissions=["read"], team="Acme", team_permissions=["bill"])
    assert alice.team is not None
    async with StackAuth(settings_for(stack), transport=stack.transport) as auth:
        paths = {
            "CurrentUser": "/user",
            "require_permission": "/permission",
            "require_team_permission": f"/teams/{alice.team.id}",
        }
        warm = Warm(app_of(auth), stack, alice, paths)
        for path in [*paths.values()] * 2:  # what is known is put together at the second look
            await answered(warm, path, alice.token)
        await answered(warm, "/public")
        stack.requests.clear()
        yield warm


async def answered(warm: Warm, path: str, token: str | None = None) -> None:
    assert (await get(warm.app, path, token)).status == 200


@contextmanager
def counted_calls() -> Iterator[Counter[str]]:
    """The functions of the package that are called in the block, and how often.

    Comprehensions are left out: Python 3.12 and later call no function for them.
    """
    calls: Counter[str] = Counter()

    def profile(frame: FrameType, event: str, _: object) -> None:
        code = frame.f_code
        path = Path(code.co_filename)
        if event != "call" or code.co_name.endswith("comp>") or not path.is_relative_to(PACKAGE):
            return
        module = path.relative_to(PACKAGE)
        if module.parts[0] not in NOT_COUNTED:
            calls[f"{module}: {code.co_qualname}"] += 1

    before = sys.getprofile()
    sys.setprofile(profile)
    try:
        yield calls
    finally:
        sys.setprofile(before)


async def calls_of(warm: Warm, path: str, token: str | None = None) -> Counter[str]:
    with counted_calls() as calls:
        await answered(warm, path, token)
    return calls


def check(name: str, calls: Counter[str]) -> None:
    total, figure = calls.total(), FIGURES[name]
    listed = "\n".join(f"{count:4} {function}" for function, count in calls.most_common())
    message = f"{name}: {total} calls, where {figure} are expected:\n{listed}"
    assert abs(total - figure) <= figure * TOLERANCE, message


@pytest.mark.parametrize("name", ["CurrentUser", "require_permission", "require_team_permission"])
async def test_a_warm_request_calls_as_many_functions_as_it_did(warm: Warm, name: str) -> None:
    check(name, await calls_of(warm, warm.paths[name], warm.alice.token))


async def test_a_guest_on_a_public_route_calls_as_many_functions_as_they_did(warm: Warm) -> None:
    check("a guest on a public route", await calls_of(warm, "/public"))


async def test_the_first_sight_of_a_token_calls_as_many_functions_as_it_did(warm: Warm) -> None:
    another = warm.stack.sign_in(warm.alice.user.id).access_token
    calls = await calls_of(warm, "/user", another)
    check("CurrentUser, at first sight of the token", calls)
    assert list(warm.stack.requests) == []  # the user and the keys were known


async def test_every_further_warm_request_calls_as_many_functions(warm: Warm) -> None:
    """What is counted is the warm way, and not one that still gets warmer."""
    first = await calls_of(warm, "/user", warm.alice.token)
    later = [await calls_of(warm, "/user", warm.alice.token) for _ in range(5)]
    assert later == [first] * 5
