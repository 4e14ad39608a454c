"""What answers show of users: nothing that is the server's or an administrator's."""

# No "from __future__ import annotations": FastAPI cannot resolve local names that are text.

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from guarded_app import LocalStack
from pydantic import BaseModel

from stack_fastapi import CurrentUser, OwnUser, PublicUser, StackAuthMiddleware, User
from stack_fastapi.models.shown_user import OwnRestrictedReason, OwnTeam

RECORDINGS = Path(__file__).parent / "recordings"
PLANTED = "planted-7f3a"
SECRET = {"note": PLANTED}


def exchanges() -> Iterator[dict[str, Any]]:
    for line in (RECORDINGS / "exchanges.jsonl").read_text().splitlines():
        yield json.loads(line)


def named(name: str) -> dict[str, Any]:
    body: dict[str, Any] = next(
        item["response"]["body"] for item in exchanges() if item["name"] == name
    )
    return body


def recorded_users(found: Any) -> Iterator[dict[str, Any]]:
    """Users as server access sees them, wherever they stand in an answer."""
    if isinstance(found, dict):
        if "server_metadata" in found and "primary_email" in found:
            yield found
        for value in found.values():
            yield from recorded_users(value)
    elif isinstance(found, list):
        for value in found:
            yield from recorded_users(value)


def with_secrets(record: dict[str, Any]) -> dict[str, Any]:
    """A recorded user, with a secret in each place that is not theirs to see."""
    team = record.get("selected_team") or {"id": "t", "display_name": "Acme"}
    return record | {
        "server_metadata": SECRET,
        "risk_scores": SECRET,
        "country_code": PLANTED,
        "restricted_by_admin": True,
        "restricted_by_admin_reason": PLANTED,
        "restricted_by_admin_private_details": PLANTED,
        "restricted_reason": {"type": "restricted_by_administrator", "details": PLANTED},
        "selected_team": team | {"server_metadata": SECRET, "added_later": PLANTED},
        "added_later": SECRET,
    }


USERS = [user for item in exchanges() for user in recorded_users(item["response"]["body"])]


def test_there_are_recorded_users_to_look_at() -> None:
    assert len(USERS) > 50


@pytest.mark.parametrize("model", [PublicUser, OwnUser])
def test_no_recorded_user_leaks_what_is_planted_in_it(model: type[PublicUser]) -> None:
    for record in USERS:
        planted = with_secrets(record)
        user = User.model_validate(planted)
        assert user.model_dump_json().count(PLANTED) == 9
        for shown in (model.of(user), model.model_validate(planted), model(**planted)):
            assert PLANTED not in shown.model_dump_json()
            assert PLANTED not in repr(shown)
            assert shown.id == record["id"]


def test_a_user_sees_what_stack_shows_them_but_an_administrators_words() -> None:
    """Both recorded of one user: what a front end gets, and what a server gets."""
    client, server = named("users/me client"), named("users/me server")
    assert client["id"] == server["id"]
    shown = OwnUser.of(User.model_validate(server)).model_dump()
    assert client.keys() - shown.keys() == {
        "auth_with_email",  # deprecated
        "oauth_providers",  # ids of accounts elsewhere
        "restricted_by_admin_reason",
    }
    assert shown == {name: client[name] for name in shown}


def test_the_public_sees_three_fields() -> None:
    assert PublicUser.model_fields.keys() == {"id", "display_name", "profile_image_url"}


def test_what_is_below_a_user_is_shown_in_part_as_well() -> None:
    user = User.model_validate(with_secrets(USERS[0]))
    shown = OwnUser.of(user)
    assert isinstance(shown.selected_team, OwnTeam)
    assert shown.selected_team.display_name
    assert shown.restricted_reason == OwnRestrictedReason(type="restricted_by_administrator")
    assert shown.restricted_by_admin


class AppUser(OwnUser):
    """What an app adds."""

    plan: str = "free"


class Post(BaseModel):
    text: str
    author: PublicUser


def app_of(stack: LocalStack) -> FastAPI:
    app = FastAPI()
    app.add_middleware(StackAuthMiddleware, auth=stack.engine())

    @app.get("/of")
    async def of(user: CurrentUser) -> OwnUser:
        return OwnUser.of(user)

    @app.get("/own", response_model=OwnUser)
    async def own(user: CurrentUser) -> Any:
        return user

    @app.get("/annotated")
    async def annotated(user: CurrentUser) -> PublicUser:
        return user  # type: ignore[return-value] # FastAPI makes one of it

    @app.get("/record", response_model=OwnUser)
    async def record(user: CurrentUser) -> Any:
        return user.model_dump()

    @app.get("/list", response_model=list[PublicUser | None])
    async def several(user: CurrentUser) -> Any:
        return [user, None]

    @app.get("/field", response_model=Post)
    async def field(user: CurrentUser) -> Any:
        return {"text": "hello", "author": user}

    @app.get("/mine", response_model=AppUser)
    async def mine(user: CurrentUser) -> Any:
        return user

    @app.get("/all")
    async def everything(user: CurrentUser) -> User:
        return user

    return app


ROUTES = ("/of", "/own", "/annotated", "/record", "/list", "/field", "/mine")


@pytest.mark.parametrize("path", ROUTES)
def test_a_route_that_answers_with_one_leaks_nothing(path: str) -> None:
    stack = LocalStack()
    alice = stack.sign_in(server_metadata=SECRET, display_name="Alice")
    answer = TestClient(app_of(stack)).get(path, headers=alice)
    assert answer.status_code == 200
    assert alice.user.id in answer.text
    assert "Alice" in answer.text
    assert PLANTED not in answer.text
    assert "server_metadata" not in answer.text
    assert "risk_scores" not in answer.text


def test_a_route_that_answers_with_the_user_itself_shows_everything() -> None:
    stack = LocalStack()
    alice = stack.sign_in(server_metadata=SECRET)
    assert PLANTED in TestClient(app_of(stack)).get("/all", headers=alice).text


def test_the_document_promises_no_more_than_is_shown() -> None:
    document = TestClient(app_of(LocalStack())).get("/openapi.json").json()
    schemas = document["components"]["schemas"]
    assert schemas["PublicUser"]["properties"].keys() == PublicUser.model_fields.keys()
    for name in ("PublicUser", "OwnTeam", "OwnRestrictedReason"):
        assert schemas[name].get("additionalProperties") is not True
