"""A route for each way to ask who is there."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, WebSocket

from stack_fastapi import CurrentClaims, CurrentUser, OptionalUser, User, require_user

#: A user who may be anonymous: somebody who uses the app before signing up.
AnyUser = Annotated[User, Depends(require_user(allow_anonymous=True))]

router = APIRouter(tags=["who is there"])


@router.get("/")
async def public() -> dict[str, str]:
    """Anybody, signed in or not."""
    return {"message": "Hello, whoever you are."}


@router.get("/me")
async def me(user: CurrentUser) -> dict[str, Any]:
    """Somebody who has signed in."""
    return {"id": user.id, "email": user.primary_email, "name": user.display_name}


@router.get("/greeting")
async def greeting(user: OptionalUser) -> dict[str, str]:
    """Anybody, but greeted by name where there is one."""
    return {"message": f"Hello, {user.display_name or user.id if user else 'stranger'}."}


@router.get("/session")
async def session(claims: CurrentClaims) -> dict[str, Any]:
    """Only what the token itself says: nobody is asked."""
    return {
        "user": claims.sub,
        "session": claims.refresh_token_id,
        "expires_at": claims.exp,
    }


@router.get("/basket")
async def basket(user: AnyUser) -> dict[str, Any]:
    """Somebody, even somebody without an account."""
    return {"owner": user.id, "is_anonymous": user.is_anonymous, "items": []}


@router.websocket("/ws")
async def hello(websocket: WebSocket, user: CurrentUser) -> None:
    """The same on a WebSocket: refused before it opens."""
    await websocket.accept()
    await websocket.send_text(f"Hello, {user.display_name or user.id}.")
    await websocket.close()
