"""A restricted user is told why: a front end shows something else for each reason."""

# No "from __future__ import annotations": FastAPI cannot resolve local names that are text.

from typing import Annotated, Any

import pytest
from fastapi import Depends, FastAPI
from fastapi.testclient import TestClient
from guarded_app import LocalStack

from stack_fastapi import (
    CurrentClaims,
    CurrentUser,
    StackAuthMiddleware,
    User,
    require_api_key,
    require_user,
)

ADMINISTRATOR = {"type": "restricted_by_administrator"}
NOT_VERIFIED = {"type": "email_not_verified"}
NOTES = {
    "restricted_by_admin": True,
    "restricted_by_admin_reason": "planted-7f3a",
    "restricted_by_admin_private_details": "planted-7f3a",
}


def client_of(stack: LocalStack, *, eager: bool = True) -> TestClient:
    app = FastAPI()
    app.add_middleware(StackAuthMiddleware, auth=stack.engine(), eager=eager)
    any_user = require_user(allow_restricted=True)

    @app.get("/user")
    async def user_route(user: CurrentUser) -> None: ...

    @app.get("/claims")
    async def claims_route(claims: CurrentClaims) -> None: ...

    @app.get("/fetched-before")
    async def fetched(them: Annotated[User, Depends(any_user)], user: CurrentUser) -> None: ...

    @app.get("/key", dependencies=[Depends(require_api_key())])
    async def key_route() -> None: ...

    return TestClient(app)


def reason(client: TestClient, path: str, headers: Any) -> Any:
    answer = client.get(path, headers=headers)
    assert answer.status_code == 403
    assert "planted" not in answer.text
    assert "planted" not in str(answer.headers)
    detail = answer.json()["detail"]
    assert detail["code"] == "RESTRICTED_USER_NOT_ALLOWED"
    return detail["restricted_reason"]


@pytest.mark.parametrize("eager", [True, False])
@pytest.mark.parametrize("path", ["/user", "/claims"])
def test_a_user_with_a_restricted_token_is_told_what_it_says(path: str, *, eager: bool) -> None:
    stack = LocalStack()
    assert reason(client_of(stack, eager=eager), path, stack.sign_in(**NOTES)) == ADMINISTRATOR


def test_a_user_whose_address_is_not_verified_is_told_so() -> None:
    stack = LocalStack()
    stack.emulator.project.config.require_email_verification = True
    alice = stack.sign_in(primary_email="alice@example.com", primary_email_verified=False)
    assert reason(client_of(stack), "/user", alice) == NOT_VERIFIED


def test_a_user_who_was_restricted_since_is_told_what_stack_says_now() -> None:
    stack = LocalStack()
    alice = stack.sign_in()
    stack.emulator.restrict_user(alice.user.id)
    assert reason(client_of(stack), "/user", alice) == ADMINISTRATOR


def test_the_fetched_user_knows_better_than_the_token() -> None:
    stack = LocalStack()
    stack.emulator.project.config.require_email_verification = True
    alice = stack.sign_in(primary_email="alice@example.com", primary_email_verified=False)
    client = client_of(stack, eager=False)
    stack.emulator.project.config.require_email_verification = False
    stack.emulator.restrict_user(alice.user.id)
    assert reason(client, "/user", alice) == NOT_VERIFIED  # Stack was not asked
    assert reason(client, "/fetched-before", alice) == ADMINISTRATOR


def test_the_owner_of_an_api_key_is_told_as_well() -> None:
    stack = LocalStack()
    alice = stack.sign_in()
    key = stack.emulator.create_user_api_key(alice.user.id)
    stack.emulator.restrict_user(alice.user.id)
    assert reason(client_of(stack), "/key", {"X-API-Key": str(key)}) == ADMINISTRATOR


def test_the_document_has_the_reason() -> None:
    schemas = client_of(LocalStack()).get("/openapi.json").json()["components"]["schemas"]
    detail = schemas["StackAuthProblem"]["properties"]["detail"]["properties"]
    assert detail["restricted_reason"]["properties"]["type"]["type"] == "string"
