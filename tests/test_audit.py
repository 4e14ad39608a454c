"""Which routes nothing guards: a route that is open must not escape the list."""

# No "from __future__ import annotations": FastAPI cannot resolve local names that are text.

from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import pytest
from fastapi import APIRouter, Depends, FastAPI, Security
from fastapi.security import APIKeyHeader
from fastapi.testclient import TestClient
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Host, Mount, Route, Router, WebSocketRoute
from starlette.staticfiles import StaticFiles

from stack_fastapi import (
    CurrentUser,
    StackAuthMiddleware,
    User,
    current_claims,
    current_user,
    optional_user,
    require_user,
)
from stack_fastapi.audit import UnprotectedRoute, unprotected_routes

GUARD = [Depends(current_user)]


def bare(**options: Any) -> FastAPI:
    """An app without FastAPI's own pages."""
    return FastAPI(openapi_url=None, **options)


def page(request: Any = None) -> PlainTextResponse:
    return PlainTextResponse("a page")


async def endpoint() -> None: ...


async def socket_endpoint(socket: Any) -> None: ...


def found(app: Starlette, **options: Any) -> list[str]:
    return [str(route) for route in unprotected_routes(app, **options)]


# ---------------------------------------------------------------- what guards a route


class Account:
    def __init__(self, user: CurrentUser) -> None:
        self.user = user


def of_user(user: CurrentUser) -> User:
    return user


async def generator(user: Annotated[User, Depends(of_user)]) -> AsyncIterator[User]:
    yield user


@pytest.mark.parametrize(
    "guard",
    [
        Depends(current_user),
        Depends(current_claims),
        Depends(require_user()),
        Depends(require_user(allow_anonymous=True, max_age=0)),
        Security(current_user, scopes=["items"]),
        Depends(of_user),
        Depends(generator),
        Depends(Account),
    ],
    ids=["user", "claims", "required", "policy", "security", "sub-dependency", "deep", "class"],
)
@pytest.mark.parametrize("where", ["decorator", "router", "inclusion", "app", "parameter"])
def test_a_guard_counts_wherever_it_stands(guard: Any, where: str) -> None:
    app = bare(dependencies=[guard] if where == "app" else [])
    router = APIRouter(dependencies=[guard] if where == "router" else [])
    router.add_api_route("/x", endpoint, dependencies=[guard] if where == "decorator" else [])
    router.add_api_websocket_route("/socket", endpoint, dependencies=[guard])
    if where == "parameter":

        async def with_parameter(it: Any = guard) -> None: ...

        router = APIRouter()
        router.add_api_route("/x", with_parameter)
    app.include_router(router, dependencies=[guard] if where == "inclusion" else [])
    assert found(app) == []


def no_guard() -> None: ...


@pytest.mark.parametrize(
    "dependency",
    [optional_user, APIKeyHeader(name="X-Key"), no_guard, partial(no_guard)],
    ids=["optional_user", "another scheme", "something else", "a partial"],
)
def test_what_lets_guests_in_guards_nothing(dependency: Any) -> None:
    app = bare(dependencies=[Depends(dependency)])
    app.add_api_route("/x", endpoint)
    assert found(app) == ["GET /x"]


def test_optional_user_beside_a_guard_opens_nothing() -> None:
    app = bare(dependencies=[Depends(optional_user), *GUARD])
    app.add_api_route("/x", endpoint)
    assert found(app) == []


def test_an_override_changes_nothing_of_what_is_declared() -> None:
    """Overrides are for tests, and this list is made in a test."""
    app = bare()
    app.add_api_route("/guarded", endpoint, dependencies=GUARD)
    app.add_api_route("/open", endpoint, dependencies=[Depends(no_guard)])
    app.dependency_overrides = {current_user: no_guard, no_guard: current_user}
    assert found(app) == ["GET /open"]


# ---------------------------------------------------------------- what the list says


def test_an_entry_reads_like_a_request_line() -> None:
    entry = UnprotectedRoute("/items/{id}", ("DELETE", "GET"))
    assert str(entry) == "DELETE,GET /items/{id}"
    assert entry == UnprotectedRoute("/items/{id}", ("DELETE", "GET"))
    assert UnprotectedRoute("/a", ("POST",)) < entry


def test_the_list_is_in_the_order_of_paths_and_methods() -> None:
    app = bare()
    app.add_api_route("/b", endpoint)
    app.add_api_route("/a", endpoint, methods=["POST"])
    app.add_api_route("/a", endpoint, methods=["DELETE", "GET"])
    app.add_api_websocket_route("/a", endpoint)
    assert found(app) == ["DELETE,GET /a", "POST /a", "WEBSOCKET /a", "GET /b"]


def test_fastapis_own_pages_are_open_and_listed() -> None:
    app = FastAPI()
    pages = {route.path for route in unprotected_routes(app)}
    assert pages == {"/docs", "/docs/oauth2-redirect", "/openapi.json", "/redoc"}
    assert found(app, public=pages) == []


