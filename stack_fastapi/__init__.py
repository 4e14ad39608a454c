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
    from stack_fastapi.access_errors import (
        ApiKeyExpiredError,
        ApiKeyRevokedError,
        InvalidApiKeyError,
        MissingApiKeyError,
        PermissionRequiredError,
        ProjectPermissionRequiredError,
        SecondFactorRequiredError,
        SessionNotFoundError,
        TeamHiddenError,
        TeamMembershipRequiredError,
        TeamPermissionRequiredError,
        TeamRequiredError,
        WrongApiKeyTypeError,
    )
    from stack_fastapi.authorization import (
        CurrentTeam,
        current_team,
        require_permission,
        require_team_member,
        require_team_permission,
    )
    from stack_fastapi.client import (
        StackServerClient,
    )
    from stack_fastapi.dependencies import (
        CurrentClaims,
        CurrentUser,
        OptionalUser,
        UserRules,
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
    from stack_fastapi.http_errors import (
        StackHTTPException,
        StackWebSocketException,
    )
    from stack_fastapi.middleware import (
        StackAuthMiddleware,
    )
    from stack_fastapi.models import (
        AccessTokenClaims,
        ApiKey,
        ApiKeyPrincipal,
        Principal,
        RestrictedReason,
        Team,
        TeamApiKeyPrincipal,
        User,
        UserApiKeyPrincipal,
        UserPrincipal,
    )
    from stack_fastapi.openapi import (
        document_authentication,
    )
    from stack_fastapi.principals import (
        CurrentPrincipal,
        current_principal,
        require_api_key,
    )
    from stack_fastapi.settings import (
        StackAuthSettings,
    )
    from stack_fastapi.stack_auth import (
        StackAuth,
    )

__all__ = [
    "AccessTokenClaims",
    "AmbiguousCredentialsError",
    "AnonymousUserNotAllowedError",
    "ApiKey",
    "ApiKeyExpiredError",
    "ApiKeyPrincipal",
    "ApiKeyRevokedError",
    "ApiUserNotFoundError",
    "ConfigurationError",
    "CredentialsError",
    "CurrentClaims",
    "CurrentPrincipal",
    "CurrentTeam",
    "CurrentUser",
    "EmailNotVerifiedError",
    "InternalError",
    "InvalidApiKeyError",
    "InvalidTokenError",
    "MissingApiKeyError",
    "MissingMiddlewareError",
    "NotAuthenticatedError",
    "OptionalUser",
    "PermissionRequiredError",
    "PolicyError",
    "Principal",
    "ProjectPermissionRequiredError",
    "RestrictedReason",
    "RestrictedUserNotAllowedError",
    "SecondFactorRequiredError",
    "SessionNotFoundError",
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
    "TeamApiKeyPrincipal",
    "TeamHiddenError",
    "TeamMembershipRequiredError",
    "TeamPermissionRequiredError",
    "TeamRequiredError",
    "TokenExpiredError",
    "UnavailableError",
    "User",
    "UserApiKeyPrincipal",
    "UserNotFoundError",
    "UserPrincipal",
    "UserRules",
    "WrongApiKeyTypeError",
    "WrongProjectError",
    "current_claims",
    "current_principal",
    "current_team",
    "current_user",
    "document_authentication",
    "optional_user",
    "require_api_key",
    "require_permission",
    "require_team_member",
    "require_team_permission",
    "require_user",
]

_HOMES = {
    "AccessTokenClaims": "stack_fastapi.models",
    "AmbiguousCredentialsError": "stack_fastapi.exceptions",
    "AnonymousUserNotAllowedError": "stack_fastapi.exceptions",
    "ApiKey": "stack_fastapi.models",
    "ApiKeyExpiredError": "stack_fastapi.access_errors",
    "ApiKeyPrincipal": "stack_fastapi.models",
    "ApiKeyRevokedError": "stack_fastapi.access_errors",
    "ApiUserNotFoundError": "stack_fastapi.exceptions",
    "ConfigurationError": "stack_fastapi.exceptions",
    "CredentialsError": "stack_fastapi.exceptions",
    "CurrentClaims": "stack_fastapi.dependencies",
    "CurrentPrincipal": "stack_fastapi.principals",
    "CurrentTeam": "stack_fastapi.authorization",
    "CurrentUser": "stack_fastapi.dependencies",
    "EmailNotVerifiedError": "stack_fastapi.exceptions",
    "InternalError": "stack_fastapi.exceptions",
    "InvalidApiKeyError": "stack_fastapi.access_errors",
    "InvalidTokenError": "stack_fastapi.exceptions",
    "MissingApiKeyError": "stack_fastapi.access_errors",
    "MissingMiddlewareError": "stack_fastapi.exceptions",
    "NotAuthenticatedError": "stack_fastapi.exceptions",
    "OptionalUser": "stack_fastapi.dependencies",
    "PermissionRequiredError": "stack_fastapi.access_errors",
    "PolicyError": "stack_fastapi.exceptions",
    "Principal": "stack_fastapi.models",
    "ProjectPermissionRequiredError": "stack_fastapi.access_errors",
    "RestrictedReason": "stack_fastapi.models",
    "RestrictedUserNotAllowedError": "stack_fastapi.exceptions",
    "SecondFactorRequiredError": "stack_fastapi.access_errors",
    "SessionNotFoundError": "stack_fastapi.access_errors",
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
    "TeamApiKeyPrincipal": "stack_fastapi.models",
    "TeamHiddenError": "stack_fastapi.access_errors",
    "TeamMembershipRequiredError": "stack_fastapi.access_errors",
    "TeamPermissionRequiredError": "stack_fastapi.access_errors",
    "TeamRequiredError": "stack_fastapi.access_errors",
    "TokenExpiredError": "stack_fastapi.exceptions",
    "UnavailableError": "stack_fastapi.exceptions",
    "User": "stack_fastapi.models",
    "UserApiKeyPrincipal": "stack_fastapi.models",
    "UserNotFoundError": "stack_fastapi.exceptions",
    "UserPrincipal": "stack_fastapi.models",
    "UserRules": "stack_fastapi.dependencies",
    "WrongApiKeyTypeError": "stack_fastapi.access_errors",
    "WrongProjectError": "stack_fastapi.exceptions",
    "current_claims": "stack_fastapi.dependencies",
    "current_principal": "stack_fastapi.principals",
    "current_team": "stack_fastapi.authorization",
    "current_user": "stack_fastapi.dependencies",
    "document_authentication": "stack_fastapi.openapi",
    "optional_user": "stack_fastapi.dependencies",
    "require_api_key": "stack_fastapi.principals",
    "require_permission": "stack_fastapi.authorization",
    "require_team_member": "stack_fastapi.authorization",
    "require_team_permission": "stack_fastapi.authorization",
    "require_user": "stack_fastapi.dependencies",
}


def __getattr__(name: str) -> object:
    """One of the names above, imported when it is first asked for (PEP 562)."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = globals()[name] = getattr(importlib.import_module(_HOMES[name]), name)
    return value
