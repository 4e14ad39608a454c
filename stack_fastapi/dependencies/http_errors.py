"""Step 5 of 5: how an error of the kit reaches the caller; the only place that knows statuses.

To answer in another form, register an exception handler for ``StackHTTPException``: its ``error``
is the domain error, and its ``status_code`` and ``headers`` are what this module chose.
"""

from __future__ import annotations

import math
import re
from typing import Any

from fastapi import HTTPException
from fastapi.exceptions import WebSocketException
from starlette.requests import HTTPConnection
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send
from starlette.websockets import WebSocketClose

from stack_fastapi.exceptions import (
    AmbiguousCredentialsError,
    AnonymousUserNotAllowedError,
    ApiApiKeyNotFoundError,
    ApiPermissionNotFoundError,
    ApiRefreshTokenNotFoundError,
    ApiSchemaError,
    ApiTeamMembershipNotFoundError,
    ApiTeamNotFoundError,
    ApiUserNotFoundError,
    ApiVerificationCodeNotFoundError,
    ConfigurationError,
    CredentialsError,
    InvalidWebhookError,
    MissingMiddlewareError,
    NotAuthenticatedError,
    PermissionRequiredError,
    PolicyError,
    RestrictedUserNotAllowedError,
    StackApiError,
    StackAuthError,
    TeamHiddenError,
    UnavailableError,
)
from stack_fastapi.types import Connection

#: WebSocket close codes (RFC 6455, section 7.4.1, and its registry).
_POLICY_VIOLATION = 1008
_TRY_AGAIN_LATER = 1013

# What RFC 6750, section 3, leaves out of an error_description.
_NOT_IN_A_DESCRIPTION = re.compile(r"[^\x20\x21\x23-\x5b\x5d-\x7e]")
_SHORTEST_WAIT, _LONGEST_WAIT = 1.0, 86_400.0  # seconds

_UNAUTHORIZED = 401
_FORBIDDEN = 403
_NOT_FOUND = 404
_UNPROCESSABLE = 422
_BAD_GATEWAY = 502
_SERVICE_UNAVAILABLE = 503

#: What a route asked Stack for, and Stack does not have.
_ABSENT = (
    ApiApiKeyNotFoundError,
    ApiPermissionNotFoundError,
    ApiRefreshTokenNotFoundError,
    ApiTeamMembershipNotFoundError,
    ApiTeamNotFoundError,
    ApiUserNotFoundError,
    ApiVerificationCodeNotFoundError,
)
#: The code of that where Stack has none.
_ABSENT_CODE = "NOT_FOUND"
#: What callers read of Stack's refusals: Stack's own words are about the app, not for them.
_API_MESSAGES = {
    _NOT_FOUND: "There is no such thing, or no more.",
    _UNPROCESSABLE: "The request holds something of another form than is wanted, such as an id.",
    _BAD_GATEWAY: "The authentication service refused what this server asked of it.",
}


class StackHTTPException(HTTPException):
    """An error of the kit as an HTTP answer.

    Attributes:
        error: what went wrong.
    """

    def __init__(self, error: StackAuthError) -> None:
        self.error = error
        super().__init__(
            _status(error),
            detail=_detail(error),
            headers=_headers(error),
        )


class StackWebSocketException(WebSocketException):
    """An error of the kit as the end of a WebSocket; the reason is its code.

    Attributes:
        error: what went wrong.
    """

    def __init__(self, error: StackAuthError) -> None:
        self.error = error
        code = _TRY_AGAIN_LATER if is_servers_fault(error) else _POLICY_VIOLATION
        super().__init__(code=code, reason=_code(error))


def answer_for(
    error: StackAuthError, connection: Connection
) -> StackHTTPException | StackWebSocketException:
    """The exception that makes FastAPI answer a request, or close a WebSocket, with an error."""
    if connection.scope["type"] == "websocket":
        return StackWebSocketException(error)
    return StackHTTPException(error)


def is_servers_fault(error: StackAuthError) -> bool:
    """Whether the caller can do nothing about it: an operator should hear of it."""
    return _status(error) >= _BAD_GATEWAY


def refusing_app(error: UnavailableError) -> ASGIApp:
    """An app that answers every request, and closes every WebSocket, with an error."""

    async def refuse(scope: Scope, receive: Receive, send: Send) -> None:
        exc = answer_for(error, HTTPConnection(scope))
        answer: ASGIApp
        if isinstance(exc, StackHTTPException):
            answer = JSONResponse({"detail": exc.detail}, exc.status_code, exc.headers)
        else:
            answer = WebSocketClose(exc.code, exc.reason)
        await answer(scope, receive, send)

    return refuse


