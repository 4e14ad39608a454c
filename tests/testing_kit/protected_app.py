"""An app with a route for each way to ask who is there."""

# No "from __future__ import annotations": FastAPI cannot resolve local names that are text.

from typing import Annotated, Any

from fastapi import APIRouter, Depends, FastAPI, Request, WebSocket

from stack_fastapi import (
    CurrentClaims,
    CurrentUser,
    OptionalUser,
    StackAuth,
    StackAuthMiddleware,
    User,
    require_user,
)

AnyUser = Annotated[User, Depends(require_user(allow_anonymous=True))]
Careful = Annotated[User, Depends(require_user(max_age=0, verified_email=True))]


def create_app(auth: StackAuth | None = None, *, with_middleware: bool = True) -> FastAPI:
    app, router, mounted = FastAPI(), APIRouter(prefix="/inner"), FastAPI()
    if with_middleware:
        app.add_middleware(StackAuthMiddleware, auth=auth)

    @app.get("/me")
    @router.get("/me")
    @mounted.get("/me")
    async def me(user: CurrentUser) -> str:
        return user.id

    @app.get("/any")
    def any_user(user: AnyUser) -> str:
        return user.id

    @app.get("/careful")
    async def careful(user: Careful) -> str:
        return user.id

    @app.get("/guest")
    async def guest(user: OptionalUser) -> str | None:
        return None if user is None else user.id

    @app.get("/claims")
    async def claims(claims: CurrentClaims) -> dict[str, Any]:
        return claims.model_dump()

    @app.get("/request")
    async def request_user(request: Request) -> str | None:
        return getattr(request.user, "id", None)

    @app.websocket("/ws")
    async def socket(websocket: WebSocket, user: CurrentUser) -> None:
        await websocket.accept()
        await websocket.send_text(user.id)
        await websocket.close()

    app.include_router(router)
    app.mount("/mounted", mounted)
    return app
