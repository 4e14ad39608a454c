"""Stack on a bad day: protected routes say 503, never 500 or 401, and public ones do not notice."""

from __future__ import annotations

import asyncio
import gzip
import json
import logging
import socket
from collections.abc import Callable, Iterator
from typing import Any

import httpx2
import pytest
from fake_stack import (
    FROM_STACK,
    Answerer,
    FakeStack,
    Reply,
    Stage,
    app_of,
    found,
    get,
    refusal,
    serving,
)
from guarded_app import LocalStack, app_of as guarded_app_of, outcome

from stack_fastapi import StackAuth, StackAuthSettings, StackUnavailableError

NOBODY = "a1b2c3d4-0000-4000-8000-000000000001"
TTL, STALE = 60.0, 300.0


def assert_unavailable(reply: Reply) -> int:
    """The documented answer; returns the seconds that the caller is asked to wait."""
    assert reply.status == 503, reply.body
    assert reply.json["detail"].keys() == {"code", "message"}
    assert "www-authenticate" not in reply.headers
    seconds = int(reply.headers["retry-after"])
    assert seconds >= 1
    return seconds


def _text(status: int, text: str = "<text>", **headers: str) -> Answerer:
    fields = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda request: httpx2.Response(status, headers=fields, text=text)


def _body(content: bytes, **headers: str) -> Answerer:
    fields = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda request: httpx2.Response(200, headers={**FROM_STACK, **fields}, content=content)


def _json(value: object, status: int = 200) -> Answerer:
    return lambda request: httpx2.Response(status, headers=FROM_STACK, json=value)


def _unreachable(request: httpx2.Request) -> httpx2.Response:
    raise httpx2.ConnectError("nobody listens there")


async def _silent(request: httpx2.Request) -> httpx2.Response:
    await asyncio.Event().wait()
    raise AssertionError


def _broken_off(request: httpx2.Request) -> httpx2.Response:
    raise httpx2.ReadError("")


_DATE = "Fri, 15 Jan 2027 08:01:00 GMT"  # a minute after the clock's time
_DEEP = b'{"keys":' + b"[" * 100_000 + b"]" * 100_000 + b"}"

FAILURES: dict[str, Answerer] = {
    "unreachable": _unreachable,
    "silent": _silent,
    "broken off": _broken_off,
    "500": _text(500),
    "502 page": _text(502, "<html>Bad gateway</html>", content_type="text/html"),
    "503 of Stack": _text(503, **FROM_STACK),
    "429": _text(429),
    "429 of Stack": _text(429, **FROM_STACK),
    "429 with seconds": _text(429, retry_after="60"),
    "429 with a date": _text(429, retry_after=_DATE),
    "429 with nonsense": _text(429, retry_after="soon"),
    "429 with a zone beyond reason": _text(
        429, retry_after="Fri, 15 Jan 2027 08:01:00 +99999999999999999999"
    ),
    "429 with no number": _text(429, retry_after="nan"),
    "429 with the past": _text(429, retry_after="Fri, 15 Jan 2010 08:01:00 GMT"),
    "429 in a negative while": _text(429, retry_after="-5"),
    "HTML": _text(200, "<html>Hello</html>", content_type="text/html"),
    "empty": _body(b""),
    "204": _text(204, ""),
    "redirect": _text(302, location="https://elsewhere.test/"),
    "redirect of Stack": _text(308, location="/api/v1/users/me", **FROM_STACK),
    "redirect to nonsense": _text(302, location="http://[nowhere"),
    "half of the JSON": _body(b'{"id": "1'),
    "5 MB": _body(b'{"padding": "' + b"a" * 5_000_000 + b'"}'),
    "not UTF-8": _body(b'{"id": "\xff\xfe"}'),
    "not gzip": _body(b"plain", content_encoding="gzip"),
    "a gzip bomb": _body(gzip.compress(b"a" * 10_000_000), content_encoding="gzip"),
    "deep nesting": _body(_DEEP),
    "a number of a million digits": _body(b"1" * 1_000_000),
    "null": _json(None),
    "list": _json([]),
    "text": _json("user"),
    "object": _json({}),
    "wrong types": _json({"id": 1, "keys": "none", "is_anonymous": "false"}),
    "400 of a proxy": _text(400),
    "401 of a proxy": _text(401),
    "403 of a proxy": _text(403),
    "404 of a proxy": _text(404),
    "404 of Stack": _text(404, **FROM_STACK),
    "400 of Stack": lambda request: refusal(400, "SCHEMA_ERROR"),
    "a proxy that plays Stack": lambda request: httpx2.Response(
        401, headers={"x-stack-known-error": "ACCESS_TOKEN_EXPIRED"}
    ),
    "unknown status": _text(599),
}
failures = pytest.mark.parametrize("failure", FAILURES.values(), ids=FAILURES)


