"""No token and no key is ever seen: in no log, repr, exception, answer or cache."""

from __future__ import annotations

import asyncio
import base64
import json
import logging
import traceback
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping
from contextlib import AsyncExitStack
from types import FunctionType, MethodType, ModuleType
from typing import Any
from urllib.parse import quote

import httpx2
import pytest
from fake_stack import (
    FROM_STACK,
    PROJECT_ID,
    SERVER_KEY,
    Answerer,
    FakeStack,
    Speaker,
    Stage,
    app_of,
    refusal,
    scope_of,
    send,
    serving,
    speaking_for,
)
from pydantic import SecretStr

from stack_fastapi import StackAuth, StackAuthError, StackAuthSettings
from stack_fastapi.types import CachedAnswer

CLIENT_KEY = "pck_marked_key_that_opens_nothing"
REFRESH_TOKEN = "marked-refresh-token-of-the-user"
SOURCES = ("header", "bearer", "stack_auth", "cookie", "subprotocol")


class Secrets:
    """What must not be seen, and a search for it in anything."""

    def __init__(self) -> None:
        self.marks = {SERVER_KEY, CLIENT_KEY, REFRESH_TOKEN}

    def add_token(self, token: str) -> str:
        """A token, its payload and its signature; its header is the same for all."""
        self.marks |= {part for part in (token, *token.split(".")[1:]) if len(part) > 20}
        return token

    def add(self, text: str) -> str:
        self.marks.add(text)
        return text

    def in_text(self, text: str) -> list[str]:
        return [mark for mark in self.marks if mark in text]

    def in_object(self, root: object) -> list[str]:
        """Paths to secrets in whatever can be reached from an object, and in its repr."""
        return [f"{path}: {mark[:12]}…" for path, mark in self._walk(root, "", set())]

    def _walk(self, value: object, path: str, seen: set[int]) -> Iterator[tuple[str, str]]:
        if id(value) in seen or _is_left_alone(value):
            return
        seen.add(id(value))
        for text in _texts_of(value):
            yield from ((path, mark) for mark in self.in_text(text))
        if not isinstance(value, SecretStr):  # whose inside is where a secret may be
            for name, child in _children(value):
                yield from self._walk(child, f"{path}.{name}", seen)


def _is_left_alone(value: object) -> bool:
    """The test's own side of the table, and what holds no data."""
    return isinstance(
        value,
        ModuleType | type | int | float | FakeStack | asyncio.AbstractEventLoop | asyncio.Task,
    )


def _texts_of(value: object) -> Iterable[str]:
    if isinstance(value, str):
        return (value,)
    if isinstance(value, bytes | bytearray):
        return (value.decode("latin-1"),)
    return (repr(value), str(value))


def _children(value: object) -> Iterator[tuple[str, object]]:
    if isinstance(value, FunctionType):
        for cell in value.__closure__ or ():
            yield "closure", cell.cell_contents
        return
    if isinstance(value, MethodType):
        yield "self", value.__self__
        return
    if isinstance(value, Mapping):
        for key, item in list(value.items()):
            yield "key", key
            yield repr(key)[:20], item
    elif isinstance(value, Iterable) and not isinstance(value, str | bytes | Iterator):
        yield from ((f"[{index}]", item) for index, item in enumerate(value))
    for kind in type(value).__mro__:
        slots = kind.__dict__.get("__slots__", ())
        for name in (slots,) if isinstance(slots, str) else slots:
            if hasattr(value, name):
                yield name, getattr(value, name)
    yield from getattr(value, "__dict__", {}).items()


def texts_of_error(error: BaseException | None) -> Iterator[str]:
    """All that an error report with the frames' variables would show of one, and its causes."""
    if error is None:
        return
    yield from (str(error), repr(error), repr(error.args), repr(vars(error)))
    yield "".join(traceback.format_exception(error))
    frames = error.__traceback__
    while frames is not None:
        frame = frames.tb_frame
        if str(frame.f_globals.get("__name__", "")).startswith("stack_fastapi"):
            for value in frame.f_locals.values():
                yield repr(value)
        frames = frames.tb_next
    yield from texts_of_error(error.__cause__)
    yield from texts_of_error(error.__context__)


