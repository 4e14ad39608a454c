"""Permissions and teams on routes: the answers, the paths that lie, and the mistakes of authors."""

# No "from __future__ import annotations": FastAPI cannot resolve local names that are text.

import asyncio
import logging
from functools import partial
from typing import Annotated, Any
from urllib.parse import quote
from uuid import UUID

import pytest
from fastapi import APIRouter, Depends, FastAPI
from fastapi.testclient import TestClient
from guarded_app import GUARDS, LocalStack, app_of, ask, outcome
from starlette.applications import Starlette
from starlette.routing import Host, Mount
from starlette.websockets import WebSocketDisconnect

from stack_fastapi import (
    ConfigurationError,
    CurrentTeam,
    StackAuthMiddleware,
    Team,
    User,
    require_permission,
    require_team_member,
    require_team_permission,
    require_user,
)
from stack_fastapi.app.guards import misplaced_guards
from stack_fastapi.audit import unprotected_routes
from stack_fastapi.testing import SignedIn


@pytest.fixture
def stack() -> LocalStack:
    return LocalStack()


def team_of(somebody: SignedIn) -> str:
    assert somebody.team is not None
    return somebody.team.id


# ---------------------------------------------------------------- the answers


@pytest.mark.parametrize(
    ("held", "path", "missing"),
    [
        ([], "/permission", ["read"]),
        (["write"], "/permission", ["read"]),
        (["read"], "/both", ["write"]),
        ([], "/both", ["read", "write"]),
        ([], "/either", ["read", "write"]),
    ],
)
async def test_the_missing_permissions_are_named(
    stack: LocalStack, held: list[str], path: str, missing: list[str]
) -> None:
    reply = await ask(app_of(stack.engine()), path, stack.sign_in(permissions=held).token)
    assert reply.status == 403
    assert reply.json["detail"]["missing"] == missing
    assert all(id_ in reply.json["detail"]["message"] for id_ in missing)
    challenge = reply.headers["www-authenticate"]
    assert challenge.startswith('Bearer error="insufficient_scope", ')
    assert challenge.endswith(f', scope="{" ".join(missing)}"')


async def test_a_missing_team_permission_is_named_as_well(stack: LocalStack) -> None:
    alice = stack.sign_in(team="Acme", team_permissions=["bill"])
    reply = await ask(app_of(stack.engine()), f"/teams/{team_of(alice)}/both", alice.token)
    assert reply.json["detail"] == {
        "code": "TEAM_PERMISSION_REQUIRED",
        "message": "This needs the permission $delete_team in this team.",
        "missing": ["$delete_team"],
    }


async def test_other_refusals_name_no_permission(stack: LocalStack) -> None:
    app = app_of(stack.engine())
    for path, token in (("/permission", None), ("/mfa", stack.sign_in().token)):
        reply = await ask(app, path, token)
        assert reply.json["detail"].keys() == {"code", "message"}
        assert "scope=" not in reply.headers["www-authenticate"].replace("insufficient_scope", "")


async def test_a_hidden_team_looks_like_none(stack: LocalStack) -> None:
    app = app_of(stack.engine())
    alice, bob = stack.sign_in(), stack.sign_in(team="Acme")
    nowhere = "11111111-2222-4333-8444-555555555555"
    for kind in ("hidden", "hidden-member"):
        replies = [
            await ask(app, f"/teams/{team_id}/{kind}", alice.token)
            for team_id in (team_of(bob), nowhere, "x")
        ]
        assert {reply.status for reply in replies} == {404}
        assert len({reply.body for reply in replies}) == 1
        assert not any("www-authenticate" in reply.headers for reply in replies)
    assert await outcome(app, f"/teams/{team_of(bob)}/hidden", bob.token) == (
        "403 TEAM_PERMISSION_REQUIRED"  # a member knows that it is there
    )


async def test_a_rule_of_users_holds_beside_the_permission(stack: LocalStack) -> None:
    app = app_of(stack.engine())
    alice = stack.sign_in(permissions=["read"], primary_email="alice@example.com")
    assert await outcome(app, "/verified-reader", alice.token) == "403 EMAIL_NOT_VERIFIED"
    bob = stack.sign_in(
        permissions=["read"], primary_email="bob@example.com", primary_email_verified=True
    )
    assert await outcome(app, "/verified-reader", bob.token) == "200"


