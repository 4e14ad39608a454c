"""A record of Stack's that a route reads from its caller: anybody could be anybody."""

# No "from __future__ import annotations": FastAPI cannot resolve local names that are text.

import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, is_dataclass
from functools import partial
from typing import Annotated, Any, Generic, TypeVar

import pytest
from fake_stack import get
from fastapi import APIRouter, Body, Cookie, Depends, FastAPI, Header, Query
from fastapi.testclient import TestClient
from guarded_app import LocalStack
from pydantic import (
    BaseModel,
    ConfigDict,
    GetPydanticSchema,
    Json,
    PlainValidator,
    RootModel,
    SkipValidation,
    computed_field,
)
from starlette.applications import Starlette
from starlette.middleware.cors import CORSMiddleware
from starlette.routing import Host, Mount
from starlette.websockets import WebSocketDisconnect
from typing_extensions import TypedDict

from stack_fastapi import (
    AccessTokenClaims,
    ConfigurationError,
    CurrentClaims,
    CurrentPrincipal,
    CurrentTeam,
    CurrentUser,
    CurrentWebhook,
    OptionalUser,
    Principal,
    StackAuthMiddleware,
    Team,
    User,
    UserPrincipal,
    WebhookEvent,
    current_user,
    models,
    require_user,
)
from stack_fastapi.app.parameters import forgeable_records
from stack_fastapi.models import webhook

T = TypeVar("T")


class Holder(BaseModel):
    text: str
    author: User | None = None


class Deep(BaseModel):
    holders: dict[str, list[Holder]]


class Late(BaseModel):
    model_config = ConfigDict(defer_build=True)

    author: User


class Page(BaseModel, Generic[T]):
    items: list[T]


class Tree(BaseModel):
    author: User | None = None
    children: list["Tree"] = []


class Typed(TypedDict):
    author: User


class Metadata(BaseModel):
    metadata: User


class Default(BaseModel):
    type: str
    default: list[User]


class TypedMetadata(TypedDict):
    type: User
    computed_fields: User


class MyUser(User):
    """A class of the app's own."""


class Root(RootModel[list[User]]): ...


@dataclass
class Data:
    author: User


class Foreign:
    """A class that pydantic knows nothing of."""

    def __init__(self, text: str) -> None:
        self.text = text


class Account:
    def __init__(self, user: User) -> None:
        self.user = user


async def account(user: User) -> str:
    return user.id


async def deeper(name: Annotated[str, Depends(account)]) -> str:
    return name


async def generator(user: User) -> AsyncIterator[str]:
    yield user.id


async def plain(user: User) -> str:
    return f"SECRET of {user.id}"


async def optional(user: User | None = None) -> str:
    return "SECRET"


#: Every way to take the user, or what holds one, from whoever calls.
PARAMETERS: dict[str, Any] = {
    "plain": User,
    "optional": User | None,
    "list": list[User],
    "tuple": tuple[User, ...],
    "set": frozenset[User],
    "mapping": dict[str, User],
    "union": User | Team | int,
    "body": Annotated[User, Body()],
    "embedded": Annotated[User, Body(embed=True)],
    "query": Annotated[User, Query()],
    "header": Annotated[User, Header()],
    "cookie": Annotated[User, Cookie()],
    "model": Holder,
    "query model": Annotated[Holder, Query()],
    "nested": Deep,
    "generic": Page[User],
    "recursive": Tree,
    "built late": Late,
    "typed dict": Typed,
    "dataclass": Data,
    "root model": Root,
    "a field named metadata": Metadata,
    "a field named default": Default,
    "fields named as parts of schemas": TypedMetadata,
    "subclass": MyUser,
    "not validated": SkipValidation[User],
    "class": Annotated[User, Depends()],
    "class by name": Annotated[Any, Depends(User)],
    "class method": Annotated[User, Depends(User.model_validate)],
    "partial class": Annotated[User, Depends(partial(User, id="1"))],
    "JSON in the query": Annotated[Json[User], Query()],
    "hidden in metadata": Annotated[Foreign, GetPydanticSchema(lambda _, handler: handler(User))],
    "claims": AccessTokenClaims,
    "principals": Principal,
    "principal": UserPrincipal,
    "principal class": Annotated[UserPrincipal, Depends()],
    "event": WebhookEvent,
    "dependency": Annotated[str, Depends(account)],
    "dependency's dependency": Annotated[str, Depends(deeper)],
    "dependency's class": Annotated[Account, Depends()],
    "dependency that yields": Annotated[str, Depends(generator)],
}


