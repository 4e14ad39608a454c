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
