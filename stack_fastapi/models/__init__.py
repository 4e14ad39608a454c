"""Stack's records as frozen pydantic models."""

from stack_fastapi.models.api_key import (
    ApiKey as ApiKey,
    ApiKeyValue as ApiKeyValue,
    CreatedApiKey as CreatedApiKey,
)
from stack_fastapi.models.claims import (
    AccessTokenClaims as AccessTokenClaims,
    RestrictedReason as RestrictedReason,
)
from stack_fastapi.models.contact_channel import ContactChannel as ContactChannel
from stack_fastapi.models.membership import (
    TeamMemberProfile as TeamMemberProfile,
    TeamMembership as TeamMembership,
)
from stack_fastapi.models.permission import (
    ProjectPermission as ProjectPermission,
    TeamPermission as TeamPermission,
)
from stack_fastapi.models.principal import (
    ApiKeyPrincipal as ApiKeyPrincipal,
    Principal as Principal,
    TeamApiKeyPrincipal as TeamApiKeyPrincipal,
    UserApiKeyPrincipal as UserApiKeyPrincipal,
    UserPrincipal as UserPrincipal,
)
from stack_fastapi.models.project import Project as Project, ProjectConfig as ProjectConfig
from stack_fastapi.models.session import (
    AccessToken as AccessToken,
    Session as Session,
    SessionTokens as SessionTokens,
)
from stack_fastapi.models.shown_user import (
    OwnRestrictedReason as OwnRestrictedReason,
    OwnTeam as OwnTeam,
    OwnUser as OwnUser,
    PublicUser as PublicUser,
)
from stack_fastapi.models.team import Team as Team
from stack_fastapi.models.team_invitation import (
    SentTeamInvitation as SentTeamInvitation,
    TeamInvitation as TeamInvitation,
)
from stack_fastapi.models.user import User as User
from stack_fastapi.models.webhook import (
    DeletedUser as DeletedUser,
    KnownEvent as KnownEvent,
    ProjectPermissionCreatedEvent as ProjectPermissionCreatedEvent,
    ProjectPermissionDeletedEvent as ProjectPermissionDeletedEvent,
    TeamCreatedEvent as TeamCreatedEvent,
    TeamDeletedEvent as TeamDeletedEvent,
    TeamMembershipCreatedEvent as TeamMembershipCreatedEvent,
    TeamMembershipDeletedEvent as TeamMembershipDeletedEvent,
    TeamPermissionCreatedEvent as TeamPermissionCreatedEvent,
    TeamPermissionDeletedEvent as TeamPermissionDeletedEvent,
    TeamReference as TeamReference,
    TeamUpdatedEvent as TeamUpdatedEvent,
    UnknownEvent as UnknownEvent,
    UserCreatedEvent as UserCreatedEvent,
    UserDeletedEvent as UserDeletedEvent,
    UserUpdatedEvent as UserUpdatedEvent,
    WebhookEvent as WebhookEvent,
)