@pytest.fixture
def stack() -> FakeStack:
    return FakeStack()


def engine(stack: FakeStack) -> StackAuth:
    return stack.engine(user_cache_ttl=TTL, stale_if_error=STALE, timeout=1.0)


@failures
@pytest.mark.parametrize("stage", ["jwks", "me"])
async def test_nobody_new_gets_in_and_public_routes_do_not_notice(
    stack: FakeStack, stage: Stage, failure: Answerer
) -> None:
    app, token = app_of(engine(stack)), stack.sign_in()
    stack.spoil(failure, stage)
    for path in ("/me", "/fresh", "/optional"):
        assert_unavailable(await get(app, path, token))
    assert (await get(app, "/public", token)).status == 200
    assert (await get(app, "/optional")).status == 200
    assert (await get(app, "/me")).status == 401


#: These are Stack's own words about our set-up, and no outage: nobody lives on with them.
_OPERATORS_FAULT = {"404 of Stack", "400 of Stack"}
_outages = {name: failure for name, failure in FAILURES.items() if name not in _OPERATORS_FAULT}


@pytest.mark.parametrize("failure", _outages.values(), ids=_outages)
async def test_a_known_user_lives_on_for_a_while_and_not_longer(
    stack: FakeStack, failure: Answerer
) -> None:
    app, token = app_of(engine(stack)), stack.sign_in()
    assert (await get(app, "/me", token)).status == 200
    stack.spoil(failure, "id", "me")
    stack.clock.advance(TTL + STALE - 1)
    assert (await get(app, "/me", token)).status == 200
    assert_unavailable(await get(app, "/fresh", token))
    stack.clock.advance(1)
    assert_unavailable(await get(app, "/me", token))


@pytest.mark.parametrize(
    ("retry_after", "seconds"),
    [
        ("60", 60),
        (_DATE, 60),
        ("7.2", 8),
        ("0", 1),
        ("-5", 1),
        ("Fri, 15 Jan 2010 08:01:00 GMT", 1),
    ],
)
@pytest.mark.parametrize("stage", ["jwks", "me"])
async def test_stacks_own_word_on_when_to_come_back_is_passed_on_and_kept(
    stack: FakeStack, stage: Stage, retry_after: str, seconds: int
) -> None:
    app, token = app_of(engine(stack)), stack.sign_in()
    stack.spoil(_text(429, retry_after=retry_after), stage)
    assert assert_unavailable(await get(app, "/me", token)) == seconds
    asked = stack.asked.total()
    assert_unavailable(await get(app, "/me", token))
    assert stack.asked.total() == asked
    stack.mend()
    stack.clock.advance(seconds)
    assert (await get(app, "/me", token)).status == 200


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("stage", ["jwks", "me"])
async def test_no_redirect_is_followed(stack: FakeStack, stage: Stage, status: int) -> None:
    """Wherever it leads: the server key and a user's token would go there."""
    app, token = app_of(engine(stack)), stack.sign_in()
    stack.spoil(_text(status, location="https://elsewhere.test/", **FROM_STACK), stage)
    assert_unavailable(await get(app, "/me", token))
    assert {request.url.host for request in stack.requests} == {"api.stack-auth.com"}