def route_with(annotation: Any) -> Callable[..., Any]:
    async def route(it: annotation) -> str:
        return "SECRET"

    return route


def app_with(*routes: Callable[..., Any], path: str = "/x", **options: Any) -> FastAPI:
    app = FastAPI(openapi_url=None, **options)
    for route in routes:
        app.post(path)(route)
    return app


def protected(app: Any) -> Any:
    app.add_middleware(StackAuthMiddleware, auth=LocalStack().engine())
    return app


def start(app: Any) -> None:
    with TestClient(app):
        pass


# ---------------------------------------------------------------- what is refused


@pytest.mark.parametrize("annotation", PARAMETERS.values(), ids=PARAMETERS.keys())
def test_an_app_that_would_read_a_user_from_its_caller_does_not_start(annotation: Any) -> None:
    with pytest.raises(ConfigurationError, match="the route /x would read"):
        start(protected(app_with(route_with(annotation))))


@pytest.mark.parametrize("annotation", PARAMETERS.values(), ids=PARAMETERS.keys())
async def test_where_the_server_skips_the_start_nobody_is_answered(annotation: Any) -> None:
    app = protected(app_with(route_with(annotation)))
    app.get("/public")(lambda: "open")
    for path in ("/x", "/public", "/nowhere"):
        reply = await get(app, path)
        assert (reply.status, reply.code) == (503, "AUTHENTICATION_MISCONFIGURED")


def test_a_forged_user_gets_nothing(caplog: pytest.LogCaptureFixture) -> None:
    """The attack, whole."""
    stack = LocalStack()
    alice = stack.sign_in()
    forged = alice.user.model_dump(mode="json")
    app = app_with(plain)
    assert TestClient(app).post("/x", json=forged).text == f'"SECRET of {alice.user.id}"'
    client = TestClient(protected(app_with(plain)))
    for _ in range(2):
        answer = client.post("/x", json=forged)
        assert answer.status_code == 503
        assert answer.headers["retry-after"]
        assert "SECRET" not in answer.text
        assert "/x" not in answer.text
    critical = [line for line in caplog.records if line.levelno == logging.CRITICAL]
    assert len(critical) == 1
    assert "write CurrentUser in its place" in critical[0].getMessage()


MODELS = sorted(name for name in vars(models) if name[0].isupper())


@pytest.mark.parametrize("name", MODELS)
def test_every_model_that_is_read_from_stack_is_known(name: str) -> None:
    model = getattr(models, name)
    assert not isinstance(model, type) or issubclass(model, BaseModel) or is_dataclass(model)
    assert len(forgeable_records(app_with(route_with(model)))) == 1


@pytest.mark.parametrize(
    ("model", "instead"),
    [
        (User, "CurrentUser"),
        (MyUser, "CurrentUser"),
        (models.OwnUser, "CurrentUser"),
        (Team, "CurrentTeam"),
        (AccessTokenClaims, "CurrentClaims"),
        (UserPrincipal, "CurrentPrincipal"),
        (webhook.UserDeletedEvent, "CurrentWebhook"),
        (webhook.UnknownEvent, "CurrentWebhook"),
    ],
)
def test_the_sentence_says_what_to_write(model: type, instead: str) -> None:
    (sentence,) = forgeable_records(app_with(route_with(model)))
    assert model.__name__ in sentence
    assert "'it'" in sentence
    assert sentence.endswith(f"write {instead} in its place")


