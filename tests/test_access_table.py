"""Who may do what: each caller on each route, whatever is known, whoever is down.

One table for each state of the world. ``ok`` is 200; the other words are in ``ANSWERS``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import pytest
from guarded_app import LocalStack, app_of, outcome

ANSWERS = {
    "ok": "200",
    "none": "401 USER_AUTHENTICATION_REQUIRED",
    "nokey": "401 API_KEY_REQUIRED",
    "token": "401 UNPARSABLE_ACCESS_TOKEN",
    "type": "401 WRONG_API_KEY_TYPE",
    "key": "401 API_KEY_NOT_FOUND",
    "anon": "401 ANONYMOUS_AUTHENTICATION_NOT_ALLOWED",
    "gone": "401 CANNOT_GET_OWN_USER_WITHOUT_USER",
    "out": "401 SESSION_NOT_FOUND",
    "two": "401 AMBIGUOUS_CREDENTIALS",
    "rest": "403 RESTRICTED_USER_NOT_ALLOWED",
    "perm": "403 PROJECT_PERMISSION_REQUIRED",
    "tperm": "403 TEAM_PERMISSION_REQUIRED",
    "alien": "403 TEAM_MEMBERSHIP_NOT_FOUND",
    "team": "403 TEAM_REQUIRED",
    "2fa": "403 SECOND_FACTOR_REQUIRED",
    "404": "404 TEAM_NOT_FOUND",
    "503": "503 STACK_UNAVAILABLE",
}

ROUTES = {
    "user": "/user",
    "perm": "/permission",
    "any": "/either",
    "tperm": "/teams/{team}/permission",
    "hide": "/teams/{team}/hidden",
    "memb": "/teams/{team}/member",
    "team": "/team",
    "live": "/live",
    "mfa": "/mfa",
    "who": "/principal",
    "key": "/key",
    "ukey": "/user-key",
    "tkey": "/team-key",
    "rkey": "/reader-key",
}


class Caller(NamedTuple):
    token: str | None = None
    headers: dict[str, str] = {}  # noqa: RUF012 - never written to


class World:
    """A Stack with one team that the route names."""

    def __init__(self) -> None:
        self.stack = LocalStack()
        self.team = self.stack.emulator.create_team("Acme")
        for name, scope in (("read", "project"), ("write", "project"), ("bill", "team")):
            self.stack.emulator.define_permission(name, scope)  # type: ignore[arg-type]


def guest(world: World) -> Caller:
    return Caller()


def plain(world: World) -> Caller:
    return Caller(world.stack.sign_in().token)


def reader(world: World) -> Caller:
    return Caller(world.stack.sign_in(permissions=["read"]).token)


def writer(world: World) -> Caller:
    return Caller(world.stack.sign_in(permissions=["write"]).token)


def member(world: World) -> Caller:
    return Caller(world.stack.sign_in(team=world.team).token)


def biller(world: World) -> Caller:
    alice = world.stack.sign_in(team=world.team, team_permissions=["bill"])
    world.stack.emulator.update_user(alice.user.id, selected_team_id=world.team.id)
    return Caller(world.stack.emulator.sign_in(alice.user.id).access_token)


def elsewhere(world: World) -> Caller:
    return Caller(world.stack.sign_in(team="Other", team_permissions=["bill"]).token)


def factor(world: World) -> Caller:
    return Caller(world.stack.sign_in(totp_secret_base64="c2VjcmV0").token)


def restricted(world: World) -> Caller:
    everything = {"permissions": ["read"], "team": world.team, "team_permissions": ["bill"]}
    return Caller(world.stack.sign_in(type="restricted", **everything).token)


def anonymous(world: World) -> Caller:
    everything = {"permissions": ["read"], "team": world.team, "team_permissions": ["bill"]}
    return Caller(world.stack.sign_in(type="anonymous", **everything).token)


def since(world: World) -> Caller:
    """Somebody who was restricted after the token was issued."""
    alice = world.stack.sign_in(permissions=["read"], team=world.team)
    world.stack.emulator.restrict_user(alice.user.id)
    return Caller(alice.token)


def deleted(world: World) -> Caller:
    alice = world.stack.sign_in(permissions=["read"])
    world.stack.emulator.delete_user(alice.user.id)
    return Caller(alice.token)


def signedout(world: World) -> Caller:
    alice = world.stack.sign_in(permissions=["read"])
    world.stack.emulator.revoke_session(alice.tokens.session_id)
    return Caller(alice.token)


def userkey(world: World) -> Caller:
    alice = world.stack.sign_in(permissions=["read"])
    return Caller(headers={"x_api_key": world.stack.emulator.create_user_api_key(alice.user.id)})


def teamkey(world: World) -> Caller:
    return Caller(headers={"x_api_key": world.stack.emulator.create_team_api_key(world.team.id)})


def bearerkey(world: World) -> Caller:
    key = world.stack.emulator.create_user_api_key(world.stack.sign_in().user.id)
    return Caller(headers={"authorization": f"Bearer {key}"})


def restkey(world: World) -> Caller:
    alice = world.stack.sign_in(type="restricted")
    return Caller(headers={"x_api_key": world.stack.emulator.create_user_api_key(alice.user.id)})


def orphankey(world: World) -> Caller:
    alice = world.stack.sign_in()
    key = world.stack.emulator.create_user_api_key(alice.user.id)
    world.stack.emulator.delete_user(alice.user.id)
    return Caller(headers={"x_api_key": key})


def both(world: World) -> Caller:
    """A user with a token and a key of their own."""
    alice = world.stack.sign_in()
    key = world.stack.emulator.create_user_api_key(alice.user.id)
    return Caller(alice.token, {"x_api_key": key})


def mixed(world: World) -> Caller:
    """A user's token with another user's key."""
    key = world.stack.emulator.create_user_api_key(world.stack.sign_in().user.id)
    return Caller(world.stack.sign_in().token, {"x_api_key": key})


CALLERS: dict[str, Callable[[World], Caller]] = {
    caller.__name__: caller
    for caller in (
        *(guest, plain, reader, writer, member, biller, elsewhere, factor),
        *(restricted, anonymous, since, deleted, signedout),
        *(userkey, teamkey, bearerkey, restkey, orphankey, both, mixed),
    )
}

#: Nothing is known, and Stack answers. Within the lifetime it stays so, and Stack is not asked.
COLD = """
           user  perm  any   tperm hide  memb  team  live  mfa   who   key   ukey  tkey  rkey