def test_what_is_meant_to_be_open_is_left_out() -> None:
    app = bare()
    for path in ("/health", "/healthy", "/items"):
        app.add_api_route(path, endpoint)
    assert found(app, public={"/health"}) == ["GET /healthy", "GET /items"]
    assert found(app, public=["/items", "/health"]) == ["GET /healthy"]


def test_what_is_meant_for_one_method_hides_no_other() -> None:
    app = bare()
    app.add_api_route("/posts", endpoint)
    app.add_api_route("/posts", endpoint, methods=["DELETE"])
    app.add_api_route("/tags", endpoint, methods=["DELETE", "GET", "PUT"])
    app.add_api_websocket_route("/posts", endpoint)
    app.mount("/raw", PlainTextResponse("raw"))
    rest = {"/raw", "/tags", "WEBSOCKET /posts"}
    assert found(app, public={"GET /posts", *rest}) == ["DELETE /posts"]
    assert found(app, public={"get, delete /posts", *rest}) == []
    assert found(app, public={"/posts", "PUT,GET /tags", "* /raw"}) == ["DELETE /tags"]
    assert found(app, public={"/posts", "/raw", "GET /tags", "PUT /tags"}) == ["DELETE /tags"]


def test_the_lines_of_the_list_may_be_given_back_as_they_are() -> None:
    app = FastAPI()
    app.add_api_route("/a", endpoint, methods=["DELETE", "GET"])
    app.add_api_websocket_route("/a", endpoint)
    app.mount("/raw", PlainTextResponse("raw"))
    assert found(app, public=found(app)) == []


def test_whoever_means_get_means_head() -> None:
    app = Starlette(routes=[Route("/page", page)])
    assert found(app) == ["GET,HEAD /page"]
    assert found(app, public="GET /page") == []
    assert found(app, public="HEAD /page") == ["GET /page"]


@pytest.mark.parametrize(
    ("stale", "named"),
    [
        ("/nothing", "/nothing"),
        ("/guarded", "/guarded"),
        ("GET /guarded", "GET /guarded"),
        ("POST /open", "POST /open"),
        ("GET,POST /open", "POST /open"),
        ("GET /raw", "GET /raw"),
        ("GET", "GET"),
    ],
)
def test_an_entry_that_opens_nothing_is_an_error(stale: str, named: str) -> None:
    """It would hide whatever gets that path one day."""
    app = bare()
    app.add_api_route("/open", endpoint)
    app.add_api_route("/guarded", endpoint, dependencies=GUARD)
    app.mount("/raw", PlainTextResponse("raw"))
    with pytest.raises(ValueError, match=f"open: {named};"):
        unprotected_routes(app, public={"* /raw", "GET /open", stale})


def test_one_path_as_text_is_not_taken_for_its_parts() -> None:
    app = bare()
    for path in ("/", "/health", "/heal"):
        app.add_api_route(path, endpoint)
    assert found(app, public="/health") == ["GET /", "GET /heal"]


def test_an_app_without_routes_has_none_that_are_open() -> None:
    assert unprotected_routes(bare()) == []
    assert unprotected_routes(Starlette()) == []


# ---------------------------------------------------------------- where routes hide


def test_routers_in_routers_are_walked_with_their_prefixes() -> None:
    inner = APIRouter(prefix="/inner")
    inner.add_api_route("/open", endpoint)
    inner.add_api_route("/{id}", endpoint, dependencies=GUARD, methods=["PATCH"])
    inner.add_api_websocket_route("/socket", endpoint)
    middle = APIRouter(prefix="/middle")
    middle.include_router(inner, prefix="/v1")
    guarded = APIRouter(dependencies=GUARD)
    guarded.include_router(inner)
    app = bare()
    app.include_router(middle, prefix="/api")
    app.include_router(guarded, prefix="/guarded")
    assert found(app) == ["GET /api/middle/v1/inner/open", "WEBSOCKET /api/middle/v1/inner/socket"]
    assert found(bare()) == []


def test_dependencies_of_routers_do_not_reach_plain_starlette_routes() -> None:
    """FastAPI runs them for its own routes only: these here are open, whatever it looks like."""
    router = APIRouter(dependencies=GUARD)
    router.add_route("/plain", page)
    router.add_websocket_route("/socket", socket_endpoint)
    app = bare(dependencies=GUARD)
    app.add_route("/plain", page, methods=["POST"])
    app.include_router(router, prefix="/r", dependencies=GUARD)
    assert found(app) == [
        "POST /plain",
        "GET,HEAD /r/plain",
        "WEBSOCKET /r/socket",
    ]
    assert TestClient(app).get("/r/plain").status_code == 200


@pytest.mark.newer_fastapi  # which leaves no mount out of a router that is included
def test_dependencies_of_routers_do_not_reach_what_is_mounted_in_them() -> None:
    router = APIRouter(dependencies=GUARD)
    router.mount("/mounted", Starlette(routes=[Route("/page", page)]))
    app = bare(dependencies=GUARD)
    app.include_router(router, prefix="/r", dependencies=GUARD)
    assert found(app) == ["GET,HEAD /r/mounted/page"]
    assert TestClient(app).get("/r/mounted/page").status_code == 200


