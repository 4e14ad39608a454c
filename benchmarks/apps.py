"""The apps that are compared: without the kit, with it, and with a check by hand."""

# No "from __future__ import annotations": FastAPI cannot resolve local names that are text.

import importlib
from functools import lru_cache
from typing import Annotated, Any

from fastapi import Depends, FastAPI, HTTPException, Request
from fastapi.security import APIKeyHeader

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

#: So long that nothing is asked anew while it is measured, in seconds.
LIFETIME = 3600.0

_header = APIKeyHeader(name="X-Stack-Access-Token")
Header = Annotated[str, Depends(_header)]


def engine_for(stack: StackEmulator, users: int = 10_000) -> StackAuth:
    """An engine with the system's clock, which a local Stack in this process answers."""
    settings = settings_for(stack, user_cache_ttl=LIFETIME, user_cache_size=users)
    return StackAuth(settings, transport=stack.transport)


def signed_in(stack: StackEmulator) -> SignedIn:
    """Somebody who may enter everywhere."""
    return sign_in(
        stack,
        primary_email="alice@example.com",
        display_name="Alice",
        permissions=["read"],
        team="Acme",
        team_permissions=["bill"],
    )


def plain_app() -> FastAPI:
    """Without the kit: FastAPI's own dependency, which checks nothing."""
    app = FastAPI()

    @app.get("/user")
    async def user(_: Header) -> dict[str, bool]:
        return {"ok": True}

    @app.get("/teams/{team_id}")
    async def team(team_id: str, _: Header) -> dict[str, bool]:
        return {"ok": bool(team_id)}

    @app.get("/public")
    async def public() -> dict[str, bool]:
        return {"ok": True}

    return app


def protected_app(auth: StackAuth) -> FastAPI:
    """The same routes with the kit."""
    app = FastAPI()
    app.add_middleware(StackAuthMiddleware, auth=auth)

    @app.get("/user")
    async def user(_: CurrentUser) -> dict[str, bool]:
        return {"ok": True}

    @app.get("/permission")
    async def permission(
        _: Annotated[User, Depends(require_permission("read"))],
    ) -> dict[str, bool]:
        return {"ok": True}

    @app.get("/teams/{team_id}")
    async def team(
        team_id: str, _: Annotated[User, Depends(require_team_permission("bill"))]
    ) -> dict[str, bool]:
        return {"ok": bool(team_id)}

    @app.get("/public")
    async def public() -> dict[str, bool]:
        return {"ok": True}

    return app


def by_hand(jwks: Any, issuer: str, audience: str) -> FastAPI:  # noqa: ANN401 - JSON
    """A route that checks each token with PyJWT, as fast as that goes.

    Its keys are at hand, the key id in a header is read once, and no user is known.
    """
    jwt: Any = importlib.import_module("jwt")  # of the group "bench", which is not always there
    keys = {key.key_id: key.key for key in jwt.PyJWKSet.from_dict(jwks).keys}
    app = FastAPI()

    @lru_cache(maxsize=100)
    def key_of(header: str) -> object:
        return keys[jwt.get_unverified_header(f"{header}..")["kid"]]

    async def claims(request: Request) -> dict[str, Any]:
        token = request.headers.get("x-stack-access-token", "")
        try:
            found: dict[str, Any] = jwt.decode(
                token,
                key_of(token.partition(".")[0]),
                algorithms=["ES256"],
                audience=audience,
                issuer=issuer,
            )
        except (KeyError, jwt.PyJWTError):
            raise HTTPException(401) from None
        return found

    @app.get("/user")
    async def user(_: Annotated[dict[str, Any], Depends(claims)]) -> dict[str, bool]:
        return {"ok": True}

    return app
