"""WebSockets: where the token may travel, how refusals look, which subprotocol is answered."""

# No "from __future__ import annotations": FastAPI cannot resolve local names that are text.

import json
from collections.abc import Callable
from typing import Annotated, Any
from urllib.parse import quote

import pytest
from fastapi import Depends, FastAPI, WebSocket
from fastapi.testclient import TestClient
from signed_tokens import SERVER_KEY, Stack, bearer, refusal
from starlette.websockets import WebSocketDisconnect

from stack_fastapi import (
    CurrentClaims,
    CurrentUser,
    OptionalUser,
    StackAuthMiddleware,
    User,
    require_user,
)
from stack_fastapi.types import TokenSource

ORIGIN = "https://app.example.com"
ALL_SOURCES: tuple[TokenSource, ...] = ("header", "bearer", "stack_auth", "cookie", "subprotocol")
GUEST = "a guest"


@pytest.fixture
def stack() -> Stack:
    return Stack()


def app_of(stack: Stack, choice: str | None = None, *, eager: bool = True) -> TestClient:
    """An app whose routes accept with ``choice`` as the subprotocol and say who is there."""
    auth = stack.engine(token_sources=ALL_SOURCES, allowed_origins=(ORIGIN,))
    app = FastAPI()
    app.add_middleware(StackAuthMiddleware, auth=auth, eager=eager)

    async def talk(socket: WebSocket, who: str) -> None:
        await socket.accept(choice)
        await socket.send_json({"who": who, "offered": socket.scope["subprotocols"]})
        await socket.close()

    @app.websocket("/user")
    async def current(socket: WebSocket, user: CurrentUser) -> None:
        await talk(socket, user.id if user is socket.user else "somebody else")

    @app.websocket("/claims")
    async def claims(socket: WebSocket, claims: CurrentClaims) -> None:
        await talk(socket, claims.sub)

    @app.websocket("/optional")
    async def optional(socket: WebSocket, user: OptionalUser) -> None:
        await talk(socket, user.id if user else GUEST)

    @app.websocket("/verified")
    async def verified(
        socket: WebSocket, user: Annotated[User, Depends(require_user(verified_email=True))]
    ) -> None:
        await talk(socket, user.id)

    @app.websocket("/public")
    async def public(socket: WebSocket) -> None:
        await talk(socket, GUEST if not socket.user.is_authenticated else socket.user.identity)

    return TestClient(app)


def connect(
    client: TestClient,
    path: str,
    headers: dict[str, str] | None = None,
    subprotocols: list[str] | None = None,
) -> tuple[Any, str | None]:
    """What the route says, and the subprotocol that is answered."""
    with client.websocket_connect(
        path, subprotocols or None, headers=dict(headers or {})
    ) as socket:
        return socket.receive_json(), socket.accepted_subprotocol


def refused(
    client: TestClient,
    path: str,
    headers: dict[str, str] | None = None,
    subprotocols: list[str] | None = None,
) -> tuple[int, str]:
    """How it is closed; that must happen before it is accepted."""
    with (
        pytest.raises(WebSocketDisconnect) as closed,
        client.websocket_connect(path, subprotocols or None, headers=dict(headers or {})),
    ):
        pytest.fail("it was accepted")
    return closed.value.code, closed.value.reason


def cookie(token: str) -> dict[str, str]:
    return {"Cookie": f"stack-access={quote(json.dumps(['a refresh token', token]))}"}


# ---------------------------------------------------------------- where the token travels


def by_header(token: str) -> dict[str, Any]:
    return {"headers": {"X-Stack-Access-Token": token}}


def by_bearer(token: str) -> dict[str, Any]:
    return {"headers": bearer(token)}


def by_cookie(token: str) -> dict[str, Any]:
    return {"headers": {"Origin": ORIGIN, **cookie(token)}}


def by_subprotocol(token: str) -> dict[str, Any]:
    return {"subprotocols": ["stack-auth", f"stack.access-token.{token}"]}


WAYS = [by_header, by_bearer, by_cookie, by_subprotocol]
Way = Callable[[str], dict[str, Any]]


