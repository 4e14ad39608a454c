"""Stack's records as frozen pydantic models."""

from stack_fastapi.models.api_key import ApiKey, ApiKeyValue, CreatedApiKey
from stack_fastapi.models.claims import AccessTokenClaims, RestrictedReason
from stack_fastapi.models.contact_channel import ContactChannel
from stack_fastapi.models.membership import TeamMemberProfile, TeamMembership
from stack_fastapi.models.permission import ProjectPermission, TeamPermission
from stack_fastapi.models.principal import (
    ApiKeyPrincipal,
    Principal,
    TeamApiKeyPrincipal,
    UserApiKeyPrincipal,
    UserPrincipal,
)
from stack_fastapi.models.project import Project, ProjectConfig
from stack_fastapi.models.session import AccessToken, Session, SessionTokens
from stack_fastapi.models.team import Team
from stack_fastapi.models.team_invitation import SentTeamInvitation, TeamInvitation
from stack_fastapi.models.user import User

__all__ = [
    "AccessToken",
    "AccessTokenClaims",
    "ApiKey",
    "ApiKeyPrincipal",
    "ApiKeyValue",
    "ContactChannel",
    "CreatedApiKey",
    "Principal",
    "Project",
    "ProjectConfig",
    "ProjectPermission",
    "RestrictedReason",
    "SentTeamInvitation",
    "Session",
    "SessionTokens",
    "Team",
    "TeamApiKeyPrincipal",
    "TeamInvitation",
    "TeamMemberProfile",
    "TeamMembership",
    "TeamPermission",
    "User",
    "UserApiKeyPrincipal",
    "UserPrincipal",
]
