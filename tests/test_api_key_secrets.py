"""No API key is ever seen: in no log, repr, exception, answer or cache."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import httpx2
import pytest
from fake_stack import FROM_STACK, SERVER_KEY, Clock, refusal, scope_of, send
from guarded_app import app_of, key_owner
from test_secrets import Secrets, texts_of_error, texts_of_record

from stack_fastapi import StackApiError, StackAuth, StackAuthError, StackAuthSettings
from stack_fastapi.emulator.state.api_key_text import write

ID = "4bf025a0-e20c-4621-8aef-0606c35eb5c1"
USER = "9ec598fe-f3c1-46c0-a2c3-c9d962ba42f7"
GOOD = write(ID, "user", "z4fnr6w2z7ahetwqmv44q2avcjtb9k31880e0kz5v85q0", is_public=False)
RECORD = {
    "id": ID,
    "type": "user",
    "user_id": USER,
    "description": "k",
    "is_public": False,
    "created_at_millis": 1,
    "value": {"last_four": GOOD[-4:]},
}

KEYS = {
    "good": GOOD,
    "of a team": write(ID, "team", "a" * 45, is_public=False),
    "cut off": GOOD[:-3],
    "mistyped": GOOD[:20] + "x" + GOOD[21:],
    "too long": GOOD * 200,
    "not ASCII": GOOD + "é",
}
FORMS: dict[str, Callable[[bytes], list[tuple[bytes, bytes]]]] = {
    "header": lambda key: [(b"x-api-key", key)],
    "bearer": lambda key: [(b"authorization", b"Bearer " + key)],
    "both": lambda key: [(b"x-api-key", key), (b"authorization", b"Bearer " + key)],
    "twice": lambda key: [(b"x-api-key", key), (b"x-api-key", key)],
    "two that differ": lambda key: [(b"x-api-key", key), (b"authorization", b"Bearer sk_" + key)],
}


def _echo(request: httpx2.Request) -> httpx2.Response:
    body = {"error": request.content.decode(), "details": "see above"}
    return httpx2.Response(400, headers=FROM_STACK, json=body)


def _unreachable(request: httpx2.Request) -> httpx2.Response:
    raise httpx2.ConnectError(f"could not send {request.content!r}", request=request)


def _bug(request: httpx2.Request) -> httpx2.Response:
    raise ZeroDivisionError(request.content)


async def _silent(request: httpx2.Request) -> httpx2.Response:
    await asyncio.Event().wait()
    raise AssertionError


ANSWERS: dict[str, Any] = {
    "record": lambda request: httpx2.Response(200, json=RECORD),
    "unknown": lambda request: refusal(404, "API_KEY_NOT_FOUND"),
    "revoked": lambda request: refusal(401, "API_KEY_REVOKED"),
    "strange": lambda request: refusal(418, "TEAPOT"),
    "echo": _echo,
    "echoed record": lambda request: httpx2.Response(200, content=request.content),
    "500": lambda request: httpx2.Response(500, content=request.content),
    "wrong server key": lambda request: refusal(401, "INVALID_SECRET_SERVER_KEY"),
    "unreachable": _unreachable,
    "bug": _bug,
    "silent": _silent,
}


def engine_of(answerer: Any) -> StackAuth:
    settings = StackAuthSettings(
        project_id="p",
        secret_server_key=SERVER_KEY,
        timeout=0.2,
    )
    return StackAuth(settings, transport=httpx2.MockTransport(answerer), clock=Clock())


def secrets_of(key: str) -> Secrets:
    secrets = Secrets()
    secrets.add(key)
    secrets.add(key[3:48])  # the secret part alone
    secrets.add(key[:16])
    return secrets


async def leaks(secrets: Secrets, auth: StackAuth, scope: dict[str, Any]) -> list[str]:
    found = []
    app = app_of(auth)
    for path in ("/key", "/user-key", "/team-key", "/principal", "/user"):
        reply = await send(app, {**scope, "path": path, "raw_path": path.encode()})
        for text in (str(reply.headers), reply.body.decode()):
            found += [f"answer of {path}: {mark}" for mark in secrets.in_text(text)]
    decision = auth.begin(scope)
    try:
        await key_owner(decision, scope)
    except StackAuthError as error:
        for text in texts_of_error(error):
            found += [f"{type(error).__name__}: {mark}" for mark in secrets.in_text(text)]
    found += [f"decision{path}" for path in secrets.in_object(decision)]
    found += [f"engine{path}" for path in secrets.in_object(auth)]
    return found


@pytest.fixture
def logged(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    caplog.set_level(0)
    return caplog


def in_log(secrets: Secrets, logged: pytest.LogCaptureFixture) -> list[str]:
    return [
        f"log of {record.name}: {mark}"
        for record in logged.records
        for text in texts_of_record(record)
        for mark in secrets.in_text(text)
    ]


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("kind", KEYS)
async def test_no_key_is_seen_whatever_is_wrong_with_it(
    form: str, kind: str, logged: pytest.LogCaptureFixture
) -> None:
    asyncio.get_running_loop().set_debug(True)
    key = KEYS[kind]
    secrets = secrets_of(key)
    scope = {**scope_of("/"), "headers": FORMS[form](key.encode("latin-1"))}
    auth = engine_of(ANSWERS["unknown"])
    assert await leaks(secrets, auth, scope) == []
    assert in_log(secrets, logged) == []


@pytest.mark.parametrize("answer", ANSWERS)
@pytest.mark.parametrize("kind", ["good", "of a team"])
async def test_no_key_is_seen_whatever_stack_answers(
    answer: str, kind: str, logged: pytest.LogCaptureFixture
) -> None:
    asyncio.get_running_loop().set_debug(True)
    secrets = secrets_of(KEYS[kind])
    auth = engine_of(ANSWERS[answer])
    scope = {**scope_of("/"), "headers": FORMS["header"](KEYS[kind].encode())}
    assert await leaks(secrets, auth, scope) == []
    assert in_log(secrets, logged) == []


@pytest.mark.parametrize("given", [GOOD, KEYS["of a team"]])
async def test_the_client_shows_no_key_that_it_checks(given: str) -> None:
    secrets = secrets_of(given)
    auth = engine_of(_echo)
    for api in (auth.client.user_api_keys, auth.client.team_api_keys):
        with pytest.raises(StackApiError) as caught:
            await api.check(given)
        caught.value.details.clear()  # what Stack said, which echoes here
        texts = [text for text in texts_of_error(caught.value) if secrets.in_text(text)]
        assert texts == []


async def test_a_cache_is_keyed_anew_in_each_engine() -> None:
    """So that a copy of one says nothing about a key to who has another."""
    scope = scope_of("/", x_api_key=GOOD)
    digests = []
    for _ in range(2):
        auth = engine_of(ANSWERS["unknown"])
        with pytest.raises(StackAuthError):
            await key_owner(auth.begin(scope), scope)
        digests += list(auth._parts.api_keys._checks._negative._entries)
    assert len(set(digests)) == len(digests) == 2