@pytest.mark.parametrize("eager", [True, False], ids=["eager", "lazy"])
@pytest.mark.parametrize("path", ["/user", "/claims", "/optional", "/verified"])
@pytest.mark.parametrize("way", WAYS)
def test_every_way_leads_to_the_user(stack: Stack, path: str, way: Way, *, eager: bool) -> None:
    user_id = stack.add_user()
    said, _ = connect(app_of(stack, eager=eager), path, **way(stack.token(user_id)))
    assert said["who"] == user_id


@pytest.mark.parametrize("path", ["/user", "/claims", "/optional", "/verified"])
@pytest.mark.parametrize("way", WAYS)
def test_a_bad_token_is_refused_whichever_way_it_comes(stack: Stack, path: str, way: Way) -> None:
    expired = stack.token(stack.add_user(), exp=stack.now - 1)
    assert refused(app_of(stack), path, **way(expired)) == (1008, "ACCESS_TOKEN_EXPIRED")
    assert refused(app_of(stack), path, **way("x")) == (1008, "UNPARSABLE_ACCESS_TOKEN")


@pytest.mark.parametrize(
    "origin", [None, "https://evil.example.com", f"{ORIGIN}.evil.example.com", "null", ""]
)
def test_a_cookie_counts_only_with_an_allowed_origin(stack: Stack, origin: str | None) -> None:
    """Any page may open a WebSocket, and the browser sends the cookies along."""
    headers = cookie(stack.token(stack.add_user()))
    if origin is not None:
        headers["Origin"] = origin
    client = app_of(stack)
    assert refused(client, "/user", headers) == (1008, "USER_AUTHENTICATION_REQUIRED")
    assert connect(client, "/optional", headers)[0]["who"] == GUEST
    assert connect(client, "/public", headers)[0]["who"] == GUEST


def test_two_tokens_that_differ_are_refused(stack: Stack) -> None:
    one, other = (stack.token(stack.add_user()) for _ in range(2))
    words = ["stack-auth", f"stack.access-token.{one}", f"stack.access-token.{other}"]
    ambiguous = (1008, "AMBIGUOUS_CREDENTIALS")
    assert refused(app_of(stack), "/user", subprotocols=words) == ambiguous
    assert refused(app_of(stack), "/user", bearer(one), words[2:]) == ambiguous
    assert connect(app_of(stack), "/user", bearer(one), words[:2])[0]["who"]


# ---------------------------------------------------------------- how refusals look


@pytest.mark.parametrize("path", ["/user", "/claims", "/verified"])
def test_a_guest_is_refused(stack: Stack, path: str) -> None:
    assert refused(app_of(stack), path) == (1008, "USER_AUTHENTICATION_REQUIRED")


@pytest.mark.parametrize("path", ["/optional", "/public"])
def test_a_guest_is_let_in_where_guests_are(stack: Stack, path: str) -> None:
    assert connect(app_of(stack), path)[0]["who"] == GUEST


@pytest.mark.parametrize(
    ("kind", "path", "code"),
    [
        ("anonymous", "/user", "ANONYMOUS_AUTHENTICATION_NOT_ALLOWED"),
        ("restricted", "/user", "RESTRICTED_USER_NOT_ALLOWED"),
        ("restricted", "/claims", "RESTRICTED_USER_NOT_ALLOWED"),
    ],
)
def test_a_policy_closes_with_1008_as_well(stack: Stack, kind: Any, path: str, code: str) -> None:
    assert refused(app_of(stack), path, stack.sign_in(kind)) == (1008, code)


def test_an_unverified_address_closes_with_1008(stack: Stack) -> None:
    headers = stack.sign_in(primary_email_verified=False)
    assert refused(app_of(stack), "/verified", headers) == (1008, "EMAIL_NOT_VERIFIED")


@pytest.mark.parametrize("path", ["/user", "/claims", "/optional", "/verified"])
def test_an_outage_closes_with_1013(stack: Stack, path: str) -> None:
    headers = stack.sign_in()
    stack.down = True
    assert refused(app_of(stack), path, headers) == (1013, "STACK_UNAVAILABLE")


def test_a_wrong_server_key_closes_with_1013(stack: Stack) -> None:
    client, headers = app_of(stack), stack.sign_in()
    connect(client, "/claims", headers)  # the keys are known from here on
    stack.answer = refusal(401, "INVALID_SECRET_SERVER_KEY")
    stack.now += 61
    assert refused(client, "/user", headers) == (1013, "AUTHENTICATION_MISCONFIGURED")