def test_a_websocket_is_closed_for_want_of_a_permission(stack: LocalStack) -> None:
    app = FastAPI()
    app.add_middleware(StackAuthMiddleware, auth=stack.engine())

    @app.websocket("/ws", dependencies=[Depends(require_permission("read"))])
    async def route(websocket: Any) -> None: ...

    with (
        pytest.raises(WebSocketDisconnect) as closed,
        TestClient(app).websocket_connect("/ws", headers=dict(stack.sign_in())),
    ):
        pass
    assert (closed.value.code, closed.value.reason) == (1008, "PROJECT_PERMISSION_REQUIRED")


def test_a_guard_hands_out_what_its_type_says(stack: LocalStack) -> None:
    app = FastAPI()
    app.add_middleware(StackAuthMiddleware, auth=stack.engine())

    @app.get("/{team_id}")
    async def route(
        reader: Annotated[User, Depends(require_permission("read"))],
        biller: Annotated[User, Depends(require_team_permission("bill"))],
        member: Annotated[Team, Depends(require_team_member())],
        current: CurrentTeam,
    ) -> list[str]:
        return [reader.id, biller.id, member.display_name, current.id]

    alice = stack.sign_in(permissions=["read"], team="Acme", team_permissions=["bill"])
    answer = TestClient(app).get(f"/{team_of(alice)}", headers=alice)
    assert answer.json() == [alice.user.id, alice.user.id, "Acme", team_of(alice)]


# ---------------------------------------------------------------- the current team

OTHER = "ffffffff-ffff-4fff-8fff-ffffffffffff"


async def test_the_current_team_is_that_of_the_path_the_header_or_the_selection(
    stack: LocalStack,
) -> None:
    app = app_of(stack.engine())
    alice = stack.sign_in(team="First")
    first = team_of(alice)
    second = stack.emulator.create_team("Second", creator=alice.user.id).id
    assert await outcome(app, "/team", alice.token) == "403 TEAM_REQUIRED"
    assert (await ask(app, "/team", alice.token, x_team_id=first)).json == first
    path = f"/teams/{second}/current"
    assert (await ask(app, path, alice.token)).json == second
    assert (await ask(app, path, alice.token, x_team_id=first)).json == second
    bob = stack.sign_in(team="Third")
    stack.emulator.update_user(bob.user.id, selected_team_id=team_of(bob))
    assert (await ask(app, "/team", bob.token)).json == team_of(bob)
    for foreign in (first, OTHER, "", "null", first.upper(), f" {first} x"):
        assert await outcome(app, "/team", bob.token, x_team_id=foreign) == (
            "403 TEAM_MEMBERSHIP_NOT_FOUND"
        )


def test_a_header_that_was_sent_twice_names_no_team(stack: LocalStack) -> None:
    alice = stack.sign_in(team="First")
    headers = [*alice.items(), ("X-Team-Id", team_of(alice)), ("X-Team-Id", OTHER)]
    answer = TestClient(app_of(stack.engine())).get("/team", headers=headers)
    assert answer.json()["detail"]["code"] == "TEAM_MEMBERSHIP_NOT_FOUND"


# ---------------------------------------------------------------- paths that lie

DISGUISES = {
    "upper case": str.upper,
    "a space in front": " {}".format,
    "a space behind": "{} ".format,
    "a line feed behind": "{}\n".format,
    "a NUL behind": "{}\0".format,
    "a NUL inside": lambda id_: id_[:8] + "\0" + id_[9:],
    "dots": "../{}".format,
    "dots behind": "{}/..".format,
    "a query": "{}?user_id=me".format,
    "more query": "{}&user_id=me".format,
    "without hyphens": lambda id_: id_.replace("-", ""),
    "in braces": "{{{}}}".format,
    "as URN": "urn:uuid:{}".format,
    "full-width digits": lambda id_: id_.translate({48 + n: 0xFF10 + n for n in range(10)}),
    "percent-encoded twice": lambda id_: (
        quote(id_[:1]).replace(id_[0], f"%25{ord(id_[0]):x}") + id_[1:]
    ),
    "two": "{0},{0}".format,
    "empty": lambda _: " ",
    "me": lambda _: "me",
    "a wildcard": lambda _: "*",
    "long": lambda id_: id_ * 10_000,
}


@pytest.mark.parametrize("kind", ["permission", "member", "hidden", "hidden-member", "current"])
@pytest.mark.parametrize("disguise", DISGUISES.values(), ids=DISGUISES)
async def test_no_other_spelling_of_a_team_is_the_team_and_none_reaches_stack(
    stack: LocalStack, disguise: Any, kind: str
) -> None:
    app = app_of(stack.engine())
    alice = stack.sign_in(team="Acme", team_permissions=["bill"])
    good = f"/teams/{team_of(alice)}/{kind}"
    assert await outcome(app, good, alice.token) == "200"
    stack.asked()
    reply = await ask(app, f"/teams/{disguise(team_of(alice))}/{kind}", alice.token)
    assert reply.status in {403, 404}
    assert stack.asked() == {}