async def test_somebody_elses_record_lets_nobody_in(stack: FakeStack) -> None:
    app, token, other = app_of(engine(stack)), stack.sign_in(), stack.add_user()
    stack.spoil(lambda request: found(stack.users[other]), "me", "id")
    assert_unavailable(await get(app, "/me", token))
    stack.mend()
    assert (await get(app, "/me", token)).status == 200
    stack.spoil(lambda request: found(stack.users[other]), "me", "id")
    reply = await get(app, "/fresh", token)
    assert_unavailable(reply)


# ---------------------------------------------------------------- real sockets


async def _first_sight(stack: FakeStack, url: str) -> Reply:
    settings = stack.settings(api_url=url, timeout=0.5)
    async with StackAuth(settings, clock=stack.clock) as auth:
        return await get(app_of(auth), "/me", stack.sign_in())


async def test_a_refused_connection_is_an_outage(stack: FakeStack) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]  # nobody listens there any more in a moment
    assert_unavailable(await _first_sight(stack, f"http://127.0.0.1:{port}"))


_OK = b"HTTP/1.1 200 OK\r\nx-stack-request-id: 1\r\n"
SPEECHES = {
    "nothing": b"",
    "nonsense": b"SSH-2.0-OpenSSH_9.9\r\n",
    "half a head": _OK,
    "half a body": _OK + b"content-length: 1000\r\n\r\n{",
    "half a chunk": _OK + b"transfer-encoding: chunked\r\n\r\nff\r\n{",
    "a head beyond reason": _OK + b"x-padding: " + b"a" * 1_000_000 + b"\r\n\r\n",
    "a negative length": _OK + b"content-length: -1\r\n\r\n{}",
    "two lengths": _OK + b"content-length: 2\r\ncontent-length: 3\r\n\r\n{}",
    "no UTF-8 in the head": _OK + b"x-name: \xff\xfe\r\ncontent-length: 2\r\n\r\n{}",
    "no end": _OK + b"\r\n" + b" " * 3_000_000,
}