@pytest.mark.parametrize("path", ["/user", "/optional"])
def test_without_the_middleware_it_closes_with_1013(stack: Stack, path: str) -> None:
    client = app_of(stack)
    app = client.app
    assert isinstance(app, FastAPI)
    app.user_middleware.clear()
    code = "STACK_AUTH_MIDDLEWARE_MISSING"
    assert refused(client, path, stack.sign_in()) == (1013, code)


def test_a_public_websocket_stays_open_to_all(stack: Stack) -> None:
    client = app_of(stack)
    stack.down = True
    assert connect(client, "/public", stack.sign_in())[0]["who"] == GUEST
    assert connect(client, "/public", bearer("no.such.token"))[0]["who"] == GUEST


# ---------------------------------------------------------------- subprotocols

TOKEN = "stack.access-token.{token}"


@pytest.mark.parametrize(
    ("offered", "choice", "answered"),
    [
        pytest.param(["stack-auth", TOKEN], None, "stack-auth", id="none chosen"),
        pytest.param([TOKEN, "stack-auth"], None, "stack-auth", id="in the other order"),
        pytest.param(["stack-auth", TOKEN, "chat"], None, "stack-auth", id="another one offered"),
        pytest.param(["stack-auth", TOKEN, "chat"], "chat", "chat", id="the route's own choice"),
        pytest.param([TOKEN, "chat"], "chat", "chat", id="the route's choice, ours not offered"),
        pytest.param(["stack-auth", TOKEN], "stack-auth", "stack-auth", id="ours, by the route"),
        pytest.param(["stack-auth", TOKEN], TOKEN, "stack-auth", id="the route asks for the token"),
        pytest.param([TOKEN], None, None, id="nothing but the token"),
        pytest.param([TOKEN], TOKEN, None, id="nothing but the token, and it is asked for"),
    ],
)
def test_the_token_is_never_the_subprotocol_that_is_answered(
    stack: Stack, offered: list[str], choice: str | None, answered: str | None
) -> None:
    token = stack.token(stack.add_user())
    words = [word.format(token=token) for word in offered]
    client = app_of(stack, choice and choice.format(token=token))
    said, subprotocol = connect(client, "/user", subprotocols=words)
    assert subprotocol == answered
    assert said["offered"] == [word for word in words if token not in word]


@pytest.mark.parametrize(
    ("offered", "choice", "answered"),
    [
        pytest.param(["stack-auth"], None, "stack-auth", id="ours alone"),
        pytest.param(["stack-auth", "chat"], None, "stack-auth", id="ours and another"),
        pytest.param(["stack-auth", "chat"], "chat", "chat", id="the route's own choice"),
        pytest.param(["chat"], None, None, id="not ours"),
        pytest.param(["chat"], "chat", "chat", id="not ours, chosen"),
        pytest.param([], None, None, id="none"),
    ],
)
def test_a_guests_browser_gets_one_of_what_it_offered_as_well(
    stack: Stack, offered: list[str], choice: str | None, answered: str | None
) -> None:
    """It closes a connection where none of them is answered (Fetch standard, WebSockets)."""
    said, subprotocol = connect(app_of(stack, choice), "/optional", subprotocols=offered)
    assert said == {"who": GUEST, "offered": offered}
    assert subprotocol == answered


def test_a_bad_token_is_hidden_as_well(stack: Stack) -> None:
    words = ["stack-auth", "stack.access-token.bad"]
    said, subprotocol = connect(app_of(stack, words[1]), "/public", subprotocols=words)
    assert (said["offered"], subprotocol) == (["stack-auth"], "stack-auth")


def test_nothing_of_it_reaches_the_log(stack: Stack, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG", "stack_fastapi")
    token = stack.token(stack.add_user())
    client = app_of(stack)
    connect(client, "/user", **by_subprotocol(token))
    stack.now, stack.down = stack.now + 361, True
    refused(client, "/user", **by_subprotocol(token))
    said = "".join(
        record.getMessage() for record in caplog.records if record.name == "stack_fastapi"
    )
    assert said
    for secret in (SERVER_KEY, *token.split(".")):
        assert secret not in said