@pytest.mark.parametrize("kind", ["permission", "member", "current"])
async def test_another_users_team_is_none_of_mine(stack: LocalStack, kind: str) -> None:
    app = app_of(stack.engine())
    alice = stack.sign_in(team="Acme", team_permissions=["bill"])
    bob = stack.sign_in(team="Other", team_permissions=["bill"])
    for _ in range(2):
        assert await outcome(app, f"/teams/{team_of(alice)}/{kind}", alice.token) == "200"
        assert await outcome(app, f"/teams/{team_of(alice)}/{kind}", bob.token) == (
            "403 TEAM_MEMBERSHIP_NOT_FOUND"
        )


async def test_a_permission_in_the_project_is_none_in_a_team_and_the_other_way_round(
    stack: LocalStack,
) -> None:
    stack.emulator.define_permission("bill", "team")
    app = app_of(stack.engine())
    alice = stack.sign_in(team="Acme", permissions=["read"])
    bob = stack.sign_in(team="Acme", team_permissions=["bill"])
    assert (await ask(app, f"/teams/{team_of(alice)}/permission", alice.token)).status == 403
    assert (await ask(app, "/permission", bob.token)).status == 403


def test_a_converted_parameter_is_read_as_what_the_route_gets(stack: LocalStack) -> None:
    app = FastAPI()
    app.add_middleware(StackAuthMiddleware, auth=stack.engine())

    @app.get("/{team_id:uuid}", dependencies=[Depends(require_team_member())])
    async def route(team_id: UUID) -> str:
        return str(team_id)

    alice = stack.sign_in(team="Acme")
    assert TestClient(app).get(f"/{team_of(alice)}", headers=alice).json() == team_of(alice)


# ---------------------------------------------------------------- mistakes of authors


@pytest.mark.parametrize(
    "wrong",
    ["", " ", "Read", "read docs", "read\n", "$", "re$ad", "read-docs", "$$a", "é", "*", "٣"],
)
@pytest.mark.parametrize("make", [require_permission, require_team_permission])
def test_an_id_that_no_permission_has_is_refused_at_once(make: Any, wrong: str) -> None:
    with pytest.raises(ValueError, match="no id of a permission"):
        make("read", wrong)


@pytest.mark.parametrize("good", ["a", "$read_members", "team:read", "read_2", "0"])
def test_an_id_that_a_permission_can_have_is_taken(good: str) -> None:
    require_permission(good)
    require_team_permission(good)


@pytest.mark.parametrize("make", [require_permission, require_team_permission])
def test_a_guard_that_asks_for_nothing_is_a_mistake(make: Any) -> None:
    with pytest.raises(ValueError, match="name the permissions"):
        make()


@pytest.mark.parametrize("rules", [{"max_age": -1}, {"max_age": float("nan")}])
def test_a_wrong_rule_is_refused_at_once(rules: Any) -> None:
    for make in (require_user, partial(require_permission, "read")):
        with pytest.raises(ValueError, match="max_age"):
            make(**rules)


def test_a_mistyped_rule_is_none_that_is_left_out() -> None:
    rules: Any = {"live_sesion": True}
    for make in (partial(require_permission, "a"), partial(require_team_permission, "a")):
        with pytest.raises(TypeError, match="live_sesion"):
            make(**rules)
    with pytest.raises(TypeError, match="live_sesion"):
        require_team_member(**rules)


@pytest.mark.parametrize("wrong", ["", "{team_id}", "team id", "team-id"])
def test_what_is_no_name_of_a_parameter_is_refused_at_once(wrong: str) -> None:
    with pytest.raises(ValueError, match="names a parameter of the path"):
        require_team_member(wrong)
    with pytest.raises(ValueError, match="names a parameter of the path"):
        require_team_permission("read", team=wrong)


def misplaced_app(stack: LocalStack) -> FastAPI:
    app = FastAPI()
    app.add_middleware(StackAuthMiddleware, auth=stack.engine())
    guard = [Depends(require_team_permission("bill"))]

    @app.get("/clubs/{club}", dependencies=guard)
    async def route(club: str) -> None: ...

    return app


def test_a_route_without_the_parameter_stops_the_start_up(stack: LocalStack) -> None:
    with (
        pytest.raises(ConfigurationError, match=r"/clubs/\{club\} has no path parameter 'team_id'"),
        TestClient(misplaced_app(stack)),
    ):
        pass