@pytest.mark.parametrize("annotation", [CurrentUser | None, User | None])
def test_a_user_who_may_be_absent_is_an_optional_user(annotation: Any) -> None:
    (sentence,) = forgeable_records(app_with(route_with(annotation)))
    assert sentence.endswith("write OptionalUser in its place")


ALIASES: dict[str, Any] = {
    "CurrentUser": CurrentUser,
    "OptionalUser": OptionalUser,
    "CurrentTeam": CurrentTeam,
    "CurrentClaims": CurrentClaims,
    "CurrentPrincipal": CurrentPrincipal,
    "CurrentWebhook": CurrentWebhook,
    "the alias": Annotated[User, Depends(require_user(max_age=0))],
}


@pytest.mark.parametrize("name", ALIASES)
def test_an_alias_in_the_place_of_a_dependency_stops_the_start(name: str) -> None:
    app = app_with(route_with(Annotated[Any, Depends(ALIASES[name])]))
    says = rf"the route /x would call {name} as a dependency, .* Write it: {name} and no Depends"
    with pytest.raises(ConfigurationError, match=says):
        start(protected(app))
    assert TestClient(app).post("/x").status_code == 503


def test_an_alias_beside_a_route_is_found_as_well() -> None:
    app = app_with(path="/x", dependencies=[Depends(CurrentUser)])
    app.get("/x")(lambda: None)
    (sentence,) = forgeable_records(app)
    assert "call CurrentUser as a dependency" in sentence


def test_for_a_record_that_no_dependency_hands_out_the_sentence_names_the_client() -> None:
    (sentence,) = forgeable_records(app_with(route_with(models.Session)))
    assert "a model of your own" in sentence
    assert "auth.client" in sentence


# ---------------------------------------------------------------- wherever the route hangs


def test_such_routes_are_found_wherever_they_hang() -> None:
    router = APIRouter(prefix="/routed", dependencies=[Depends(account)])
    router.get("/a")(lambda: None)
    outer, inner = app_with(dependencies=[Depends(deeper)]), app_with(plain)
    outer.get("/by-the-app")(lambda: None)
    router.get("/b", dependencies=[Depends(User)])(lambda: None)
    outer.include_router(router, prefix="/v1")
    outer.mount("/mounted", inner)
    outer.mount("/wrapped", CORSMiddleware(inner))
    outer.mount("/ours", StackAuthMiddleware(inner, LocalStack().engine()))
    outer.router.routes.append(Host("api.example.com", inner))
    outer.router.routes.append(Mount("/group", routes=[Mount("/inner", app=inner)]))
    outer.include_router(APIRouter(), dependencies=[Depends(account)])
    assert sorted(sentence.split()[2] for sentence in forgeable_records(outer)) == [
        "/by-the-app",
        "/group/inner/x",
        "/mounted/x",
        "/ours/x",
        "/v1/routed/a",
        "/v1/routed/b",
        "/v1/routed/b",
        "/wrapped/x",
        "api.example.com/x",
    ]


def test_a_dependency_that_an_inclusion_adds_counts() -> None:
    router, app = APIRouter(), app_with()
    router.get("/a")(lambda: None)
    app.include_router(router, dependencies=[Depends(optional)])
    with pytest.raises(ConfigurationError, match="the route /a would read"):
        start(protected(app))


@pytest.mark.parametrize("way", ["by hand", "around another", "mounted"])
def test_an_app_that_is_wrapped_by_hand_is_looked_at(way: str) -> None:
    app: Any = app_with(plain)
    app = CORSMiddleware(app) if way == "around another" else app
    app = StackAuthMiddleware(app, LocalStack().engine())
    if way == "mounted":
        outer = FastAPI(openapi_url=None)
        outer.get("/public")(lambda: "open")
        outer.mount("/", app)
        assert TestClient(outer).get("/public").status_code == 200
        app = outer
    else:
        with pytest.raises(ConfigurationError, match="the route /x would read"):
            start(app)
    assert TestClient(app).post("/x", json={}).status_code == 503