@pytest.mark.parametrize("speech", SPEECHES.values(), ids=SPEECHES)
async def test_whatever_a_server_says_and_hangs_up_is_an_outage(
    stack: FakeStack, speech: bytes
) -> None:
    async def speak(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(speech)
        await writer.drain()

    async with serving(speak) as server:
        assert_unavailable(await _first_sight(stack, server.url))
        await server.all_closed.wait()


async def test_a_server_that_never_answers_is_an_outage(stack: FakeStack) -> None:
    async def speak(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()

    async with serving(speak) as server:
        assert_unavailable(await _first_sight(stack, server.url))
        await server.all_closed.wait()


# ---------------------------------------------------------------- our own set-up


@pytest.fixture
def problems(caplog: pytest.LogCaptureFixture) -> Iterator[Callable[[], list[str]]]:
    """What operators hear at level ERROR."""
    with caplog.at_level(logging.ERROR, logger="stack_fastapi"):
        yield lambda: [record.getMessage() for record in caplog.records]


async def test_a_wrong_server_key_is_the_operators_and_said_once(
    stack: FakeStack, problems: Callable[[], list[str]]
) -> None:
    app = app_of(stack.engine(secret_server_key="ssk_of_somebody_else"))
    for _ in range(20):
        assert_unavailable(await get(app, "/me", stack.sign_in()))
    assert len(problems()) == 1
    assert "secret_server_key" in problems()[0]
    assert "INVALID_SECRET_SERVER_KEY" in problems()[0]
    stack.clock.advance(61)
    assert_unavailable(await get(app, "/me", stack.sign_in()))
    assert len(problems()) == 2


async def test_a_known_user_does_not_live_on_with_a_wrong_server_key(stack: FakeStack) -> None:
    """Only an outage is worth that, and a key that was withdrawn is none."""
    app, token = app_of(engine(stack)), stack.sign_in()
    assert (await get(app, "/me", token)).status == 200
    stack.spoil(lambda request: refusal(401, "INVALID_SECRET_SERVER_KEY"), "id", "me")
    stack.clock.advance(TTL)
    assert_unavailable(await get(app, "/me", token))


async def test_a_project_that_stack_does_not_know_is_the_operators_and_said_once(
    stack: FakeStack, problems: Callable[[], list[str]]
) -> None:
    """The keys are asked for first, so this is how a mistyped project id shows (recorded)."""
    stack.spoil(_text(404, **FROM_STACK), "jwks")
    app = app_of(engine(stack))
    for _ in range(3):
        reply = await get(app, "/me", stack.sign_in())
        assert_unavailable(reply)
        assert reply.code == "AUTHENTICATION_MISCONFIGURED"
    assert len(problems()) == 1
    assert "project_id" in problems()[0]


# ---------------------------------------------------------------- what the real server said

#: What a caller gets for each code that the recorded server answered with.
OUTCOMES = {
    "ACCESS_TOKEN_EXPIRED": 401,
    "UNPARSABLE_ACCESS_TOKEN": 401,
    "INVALID_PROJECT_FOR_ACCESS_TOKEN": 401,
    "CANNOT_GET_OWN_USER_WITHOUT_USER": 401,
    "ANONYMOUS_AUTHENTICATION_NOT_ALLOWED": 401,
    "RESTRICTED_USER_NOT_ALLOWED": 403,
    "USER_NOT_FOUND": 401,
}
_PASSED_ON = OUTCOMES.keys() - {"USER_NOT_FOUND"}


def _is_refused_look_up(exchange: dict[str, Any]) -> bool:
    request = exchange["request"]
    path = str(request["path"]).partition("?")[0]
    return bool(
        request["method"] == "GET"
        and path.startswith("/api/v1/users/")
        and request["headers"].get("x-stack-access-type") == "server"
        and exchange["response"]["status"] != 200
    )


async def test_every_recorded_refusal_of_a_look_up_becomes_the_documented_answer(
    recorded_exchanges: list[dict[str, Any]],
) -> None:
    refusals = list(filter(_is_refused_look_up, recorded_exchanges))
    assert len(refusals) > 10
    for exchange in refusals:
        stack = FakeStack()
        app, token = app_of(engine(stack)), stack.sign_in()
        is_by_id = not exchange["request"]["path"].startswith("/api/v1/users/me")
        if is_by_id:
            assert (await get(app, "/me", token)).status == 200
        said = exchange["response"]
        content = json.dumps(said["body"]).encode()

        def answer(
            request: httpx2.Request, said: dict[str, Any] = said, content: bytes = content
        ) -> httpx2.Response:
            return httpx2.Response(said["status"], headers=said["headers"], content=content)

        stack.spoil(answer, "id" if is_by_id else "me")
        stack.clock.advance(TTL)
        code = said["headers"]["x-stack-known-error"]
        reply = await get(app, "/me", token)
        assert reply.status == OUTCOMES.get(code, 503), exchange["name"]
        if code in _PASSED_ON:
            assert reply.code == code
        if reply.status == 503:
            assert_unavailable(reply)


@pytest.mark.parametrize("code", OUTCOMES)
async def test_each_documented_code_becomes_its_documented_answer(
    stack: FakeStack, code: str
) -> None:
    app, token = app_of(engine(stack)), stack.sign_in()
    stack.spoil(lambda request: refusal(400, code), "me")
    expected = 503 if code == "USER_NOT_FOUND" else OUTCOMES[code]
    assert (await get(app, "/me", token)).status == expected


@pytest.mark.parametrize(
    "code",
    [
        "ACCESS_TYPE_REQUIRED",
        "CURRENT_PROJECT_NOT_FOUND",
        "INVALID_SECRET_SERVER_KEY",
        "PROJECT_KEY_WITHOUT_ACCESS_TYPE",
        "A_CODE_OF_NEXT_YEAR",
    ],
)
@pytest.mark.parametrize("status", [400, 401, 403, 404])
async def test_any_other_code_is_the_operators(stack: FakeStack, code: str, status: int) -> None:
    app, token = app_of(engine(stack)), stack.sign_in()
    stack.spoil(lambda request: refusal(status, code), "me")
    reply = await get(app, "/me", token)
    assert_unavailable(reply)
    assert reply.code == "AUTHENTICATION_MISCONFIGURED"


# ---------------------------------------------------------------- the circuit breaker


async def test_a_stack_that_is_down_is_soon_left_alone(stack: FakeStack) -> None:
    app = app_of(engine(stack))
    stack.spoil(_unreachable)
    for _ in range(100):
        assert_unavailable(await get(app, "/me", stack.sign_in()))
    asked = stack.asked.total()
    assert asked <= 30
    stack.mend()
    stack.clock.advance(10)
    assert (await get(app, "/me", stack.sign_in())).status == 200


async def test_one_question_tries_whether_stack_is_back_and_no_other_waits_for_it(
    stack: FakeStack,
) -> None:
    auth = engine(stack)
    app, known = app_of(auth), stack.sign_in()
    assert (await get(app, "/me", known)).status == 200
    stack.spoil(_text(429, retry_after="30"), "me")
    assert_unavailable(await get(app, "/me", stack.sign_in()))
    stack.clock.advance(30)
    gate = stack.hold("me")
    probe = asyncio.create_task(get(app, "/me", stack.sign_in()))
    await gate.reached.wait()
    assert_unavailable(await get(app, "/me", stack.sign_in()))
    assert (await get(app, "/me", known)).status == 200
    gate.open()
    assert (await probe).status == 200
    assert (await get(app, "/me", stack.sign_in())).status == 200


async def test_users_with_bad_tokens_do_not_cut_off_the_others(stack: FakeStack) -> None:
    """That Stack refuses a question proves that it is up."""
    app = app_of(engine(stack))
    stack.spoil(lambda request: refusal(401, "UNPARSABLE_ACCESS_TOKEN"), "me")
    for _ in range(50):
        assert (await get(app, "/me", stack.sign_in())).status == 401
    stack.mend()
    assert (await get(app, "/me", stack.sign_in())).status == 200


async def test_changes_that_stack_breaks_at_do_not_cut_off_the_users() -> None:
    """A key for a user who is gone is a 500 of the real server's own code."""
    stack = LocalStack()
    auth = stack.engine()
    for _ in range(12):
        with pytest.raises(StackUnavailableError, match="500"):
            await auth.client.user_api_keys.create(NOBODY, description="k")
    assert await outcome(guarded_app_of(auth), "/user", stack.sign_in().token) == "200"


async def test_a_recorded_change_that_stack_broke_at_is_no_outage_of_the_rest(
    stack: FakeStack, recorded_exchanges: list[dict[str, Any]]
) -> None:
    broken = [
        exchange["response"]
        for exchange in recorded_exchanges
        if exchange["response"]["status"] == 500 and exchange["request"]["method"] != "GET"
    ]
    assert len(broken) >= 3
    auth, token = stack.engine(), stack.sign_in()
    for number in range(12):
        response = broken[number % len(broken)]
        fields = {name.replace("-", "_"): value for name, value in response["headers"].items()}
        stack.spoil(_text(response["status"], **fields))
        with pytest.raises(StackUnavailableError):
            await auth.client.request("PATCH", "/users/x", body={})
    stack.mend()
    assert (await get(app_of(auth), "/me", token)).status == 200


async def test_changes_that_reach_nobody_are_an_outage_like_all_else(stack: FakeStack) -> None:
    auth = stack.engine()
    stack.spoil(_text(502))
    for number in range(10):
        with pytest.raises(StackUnavailableError):
            await auth.client.request("PATCH", f"/users/{number}", body={})
    stack.mend()
    with pytest.raises(StackUnavailableError, match="it failed repeatedly; not asking"):
        await auth.client.request("PATCH", "/users/x", body={})


async def test_changes_with_other_bodies_are_other_requests(stack: FakeStack) -> None:
    auth = stack.engine()
    stack.spoil(_text(502))
    for number in range(10):
        with pytest.raises(StackUnavailableError, match="status 502"):
            await auth.client.request("PATCH", "/users/x", body={"display_name": str(number)})
    stack.mend()
    with pytest.raises(StackUnavailableError, match="it failed repeatedly; not asking"):
        await auth.client.request("PATCH", "/users/x", body={})


def test_the_settings_bound_how_long_a_caller_waits() -> None:
    assert StackAuthSettings(project_id="p", secret_server_key="k").timeout <= 10