def test_mounted_apps_are_walked(tmp_path: Path) -> None:
    inner = bare()
    inner.add_api_route("/open", endpoint)
    inner.add_api_route("/guarded", endpoint, dependencies=GUARD)
    app = bare(dependencies=GUARD)
    app.mount("/fastapi", inner)
    app.mount("/starlette", Starlette(routes=[Route("/page", page), Mount("/deep", inner)]))
    app.mount("/static", StaticFiles(directory=tmp_path))
    app.mount("/raw", PlainTextResponse("raw"))
    app.mount("/empty", Router())
    assert found(app) == [
        "* /empty",
        "GET /fastapi/open",
        "* /raw",
        "GET /starlette/deep/open",
        "GET,HEAD /starlette/page",
        "* /static",
    ]


def test_an_app_that_is_mounted_behind_our_middleware_is_walked() -> None:
    inner = bare()
    inner.add_api_route("/open", endpoint)
    inner.add_api_route("/guarded", endpoint, dependencies=GUARD)
    inner.add_middleware(StackAuthMiddleware)
    app = bare()
    app.mount("/inner", inner)
    assert found(app) == ["GET /inner/open"]


def test_what_cannot_be_looked_into_is_open() -> None:
    guarded = bare(dependencies=GUARD)
    guarded.add_api_route("/x", endpoint)
    app = bare()
    app.mount("/wrapped", partial(guarded))
    assert found(app) == ["* /wrapped"]


def test_routes_of_another_host_are_walked() -> None:
    inner = bare()
    inner.add_api_route("/open", endpoint)
    inner.add_api_route("/guarded", endpoint, dependencies=GUARD)
    app = bare()
    app.router.routes.append(Host("admin.example.com", inner))
    assert found(app) == ["GET /open"]


@pytest.mark.newer_fastapi  # which leaves no mount out of a router that is included
def test_routes_of_another_host_in_an_included_router_are_walked() -> None:
    inner = bare()
    inner.add_api_route("/open", endpoint)
    router = APIRouter(routes=[Host("admin.example.com", inner)], dependencies=GUARD)
    app = bare()
    app.include_router(router, prefix="/prefix")
    assert found(app) == ["GET /prefix/open"]


def test_a_host_that_cannot_be_looked_into_is_open() -> None:
    app = bare()
    app.router.routes.append(Host("files.example.com", PlainTextResponse("files")))
    assert len(unprotected_routes(app)) == 1
    assert unprotected_routes(app)[0].methods == ("*",)


def test_a_websocket_of_starlette_is_open() -> None:
    app = Starlette(routes=[WebSocketRoute("/socket", socket_endpoint)])
    assert found(app) == ["WEBSOCKET /socket"]


def test_what_answers_for_all_other_paths_is_open() -> None:
    """Starlette's routers have a default for paths that no route has."""
    inner = bare(dependencies=GUARD)
    inner.add_api_route("/guarded", endpoint)
    inner.router.default = page  # type: ignore[assignment] # what apps do
    app = bare()
    app.mount("/inner", inner)
    app.mount("/bare", Router(default=PlainTextResponse("open")))
    assert found(app) == ["* /bare", "* /inner/{path:path}"]
    assert found(inner) == ["* /{path:path}"]
    assert found(app, public={"/bare", "/inner/{path:path}"}) == []


def test_a_route_that_is_not_in_the_schema_is_listed_all_the_same() -> None:
    app = bare()
    app.add_api_route("/hidden", endpoint, include_in_schema=False)
    assert found(app) == ["GET /hidden"]


@pytest.mark.newer_fastapi  # which has front ends
@pytest.mark.parametrize("where", ["app", "router", "mounted"])
def test_a_front_end_is_open_and_listed(tmp_path: Path, where: str) -> None:
    """FastAPI keeps its routes apart, behind all others."""
    (tmp_path / "index.html").write_text("a front end")
    app = bare()
    if where == "app":
        app.frontend("/site", directory=tmp_path)
    elif where == "router":
        router = APIRouter()
        router.frontend("/site", directory=tmp_path)
        app.include_router(router)
    else:
        inner = bare()
        inner.add_api_route("/guarded", endpoint, dependencies=GUARD)
        inner.frontend("/", directory=tmp_path)
        app.mount("/site", inner)
    paths = [route.path.rstrip("/") for route in unprotected_routes(app)]
    assert paths == ["/site"]


@pytest.mark.newer_fastapi  # which has front ends
@pytest.mark.parametrize("where", ["app", "router", "inclusion"])
def test_a_front_end_behind_a_guard_is_guarded(tmp_path: Path, where: str) -> None:
    (tmp_path / "index.html").write_text("a front end")
    app = bare(dependencies=GUARD if where == "app" else [])
    router = APIRouter(dependencies=GUARD if where == "router" else [])
    (app if where == "app" else router).frontend("/site", directory=tmp_path)
    app.include_router(router, dependencies=GUARD if where == "inclusion" else [])
    assert TestClient(app).get("/site/").status_code == 503  # a guard, without its middleware
    assert unprotected_routes(app) == []
