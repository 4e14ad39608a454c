"""Protect FastAPI routes with Stack Auth (Hexclave).

::

    from fastapi import FastAPI
    from stack_fastapi import CurrentUser, StackAuthMiddleware

    app = FastAPI()
    app.add_middleware(StackAuthMiddleware)  # settings come from the environment

    @app.get("/me")
    async def me(user: CurrentUser):
        return {"id": user.id, "email": user.primary_email}
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from stack_fastapi.client import StackServerClient
    from stack_fastapi.dependencies import (
        CurrentClaims,
        CurrentUser,
        OptionalUser,
        current_claims,
        current_user,
        optional_user,
        require_user,
    )
    from stack_fastapi.exceptions import (
        AmbiguousCredentialsError,
        AnonymousUserNotAllowedError,
        ApiUserNotFoundError,
        ConfigurationError,
        CredentialsError,
        EmailNotVerifiedError,
        InternalError,
        InvalidTokenError,
        MissingMiddlewareError,
        NotAuthenticatedError,
        PolicyError,
        RestrictedUserNotAllowedError,
        StackApiError,
        StackAuthError,
        StackConfigurationError,
        StackUnavailableError,
        TokenExpiredError,
        UnavailableError,
        UserNotFoundError,
        WrongProjectError,
    )
    from stack_fastapi.http_errors import StackHTTPException, StackWebSocketException
    from stack_fastapi.middleware import StackAuthMiddleware
    from stack_fastapi.models import AccessTokenClaims, RestrictedReason, Team, User
    from stack_fastapi.openapi import document_authentication
    from stack_fastapi.settings import StackAuthSettings
    from stack_fastapi.stack_auth import StackAuth

__all__ = [
    "AccessTokenClaims",
    "AmbiguousCredentialsError",
    "AnonymousUserNotAllowedError",
    "ApiUserNotFoundError",
    "ConfigurationError",
    "CredentialsError",
    "CurrentClaims",
    "CurrentUser",
    "EmailNotVerifiedError",
    "InternalError",
    "InvalidTokenError",
    "MissingMiddlewareError",
    "NotAuthenticatedError",
    "OptionalUser",
    "PolicyError",
    "RestrictedReason",
    "RestrictedUserNotAllowedError",
    "StackApiError",
    "StackAuth",
    "StackAuthError",
    "StackAuthMiddleware",
    "StackAuthSettings",
    "StackConfigurationError",
    "StackHTTPException",
    "StackServerClient",
    "StackUnavailableError",
    "StackWebSocketException",
    "Team",
    "TokenExpiredError",
    "UnavailableError",
    "User",
    "UserNotFoundError",
    "WrongProjectError",
    "current_claims",
    "current_user",
    "document_authentication",
    "optional_user",
    "require_user",
]

_HOMES = {
    "AccessTokenClaims": "stack_fastapi.models",
    "AmbiguousCredentialsError": "stack_fastapi.exceptions",
    "AnonymousUserNotAllowedError": "stack_fastapi.exceptions",
    "ApiUserNotFoundError": "stack_fastapi.exceptions",
    "ConfigurationError": "stack_fastapi.exceptions",
    "CredentialsError": "stack_fastapi.exceptions",
    "CurrentClaims": "stack_fastapi.dependencies",
    "CurrentUser": "stack_fastapi.dependencies",
    "EmailNotVerifiedError": "stack_fastapi.exceptions",
    "InternalError": "stack_fastapi.exceptions",
    "InvalidTokenError": "stack_fastapi.exceptions",
    "MissingMiddlewareError": "stack_fastapi.exceptions",
    "NotAuthenticatedError": "stack_fastapi.exceptions",
    "OptionalUser": "stack_fastapi.dependencies",
    "PolicyError": "stack_fastapi.exceptions",
    "RestrictedReason": "stack_fastapi.models",
    "RestrictedUserNotAllowedError": "stack_fastapi.exceptions",
    "StackApiError": "stack_fastapi.exceptions",
    "StackAuth": "stack_fastapi.stack_auth",
    "StackAuthError": "stack_fastapi.exceptions",
    "StackAuthMiddleware": "stack_fastapi.middleware",
    "StackAuthSettings": "stack_fastapi.settings",
    "StackConfigurationError": "stack_fastapi.exceptions",
    "StackHTTPException": "stack_fastapi.http_errors",
    "StackServerClient": "stack_fastapi.client",
    "StackUnavailableError": "stack_fastapi.exceptions",
    "StackWebSocketException": "stack_fastapi.http_errors",
    "Team": "stack_fastapi.models",
    "TokenExpiredError": "stack_fastapi.exceptions",
    "UnavailableError": "stack_fastapi.exceptions",
    "User": "stack_fastapi.models",
    "UserNotFoundError": "stack_fastapi.exceptions",
    "WrongProjectError": "stack_fastapi.exceptions",
    "current_claims": "stack_fastapi.dependencies",
    "current_user": "stack_fastapi.dependencies",
    "document_authentication": "stack_fastapi.openapi",
    "optional_user": "stack_fastapi.dependencies",
    "require_user": "stack_fastapi.dependencies",
}


def __getattr__(name: str) -> object:
    """One of the names above, imported when it is first asked for (PEP 562)."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = globals()[name] = getattr(importlib.import_module(_HOMES[name]), name)
    return value
