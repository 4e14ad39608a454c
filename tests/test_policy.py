"""Whom a route admits: every policy with every token and every user."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from stack_fastapi import (
    AccessTokenClaims,
    AnonymousUserNotAllowedError,
    EmailNotVerifiedError,
    PolicyError,
    RestrictedUserNotAllowedError,
    User,
    require_permission,
)
from stack_fastapi.engine.policy import Policy
from stack_fastapi.types import UserType

TYPES: tuple[UserType, ...] = ("normal", "restricted", "anonymous")
POLICIES = [Policy(*flags) for flags in itertools.product((False, True), repeat=3)]


def flags(user_type: UserType) -> dict[str, Any]:
    return {"is_anonymous": user_type == "anonymous", "is_restricted": user_type != "normal"}


def claims_of(user_type: UserType) -> AccessTokenClaims:
    return AccessTokenClaims(
        sub="u", iss="i", aud="a", exp=1, iat=0, branch_id="main", **flags(user_type)
    )


def user_of(
    user_type: UserType, *, email: str | None = "a@example.com", verified: bool = True
) -> User:
    return User(
        id="u",
        display_name=None,
        primary_email=email,
        primary_email_verified=verified,
        signed_up_at_millis=0,
        **flags(user_type),
    )


def refusal(policy: Policy, claims: AccessTokenClaims, user: User) -> type[PolicyError] | None:
    try:
        policy.check(claims, user)
    except PolicyError as error:
        return type(error)
    return None


def test_the_default_admits_normal_users_alone() -> None:
    admitted = {
        (token, user)
        for token, user in itertools.product(TYPES, TYPES)
        if refusal(Policy(), claims_of(token), user_of(user)) is None
    }
    assert admitted == {("normal", "normal")}


@pytest.mark.parametrize("policy", POLICIES, ids=repr)
@pytest.mark.parametrize("token", TYPES)
@pytest.mark.parametrize("user", TYPES)
def test_token_and_user_must_both_be_of_an_admitted_type(
    policy: Policy, token: UserType, user: UserType
) -> None:
    """A token may be older than what happened to its user, and the other way round."""
    admitted = {"normal"}
    admitted |= {"restricted"} if policy.allow_restricted else set()
    admitted |= {"anonymous"} if policy.allow_anonymous else set()
    wrong = [user_type for user_type in (token, user) if user_type not in admitted]
    expected = (
        {
            "anonymous": AnonymousUserNotAllowedError,
            "restricted": RestrictedUserNotAllowedError,
        }[wrong[0]]
        if wrong
        else None
    )
    assert refusal(policy, claims_of(token), user_of(user)) is expected
    assert policy.admits_type(claims_of(token)) is (token in admitted)
    assert policy.admits_type(user_of(user)) is (user in admitted)


@pytest.mark.parametrize("policy", POLICIES, ids=repr)
@pytest.mark.parametrize("token", TYPES)
def test_claims_alone_are_judged_by_their_type(policy: Policy, token: UserType) -> None:
    if policy.admits_type(claims_of(token)):
        policy.check_claims(claims_of(token))
    else:
        with pytest.raises(PolicyError):
            policy.check_claims(claims_of(token))


@pytest.mark.parametrize(
    ("user", "expected"),
    [
        pytest.param(user_of("normal"), None, id="verified"),
        pytest.param(user_of("normal", verified=False), EmailNotVerifiedError, id="not verified"),
        pytest.param(user_of("normal", email=None), EmailNotVerifiedError, id="no address"),
        pytest.param(user_of("normal", email=""), EmailNotVerifiedError, id="an empty address"),
    ],
)
def test_a_verified_address_is_an_address_that_is_verified(
    user: User, expected: type[PolicyError] | None
) -> None:
    assert refusal(Policy(verified_email=True), claims_of("normal"), user) is expected
    assert refusal(Policy(), claims_of("normal"), user) is None


def test_the_type_of_user_is_told_before_the_address() -> None:
    guest = user_of("anonymous", email=None, verified=False)
    policy = Policy(verified_email=True)
    assert refusal(policy, claims_of("anonymous"), guest) is AnonymousUserNotAllowedError


def test_a_list_of_permissions_is_refused_with_how_to_pass_them() -> None:
    with pytest.raises(TypeError, match="each id as an argument of its own"):
        require_permission(["read", "write"])  # type: ignore[arg-type] # that is the mistake