def test_without_a_start_up_it_lets_nobody_in_and_says_why(
    stack: LocalStack, caplog: pytest.LogCaptureFixture
) -> None:
    alice = stack.sign_in(team="Acme", team_permissions=["bill"])
    answer = TestClient(misplaced_app(stack)).get(f"/clubs/{team_of(alice)}", headers=alice)
    assert answer.status_code == 503
    assert answer.json()["detail"]["code"] == "AUTHENTICATION_MISCONFIGURED"
    assert "team_id" not in answer.text
    assert "name the parameter with team=" in caplog.text
    assert caplog.records[-1].levelno == logging.ERROR


def test_guards_are_looked_for_in_routers_mounts_and_hosts() -> None:
    guard = [Depends(require_team_permission("bill"))]

    async def route() -> None: ...

    def inner() -> FastAPI:
        app = FastAPI(openapi_url=None)
        app.add_api_route("/inner", route, dependencies=guard)
        return app

    router = APIRouter(prefix="/routed", dependencies=guard)
    router.add_api_route("/x", route)
    router.add_api_websocket_route("/ws", route)
    outer = FastAPI(openapi_url=None)
    outer.include_router(router, prefix="/teams/{team_id}")
    outer.mount("/teams/{team_id}", inner())
    outer.mount("/nowhere", inner())
    outer.include_router(router, prefix="/clubs/{club}")
    assert sorted(problem.split()[2] for problem in misplaced_guards(outer)) == [
        "/clubs/{club}/routed/ws",
        "/clubs/{club}/routed/x",
        "/nowhere/inner",
    ]
    hosts = Starlette(routes=[Host("{team_id}.example.com", inner()), Mount("/a", app=inner())])
    assert [problem.split()[2] for problem in misplaced_guards(hosts)] == ["/a/inner"]
    assert misplaced_guards(app_of(LocalStack().engine())) == []
    assert misplaced_guards(object()) == []


# ---------------------------------------------------------------- what is said of them


def test_the_audit_knows_all_guards() -> None:
    assert unprotected_routes(app_of(LocalStack().engine())) == []
    assert len(GUARDS) > 15


def documented(stack: LocalStack) -> dict[str, Any]:
    app = FastAPI()
    app.add_middleware(StackAuthMiddleware, auth=stack.engine())
    router = APIRouter(prefix="/v1")

    @router.get("/docs", dependencies=[Depends(require_permission("read", "write"))])
    async def docs() -> None:
        """Read them."""

    @router.get("/either", dependencies=[Depends(require_permission("read", "write", any_of=True))])
    async def either() -> None: ...

    @router.get(
        "/{club}",
        dependencies=[Depends(require_team_permission("bill", team="club", reveal=False))],
    )
    async def bill(club: str) -> None: ...

    @router.get("/said", dependencies=[Depends(require_permission("read"))])
    async def said() -> None:
        """Needs `read` in the project. Really."""

    @router.post("/either", dependencies=[Depends(require_user(mfa=True))])
    async def plain() -> None: ...

    app.include_router(router)
    paths: dict[str, Any] = TestClient(app).get("/openapi.json").json()["paths"]
    return paths


def test_the_document_says_what_an_operation_needs(stack: LocalStack) -> None:
    paths = documented(stack)
    assert paths["/v1/docs"]["get"]["description"] == (
        "Read them.\n\nNeeds `read` and `write` in the project."
    )
    assert paths["/v1/either"]["get"]["description"] == "Needs `read` or `write` in the project."
    assert paths["/v1/{club}"]["get"]["description"] == "Needs `bill` in the team `club`."
    assert paths["/v1/said"]["get"]["description"] == "Needs `read` in the project. Really."
    assert "description" not in paths["/v1/either"]["post"]


def test_only_an_operation_that_hides_teams_documents_a_404(stack: LocalStack) -> None:
    paths = documented(stack)
    assert paths["/v1/{club}"]["get"]["responses"].keys() >= {"401", "403", "404", "503"}
    assert "404" not in paths["/v1/docs"]["get"]["responses"]


# ---------------------------------------------------------------- live sockets and many tasks


async def test_two_users_at_once_do_not_mix(stack: LocalStack) -> None:
    app = app_of(stack.engine(user_cache_ttl=0))
    alice, bob = stack.sign_in(permissions=["read"]), stack.sign_in()
    outcomes = await asyncio.gather(
        *(
            outcome(app, "/permission", somebody.token)
            for _ in range(50)
            for somebody in (alice, bob)
        )
    )
    assert outcomes == ["200", "403 PROJECT_PERMISSION_REQUIRED"] * 50
