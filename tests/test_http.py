"""One question to Stack: what is sent, how often, for how long, and what may come back."""

from __future__ import annotations

import asyncio
import importlib.util
import json
import logging
import sys
from typing import Any

import httpx
import httpx2
import pytest
from fake_stack import FROM_STACK, PROJECT_ID, SERVER_KEY, FakeStack, Speaker, refusal, serving
from pydantic import SecretStr

from stack_fastapi import (
    ApiUserNotFoundError,
    StackApiError,
    StackAuth,
    StackAuthSettings,
    StackConfigurationError,
    StackUnavailableError,
)
from stack_fastapi.client.transport import http as http_module
from stack_fastapi.client.transport.http import StackHttp, asgi_transport, post
from stack_fastapi.client.transport.request import MAX_BODY, Request
from stack_fastapi.emulator import StackEmulator
from stack_fastapi.exceptions import ResponseTooLargeError
from stack_fastapi.telemetry import ProblemLog
from stack_fastapi.types import Clocks


class Conversation:
    """A ``StackHttp`` that hears prepared answers; the last one is repeated."""

    def __init__(self, *answers: httpx2.Response | Exception, **settings: Any) -> None:
        self.requests: list[httpx2.Request] = []
        self._answers = list(answers)
        values = {"project_id": PROJECT_ID, "secret_server_key": SERVER_KEY, **settings}
        self.http = StackHttp(
            StackAuthSettings(**values),
            Clocks.of(self.clock, None),
            ProblemLog(self.clock),
            httpx2.MockTransport(self._answer),
        )

    @staticmethod
    def clock() -> float:
        return 1_800_000_000.0

    def _answer(self, request: httpx2.Request) -> httpx2.Response:
        self.requests.append(request)
        answer = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
        if isinstance(answer, Exception):
            raise answer
        return httpx2.Response(
            answer.status_code, headers=dict(answer.headers), content=answer.content
        )


NOBODY = "a1b2c3d4-0000-4000-8000-000000000001"
OK = httpx2.Response(200, headers=FROM_STACK, json={"ok": True})
BROKEN = httpx2.Response(500)


# ---------------------------------------------------------------- what is sent


async def test_a_question_with_server_access_has_the_documented_headers() -> None:
    talk = Conversation(OK, api_url="https://stack.example.com/base/")
    assert await talk.http.call("GET", "/users?limit=1") == {"ok": True}
    (request,) = talk.requests
    assert str(request.url) == "https://stack.example.com/base/api/v1/users?limit=1"
    assert request.headers["x-stack-access-type"] == "server"
    assert request.headers["x-stack-project-id"] == PROJECT_ID
    assert request.headers["x-stack-secret-server-key"] == SERVER_KEY
    assert "stack-fastapi@" in request.headers["x-stack-client-version"]
    assert "x-stack-access-token" not in request.headers
    assert "x-stack-override-error-status" not in request.headers
    assert not any(name.startswith("x-hexclave") for name in request.headers)
    assert request.content == b""


async def test_a_token_is_sent_along_and_lets_stack_say_who_it_is() -> None:
    talk = Conversation(OK)
    await talk.http.call("GET", "/users/me", token=SecretStr("a.b.c"))
    assert talk.requests[0].headers["x-stack-access-token"] == "a.b.c"
    assert talk.requests[0].headers["x-stack-allow-anonymous-user"] == "true"


async def test_the_keys_are_asked_for_without_showing_ours() -> None:
    stack = FakeStack(project_id="internal")
    assert await stack.engine().client.jwks()
    (request,) = stack.requests
    path = "/api/v1/projects/internal/.well-known/jwks.json?include_anonymous=true"
    assert str(request.url) == f"https://api.stack-auth.com{path}"
    assert not any(name.startswith("x-stack") for name in request.headers)
    assert SERVER_KEY not in str(request.headers)


@pytest.mark.parametrize("body", [{}, {"display_name": "Zoë"}, [1, None]])
async def test_a_body_is_json(body: object) -> None:
    talk = Conversation(OK)
    await talk.http.call("POST", "/users", body=body)
    (request,) = talk.requests
    assert json.loads(request.content) == body
    assert request.headers["content-type"] == "application/json"


async def test_a_body_that_json_cannot_hold_is_not_sent() -> None:
    talk = Conversation(OK)
    with pytest.raises(ValueError, match="JSON"):
        await talk.http.call("POST", "/users", body={"server_metadata": float("nan")})
    assert talk.requests == []


