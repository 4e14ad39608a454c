"""What Stack would break at, or keep and be broken by, is refused without asking."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from pydantic import SecretStr

from stack_fastapi import ApiSchemaError, StackServerClient

from .operations import LOOKED_UP, Ids, Talk, answer
from .world import World

I = Ids()  # noqa: E741 - short, for the tables
MARK = "marked-Secret-1"

Calling = Callable[[StackServerClient, Any], Awaitable[object]]


async def assert_refused(call: Calling, value: object) -> str:
    """Nothing is asked and nothing told; returns what the refusal says."""
    talk = Talk(answer({}))
    with pytest.raises(ApiSchemaError) as caught:
        await call(talk.client, value)
    assert (caught.value.status, caught.value.stack_code) == (400, "SCHEMA_ERROR")
    assert (talk.requests, talk.changes) == ([], [])
    return str(caught.value.details["message"])


async def assert_asked(call: Calling, value: object) -> None:
    talk = Talk(answer({"code": "X"}, 404))
    with pytest.raises(Exception, match="404"):
        await call(talk.client, value)
    assert len(talk.requests) == 1


# ---------------------------------------------------------------- e-mail addresses

#: Addresses and whether the real server takes them with server access.
ADDRESSES = {
    "a@b": True,
    "ann@example.com": True,
    "ANN.B+c@EXAMPLE.COM": True,
    "a..b@example.com": True,
    ".a@example.com": True,
    "a@127.0.0.1": True,
    "!#$%&'*+/=?^_`{|}~-@example.com": True,
    f"a@{'b' * 63}.com": True,
    "x": False,
    "": False,
    "@": False,
    "a@": False,
    "@b": False,
    "a@b@c": False,
    "a b@example.com": False,
    " a@example.com": False,
    "a@example.com\n": False,
    "ü@example.com": False,
    "a@exämple.com": False,
    "a@[127.0.0.1]": False,
    "a@ex_ample.com": False,
    "a@-example.com": False,
    "a@example-.com": False,
    "a@example..com": False,
    "a@example.com.": False,
    f"a@{'b' * 64}.com": False,
    "a@b\0": False,
    "\uff21@example.com": False,
}

WITH_ADDRESS: dict[str, Calling] = {
    "create": lambda c, v: c.contact_channels.create(I.user_id, v),
    "update": lambda c, v: c.contact_channels.update(I.user_id, I.channel_id, value=v),
}


@pytest.mark.parametrize("call", WITH_ADDRESS.values(), ids=WITH_ADDRESS)
async def test_a_contact_channel_is_an_e_mail_address_by_the_rule_of_html(call: Calling) -> None:
    for address, is_good in ADDRESSES.items():
        if is_good:
            await assert_asked(call, address)
        else:
            assert "e-mail address" in await assert_refused(call, address)


@pytest.mark.parametrize("call", WITH_ADDRESS.values(), ids=WITH_ADDRESS)
async def test_what_is_no_text_is_no_address(call: Calling) -> None:
    for value in (None, 1, SecretStr("a@example.com")):
        assert "e-mail address" in await assert_refused(call, value)


async def test_a_channel_keeps_its_address_when_another_one_is_refused(world: World) -> None:
    channels, bob = world.client.contact_channels, world.bob.id
    (channel,) = await channels.list(user_id=bob)
    with pytest.raises(ApiSchemaError):
        await channels.update(bob, channel.id, value="x", is_verified=True)
    assert await channels.list(user_id=bob) == [channel]
    changed = await channels.update(bob, channel.id, value="new@example.com")
    assert changed.value == "new@example.com"


# ---------------------------------------------------------------- texts

WITH_TEXT: dict[str, Calling] = {
    "a user's name": lambda c, v: c.users.update(I.user_id, display_name=v),
    "one's own name": lambda c, v: c.users.update_me("a.b.c", display_name=v),
    "a new user's metadata": lambda c, v: c.users.create(server_metadata={"a": [{"b": v}]}),
    "a field of metadata": lambda c, v: c.teams.update(I.team_id, client_metadata={v: 1}),
    "a password": lambda c, v: c.users.create(password=v),
    "a team's name": lambda c, v: c.teams.create(v),
    "a profile's name": lambda c, v: c.member_profiles.update(I.team_id, I.user_id, display_name=v),
    "what a key is for": lambda c, v: c.user_api_keys.create(I.user_id, description=v),
    "what a key is for now": lambda c, v: c.team_api_keys.update(
        I.team_id, I.key_id, description=v
    ),
    "a key": lambda c, v: c.user_api_keys.check(v),
    "a code": lambda c, v: c.contact_channels.verify(v),
    "who is invited": lambda c, v: c.team_invitations.send(I.team_id, v, callback_url="https://x"),
}
NOT_KEPT = {"NUL": f"{MARK}\0", "the first half": f"{MARK}\ud83d", "the second": f"\ude00{MARK}"}


@pytest.mark.parametrize("text", NOT_KEPT.values(), ids=NOT_KEPT)
@pytest.mark.parametrize("call", WITH_TEXT.values(), ids=WITH_TEXT)
async def test_a_text_that_no_database_keeps_is_not_sent(call: Calling, text: str) -> None:
    message = await assert_refused(call, text)
    assert "NUL or a lone surrogate" in message
    assert MARK not in message


@pytest.mark.parametrize("call", WITH_TEXT.values(), ids=WITH_TEXT)
async def test_any_other_text_is_sent(call: Calling) -> None:
    for text in ("", "ü", "\N{GRINNING FACE}", "\x01\x7f\uffff", "__proto__x", "\\u0000"):
        await assert_asked(call, text)


async def test_no_field_of_metadata_is_the_one_that_stack_trips_over() -> None:
    wrong: list[object] = [{"__proto__": 1}, [{"a": {"__proto__": {}}}]]
    for metadata in wrong:
        call: Calling = lambda c, v: c.users.create(client_metadata=v)  # noqa: E731
        assert "__proto__" in await assert_refused(call, metadata)
        await assert_asked(call, "__proto__")
        await assert_asked(call, {"constructor": "__proto__", "": None, "a.b": 1.5})


async def test_metadata_that_is_no_json_is_still_not_sent() -> None:
    circle: list[Any] = []
    circle.append(circle)
    deep: Any = "a"
    for _ in range(100_000):
        deep = [deep]
    for metadata in (circle, deep, {"a": {1, 2}}):
        talk = Talk(answer({}))
        wrong: Any = metadata
        with pytest.raises(ValueError, match="cannot be written as JSON"):
            await talk.client.users.create(server_metadata=wrong)
        assert talk.requests == []


async def test_metadata_may_hold_one_value_twice() -> None:
    twice: Any = {"a": ["x"]}
    talk = Talk(answer({"code": "X"}, 404))
    with pytest.raises(Exception, match="404"):
        await talk.client.users.create(server_metadata=[twice, twice])
    assert talk.requests[0].content == b'{"server_metadata": [{"a": ["x"]}, {"a": ["x"]}]}'


@pytest.mark.parametrize("field", ["query", "cursor"])
async def test_a_search_for_nul_is_not_asked(field: str) -> None:
    async def search(client: StackServerClient, text: str) -> None:
        fields: dict[str, Any] = {field: text}
        async for _ in client.users.list(**fields):
            raise AssertionError

    assert "NUL" in await assert_refused(search, "a\0b")


# ---------------------------------------------------------------- passwords

WITH_PASSWORD: dict[str, Calling] = {
    "create": lambda c, v: c.users.create(password=v),
    "update": lambda c, v: c.users.update(I.user_id, password=v),
    "update_me": lambda c, v: c.users.update_me("a.b.c", password=v),
}


@pytest.mark.parametrize("call", WITH_PASSWORD.values(), ids=WITH_PASSWORD)
async def test_a_password_is_no_longer_than_stack_can_read(call: Calling) -> None:
    emoji = "\N{GRINNING FACE}"
    for password in ("x" * 71, "ü" * 36 + "x", emoji * 19, "ü" * 40):
        for secret in (password, SecretStr(password)):
            message = await assert_refused(call, secret)
            assert "70 characters" in message
            assert password not in message
    for password in ("", "short", "x" * 70, "ü" * 36, emoji * 18):
        await assert_asked(call, password)
        await assert_asked(call, SecretStr(password))


@pytest.mark.parametrize("name", ["update", "update_me"])
async def test_no_password_takes_it_away(name: str) -> None:
    await assert_asked(WITH_PASSWORD[name], None)


# ---------------------------------------------------------------- times

WITH_LIFETIME: dict[str, Calling] = {
    "create": lambda c, v: c.sessions.create(I.user_id, expires_in_millis=v),
    "impersonate": lambda c, v: c.sessions.impersonate(I.user_id, expires_in_millis=v),
}


@pytest.mark.parametrize("call", WITH_LIFETIME.values(), ids=WITH_LIFETIME)
async def test_a_session_lasts_for_a_second_at_least(call: Calling) -> None:
    for millis in (0, -1, 1, 1.5, 999, 60_000.5, float("nan"), "60000", -(10**30)):
        assert "at least 1000" in await assert_refused(call, millis)
    for millis in (1000, 60_000, 10**15):
        await assert_asked(call, millis)


async def test_a_session_may_last_as_long_as_stack_likes() -> None:
    await assert_asked(WITH_LIFETIME["create"], None)


WITH_EXPIRY: dict[str, Calling] = {
    "user": lambda c, v: c.user_api_keys.create(I.user_id, description="k", expires_at_millis=v),
    "team": lambda c, v: c.team_api_keys.create(I.team_id, description="k", expires_at_millis=v),
}


@pytest.mark.parametrize("call", WITH_EXPIRY.values(), ids=WITH_EXPIRY)
async def test_a_key_that_expired_in_1970_is_not_one_that_never_does(call: Calling) -> None:
    for millis in (0, 0.0, False):
        assert "pass None" in await assert_refused(call, millis)
    for expiry in (None, 1, -5, 10**12):
        await assert_asked(call, expiry)


# ---------------------------------------------------------------- types


async def test_what_stack_always_refuses_is_not_offered() -> None:
    """Type checkers see all four; whoever uses none is told by Stack, or by Python."""
    talk = Talk(answer({"code": "X"}, 400))
    users, teams = talk.client.users, talk.client.teams
    with pytest.raises(TypeError, match="selected_team_id"):
        await users.create(selected_team_id=I.team_id)  # type: ignore[call-arg]
    with pytest.raises(Exception, match="400"):
        await users.update(I.user_id, password_hash=None)  # type: ignore[arg-type]
    with pytest.raises(Exception, match="400"):
        await users.update(I.user_id, passkey_auth_enabled=True)  # type: ignore[arg-type]
    with pytest.raises(Exception, match="400"):
        await teams.create("T", creator_user_id=None)  # type: ignore[arg-type]
    with pytest.raises(Exception, match="400"):
        await users.update(I.user_id, selected_team_id=None, passkey_auth_enabled=False)


async def test_nothing_is_looked_up_for_a_change_that_cannot_be_sent() -> None:
    talk = Talk(answer({}), LOOKED_UP["user_api_keys.update"])
    with pytest.raises(ApiSchemaError):
        await talk.client.user_api_keys.update(I.key_id, description="\0", user_id=I.user_id)
    assert talk.requests == []
