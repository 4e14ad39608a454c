"""What the served OpenAPI document says of protected operations."""

# No "from __future__ import annotations": FastAPI cannot resolve local names that are text.

import json
from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path as FilePath
from typing import Annotated, Any

import pytest
from fastapi import APIRouter, Depends, FastAPI, Header, Path, Security
from fastapi.security import APIKeyHeader
from fastapi.testclient import TestClient
from pydantic import BaseModel
from signed_tokens import Stack
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.responses import PlainTextResponse
from starlette.routing import Host, Mount, Route
from starlette.staticfiles import StaticFiles

from stack_fastapi import (
    CurrentClaims,
    CurrentPrincipal,
    CurrentTeam,
    CurrentUser,
    CurrentWebhook,
    OptionalUser,
    StackAuthMiddleware,
    User,
    current_user,
    current_webhook,
    document_authentication,
    require_api_key,
    require_team_member,
    require_team_permission,
    require_user,
)
from stack_fastapi.types import TokenSource

TOKEN: dict[str, list[str]] = {"StackAccessToken": []}
KEY: dict[str, list[str]] = {"StackApiKey": []}
GUEST: dict[str, list[str]] = {}
REFUSALS = {"401", "403", "503"}


class Item(BaseModel):
    name: str


def protected_app(**options: Any) -> FastAPI:
    app = FastAPI(**options)

    @app.get("/public")
    async def public() -> Item:
        return Item(name="public")

    @app.get("/user")
    async def user_route(user: CurrentUser) -> Item:
        return Item(name=user.id)

    @app.post("/claims")
    async def claims_route(claims: CurrentClaims, item: Item) -> Item:
        return item

    @app.get("/optional")
    async def optional_route(user: OptionalUser) -> Item:
        return Item(name="optional")

    @app.delete("/required")
    async def required_route(user: Annotated[User, Depends(require_user(max_age=0))]) -> None: ...

    @app.get("/scoped")
    async def scoped_route(user: Annotated[User, Security(current_user, scopes=["a"])]) -> None: ...

    return app


def with_middleware(app: FastAPI) -> FastAPI:
    app.add_middleware(StackAuthMiddleware, auth=Stack().engine())
    return app


def served(app: Any, path: str = "/openapi.json") -> dict[str, Any]:
    answer = TestClient(app).get(path)
    assert answer.status_code == 200
    document: dict[str, Any] = answer.json()
    return document


def operation(document: dict[str, Any], path: str) -> dict[str, Any]:
    (found,) = document["paths"][path].values()
    assert isinstance(found, dict)
    return found


def assert_protected(document: dict[str, Any], path: str) -> None:
    found = operation(document, path)
    assert TOKEN in found["security"]
    for status in REFUSALS:
        content = found["responses"][status]["content"]["application/json"]
        assert content["schema"]["$ref"] == "#/components/schemas/StackAuthProblem"