async def test_an_app_behind_something_opaque_is_found_by_its_scope() -> None:
    class Opaque:
        def __init__(self, app: Any) -> None:
            self._hidden = app

        async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
            await self._hidden(scope, receive, send)

    app = app_with(plain)
    app.add_middleware(Opaque)
    assert (await get(protected(app), "/x")).code == "AUTHENTICATION_MISCONFIGURED"


def test_a_route_that_the_start_itself_adds_is_found_by_the_first_request() -> None:
    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        app.post("/x")(plain)
        yield

    app = protected(FastAPI(openapi_url=None, lifespan=lifespan))
    with TestClient(app) as client:
        assert client.post("/x", json={}).status_code == 503


def test_a_websocket_that_would_read_one_is_closed() -> None:
    app = FastAPI(openapi_url=None)

    @app.websocket("/socket")
    async def socket(user: Annotated[User, Query()]) -> None: ...

    with pytest.raises(ConfigurationError, match="the route /socket would read"):
        start(protected(app))
    with (
        pytest.raises(WebSocketDisconnect) as closed,
        TestClient(app).websocket_connect("/socket?id=1"),
    ):
        pass
    assert (closed.value.code, closed.value.reason) == (1013, "AUTHENTICATION_MISCONFIGURED")


# ---------------------------------------------------------------- what goes on working


class Answer(BaseModel):
    author: User
    principal: Principal | None = None


class Request(BaseModel):
    text: str

    @computed_field  # type: ignore[prop-decorator] # pydantic's own way
    @property
    def author(self) -> User | None:
        """Only in an answer."""


async def made_here(user: CurrentUser) -> User:
    return user


def test_their_use_in_answers_and_in_dependencies_is_left_alone() -> None:
    stack = LocalStack()
    app = FastAPI()
    app.add_middleware(StackAuthMiddleware, auth=stack.engine())

    @app.get("/annotation")
    async def annotation(user: CurrentUser) -> User:
        return user

    @app.get("/response-model", response_model=User)
    async def response_model(user: CurrentUser) -> Any:
        return user.model_dump()

    @app.get("/list")
    async def users(user: CurrentUser) -> list[User]:
        return [User.model_validate(user.model_dump())]

    @app.get("/field")
    async def field(user: CurrentUser) -> Answer:
        return Answer(author=user)

    @app.get("/dependency")
    async def dependency(
        mine: Annotated[User, Depends(made_here)],
        same: Annotated[User, Depends(require_user())],
        guest: OptionalUser,
        old: User = Depends(current_user),  # noqa: FAST002 - the older way to write it
    ) -> str:
        return mine.id

    @app.post("/computed")
    async def computed(request: Request) -> str:
        return request.text

    @app.webhooks.post("user-created")
    def documented(event: webhook.UserCreatedEvent) -> None:
        """What this app sends; nobody calls it."""

    alice = stack.sign_in()
    with TestClient(app) as client:
        for path in ("/annotation", "/response-model"):
            assert client.get(path, headers=alice).json()["id"] == alice.user.id
        assert client.get("/list", headers=alice).json()[0]["id"] == alice.user.id
        assert client.get("/field", headers=alice).json()["author"]["id"] == alice.user.id
        assert client.get("/dependency", headers=alice).json() == alice.user.id
        assert client.post("/computed", json={"text": "hello"}).json() == "hello"
        schemas = client.get("/openapi.json").json()["components"]["schemas"]
        assert "User" in {name.partition("-")[0] for name in schemas}


def test_an_app_without_such_routes_has_no_problem() -> None:
    async def route(
        text: str,
        numbers: Annotated[list[int], Query()],
        it: Request,
        foreign: Annotated[Foreign, PlainValidator(Foreign)],
        described: Annotated[Foreign, PlainValidator(Foreign), Body(title="Foreign")],
    ) -> None: ...

    assert forgeable_records(app_with(route)) == []
    assert forgeable_records(Starlette()) == []
    assert forgeable_records(object()) == []