def texts_of_record(record: logging.LogRecord) -> Iterator[str]:
    yield record.getMessage()
    for value in vars(record).values():
        yield from _texts_of(value)
    if record.exc_info:
        yield from texts_of_error(record.exc_info[1])


# ---------------------------------------------------------------- how a client may send it


def _pair(token: str) -> str:
    return json.dumps({"accessToken": token, "refreshToken": REFRESH_TOKEN})


def _official_bearer(secrets: Secrets, token: str) -> dict[str, str]:
    encoded = secrets.add(base64.b64encode(_pair(token).encode()).decode())
    return {"authorization": f"Bearer stackauth_{encoded}"}


def _cookie(secrets: Secrets, token: str) -> dict[str, str]:
    value = secrets.add(quote(json.dumps([REFRESH_TOKEN, token]), safe='[]",'))
    return {"cookie": f"a=b; stack-access={value}"}


FORMS: dict[str, Callable[[Secrets, str], dict[str, str]]] = {
    "header": lambda secrets, token: {"x-stack-access-token": token},
    "bearer": lambda secrets, token: {"authorization": f"Bearer {token}"},
    "official bearer": _official_bearer,
    "official header": lambda secrets, token: {"x-stack-auth": _pair(token)},
    "cookie": _cookie,
    "subprotocol": lambda secrets, token: {
        "sec-websocket-protocol": f"stack-auth, stack.access-token.{token}"
    },
    "two that differ": lambda secrets, token: {
        "x-stack-access-token": token,
        "authorization": f"Bearer {token}x",
    },
    "broken bearer": lambda secrets, token: {
        "authorization": _official_bearer(secrets, token)["authorization"][:-7] + "!"
    },
    "broken header": lambda secrets, token: {"x-stack-auth": _pair(token)[:-1]},
    "broken cookie": lambda secrets, token: {
        "cookie": _cookie(secrets, token)["cookie"].replace("]", "")
    },
}


def _forged(stack: FakeStack, user_id: str) -> str:
    return ".".join([*stack.token(user_id).split(".")[:2], stack.token(user_id).split(".")[2]])


TOKENS: dict[str, Callable[[FakeStack, str], str]] = {
    "good": lambda stack, user: stack.token(user),
    "expired": lambda stack, user: stack.token(user, exp=int(stack.clock())),
    "forged": _forged,
    "of an unknown key": lambda stack, user: stack.token(user, key=FakeStack().rotate()),
    "of another project": lambda stack, user: stack.token(user, aud="another-project"),
    "of wrong types": lambda stack, user: stack.token(user, is_anonymous="marked-as-false"),
    "of a gone user": lambda stack, user: stack.token("00000000-0000-4000-8000-00000000dead"),
    "too long": lambda stack, user: stack.token(user, name="n" * 9000),
    "not ASCII": lambda stack, user: stack.token(user) + "é",
    "cut off": lambda stack, user: stack.token(user)[:-9],
}


# ---------------------------------------------------------------- how Stack may fail


def _echo(request: httpx2.Request) -> httpx2.Response:
    """A server in between that shows what it was sent."""
    shown = json.dumps({"error": dict(request.headers), "details": "see above"})
    return httpx2.Response(400, headers=FROM_STACK, text=shown)


def _unreachable(request: httpx2.Request) -> httpx2.Response:
    raise httpx2.ConnectError(f"could not send {dict(request.headers)}", request=request)


def _bug(request: httpx2.Request) -> httpx2.Response:
    raise ZeroDivisionError


async def _silent(request: httpx2.Request) -> httpx2.Response:
    await asyncio.Event().wait()
    raise AssertionError


FAILURES: dict[str, Answerer] = {
    "echo": _echo,
    "unreachable": _unreachable,
    "bug": _bug,
    "silent": _silent,
    "500": lambda request: httpx2.Response(500, text=str(request.headers.raw)),
    "429": lambda request: httpx2.Response(429, headers={"retry-after": "7"}),
    "redirect": lambda request: httpx2.Response(302, headers={"location": "https://x.test/"}),
    "not a user": lambda request: httpx2.Response(200, json=dict(request.headers)),
    "refused": lambda request: refusal(401, "UNPARSABLE_ACCESS_TOKEN"),
    "wrong key": lambda request: refusal(401, "INVALID_SECRET_SERVER_KEY"),
    "5 MB": lambda request: httpx2.Response(200, content=b" " * 5_000_000),
}


