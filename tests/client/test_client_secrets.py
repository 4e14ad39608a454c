"""What a caller passes in and what Stack shows once is seen by nobody else."""

from __future__ import annotations

import json
import logging
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import httpx2
import pytest
from fake_stack import FROM_STACK, SERVER_KEY
from pydantic import SecretStr
from test_secrets import texts_of_error

from stack_fastapi import ApiSchemaError, StackApiError, StackServerClient
from stack_fastapi.client._given import concealed

from .operations import Ids, Talk

MARK = "marked-Secret-1"
USER = Ids().user_id

Telling = Callable[[StackServerClient, Any], Awaitable[object]]


def _before(secret: SecretStr | str, more: str) -> SecretStr | str:
    """A secret with something behind it, as concealed as it was."""
    if isinstance(secret, str):
        return secret + more
    return SecretStr(secret.get_secret_value() + more)


#: Each call that is given a secret, as text or concealed.
GIVEN: dict[str, Telling] = {
    "me": lambda c, s: c.users.me(s),
    "update me": lambda c, s: c.users.update_me(s, display_name="A"),
    "delete me": lambda c, s: c.users.delete_me(s),
    "password": lambda c, s: c.users.create(password=s),
    "password hash": lambda c, s: c.users.update(USER, password_hash=s),
    "password that is too long": lambda c, s: c.users.create(password=_before(s, "x" * 70)),
    "password with a NUL": lambda c, s: c.users.update(USER, password=_before(s, "\0")),
    "key with a NUL": lambda c, s: c.team_api_keys.check(_before(s, "\0")),
    "second factor": lambda c, s: c.users.update_me("a.b.c", totp_secret_base64=s),
    "a field that is none": lambda c, s: c.users.update(USER, pasword=s),  # type: ignore[call-arg]
    "an id that is none": lambda c, s: c.users.update("..", password=s),
    "refresh": lambda c, s: c.sessions.refresh(s),
    "sign out": lambda c, s: c.sessions.sign_out(s),
    "user's key": lambda c, s: c.user_api_keys.check(s),
    "team's key": lambda c, s: c.team_api_keys.check(s),
    "code": lambda c, s: c.contact_channels.verify(s),
    "token for any endpoint": lambda c, s: c.request("GET", "/x", token=s),
    "path of another kind": lambda c, s: c.request("GET", "..", token=s),
    "method of another kind": lambda c, s: c.request("HEAD", "/x", token=s),  # type: ignore[arg-type]
    "field for any endpoint": lambda c, s: c.request("POST", "/x", body={"api_key": concealed(s)}),
    "a body that is none": lambda c, s: c.request(
        "POST", "/x", body={"api_key": concealed(s), "x": {1, 2}}
    ),
}

#: Those whose answer is not looked into.
UNREAD = {"token for any endpoint", "field for any endpoint"}


def _quoted() -> httpx2.Response:
    """A refusal that quotes what it was sent, and more."""
    body = {
        "code": "SCHEMA_ERROR",
        "error": f"but it was {MARK}",
        "details": {"message": f"but it was `{MARK}`", "deep": [{"a": MARK, "n": 1, "z": None}]},
    }
    headers = {**FROM_STACK, "x-stack-known-error": "SCHEMA_ERROR"}
    return httpx2.Response(400, headers=headers, json=body)


def _text(text: str, status: int = 200) -> httpx2.Response:
    return httpx2.Response(status, headers=FROM_STACK, text=text)


#: What may come back. Where it is no refusal, it holds new secrets.
ANSWERS: dict[str, httpx2.Response | Exception] = {
    "unreachable": httpx2.ConnectError(f"could not send {MARK} {SERVER_KEY}"),
    "500 that quotes": _text(MARK, 500),
    "refusal that quotes": _quoted(),
    "limit": httpx2.Response(429, headers={"retry-after": "60"}, text=MARK),
    "another shape": _text(json.dumps({"value": MARK, "access_token": [MARK], "id": 1})),
    "cut short": _text(f'{{"access_token": "{MARK}'),
    "a list": _text(json.dumps([MARK])),
    "too large": _text(MARK * 200_000),
    "deep": _text(f'"{MARK}"' + "[" * 100_000),
}


def leaks(error: BaseException | None, caplog: pytest.LogCaptureFixture) -> Iterator[str]:
    texts = [*texts_of_error(error), caplog.text, *(str(vars(r)) for r in caplog.records)]
    yield from (text[:300] for text in texts for mark in (MARK, SERVER_KEY) if mark in text)


@pytest.mark.parametrize("answer", ANSWERS.values(), ids=ANSWERS)
@pytest.mark.parametrize("call", GIVEN.values(), ids=GIVEN)
async def test_what_is_passed_in_is_seen_nowhere(
    call: Telling, answer: httpx2.Response | Exception, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    for secret in (MARK, SecretStr(MARK)):
        error = None
        try:
            await call(Talk(answer).client, secret)
        except Exception as caught:  # noqa: BLE001 - of many kinds
            error = caught
        # Only where the caller reads the answer may any JSON be one.
        assert error is not None or call in {GIVEN[name] for name in UNREAD}
        assert list(leaks(error, caplog)) == []


#: Each call whose answer holds a secret.
SHOWN: dict[str, Callable[[StackServerClient], Awaitable[object]]] = {
    "session": lambda c: c.sessions.create(USER),
    "impersonation": lambda c: c.sessions.impersonate(USER, expires_in_millis=1),
    "fresh token": lambda c: c.sessions.refresh("r"),
    "user's key": lambda c: c.user_api_keys.create(USER, description="k"),
    "team's key": lambda c: c.team_api_keys.create(Ids().team_id, description="k"),
}


@pytest.mark.parametrize("name", [name for name in ANSWERS if name != "refusal that quotes"])
@pytest.mark.parametrize("call", SHOWN.values(), ids=SHOWN)
async def test_what_stack_shows_once_is_seen_nowhere_else(
    call: Callable[[StackServerClient], Awaitable[object]],
    name: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    with pytest.raises(Exception) as caught:  # noqa: PT011 - of many kinds
        await call(Talk(ANSWERS[name]).client)
    assert list(leaks(caught.value, caplog)) == []


async def test_a_secret_does_reach_stack() -> None:
    for secret in (MARK, SecretStr(MARK)):
        talk = Talk(_quoted())
        with pytest.raises(ApiSchemaError):
            await talk.client.users.create(password=secret, display_name=None)
        assert json.loads(talk.requests[0].content) == {"password": MARK, "display_name": None}
        with pytest.raises(ApiSchemaError):
            await talk.client.sessions.refresh(secret)
        assert talk.requests[1].headers["x-stack-refresh-token"] == MARK
        assert "x-stack-access-token" not in talk.requests[1].headers


async def test_of_a_refusal_only_the_secret_is_left_out() -> None:
    with pytest.raises(StackApiError) as caught:
        await Talk(_quoted()).client.users.create(password=MARK)
    assert caught.value.details == {
        "message": "but it was `…`",
        "deep": [{"a": "…", "n": 1, "z": None}],
    }


async def test_an_empty_secret_leaves_a_refusal_as_it_is() -> None:
    with pytest.raises(StackApiError) as caught:
        await Talk(_quoted()).client.user_api_keys.check("")
    assert caught.value.details["message"] == f"but it was `{MARK}`"