guest      none  none  none  none  none  none  none  none  none  none  nokey nokey nokey nokey
plain      ok    perm  perm  alien 404   alien team  ok    2fa   ok    nokey nokey nokey nokey
reader     ok    ok    ok    alien 404   alien team  ok    2fa   ok    nokey nokey nokey nokey
writer     ok    perm  ok    alien 404   alien team  ok    2fa   ok    nokey nokey nokey nokey
member     ok    perm  perm  tperm tperm ok    team  ok    2fa   ok    nokey nokey nokey nokey
biller     ok    perm  perm  ok    ok    ok    ok    ok    2fa   ok    nokey nokey nokey nokey
elsewhere  ok    perm  perm  alien 404   alien team  ok    2fa   ok    nokey nokey nokey nokey
factor     ok    perm  perm  alien 404   alien team  ok    ok    ok    nokey nokey nokey nokey
restricted rest  rest  rest  rest  rest  rest  rest  rest  rest  rest  rest  rest  rest  rest
anonymous  anon  anon  anon  anon  anon  anon  anon  anon  anon  anon  anon  anon  anon  anon
since      rest  rest  rest  rest  rest  rest  rest  rest  rest  rest  rest  rest  rest  rest
deleted    gone  gone  gone  gone  gone  gone  gone  gone  gone  gone  gone  gone  gone  gone
signedout  ok    ok    ok    alien 404   alien team  out   2fa   ok    nokey nokey nokey nokey
userkey    none  none  none  none  none  none  none  none  none  ok    ok    ok    type  ok
teamkey    none  none  none  none  none  none  none  none  none  ok    ok    type  ok    perm
bearerkey  token token token token token token token token token ok    ok    ok    type  perm
restkey    none  none  none  none  none  none  none  none  none  rest  rest  rest  type  rest
orphankey  none  none  none  none  none  none  none  none  none  key   key   key   type  key
both       ok    perm  perm  alien 404   alien team  ok    2fa   ok    ok    ok    type  perm
mixed      ok    perm  perm  alien 404   alien team  ok    2fa   two   two   two   type  two
"""

#: It was known, its time is over, and Stack is down.
STALE = """
           user  perm  any   tperm hide  memb  team  live  mfa   who   key   ukey  tkey  rkey