async def _hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readuntil(b"\r\n\r\n")


async def _say_half(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readuntil(b"\r\n\r\n")
    writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\n{")
    await writer.drain()


async def _say_nonsense(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(await reader.readuntil(b"\r\n\r\n"))
    await writer.drain()


SPEAKERS: dict[str, Speaker] = {
    "hangs up": _hang_up,
    "says half": _say_half,
    "says what it heard": _say_nonsense,
}


# ---------------------------------------------------------------- the search


@pytest.fixture
def stack() -> FakeStack:
    return FakeStack()


@pytest.fixture
def secrets() -> Secrets:
    return Secrets()


@pytest.fixture
def logged(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    """Everything that any logger says at any level."""
    caplog.set_level(0)
    return caplog


def settings_of(stack: FakeStack, **changes: Any) -> StackAuthSettings:
    values = {"publishable_client_key": CLIENT_KEY, "token_sources": SOURCES, "timeout": 0.2}
    return stack.settings(**{**values, **changes})


def engine_of(stack: FakeStack, **changes: Any) -> StackAuth:
    transport = httpx2.MockTransport(stack.answer)
    return StackAuth(settings_of(stack, **changes), transport=transport, clock=stack.clock)


def scope_with(path: str, headers: dict[str, str]) -> dict[str, Any]:
    fields = [(name.encode(), value.encode()) for name, value in headers.items()]
    return {**scope_of(path), "headers": fields}


async def leaks_of_answers(
    secrets: Secrets, auth: StackAuth, headers: dict[str, str]
) -> AsyncIterator[str]:
    app = app_of(auth)
    for path in ("/me", "/fresh", "/optional", "/public"):
        reply = await send(app, scope_with(path, headers))
        assert reply.status in {200, 401, 503}
        for text in (str(reply.headers), reply.body.decode()):
            for mark in secrets.in_text(text):
                yield f"answer of {path}: {mark}"


async def leaks_of_errors(
    secrets: Secrets, auth: StackAuth, headers: dict[str, str]
) -> AsyncIterator[str]:
    for max_age in (None, 0.0):
        decision = auth.begin(scope_with("/", headers))
        for question in (decision.claims(), decision.user(max_age), decision.admit()):
            try:
                await question
            except StackAuthError as error:
                for text in texts_of_error(error):
                    for mark in secrets.in_text(text):
                        yield f"{type(error).__name__}: {mark}"
        for path in secrets.in_object(decision):
            yield f"decision{path}"


async def assert_nothing_leaks(
    secrets: Secrets,
    auth: StackAuth,
    headers: dict[str, str],
    logged: pytest.LogCaptureFixture,
) -> None:
    """Ask in every way, and search whatever comes of it."""
    asyncio.get_running_loop().set_debug(True)
    found = [leak async for leak in leaks_of_answers(secrets, auth, headers)]
    found += [leak async for leak in leaks_of_errors(secrets, auth, headers)]
    found += [f"engine{path}" for path in secrets.in_object(auth)]
    for record in logged.records:
        for text in texts_of_record(record):
            found += [f"log of {record.name}: {mark}" for mark in secrets.in_text(text)]
    assert found == []


# ---------------------------------------------------------------- the tests


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("kind", TOKENS)
async def test_no_credential_is_seen_whatever_is_wrong_with_it(
    stack: FakeStack,
    secrets: Secrets,
    logged: pytest.LogCaptureFixture,
    form: str,
    kind: str,
) -> None:
    token = secrets.add_token(TOKENS[kind](stack, stack.add_user()))
    headers = FORMS[form](secrets, token)
    await assert_nothing_leaks(secrets, engine_of(stack), headers, logged)


@pytest.mark.parametrize("failure", FAILURES.values(), ids=FAILURES)
@pytest.mark.parametrize("stage", ["jwks", "me", "id"])
async def test_no_secret_is_seen_whatever_goes_wrong_at_stack(
    stack: FakeStack,
    secrets: Secrets,
    logged: pytest.LogCaptureFixture,
    stage: Stage,
    failure: Answerer,
) -> None:
    auth, user_id = engine_of(stack), stack.add_user()
    if stage == "id":
        first = secrets.add_token(stack.token(user_id))
        await auth.begin(scope_with("/", {"x-stack-access-token": first})).user()
        stack.clock.advance(60)
    stack.spoil(failure, stage)
    token = secrets.add_token(stack.token(user_id))
    await assert_nothing_leaks(secrets, auth, FORMS["official bearer"](secrets, token), logged)


@pytest.mark.parametrize("speak", SPEAKERS.values(), ids=SPEAKERS)
async def test_no_secret_is_seen_whatever_a_server_says(
    stack: FakeStack, secrets: Secrets, logged: pytest.LogCaptureFixture, speak: Speaker
) -> None:
    token = secrets.add_token(stack.sign_in())
    async with AsyncExitStack() as block:
        good = await block.enter_async_context(serving(speaking_for(stack)))
        bad = await block.enter_async_context(serving(speak))
        for server in (good, bad):
            settings = settings_of(stack, api_url=server.url, issuers=(stack.api_url,))
            auth = await block.enter_async_context(StackAuth(settings, clock=stack.clock))
            await assert_nothing_leaks(secrets, auth, {"x-stack-access-token": token}, logged)
    assert any(record.name.startswith("http") for record in logged.records)


def test_the_settings_show_no_key(stack: FakeStack, secrets: Secrets) -> None:
    settings = settings_of(stack)
    assert settings.secret_server_key.get_secret_value() == SERVER_KEY
    assert secrets.in_object(settings) == []
    for text in (
        repr(settings),
        str(settings),
        settings.model_dump_json(),
        str(settings.model_dump()),
    ):
        assert secrets.in_text(text) == []


@pytest.mark.parametrize(
    "wrong",
    [
        {"secret_server_key": f"{SERVER_KEY} with a space"},
        {"publishable_client_key": f"{CLIENT_KEY}\n"},
        {"timeout": SERVER_KEY},
        {"api_url": f"https://user:{SERVER_KEY}@stack.example.com"},
        {"project_id": f"{SERVER_KEY} "},
        {"token_sources": SERVER_KEY},
    ],
    ids=lambda wrong: next(iter(wrong)),
)
def test_wrong_settings_are_reported_without_their_values(
    stack: FakeStack, secrets: Secrets, wrong: dict[str, str]
) -> None:
    with pytest.raises(StackAuthError) as caught:
        settings_of(stack, **wrong)
    for text in texts_of_error(caught.value):
        assert secrets.in_text(text) == []


async def test_a_shared_cache_gets_to_see_no_secret(stack: FakeStack, secrets: Secrets) -> None:
    seen: list[object] = []

    class Cache:
        async def get(self, key: str) -> CachedAnswer | None:
            seen.append(key)
            return None

        async def set(self, key: str, answer: CachedAnswer, lifetime: float) -> None:
            seen.extend((key, answer))

        async def delete(self, key: str) -> None:
            seen.append(key)

    auth = stack.engine(cache=Cache(), publishable_client_key=CLIENT_KEY)
    user_id = stack.add_user()
    token = secrets.add_token(stack.token(user_id))
    await auth.begin(scope_of("/", token)).user()
    await auth.evict(user_id)
    assert len(seen) == 4
    assert secrets.in_object(seen) == []


def test_the_search_finds_what_is_hidden(secrets: Secrets) -> None:
    """Else all of the above would prove nothing."""

    class Slotted:
        __slots__ = ("inside",)

        def __init__(self, inside: object) -> None:
            self.inside = inside

    slotted = Slotted({"list": [(b"key=" + SERVER_KEY.encode(),)]})
    hidden = [slotted, lambda: slotted, {SERVER_KEY: 1}, Box(SERVER_KEY)]
    for value in hidden:
        assert secrets.in_object(value)
    assert not secrets.in_object([SecretStr(SERVER_KEY), PROJECT_ID])

    for module, is_ours in (("stack_fastapi.pretended", True), ("elsewhere", False)):
        fail = FunctionType(_fail.__code__, {"__name__": module})
        with pytest.raises(LookupError) as caught:
            fail({SERVER_KEY: "x"})
        found = [text for text in texts_of_error(caught.value) if secrets.in_text(text)]
        assert bool(found) is is_ours


def _fail(table: dict[str, str]) -> str:
    return table["absent"]


class Box:
    """A box with a repr that tells all."""

    def __init__(self, text: str) -> None:
        self._text = tuple(text)

    def __repr__(self) -> str:
        return "".join(self._text)
