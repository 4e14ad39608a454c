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
from stack_fastapi.models.shown_user import OwnRestrictedReason, OwnTeam, OwnUser, PublicUser
from stack_fastapi.models.team import Team
from stack_fastapi.models.team_invitation import SentTeamInvitation, TeamInvitation
from stack_fastapi.models.user import User
from stack_fastapi.models.webhook import (
    DeletedUser,
    KnownEvent,
    ProjectPermissionCreatedEvent,
    ProjectPermissionDeletedEvent,
    TeamCreatedEvent,
    TeamDeletedEvent,
    TeamMembershipCreatedEvent,
    TeamMembershipDeletedEvent,
    TeamPermissionCreatedEvent,
    TeamPermissionDeletedEvent,
    TeamReference,
    TeamUpdatedEvent,
    UnknownEvent,
    UserCreatedEvent,
    UserDeletedEvent,
    UserUpdatedEvent,
    WebhookEvent,
)

__all__ = [
    "AccessToken",
    "AccessTokenClaims",
    "ApiKey",
    "ApiKeyPrincipal",
    "ApiKeyValue",
    "ContactChannel",
    "CreatedApiKey",
    "DeletedUser",
    "KnownEvent",
    "OwnRestrictedReason",
    "OwnTeam",
    "OwnUser",
    "Principal",
    "Project",
    "ProjectConfig",
    "ProjectPermission",
    "ProjectPermissionCreatedEvent",
    "ProjectPermissionDeletedEvent",
    "PublicUser",
    "RestrictedReason",
    "SentTeamInvitation",
    "Session",
    "SessionTokens",
    "Team",
    "TeamApiKeyPrincipal",
    "TeamCreatedEvent",
    "TeamDeletedEvent",
    "TeamInvitation",
    "TeamMemberProfile",
    "TeamMembership",
    "TeamMembershipCreatedEvent",
    "TeamMembershipDeletedEvent",
    "TeamPermission",
    "TeamPermissionCreatedEvent",
    "TeamPermissionDeletedEvent",
    "TeamReference",
    "TeamUpdatedEvent",
    "UnknownEvent",
    "User",
    "UserApiKeyPrincipal",
    "UserCreatedEvent",
    "UserDeletedEvent",
    "UserPrincipal",
    "UserUpdatedEvent",
    "WebhookEvent",
]
