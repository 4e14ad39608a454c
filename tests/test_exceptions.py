"""The error tree: as drawn, with codes that stay, and fit to be shown."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Iterator
from typing import get_args

import pytest

import stack_fastapi
from stack_fastapi import (
    AmbiguousCredentialsError,
    AnonymousUserNotAllowedError,
    ApiKeyExpiredError,
    ApiKeyRevokedError,
    ConfigurationError,
    CredentialsError,
    EmailNotVerifiedError,
    InternalError,
    InvalidApiKeyError,
    InvalidTokenError,
    InvalidWebhookError,
    MissingApiKeyError,
    MissingMiddlewareError,
    NotAuthenticatedError,
    PermissionRequiredError,
    PolicyError,
    ProjectPermissionRequiredError,
    ResponseTooLargeError,
    RestrictedUserNotAllowedError,
    SecondFactorRequiredError,
    SessionNotFoundError,
    StackApiError,
    StackAuthError,
    StackConfigurationError,
    StackUnavailableError,
    TeamHiddenError,
    TeamMembershipRequiredError,
    TeamPermissionRequiredError,
    TeamRequiredError,
    TokenExpiredError,
    UnavailableError,
    UserNotFoundError,
    WrongApiKeyTypeError,
    WrongProjectError,
    exceptions,
)
from stack_fastapi.exceptions import API_ERRORS, TokenReason

#: One of each, made as the kit makes them.
ERRORS: tuple[StackAuthError, ...] = (
    StackAuthError(),
    CredentialsError("a message of its own"),
    NotAuthenticatedError(),
    AmbiguousCredentialsError(),
    InvalidTokenError("bad_signature"),
    TokenExpiredError(),
    WrongProjectError("refused_by_stack"),
    UserNotFoundError(),
    PolicyError(),
    AnonymousUserNotAllowedError(),
    RestrictedUserNotAllowedError("email_not_verified"),
    EmailNotVerifiedError(),
    UnavailableError("down", retry_after=7),
    StackUnavailableError("status 502", retry_after=1.5),
    ResponseTooLargeError("too large"),
    InternalError(),
    ConfigurationError(["project_id is missing", "timeout is wrong"]),
    StackConfigurationError("INVALID_SECRET_SERVER_KEY"),
    MissingMiddlewareError(),
    MissingApiKeyError(),
    SessionNotFoundError(),
    InvalidApiKeyError(),
    WrongApiKeyTypeError(),
    ApiKeyRevokedError(),
    ApiKeyExpiredError(),
    InvalidWebhookError("bad_signature"),
    SecondFactorRequiredError(),
    PermissionRequiredError(["read"]),
    ProjectPermissionRequiredError(["read", "write"]),
    TeamPermissionRequiredError(["read", "write"], any_of=True),
    TeamMembershipRequiredError(),
    TeamHiddenError(),
    TeamRequiredError(),
    StackApiError(404, None),
    *(kind(404, code, {"id": "x"}) for code, kind in API_ERRORS.items()),
)

each_error = pytest.mark.parametrize(
    "error", [pytest.param(error, id=type(error).__name__) for error in ERRORS]
)


def drawn() -> Iterator[tuple[int, str, str]]:
    """Depth, name and note of each class in the drawing."""
    for line in (exceptions.__doc__ or "").splitlines():
        name = line.lstrip(" │├└─")
        if name.startswith("StackAuthError") or set("├└") & set(line):
            word, _, note = name.partition(" ")
            yield (len(line) - len(name) - 4) // 4, word, note.strip()


def real(of: type[StackAuthError] = StackAuthError, depth: int = 0) -> Iterator[tuple[int, str]]:
    """Depth and name of each class, as Python knows them, in the order of their definition."""
    yield depth, of.__name__
    for child in of.__subclasses__():
        if child.__module__.startswith(exceptions.__name__):
            yield from real(child, depth + 1)


def test_the_tree_is_as_drawn() -> None:
    assert [item[:2] for item in drawn()] == list(real())


def test_what_the_api_refuses_is_drawn_with_its_code() -> None:
    codes = {kind.__name__: code for code, kind in API_ERRORS.items()}
    assert {name: note for _, name, note in drawn() if name in codes} == codes


def test_there_is_one_of_each_in_here_and_each_is_public() -> None:
    names = [name for _, name in real()]
    assert sorted(type(error).__name__ for error in ERRORS) == sorted(names)
    assert set(names) <= set(stack_fastapi.__all__)


def test_codes_stay_as_they_are() -> None:
    """Callers compare them: whoever changes one breaks somebody."""
    ours = [error for error in ERRORS if type(error) not in API_ERRORS.values()]
    assert {type(error): error.code for error in ours} == {
        StackAuthError: "STACK_AUTH_ERROR",
        CredentialsError: "STACK_AUTH_ERROR",
        NotAuthenticatedError: "USER_AUTHENTICATION_REQUIRED",
        AmbiguousCredentialsError: "AMBIGUOUS_CREDENTIALS",
        InvalidTokenError: "UNPARSABLE_ACCESS_TOKEN",
        TokenExpiredError: "ACCESS_TOKEN_EXPIRED",
        WrongProjectError: "INVALID_PROJECT_FOR_ACCESS_TOKEN",
        UserNotFoundError: "CANNOT_GET_OWN_USER_WITHOUT_USER",
        PolicyError: "FORBIDDEN",
        AnonymousUserNotAllowedError: "ANONYMOUS_AUTHENTICATION_NOT_ALLOWED",
        RestrictedUserNotAllowedError: "RESTRICTED_USER_NOT_ALLOWED",
        EmailNotVerifiedError: "EMAIL_NOT_VERIFIED",
        UnavailableError: "AUTHENTICATION_UNAVAILABLE",
        StackUnavailableError: "STACK_UNAVAILABLE",
        ResponseTooLargeError: "STACK_UNAVAILABLE",
        InternalError: "AUTHENTICATION_UNAVAILABLE",
        ConfigurationError: "AUTHENTICATION_MISCONFIGURED",
        StackConfigurationError: "AUTHENTICATION_MISCONFIGURED",
        MissingMiddlewareError: "STACK_AUTH_MIDDLEWARE_MISSING",
        MissingApiKeyError: "API_KEY_REQUIRED",
        SessionNotFoundError: "SESSION_NOT_FOUND",
        InvalidApiKeyError: "API_KEY_NOT_FOUND",
        WrongApiKeyTypeError: "WRONG_API_KEY_TYPE",
        ApiKeyRevokedError: "API_KEY_REVOKED",
        ApiKeyExpiredError: "API_KEY_EXPIRED",
        InvalidWebhookError: "INVALID_WEBHOOK",
        SecondFactorRequiredError: "SECOND_FACTOR_REQUIRED",
        PermissionRequiredError: "PERMISSION_REQUIRED",
        ProjectPermissionRequiredError: "PROJECT_PERMISSION_REQUIRED",
        TeamPermissionRequiredError: "TEAM_PERMISSION_REQUIRED",
        TeamMembershipRequiredError: "TEAM_MEMBERSHIP_NOT_FOUND",
        TeamHiddenError: "TEAM_NOT_FOUND",
        TeamRequiredError: "TEAM_REQUIRED",
        StackApiError: "STACK_API_ERROR",
    }


def test_a_code_that_several_share_is_a_parents() -> None:
    """Who compares codes must not take one situation for another.

    Stack's refusals have Stack's codes, which stand for the same situations in the kit's own.
    """
    for error in ERRORS:
        for other in ERRORS:
            of_one_kind = isinstance(error, StackApiError) is isinstance(other, StackApiError)
            if of_one_kind and error.code == other.code:
                one, two = type(error), type(other)
                assert issubclass(one, two) or issubclass(two, one)


@each_error
def test_an_error_says_something_to_people(error: StackAuthError) -> None:
    assert str(error) == error.message
    assert len(error.message) > 3
    assert type(error).__name__ in repr(error)
    assert error.message in repr(error).replace("\\n", "\n")
    assert type(error).__doc__


@each_error
def test_an_error_survives_copying_and_pickling(error: StackAuthError) -> None:
    """Task queues and process pools hand errors on in this way."""
    for twin in (copy.copy(error), pickle.loads(pickle.dumps(error))):  # noqa: S301 - our own bytes
        assert type(twin) is type(error)
        assert str(twin) == str(error)
        assert vars(twin) == vars(error)


def test_a_configuration_error_lists_its_problems_in_one_message() -> None:
    error = ConfigurationError(["one", "two"])
    assert error.problems == ("one", "two")
    assert error.message.splitlines()[1:] == ["  - one", "  - two"]
    assert ConfigurationError().message == ConfigurationError.default_message


def test_stacks_refusal_of_our_key_names_what_to_check() -> None:
    error = StackConfigurationError("INVALID_SECRET_SERVER_KEY")
    assert error.stack_code == "INVALID_SECRET_SERVER_KEY"
    for word in (error.stack_code, "STACK_SECRET_SERVER_KEY", "STACK_PROJECT_ID", "STACK_API_URL"):
        assert word in error.message


def test_a_missing_middleware_is_mended_by_the_line_in_the_message() -> None:
    assert "app.add_middleware(stack_fastapi.StackAuthMiddleware)" in str(MissingMiddlewareError())


def test_every_outage_says_when_to_come_back() -> None:
    for error in ERRORS:
        assert isinstance(error, UnavailableError) is hasattr(error, "retry_after")
        if isinstance(error, UnavailableError):
            assert error.retry_after > 0


def test_reasons_are_the_words_of_the_corpus_and_one_of_stacks_own(
    recorded_tokens: dict[str, dict[str, str]],
) -> None:
    assert set(get_args(TokenReason)) == {*recorded_tokens["reasons"], "refused_by_stack"}


def test_the_answer_of_the_api_is_kept_with_its_error() -> None:
    error = StackApiError(404, "TEAM_NOT_FOUND", {"team_id": "x"})
    assert (error.status, error.stack_code, error.details) == (
        404,
        "TEAM_NOT_FOUND",
        {"team_id": "x"},
    )
    assert "TEAM_NOT_FOUND" in error.message
    assert StackApiError(404).details == {}