async def test_no_cookie_of_an_answer_is_sent_with_the_next_question() -> None:
    """What was said to one user's question must not colour the next one's."""
    talk = Conversation(
        httpx2.Response(200, headers={**FROM_STACK, "set-cookie": "who=alice; Path=/"}, json={}), OK
    )
    await talk.http.call("GET", "/users/me", token=SecretStr("a.b.c"))
    await talk.http.call("GET", "/users/me", token=SecretStr("d.e.f"))
    assert "cookie" not in talk.requests[1].headers


# ---------------------------------------------------------------- how often


@pytest.mark.parametrize("failure", [BROKEN, httpx2.ConnectError(""), ConnectionResetError()])
@pytest.mark.parametrize(
    ("method", "times"), [("GET", 3), ("PUT", 3), ("DELETE", 3), ("POST", 1), ("PATCH", 1)]
)
async def test_only_what_may_happen_twice_is_repeated(
    method: str, times: int, failure: httpx2.Response | Exception
) -> None:
    talk = Conversation(failure)
    with pytest.raises(StackUnavailableError):
        await talk.http.call(method, "/users", body={})
    assert len(talk.requests) == times


async def test_a_hiccup_is_not_noticed(caplog: pytest.LogCaptureFixture) -> None:
    talk = Conversation(BROKEN, httpx2.ReadTimeout(""), OK)
    with caplog.at_level(logging.DEBUG, logger="stack_fastapi"):
        assert await talk.http.call("GET", "/users") == {"ok": True}
    assert not [record for record in caplog.records if record.name == "stack_fastapi"]


@pytest.mark.parametrize("status", [400, 401, 403, 404, 429, 302])
async def test_a_refusal_is_not_repeated(status: int) -> None:
    talk = Conversation(httpx2.Response(status, headers=FROM_STACK))
    with pytest.raises((StackApiError, StackUnavailableError)):
        await talk.http.call("GET", "/users")
    assert len(talk.requests) == 1


async def test_the_timeout_bounds_the_whole_question() -> None:
    stack = FakeStack()
    stack.hold("id")
    with pytest.raises(StackUnavailableError, match="time"):
        await stack.engine(timeout=0.1).client.users.get(stack.add_user())
    assert stack.asked == {"id": 1}


async def test_many_questions_at_once_do_not_wait_for_each_other() -> None:
    stack = FakeStack()
    auth, users = stack.engine(), [stack.add_user() for _ in range(50)]
    gate = stack.hold("id")
    calls = [asyncio.create_task(auth.client.users.get(user_id)) for user_id in users]
    while stack.asked["id"] < len(users):  # noqa: ASYNC110 - steps of the loop
        await asyncio.sleep(0)
    gate.open()
    assert [(await call).id for call in calls] == users


# ---------------------------------------------------------------- what comes back


async def test_a_refusal_of_stack_says_what_stack_said() -> None:
    answer = httpx2.Response(
        404,
        headers={**FROM_STACK, "x-stack-known-error": "TEAM_MEMBERSHIP_NOT_FOUND"},
        json={"code": "TEAM_MEMBERSHIP_NOT_FOUND", "details": {"team_id": "t"}},
    )
    with pytest.raises(StackApiError) as caught:
        await Conversation(answer).http.call("GET", "/users")
    error = caught.value
    assert (error.status, error.stack_code) == (404, "TEAM_MEMBERSHIP_NOT_FOUND")
    assert error.details == {"team_id": "t"}


BODIES: dict[str, bytes] = {
    "text": b"<text>",
    "empty": b"",
    "null": b"null",
    "list": b"[]",
    "no details": b"{}",
    "details of another type": b'{"details": "none"}',
    "not UTF-8": b"\xff",
    "deep": b"[" * 100_000,
}


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
async def test_a_refusal_without_readable_details_is_still_one(body: bytes) -> None:
    answer = httpx2.Response(403, headers=FROM_STACK, content=body)
    with pytest.raises(StackApiError) as caught:
        await Conversation(answer).http.call("GET", "/users")
    assert (caught.value.status, caught.value.stack_code) == (403, None)
    assert caught.value.details == {}


