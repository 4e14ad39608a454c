"""Whose fault it is decides the status; what the caller gets to read of it."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given, strategies as st
from starlette.datastructures import State
from starlette.requests import HTTPConnection

from stack_fastapi import (
    AmbiguousCredentialsError,
    AnonymousUserNotAllowedError,
    ApiRefreshTokenNotFoundError,
    ApiSchemaError,
    ApiUserEmailExistsError,
    ApiUserIdNotFoundError,
    ApiUserNotFoundError,
    ConfigurationError,
    EmailNotVerifiedError,
    InternalError,
    InvalidTokenError,
    MissingMiddlewareError,
    NotAuthenticatedError,
    RestrictedUserNotAllowedError,
    StackApiError,
    StackAuthError,
    StackConfigurationError,
    StackHTTPException,
    StackUnavailableError,
    StackWebSocketException,
    TokenExpiredError,
    UserNotFoundError,
    WrongProjectError,
)
from stack_fastapi.dependencies.http_errors import answer_for
from stack_fastapi.exceptions import API_ERRORS

#: error, status, close code, kind of challenge (None: no challenge, "": one without an error code)
ERRORS: list[tuple[StackAuthError, int, int, str | None]] = [
    (NotAuthenticatedError(), 401, 1008, ""),
    (AmbiguousCredentialsError(), 401, 1008, "invalid_request"),
    (InvalidTokenError("malformed"), 401, 1008, "invalid_token"),
    (TokenExpiredError(), 401, 1008, "invalid_token"),
    (WrongProjectError(), 401, 1008, "invalid_token"),
    (UserNotFoundError(), 401, 1008, "invalid_token"),
    (AnonymousUserNotAllowedError(), 401, 1008, "insufficient_scope"),
    (RestrictedUserNotAllowedError(), 403, 1008, "insufficient_scope"),
    (EmailNotVerifiedError(), 403, 1008, "insufficient_scope"),
    (StackUnavailableError(), 503, 1013, None),
    (InternalError(), 503, 1013, None),
    (ConfigurationError(["project_id is missing"]), 503, 1013, None),
    (StackConfigurationError("INVALID_SECRET_SERVER_KEY"), 503, 1013, None),
    (MissingMiddlewareError(), 503, 1013, None),
    (ApiUserNotFoundError(404, "USER_NOT_FOUND"), 404, 1008, None),
    (ApiUserIdNotFoundError(400, "USER_ID_DOES_NOT_EXIST"), 404, 1008, None),
    (ApiRefreshTokenNotFoundError(401), 404, 1008, None),
    (ApiSchemaError(400, "SCHEMA_ERROR"), 422, 1008, None),
    (StackApiError(400), 502, 1013, None),
    (StackAuthError(), 503, 1013, None),
]
NAMES = [type(error).__name__ for error, *_ in ERRORS]

# RFC 9110, section 11.6.1, with the characters that RFC 6750, section 3, allows in the values;
# the same section asks for at least one parameter.
_VALUE = r'"[\x20\x21\x23-\x5b\x5d-\x7e]*"'
_PARAMETER = rf"[a-z_]+={_VALUE}"
CHALLENGE = re.compile(rf"Bearer {_PARAMETER}(, {_PARAMETER})*")


def headers_of(error: StackAuthError) -> dict[str, str]:
    headers = StackHTTPException(error).headers
    assert headers is not None
    return dict(headers)


@pytest.mark.parametrize(("error", "status", "close", "kind"), ERRORS, ids=NAMES)
def test_the_status_says_whose_fault_it_is(
    error: StackAuthError, status: int, close: int, kind: str | None
) -> None:
    answer = StackHTTPException(error)
    assert answer.status_code == status
    assert answer.error is error
    detail: Any = answer.detail
    assert detail.keys() == {"code", "message"}
    assert detail["code"] == error.code
    assert detail["message"]


def test_a_restricted_user_is_told_why_in_stacks_own_form() -> None:
    detail: Any = StackHTTPException(RestrictedUserNotAllowedError("email_not_verified")).detail
    assert detail == {
        "code": "RESTRICTED_USER_NOT_ALLOWED",
        "message": "This account is restricted.",
        "restricted_reason": {"type": "email_not_verified"},
    }


@pytest.mark.parametrize(("error", "status", "close", "kind"), ERRORS, ids=NAMES)
def test_the_challenge_is_as_rfc_6750_asks(
    error: StackAuthError, status: int, close: int, kind: str | None
) -> None:
    headers = headers_of(error)
    if kind is None:
        assert "WWW-Authenticate" not in headers
        return
    challenge = headers["WWW-Authenticate"]
    assert CHALLENGE.fullmatch(challenge)
    if kind:
        assert f'error="{kind}"' in challenge
        assert "error_description=" in challenge
    else:
        assert "error" not in challenge  # nothing is wrong with what was not sent


@pytest.mark.parametrize(("error", "status", "close", "kind"), ERRORS, ids=NAMES)
def test_whoever_is_told_to_come_back_is_told_when(
    error: StackAuthError, status: int, close: int, kind: str | None
) -> None:
    assert ("Retry-After" in headers_of(error)) == (status == 503)


@pytest.mark.parametrize(("error", "status", "close", "kind"), ERRORS, ids=NAMES)
def test_a_websocket_is_closed_with_the_code_as_its_reason(
    error: StackAuthError, status: int, close: int, kind: str | None
) -> None:
    ending = StackWebSocketException(error)
    assert (ending.code, ending.reason) == (close, error.code)
    assert ending.error is error
    assert len(ending.reason.encode()) <= 123  # RFC 6455, section 5.5


@pytest.mark.parametrize(
    ("seconds", "header"),
    [
        (5.0, "5"),
        (0.2, "1"),
        (0, "1"),
        (-7, "1"),
        (59.01, "60"),
        (86_400, "86400"),
    ],
)
def test_retry_after_is_a_whole_number_of_seconds_and_never_none(
    seconds: float, header: str
) -> None:
    assert headers_of(StackUnavailableError(retry_after=seconds))["Retry-After"] == header


@pytest.mark.parametrize("seconds", [float("inf"), float("-inf"), float("nan"), 1e300])
def test_retry_after_survives_a_time_that_makes_no_sense(seconds: float) -> None:
    header = headers_of(StackUnavailableError(retry_after=seconds))["Retry-After"]
    assert header.isdigit()
    assert 1 <= int(header) < 2**31  # as far as recipients count: RFC 9111, section 1.2.2


@pytest.mark.parametrize(
    "message",
    [
        'he said "no"',
        'x", error="none',
        "back\\slash",
        "two\r\nSet-Cookie: a=b",
        "nul\x00",
        "délété ✗",
        "tab\there",
    ],
    ids=["quotes", "another parameter", "backslash", "new line", "nul", "beyond ASCII", "tab"],
)
def test_a_hostile_message_cannot_break_the_challenge(message: str) -> None:
    challenge = headers_of(InvalidTokenError("malformed", message))["WWW-Authenticate"]
    assert CHALLENGE.fullmatch(challenge)
    assert re.findall(r'(\w+)="', challenge) == ["error", "error_description"]


@given(st.text())
def test_no_message_whatever_can_break_the_challenge(message: str) -> None:
    for error in (InvalidTokenError("malformed", message), AmbiguousCredentialsError(message)):
        assert CHALLENGE.fullmatch(headers_of(error)["WWW-Authenticate"])


@pytest.mark.parametrize(
    "error",
    [
        ConfigurationError(["secret_server_key is wrong (from STACK_SECRET_SERVER_KEY)"]),
        StackConfigurationError("INVALID_SECRET_SERVER_KEY"),
        StackUnavailableError("connect to 10.0.0.7 failed"),
        InternalError("the cache at 10.0.0.7 broke"),
        StackApiError(400, "PROJECT_KEY_WITHOUT_ACCESS_TYPE"),
        StackAuthError("something about 10.0.0.7"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_callers_do_not_read_the_operators_affairs(error: StackAuthError) -> None:
    answer = StackHTTPException(error)
    shown = f"{answer.detail} {answer.headers}"
    for word in ("SECRET", "secret", "10.0.0.7", "PROJECT_KEY", "INVALID_"):
        assert word not in shown


def test_developers_do_read_which_line_is_missing() -> None:
    answer = StackHTTPException(MissingMiddlewareError())
    assert "app.add_middleware(stack_fastapi.StackAuthMiddleware)" in str(answer.detail)


@pytest.mark.parametrize(
    ("kind", "expected"),
    [("http", StackHTTPException), ("websocket", StackWebSocketException)],
)
def test_the_answer_fits_the_connection(kind: str, expected: type[Exception]) -> None:
    connection = HTTPConnection({"type": kind, "headers": [], "state": State()})
    assert type(answer_for(NotAuthenticatedError(), connection)) is expected


def test_whatever_is_not_found_at_stack_is_404_to_whoever_asked() -> None:
    absent = {kind for kind in API_ERRORS.values() if kind.__name__.endswith("NotFoundError")}
    absent.add(API_ERRORS["WRONG_PERMISSION_SCOPE"])  # no such permission in that scope
    statuses = {kind: StackHTTPException(kind(400)).status_code for kind in API_ERRORS.values()}
    assert {kind for kind, status in statuses.items() if status == 404} == absent


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (ApiUserNotFoundError(404), "USER_NOT_FOUND"),
        (StackApiError(404), "NOT_FOUND"),
        (StackApiError(404, "SOMETHING_NEW"), "NOT_FOUND"),
        (ApiUserEmailExistsError(409, "USER_EMAIL_ALREADY_EXISTS"), "STACK_API_ERROR"),
        (StackApiError(500, "SOMETHING_NEW"), "STACK_API_ERROR"),
    ],
    ids=lambda value: value if isinstance(value, str) else type(value).__name__,
)
def test_callers_read_no_code_that_tells_of_others(error: StackApiError, code: str) -> None:
    """Such as that somebody else signs in with an address."""
    detail: Any = StackHTTPException(error).detail
    assert detail["code"] == code
    assert StackWebSocketException(error).reason == code