guest      none  none  none  none  none  none  none  none  none  none  nokey nokey nokey nokey
plain      ok    503   503   503   503   503   team  503   2fa   ok    nokey nokey nokey nokey
reader     ok    503   503   503   503   503   team  503   2fa   ok    nokey nokey nokey nokey
writer     ok    503   503   503   503   503   team  503   2fa   ok    nokey nokey nokey nokey
member     ok    503   503   503   503   503   team  503   2fa   ok    nokey nokey nokey nokey
biller     ok    503   503   503   503   503   503   503   2fa   ok    nokey nokey nokey nokey
elsewhere  ok    503   503   503   503   503   team  503   2fa   ok    nokey nokey nokey nokey
factor     ok    503   503   503   503   503   team  503   ok    ok    nokey nokey nokey nokey
restricted rest  rest  rest  rest  rest  rest  rest  rest  rest  rest  rest  rest  rest  rest
anonymous  anon  anon  anon  anon  anon  anon  anon  anon  anon  anon  anon  anon  anon  anon
since      rest  rest  rest  rest  rest  rest  rest  rest  rest  rest  rest  rest  rest  rest
deleted    503   503   503   503   503   503   503   503   503   503   503   503   503   503
signedout  ok    503   503   503   503   503   team  503   2fa   ok    nokey nokey nokey nokey
userkey    none  none  none  none  none  none  none  none  none  503   503   503   type  503
teamkey    none  none  none  none  none  none  none  none  none  503   503   type  503   503
bearerkey  token token token token token token token token token 503   503   503   type  503
restkey    none  none  none  none  none  none  none  none  none  503   503   503   type  503
orphankey  none  none  none  none  none  none  none  none  none  503   503   503   type  503
both       ok    503   503   503   503   503   team  503   2fa   503   503   503   type  503
mixed      ok    503   503   503   503   503   team  503   2fa   503   503   503   type  503
"""

#: Nothing but the project's keys is known, and Stack is down.
DOWN = """
           user  perm  any   tperm hide  memb  team  live  mfa   who   key   ukey  tkey  rkey
guest      none  none  none  none  none  none  none  none  none  none  nokey nokey nokey nokey
plain      503   503   503   503   503   503   503   503   503   503   503   503   503   503
reader     503   503   503   503   503   503   503   503   503   503   503   503   503   503
writer     503   503   503   503   503   503   503   503   503   503   503   503   503   503
member     503   503   503   503   503   503   503   503   503   503   503   503   503   503
biller     503   503   503   503   503   503   503   503   503   503   503   503   503   503
elsewhere  503   503   503   503   503   503   503   503   503   503   503   503   503   503
factor     503   503   503   503   503   503   503   503   503   503   503   503   503   503
restricted rest  rest  rest  rest  rest  rest  rest  rest  rest  rest  rest  rest  rest  rest
anonymous  anon  anon  anon  anon  anon  anon  anon  anon  anon  anon  anon  anon  anon  anon
since      503   503   503   503   503   503   503   503   503   503   503   503   503   503
deleted    503   503   503   503   503   503   503   503   503   503   503   503   503   503
signedout  503   503   503   503   503   503   503   503   503   503   503   503   503   503
userkey    none  none  none  none  none  none  none  none  none  503   503   503   type  503
teamkey    none  none  none  none  none  none  none  none  none  503   503   type  503   503
bearerkey  token token token token token token token token token 503   503   503   type  503
restkey    none  none  none  none  none  none  none  none  none  503   503   503   type  503
orphankey  none  none  none  none  none  none  none  none  none  503   503   503   type  503
both       503   503   503   503   503   503   503   503   503   503   503   503   503   503
mixed      503   503   503   503   503   503   503   503   503   503   503   503   503   503
"""


def cells(table: str) -> dict[tuple[str, str], str]:
    head, *rows = (line.split() for line in table.strip().splitlines())
    return {
        (row[0], route): ANSWERS[word]
        for row in rows
        for route, word in zip(head, row[1:], strict=True)
    }


def test_the_tables_are_complete() -> None:
    for table in (COLD, STALE, DOWN):
        assert cells(table).keys() == {(caller, route) for caller in CALLERS for route in ROUTES}
    assert set(ANSWERS.values()) == {*cells(COLD).values(), *cells(DOWN).values()}


each_cell = pytest.mark.parametrize(
    ("caller", "route"), [pytest.param(*cell, id=" at ".join(cell)) for cell in cells(COLD)]
)


@pytest.mark.parametrize("eager", [True, False], ids=["eager", "lazy"])
@each_cell
async def test_cold_warm_and_stale(caller: str, route: str, *, eager: bool) -> None:
    world = World()
    stack, app = world.stack, app_of(world.stack.engine(), eager=eager)
    who = CALLERS[caller](world)
    path = ROUTES[route].format(team=world.team.id)
    expected = cells(COLD)[caller, route]
    assert await outcome(app, path, who.token, **who.headers) == expected, "cold"
    stack.go_down()
    stack.asked()
    assert await outcome(app, path, who.token, **who.headers) == expected, "warm"
    assert stack.asked() == {}, "warm, so nobody is asked"
    stack.clock.advance(60)
    expected = cells(STALE)[caller, route]
    assert await outcome(app, path, who.token, **who.headers) == expected, "stale"


@each_cell
async def test_in_an_outage(caller: str, route: str) -> None:
    world = World()
    app = app_of(world.stack.engine())
    assert await outcome(app, "/user", world.stack.sign_in().token) == "200"  # fetches the keys
    who = CALLERS[caller](world)
    world.stack.go_down()
    path = ROUTES[route].format(team=world.team.id)
    expected = cells(DOWN)[caller, route]
    assert await outcome(app, path, who.token, **who.headers) == expected