def nodes(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        yield value
        for child in value.values():
            yield from nodes(child)
    elif isinstance(value, list):
        for child in value:
            yield from nodes(child)


def identities(document: dict[str, Any]) -> set[int]:
    """Every dict and every list in a document, as objects."""
    return {
        id(part)
        for node in nodes(document)
        for part in (node, *node.values())
        if isinstance(part, dict | list)
    }


def assert_consistent(document: dict[str, Any]) -> None:
    """What OpenAPI 3.1 asks, as far as that can be seen without a validator."""
    assert document["openapi"].startswith("3.1")
    for node in nodes(document):
        reference = node.get("$ref")
        if isinstance(reference, str):
            target: Any = document
            for step in reference.removeprefix("#/").split("/"):
                target = target[step]
    schemes = document.get("components", {}).get("securitySchemes", {})
    for path in document["paths"].values():
        for found in path.values():
            for alternative in found.get("security", ()):
                assert alternative.keys() <= schemes.keys()
            for status, response in found["responses"].items():
                assert status == "default" or len(status) == 3
                assert isinstance(response["description"], str)


# ---------------------------------------------------------------- the served document


@pytest.mark.parametrize("path", ["/user", "/claims", "/optional", "/required"])
def test_a_protected_operation_says_how_to_sign_in_and_what_may_go_wrong(path: str) -> None:
    document = served(with_middleware(protected_app()))
    assert_protected(document, path)
    assert_consistent(document)


def test_security_with_scopes_is_documented_as_well() -> None:
    document = served(with_middleware(protected_app()))
    found = operation(document, "/scoped")
    assert [set(alternative) for alternative in found["security"]] == [{"StackAccessToken"}]
    assert found["responses"].keys() >= REFUSALS


def everything(**settings: Any) -> FastAPI:
    """An app with something of each kind that a scheme could stand for."""
    app = protected_app()
    app.add_middleware(StackAuthMiddleware, auth=Stack().engine(**settings))

    @app.get("/principal")
    async def principal_route(principal: CurrentPrincipal) -> None: ...

    @app.get("/key", dependencies=[Depends(require_api_key())])
    async def key_route() -> None: ...

    @app.post("/webhook")
    async def webhook_route(event: CurrentWebhook) -> None: ...

    return app


def schemes_of(document: dict[str, Any]) -> dict[str, Any]:
    schemes: dict[str, Any] = document["components"]["securitySchemes"]
    return schemes


def test_there_is_one_scheme_for_each_thing_that_a_person_can_paste() -> None:
    document = served(everything())
    schemes = schemes_of(document)
    assert list(schemes) == ["StackAccessToken", "StackApiKey"]
    token, key = schemes.values()
    assert (token["type"], token["scheme"]) == ("http", "bearer")
    assert "or the header X-Stack-Access-Token" in token["description"]
    assert (key["type"], key["in"], key["name"]) == ("apiKey", "header", "X-API-Key")
    assert operation(document, "/principal")["security"] == [TOKEN, KEY]
    assert operation(document, "/key")["security"] == [KEY]
    assert "security" not in operation(document, "/webhook")


def test_a_scheme_that_no_operation_asks_for_is_not_offered() -> None:
    app = with_middleware(FastAPI())
    app.get("/key", dependencies=[Depends(require_api_key())])(lambda: None)
    app.post("/webhook", dependencies=[Depends(current_webhook)])(lambda: None)
    assert list(schemes_of(served(app))) == ["StackApiKey"]
    app = with_middleware(FastAPI())
    app.post("/webhook", dependencies=[Depends(current_webhook)])(lambda: None)
    assert "components" not in served(app)


def test_the_tokens_scheme_comes_first_whatever_the_routes_order() -> None:
    app = FastAPI()
    app.add_middleware(StackAuthMiddleware, auth=Stack().engine())
    app.get("/a", dependencies=[Depends(APIKeyHeader(name="X", scheme_name="Our"))])(lambda: None)
    app.get("/b", dependencies=[Depends(require_api_key())])(lambda: None)
    app.get("/c", dependencies=[Depends(current_user)])(lambda: None)
    assert list(schemes_of(served(app))) == ["StackAccessToken", "Our", "StackApiKey"]


@pytest.mark.parametrize(
    ("sources", "scheme"),
    [
        (("bearer",), ("http", None, None)),
        (("cookie", "header", "bearer"), ("http", None, None)),
        (("header",), ("apiKey", "header", "X-Stack-Access-Token")),
        (("cookie", "header"), ("apiKey", "header", "X-Stack-Access-Token")),
        (("stack_auth", "cookie"), ("apiKey", "header", "X-Stack-Auth")),
        (("cookie",), ("apiKey", "cookie", "stack-access")),
        (("subprotocol",), ("apiKey", "header", "Sec-WebSocket-Protocol")),
    ],
)
def test_the_scheme_is_one_that_the_settings_allow(
    sources: tuple[TokenSource, ...], scheme: tuple[str, str | None, str | None]
) -> None:
    app = everything(token_sources=sources)
    document = served(app)
    found = schemes_of(document)["StackAccessToken"]
    assert (found["type"], found.get("in"), found.get("name")) == scheme
    assert ("X-Stack-Access-Token" in found["description"]) == ("header" in sources)
    assert ("Bearer" in found["description"]) == ("bearer" in sources)
    assert_consistent(document)
    assert served(app) == document


def test_a_scheme_that_the_app_describes_itself_is_kept() -> None:
    app = everything(token_sources=("header",))
    original, mine = app.openapi, {"type": "http", "scheme": "bearer", "description": "Ask us"}

    def custom() -> dict[str, Any]:
        document = original()
        schemes_of(document)["StackAccessToken"] = dict(mine)
        return document

    app.openapi = custom  # type: ignore[method-assign] # FastAPI's own way to customise it
    assert schemes_of(served(app))["StackAccessToken"] == mine


def test_guests_may_come_without_a_token_where_the_route_says_so() -> None:
    app = with_middleware(protected_app())
    key = APIKeyHeader(name="X-Key", scheme_name="OurKey")

    @app.get("/theirs", dependencies=[Depends(key)])
    async def theirs(user: OptionalUser) -> None: ...

    @app.get("/both")
    async def both(guest: OptionalUser, user: CurrentUser) -> None: ...

    document = served(app)
    assert operation(document, "/optional")["security"] == [TOKEN, GUEST]
    assert TOKEN in operation(document, "/both")["security"]
    assert GUEST not in operation(document, "/both")["security"]
    assert GUEST not in operation(document, "/theirs")["security"]
    assert served(app) == document


def test_the_header_that_names_a_team_is_a_parameter_where_it_is_read() -> None:
    app = with_middleware(FastAPI())

    @app.get("/notes")
    async def notes(team: CurrentTeam) -> None: ...

    @app.get("/teams/{team_id}")
    async def in_path(team: CurrentTeam) -> None: ...

    @app.get("/declared")
    async def declared(team: CurrentTeam, x_team_id: Annotated[str, Header()]) -> None: ...

    @app.get("/user")
    async def user_route(user: CurrentUser) -> None: ...

    def headers(path: str) -> list[tuple[str, bool]]:
        parameters = operation(document, path).get("parameters", [])
        return [(item["name"], item["required"]) for item in parameters if item["in"] == "header"]

    document = served(app)
    assert headers("/notes") == [("X-Team-Id", False)]
    assert headers("/teams/{team_id}") == []
    assert headers("/declared") == [("x-team-id", True)]
    assert headers("/user") == []
    assert served(app) == document
    assert_consistent(document)


def test_the_path_of_a_team_is_a_parameter_where_only_a_guard_reads_it() -> None:
    app = with_middleware(FastAPI())

    @app.get("/teams/{team_id}/tasks", dependencies=[Depends(require_team_member())])
    async def member() -> None: ...

    @app.get("/teams/{team_id}/notes")
    async def current(team: CurrentTeam) -> None: ...

    @app.get(
        "/orgs/{org_id}/{day}", dependencies=[Depends(require_team_permission("a", team="org_id"))]
    )
    async def permission(day: str, team: CurrentTeam) -> None: ...

    @app.get("/twice/{team_id}", dependencies=[Depends(require_team_member())])
    async def twice(team: CurrentTeam) -> None: ...

    @app.get("/declared/{team_id}", dependencies=[Depends(require_team_member())])
    async def declared(team_id: Annotated[str, Path(description="Ours")]) -> None: ...

    document = served(app)

    def parameters(path: str) -> dict[str, Any]:
        return {
            item.pop("name"): item for item in deepcopy(operation(document, path)["parameters"])
        }

    team_id = {
        "in": "path",
        "required": True,
        "schema": {"type": "string", "format": "uuid", "title": "team_id"},
    }
    for path in ("/teams/{team_id}/tasks", "/teams/{team_id}/notes", "/twice/{team_id}"):
        assert parameters(path) == {"team_id": team_id}
    assert list(parameters("/orgs/{org_id}/{day}")) == ["day", "org_id", "X-Team-Id"]
    assert parameters("/declared/{team_id}")["team_id"]["description"] == "Ours"
    assert served(app) == document
    assert_consistent(document)


def test_the_refusals_schema_describes_what_is_really_answered() -> None:
    app = with_middleware(protected_app())
    schema = served(app)["components"]["schemas"]["StackAuthProblem"]
    body = TestClient(app).get("/user").json()
    detail = schema["properties"]["detail"]
    assert set(schema["required"]) == body.keys()
    assert set(detail["required"]) == body["detail"].keys()
    for name, value in body["detail"].items():
        assert detail["properties"][name]["type"] == "string"
        assert isinstance(value, str)


def test_an_unprotected_operation_stays_as_fastapi_describes_it() -> None:
    plain = operation(protected_app().openapi(), "/public")
    assert operation(served(with_middleware(protected_app())), "/public") == plain
    assert "security" not in plain


def test_an_app_without_protected_operations_stays_as_it_is() -> None:
    def app() -> FastAPI:
        app = FastAPI()
        app.get("/")(lambda: None)
        return app

    assert served(with_middleware(app())) == app().openapi()


def test_what_the_app_says_of_its_responses_is_kept() -> None:
    app = with_middleware(FastAPI())
    mine = {"description": "Ask the porter", "model": Item}

    @app.get("/", responses={401: mine, 404: {"description": "Gone"}})
    async def route(user: CurrentUser) -> None: ...

    document = served(app)
    responses = operation(document, "/")["responses"]
    assert responses["401"]["description"] == "Ask the porter"
    assert responses["401"]["content"]["application/json"]["schema"]["$ref"].endswith("/Item")
    assert responses["404"]["description"] == "Gone"
    assert responses.keys() >= REFUSALS
    assert_consistent(document)


def test_the_apps_own_security_schemes_are_kept() -> None:
    app = with_middleware(FastAPI())
    key = APIKeyHeader(name="X-Key", scheme_name="OurKey")

    @app.get("/both", dependencies=[Depends(key)])
    async def both(user: CurrentUser) -> None: ...

    @app.get("/theirs", dependencies=[Depends(key)])
    async def theirs() -> None: ...

    document = served(app)
    assert {"OurKey": []} in operation(document, "/both")["security"]
    assert operation(document, "/theirs")["security"] == [{"OurKey": []}]
    assert "401" not in operation(document, "/theirs")["responses"]
    assert_protected(document, "/both")
    assert_consistent(document)


def test_what_a_custom_openapi_method_says_is_kept() -> None:
    app = with_middleware(protected_app())
    original = app.openapi

    def custom() -> dict[str, Any]:
        return original() | {"x-mine": True}

    app.openapi = custom  # type: ignore[method-assign] # FastAPI's own way to customise it
    document = served(app)
    assert document["x-mine"] is True
    assert_protected(document, "/user")


def test_a_document_without_components_is_no_reason_to_fail() -> None:
    app = with_middleware(FastAPI())
    operations = {"get": {"security": [dict(TOKEN)]}}
    bare = {"openapi": "3.1.0", "info": {}, "paths": {"/": operations}}
    app.openapi = lambda: json.loads(json.dumps(bare))  # type: ignore[method-assign] # as above
    assert_protected(served(app), "/")


# ---------------------------------------------------------------- when, and how often


def test_a_document_can_be_written_before_the_app_runs() -> None:
    app = protected_app()
    document_authentication(app)
    document = app.openapi()
    assert_protected(document, "/user")
    assert_consistent(document)
    assert json.loads(json.dumps(document)) == served(with_middleware(app))


@pytest.mark.parametrize(
    "way",
    [
        "engine",
        pytest.param("position", marks=pytest.mark.newer_fastapi),  # older ones cannot
        "environment",
        "wrong environment",
    ],
)
def test_an_exported_document_is_the_served_one(way: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A script that writes it down has no project, perhaps, and no running app."""

    def app() -> FastAPI:
        app = protected_app()
        if way == "engine":
            app.add_middleware(StackAuthMiddleware, auth=Stack().engine(token_sources=("header",)))
        elif way == "position":
            app.add_middleware(StackAuthMiddleware, Stack().engine(token_sources=("header",)))
        else:
            app.add_middleware(GZipMiddleware)
            app.add_middleware(StackAuthMiddleware)
        return app

    if way == "environment":
        monkeypatch.setenv("STACK_TOKEN_SOURCES", "header")
    elif way == "wrong environment":
        monkeypatch.setenv("STACK_TIMEOUT", "soon")
    exporting = app()
    document_authentication(exporting)
    exported = exporting.openapi()
    scheme = "http" if way == "wrong environment" else "apiKey"
    assert schemes_of(exported)["StackAccessToken"]["type"] == scheme
    assert json.loads(json.dumps(exported)) == served(app())


def test_an_app_mounted_with_other_settings_describes_its_own() -> None:
    outer, inner, bare = everything(), everything(token_sources=("header",)), protected_app()
    outer.mount("/inner", inner)
    inner.mount("/bare", bare)
    document_authentication(outer)
    types = [schemes_of(app.openapi())["StackAccessToken"]["type"] for app in (outer, inner, bare)]
    assert types == ["http", "apiKey", "apiKey"]


def test_an_app_that_is_wrapped_by_hand_has_the_scheme_of_what_wraps_it() -> None:
    app = protected_app()
    wrapped = StackAuthMiddleware(app, Stack().engine(token_sources=("header",)))
    assert schemes_of(served(wrapped))["StackAccessToken"]["type"] == "apiKey"


def test_a_document_that_was_made_too_early_is_completed() -> None:
    app = with_middleware(protected_app())
    app.openapi()
    assert_protected(served(app), "/user")


def test_documenting_twice_changes_nothing() -> None:
    app = protected_app()
    document_authentication(app)
    once = json.dumps(app.openapi())
    document_authentication(app)
    document_authentication(app)
    assert json.dumps(app.openapi()) == once
    alternatives = operation(app.openapi(), "/user")["security"]
    assert alternatives == [TOKEN]


def test_the_document_is_complete_from_the_start_of_the_app() -> None:
    app = with_middleware(protected_app())
    with TestClient(app):
        assert_protected(app.openapi(), "/user")


def test_two_documents_share_nothing_that_one_app_could_change() -> None:
    one, other = protected_app(), protected_app()
    for app in (one, other):
        document_authentication(app)
    assert not identities(one.openapi()) & identities(other.openapi())


# ---------------------------------------------------------------- mounted apps and others


def test_mounted_apps_are_documented() -> None:
    app = with_middleware(protected_app())
    inner, innermost = protected_app(), protected_app()
    inner.mount("/innermost", innermost)
    app.mount("/inner", inner)
    for path in ("/openapi.json", "/inner/openapi.json", "/inner/innermost/openapi.json"):
        assert_protected(served(app, path), "/user")
        assert_consistent(served(app, path))


def test_an_app_mounted_with_a_middleware_of_its_own_documents_itself() -> None:
    outer, inner = FastAPI(), with_middleware(protected_app())
    outer.mount("/inner", inner)
    assert_protected(served(outer, "/inner/openapi.json"), "/user")


@pytest.mark.parametrize(
    "way",
    [
        "mount of routes",
        "host",
        pytest.param(
            "included router",
            marks=pytest.mark.newer_fastapi,  # older ones leave mounts out there
        ),
        "wrapped",
    ],
)
def test_mounted_apps_are_found_wherever_they_hang(way: str) -> None:
    app, inner = with_middleware(FastAPI()), protected_app()
    path = "/x/inner/openapi.json"
    if way == "mount of routes":
        app.router.routes.append(Mount("/x", routes=[Mount("/inner", app=inner)]))
    elif way == "host":
        app.router.routes.append(Host("testserver", inner))
        path = "/inner.json"
        inner.openapi_url = path
        inner.setup()
    elif way == "included router":
        router = APIRouter()
        router.mount("/inner", inner)
        app.include_router(router, prefix="/x")
    else:
        app.router.routes.append(
            Mount("/x/inner", app=inner, middleware=[Middleware(GZipMiddleware)])
        )
    assert_protected(served(app, path), "/user")


def test_an_app_that_is_wrapped_by_hand_is_documented() -> None:
    app = protected_app()
    assert_protected(served(StackAuthMiddleware(app, Stack().engine())), "/user")


def test_a_fastapi_app_inside_a_plain_starlette_app_is_documented() -> None:
    app = Starlette(routes=[Mount("/api", app=protected_app())])
    app.add_middleware(StackAuthMiddleware, auth=Stack().engine())
    assert_protected(served(app, "/api/openapi.json"), "/user")


def test_apps_and_mounts_without_a_document_do_not_break(tmp_path: FilePath) -> None:
    app = Starlette(
        routes=[
            Route("/", lambda request: PlainTextResponse("here")),
            Mount("/static", app=StaticFiles(directory=tmp_path)),
            Mount("/raw", app=PlainTextResponse("raw")),
        ]
    )
    document_authentication(app)
    app.add_middleware(StackAuthMiddleware, auth=Stack().engine())
    with TestClient(app) as client:
        assert client.get("/").text == "here"
        assert client.get("/raw/").text == "raw"


def test_an_app_that_serves_no_document_still_works() -> None:
    app = with_middleware(protected_app(openapi_url=None))
    assert TestClient(app).get("/public").status_code == 200
    assert TestClient(app).get("/openapi.json").status_code == 404


def test_a_websocket_has_no_place_in_the_document() -> None:
    app = with_middleware(protected_app())

    @app.websocket("/socket")
    async def socket(user: CurrentUser) -> None: ...

    assert "/socket" not in served(app)["paths"]