async def test_an_unknown_user_has_an_error_of_their_own() -> None:
    stack = FakeStack()
    with pytest.raises(ApiUserNotFoundError):
        await stack.engine().client.users.get(NOBODY)


@pytest.mark.parametrize("size", [MAX_BODY, MAX_BODY + 1])
async def test_no_more_of_an_answer_is_read_than_makes_sense(size: int) -> None:
    body = b'"' + b"a" * (size - 2) + b'"'
    talk = Conversation(httpx2.Response(200, headers=FROM_STACK, content=body))
    if size > MAX_BODY:
        with pytest.raises(StackUnavailableError, match="too large"):
            await talk.http.call("GET", "/users")
    else:
        assert len(str(await talk.http.call("GET", "/users"))) == size - 2


async def test_what_is_too_large_is_stacks_own_answer_and_not_repeated() -> None:
    talk = Conversation(httpx2.Response(200, headers=FROM_STACK, content=b"a" * (MAX_BODY + 1)))
    for _ in range(20):
        with pytest.raises(ResponseTooLargeError):
            await talk.http.call("GET", "/users")
    assert len(talk.requests) == 20


@pytest.mark.parametrize("status", [200, 401, 404])
async def test_what_is_too_large_and_not_stacks_own_answer_is_an_outage(status: int) -> None:
    talk = Conversation(httpx2.Response(status, content=b"a" * (MAX_BODY + 1)))
    with pytest.raises(StackUnavailableError, match="too large") as caught:
        await talk.http.call("GET", "/users")
    assert not isinstance(caught.value, ResponseTooLargeError)
    assert len(talk.requests) == 3


@pytest.mark.parametrize("headers", [FROM_STACK, {}], ids=["of Stack", "of a proxy"])
async def test_a_server_error_is_one_however_large_its_page_is(headers: dict[str, str]) -> None:
    page = httpx2.Response(502, headers=headers, content=b"a" * (MAX_BODY + 1))
    talk = Conversation(page)
    for number in range(10):
        with pytest.raises(StackUnavailableError, match="502") as caught:
            await talk.http.call("GET", f"/users/{number}")
        assert not isinstance(caught.value, ResponseTooLargeError)
    assert len(talk.requests) == 30
    with pytest.raises(StackUnavailableError, match="not asking"):
        await talk.http.call("GET", "/users/x")


async def test_a_change_whose_answer_is_too_large_was_made_and_is_not_repeated() -> None:
    talk = Conversation(httpx2.Response(200, headers=FROM_STACK, content=b"a" * (MAX_BODY + 1)))
    with pytest.raises(ResponseTooLargeError):
        await talk.http.call("PUT", "/users/x", body={})
    assert len(talk.requests) == 1


@pytest.mark.parametrize(
    "token", ["", "a.b.c", "a.eyJzdWIiOjF9.c", "a.bnVsbA.c", "a.W10.c", "ä.ö.ü", "a.e30.c"]
)
def test_requests_with_unreadable_tokens_are_told_apart_by_their_text(token: str) -> None:
    one, same = (Request("GET", "/users/me", SecretStr(token)) for _ in range(2))
    other = Request("GET", "/users/me", SecretStr(token + "x"))
    assert one.identity == same.identity
    assert hash(one.identity) == hash(same.identity)
    if "eyJzdWIi" not in token:
        assert one.identity != other.identity
    assert not token or token not in repr(one.identity)


def test_what_tells_requests_apart_holds_nothing_of_a_secret() -> None:
    token = FakeStack().sign_in()
    request = Request("POST", "/x", SecretStr(token), {"api_key": SecretStr("uk_secret")})
    shown = repr(request.identity)
    assert "uk_secret" not in shown
    assert not any(part in shown for part in token.split("."))


def test_a_users_tokens_are_about_one_record_and_two_users_about_two() -> None:
    stack = FakeStack()
    user_id = stack.add_user()
    first, renewed, others = (
        Request("GET", "/users/me", SecretStr(token)).identity
        for token in (stack.token(user_id), stack.token(user_id), stack.sign_in())
    )
    assert first == renewed != others


@pytest.mark.parametrize(
    "answer",
    [httpx2.ConnectError("x"), BROKEN, httpx2.Response(200, text="<html>"), httpx2.Response(302)],
    ids=["unreachable", "500", "HTML", "redirect"],
)
async def test_an_outage_leads_to_no_frame_of_the_http_library(
    answer: httpx2.Response | Exception,
) -> None:
    with pytest.raises(StackUnavailableError) as caught:
        await Conversation(answer).http.call("GET", "/users")
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None