def _status(error: StackAuthError) -> int:
    if isinstance(error, StackApiError):
        return _status_of_refusal(error)
    if isinstance(error, (CredentialsError, AnonymousUserNotAllowedError)):
        return _UNAUTHORIZED  # a guest who signs in may come back: Stack answers so, too
    if isinstance(error, TeamHiddenError):
        return _NOT_FOUND
    if isinstance(error, PolicyError):
        return _FORBIDDEN
    return _SERVICE_UNAVAILABLE


def _status_of_refusal(error: StackApiError) -> int:
    """Guards raise none of these: a route asked for something in its caller's name."""
    if isinstance(error, ApiSchemaError):
        return _UNPROCESSABLE
    if isinstance(error, _ABSENT) or error.status == _NOT_FOUND:
        return _NOT_FOUND
    return _BAD_GATEWAY


def _code(error: StackAuthError) -> str:
    if not isinstance(error, StackApiError) or isinstance(error, (ApiSchemaError, *_ABSENT)):
        return error.code
    return _ABSENT_CODE if _status(error) == _NOT_FOUND else StackApiError.code


def _detail(error: StackAuthError) -> dict[str, Any]:
    detail: dict[str, Any] = {"code": _code(error), "message": _message(error)}
    if isinstance(error, PermissionRequiredError):
        detail["missing"] = list(error.missing)
    if isinstance(error, RestrictedUserNotAllowedError) and error.restricted_reason:
        detail["restricted_reason"] = {"type": error.restricted_reason}  # Stack's form of it
    return detail


def _message(error: StackAuthError) -> str:
    """Callers do not get to see the operator's settings; developers do see a missing line."""
    if isinstance(error, (CredentialsError, PolicyError, MissingMiddlewareError)):
        return error.message
    if isinstance(error, StackApiError):
        return _API_MESSAGES[_status(error)]
    if isinstance(error, ConfigurationError):
        return ConfigurationError.default_message
    return UnavailableError.default_message


def _headers(error: StackAuthError) -> dict[str, str]:
    if isinstance(error, (StackApiError, TeamHiddenError)):
        return {}  # a 404 as of any path that is not there
    if _status(error) == _SERVICE_UNAVAILABLE:
        return {"Retry-After": _retry_after(error)}
    return {"WWW-Authenticate": _challenge(error)}


def _retry_after(error: StackAuthError) -> str:
    seconds = error.retry_after if isinstance(error, UnavailableError) else _SHORTEST_WAIT
    # Written so that a NaN ends up in the range as well.
    return str(math.ceil(max(_SHORTEST_WAIT, min(_LONGEST_WAIT, seconds))))


def _challenge(error: StackAuthError) -> str:
    """RFC 6750, section 3: no error code where no credential was sent, but one parameter."""
    if isinstance(error, NotAuthenticatedError):
        return 'Bearer realm="stack"'
    if isinstance(error, InvalidWebhookError):
        return 'Webhook-Signature realm="stack"'  # a 401 names some scheme (RFC 9110, 11.6.1)
    if isinstance(error, AmbiguousCredentialsError):
        kind = "invalid_request"
    elif isinstance(error, PolicyError):
        kind = "insufficient_scope"
    else:
        kind = "invalid_token"
    description = _NOT_IN_A_DESCRIPTION.sub(" ", error.message)
    scope = (
        f', scope="{" ".join(error.missing)}"' if isinstance(error, PermissionRequiredError) else ""
    )
    return f'Bearer error="{kind}", error_description="{description}"{scope}'


def documented_responses(*, hides: bool = False) -> dict[str, dict[str, Any]]:
    """OpenAPI's response objects for the answers that a protected operation may give.

    Args:
        hides: whether it hides teams from those who are not in them.
    """
    schema = {"$ref": "#/components/schemas/StackAuthProblem"}
    return {
        str(status): {
            "description": text,
            "content": {"application/json": {"schema": schema}},
        }
        for status, text in (
            (_UNAUTHORIZED, "The access token is missing, expired or not valid"),
            (_FORBIDDEN, "This user is not allowed to do this"),
            (_NOT_FOUND, "There is no such team, or this user is not in it"),
            (_SERVICE_UNAVAILABLE, "Authentication is unavailable; see Retry-After"),
        )
        if hides or status != _NOT_FOUND
    }


#: The schema that those answers refer to.
PROBLEM_SCHEMA: dict[str, Any] = {
    "title": "StackAuthProblem",
    "type": "object",
    "required": ["detail"],
    "properties": {
        "detail": {
            "type": "object",
            "required": ["code", "message"],
            "properties": {
                "code": {"type": "string", "examples": ["ACCESS_TOKEN_EXPIRED"]},
                "message": {"type": "string"},
                "missing": {
                    "type": "array",
                    "items": {"type": "string"},
                    "description": "Ids of the permissions that are missing, where that is it",
                },
                "restricted_reason": {
                    "type": "object",
                    "required": ["type"],
                    "properties": {
                        "type": {"type": "string", "examples": ["email_not_verified"]},
                    },
                    "description": "Why the user is restricted, where that is it",
                },
            },
        }
    },
}
