"""Stack's records as frozen pydantic models."""

from stack_fastapi.models.api_key import ApiKey
from stack_fastapi.models.claims import AccessTokenClaims, RestrictedReason
from stack_fastapi.models.permission import ProjectPermission, TeamPermission
from stack_fastapi.models.principal import (
    ApiKeyPrincipal,
    Principal,
    TeamApiKeyPrincipal,
    UserApiKeyPrincipal,
    UserPrincipal,
)
from stack_fastapi.models.session import Session
from stack_fastapi.models.team import Team
from stack_fastapi.models.user import User

__all__ = [
    "AccessTokenClaims",
    "ApiKey",
    "ApiKeyPrincipal",
    "Principal",
    "ProjectPermission",
    "RestrictedReason",
    "Session",
    "Team",
    "TeamApiKeyPrincipal",
    "TeamPermission",
    "User",
    "UserApiKeyPrincipal",
    "UserPrincipal",
]