@pytest.mark.parametrize(
    ("answer", "level", "kind"),
    [
        (BROKEN, logging.WARNING, StackUnavailableError),
        (refusal(401, "INVALID_SECRET_SERVER_KEY"), logging.ERROR, StackConfigurationError),
    ],
    ids=["outage", "wrong key"],
)
async def test_operators_hear_once_of_a_problem(
    caplog: pytest.LogCaptureFixture,
    answer: httpx2.Response,
    level: int,
    kind: type[Exception],
) -> None:
    talk = Conversation(answer)
    with caplog.at_level(logging.INFO, logger="stack_fastapi"):
        for _ in range(5):
            with pytest.raises(kind):
                await talk.http.call("GET", "/users")
    ours = [record for record in caplog.records if record.name == "stack_fastapi"]
    assert [record.levelno for record in ours] == [level]


def test_what_retries_show_in_their_log_has_no_data() -> None:
    question = Request("GET", "/users/me", SecretStr("a.b.c"), {"x": "secret"})
    assert "secret" not in repr(question)
    assert "a.b.c" not in repr(question)


# ---------------------------------------------------------------- the HTTP library


async def test_an_asgi_app_is_a_transport() -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        headers = [(b"x-stack-request-id", b"1")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": scope["raw_path"]})

    settings = StackAuthSettings(project_id=PROJECT_ID, secret_server_key=SERVER_KEY)
    log = ProblemLog(Conversation.clock)
    http = StackHttp(settings, Clocks.of(Conversation.clock, None), log, asgi_transport(app))
    with pytest.raises(StackUnavailableError, match="JSON"):
        await http.call("GET", "/users")
    await http.aclose()


def test_without_httpx2_the_kit_speaks_through_httpx(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "httpx2", None)  # how an absent package looks to ``import``
    spec = importlib.util.spec_from_file_location("http_alone", http_module.__file__)
    assert spec is not None
    assert spec.loader is not None
    alone = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "http_alone", alone)
    spec.loader.exec_module(alone)
    assert alone._library is httpx
    transport = httpx.MockTransport(lambda request: httpx.Response(200))
    client = alone._new_client(alone._library_of(transport), 1.0, transport)
    assert isinstance(client, httpx.AsyncClient)
    assert not client.follow_redirects


# ---------------------------------------------------------------- a single post


async def _post_to(speak: Speaker, **headers: str) -> int | None:
    async with serving(speak) as server:
        return await asyncio.to_thread(post, server.url, b"{}", headers, 5.0)


@pytest.mark.parametrize("status", [200, 302, 500])
async def test_a_single_post_tells_the_status_and_goes_nowhere_else(status: int) -> None:
    heads: list[bytes] = []

    async def speak(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heads.append(await reader.readuntil(b"\r\n\r\n{}"))
        writer.write(b"HTTP/1.1 %d X\r\nlocation: /there\r\ncontent-length: 0\r\n\r\n" % status)
        await writer.drain()

    assert await _post_to(speak, x="y") == status
    (head,) = heads
    assert head.startswith(b"POST / ")
    assert b"x: y" in head


async def test_a_single_post_without_an_answer_is_none() -> None:
    async def speak(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")

    assert await _post_to(speak) is None


@pytest.mark.parametrize(
    ("api_url", "warns"),
    [
        ("http://127.0.0.1:8102", False),
        ("http://stack.localhost", False),
        ("https://stack.example.com", True),
    ],
)
async def test_a_local_stack_at_an_address_that_is_not_this_machines_is_critical(
    caplog: pytest.LogCaptureFixture, api_url: str, *, warns: bool
) -> None:
    local = StackEmulator()
    settings = StackAuthSettings(
        project_id=local.project.id,
        secret_server_key=local.project.secret_server_key,
        api_url=api_url,
    )
    user = local.create_user(primary_email="alice@example.com")
    async with StackAuth(settings, transport=local.transport) as auth:
        for _ in range(2):
            await auth.client.users.get(user.id)
    lines = [record for record in caplog.records if record.levelno == logging.CRITICAL]
    assert len(lines) == (1 if warns else 0)
    assert all(api_url in line.getMessage() for line in lines)
