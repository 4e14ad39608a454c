# The public names, each with where it is: for type checkers, and for whoever imports one.

from .app.error_handlers import (
    install_error_handlers as install_error_handlers,
)
from .app.openapi import (
    document_authentication as document_authentication,
)
from .client import (
    StackServerClient as StackServerClient,
)
from .dependencies.engine import (
    CurrentAuth as CurrentAuth,
    CurrentClient as CurrentClient,
    current_auth as current_auth,
    current_client as current_client,
)
from .dependencies.http_errors import (
    StackHTTPException as StackHTTPException,
    StackWebSocketException as StackWebSocketException,
)
from .dependencies.permissions import (
    CurrentTeam as CurrentTeam,
    current_team as current_team,
    require_permission as require_permission,
    require_team_member as require_team_member,
    require_team_permission as require_team_permission,
)
from .dependencies.principals import (
    CurrentPrincipal as CurrentPrincipal,
    current_principal as current_principal,
    require_api_key as require_api_key,
)
from .dependencies.users import (
    CurrentClaims as CurrentClaims,
    CurrentUser as CurrentUser,
    OptionalUser as OptionalUser,
    UserRules as UserRules,
    current_claims as current_claims,
    current_user as current_user,
    optional_user as optional_user,
    require_user as require_user,
)
from .dependencies.webhooks import (
    CurrentWebhook as CurrentWebhook,
    current_webhook as current_webhook,
)
from .engine.stack_auth import (
    StackAuth as StackAuth,
)
from .exceptions import (
    AmbiguousCredentialsError as AmbiguousCredentialsError,
    AnonymousUserNotAllowedError as AnonymousUserNotAllowedError,
    ApiAccessTokenExpiredError as ApiAccessTokenExpiredError,
    ApiAccessTokenInvalidError as ApiAccessTokenInvalidError,
    ApiAccessTokenProjectError as ApiAccessTokenProjectError,
    ApiApiKeyExpiredError as ApiApiKeyExpiredError,
    ApiApiKeyNotFoundError as ApiApiKeyNotFoundError,
    ApiApiKeyRevokedError as ApiApiKeyRevokedError,
    ApiApiKeyTypeError as ApiApiKeyTypeError,
    ApiCallbackUrlError as ApiCallbackUrlError,
    ApiContactChannelInUseError as ApiContactChannelInUseError,
    ApiCurrentSessionError as ApiCurrentSessionError,
    ApiEmailAlreadyVerifiedError as ApiEmailAlreadyVerifiedError,
    ApiKeyExpiredError as ApiKeyExpiredError,
    ApiKeyRevokedError as ApiKeyRevokedError,
    ApiOwnUserNotFoundError as ApiOwnUserNotFoundError,
    ApiPermissionNotFoundError as ApiPermissionNotFoundError,
    ApiPermissionScopeError as ApiPermissionScopeError,
    ApiRefreshTokenNotFoundError as ApiRefreshTokenNotFoundError,
    ApiSchemaError as ApiSchemaError,
    ApiTeamMembershipExistsError as ApiTeamMembershipExistsError,
    ApiTeamMembershipNotFoundError as ApiTeamMembershipNotFoundError,
    ApiTeamNotFoundError as ApiTeamNotFoundError,
    ApiTeamPermissionNotFoundError as ApiTeamPermissionNotFoundError,
    ApiUserEmailExistsError as ApiUserEmailExistsError,
    ApiUserIdNotFoundError as ApiUserIdNotFoundError,
    ApiUserNotFoundError as ApiUserNotFoundError,
    ApiVerificationCodeExpiredError as ApiVerificationCodeExpiredError,
    ApiVerificationCodeNotFoundError as ApiVerificationCodeNotFoundError,
    ApiVerificationCodeUsedError as ApiVerificationCodeUsedError,
    ConfigurationError as ConfigurationError,
    CredentialsError as CredentialsError,
    EmailNotVerifiedError as EmailNotVerifiedError,
    InternalError as InternalError,
    InvalidApiKeyError as InvalidApiKeyError,
    InvalidTokenError as InvalidTokenError,
    InvalidWebhookError as InvalidWebhookError,
    MissingApiKeyError as MissingApiKeyError,
    MissingMiddlewareError as MissingMiddlewareError,
    NotAuthenticatedError as NotAuthenticatedError,
    PermissionRequiredError as PermissionRequiredError,
    PolicyError as PolicyError,
    ProjectPermissionRequiredError as ProjectPermissionRequiredError,
    ResponseTooLargeError as ResponseTooLargeError,
    RestrictedUserNotAllowedError as RestrictedUserNotAllowedError,
    SecondFactorRequiredError as SecondFactorRequiredError,
    SessionNotFoundError as SessionNotFoundError,
    StackApiError as StackApiError,
    StackAuthError as StackAuthError,
    StackConfigurationError as StackConfigurationError,
    StackUnavailableError as StackUnavailableError,
    TeamHiddenError as TeamHiddenError,
    TeamMembershipRequiredError as TeamMembershipRequiredError,
    TeamPermissionRequiredError as TeamPermissionRequiredError,
    TeamRequiredError as TeamRequiredError,
    TokenExpiredError as TokenExpiredError,
    UnavailableError as UnavailableError,
    UserNotFoundError as UserNotFoundError,
    WrongApiKeyTypeError as WrongApiKeyTypeError,
    WrongProjectError as WrongProjectError,
)
from .middleware import (
    StackAuthMiddleware as StackAuthMiddleware,
)
from .models import (
    AccessTokenClaims as AccessTokenClaims,
    ApiKey as ApiKey,
    ApiKeyPrincipal as ApiKeyPrincipal,
    ApiKeyValue as ApiKeyValue,
    ContactChannel as ContactChannel,
    CreatedApiKey as CreatedApiKey,
    DeletedUser as DeletedUser,
    OwnUser as OwnUser,
    Principal as Principal,
    Project as Project,
    ProjectConfig as ProjectConfig,
    ProjectPermission as ProjectPermission,
    ProjectPermissionCreatedEvent as ProjectPermissionCreatedEvent,
    ProjectPermissionDeletedEvent as ProjectPermissionDeletedEvent,
    PublicUser as PublicUser,
    RestrictedReason as RestrictedReason,
    SentTeamInvitation as SentTeamInvitation,
    Session as Session,
    SessionTokens as SessionTokens,
    Team as Team,
    TeamApiKeyPrincipal as TeamApiKeyPrincipal,
    TeamCreatedEvent as TeamCreatedEvent,
    TeamDeletedEvent as TeamDeletedEvent,
    TeamInvitation as TeamInvitation,
    TeamMemberProfile as TeamMemberProfile,
    TeamMembership as TeamMembership,
    TeamMembershipCreatedEvent as TeamMembershipCreatedEvent,
    TeamMembershipDeletedEvent as TeamMembershipDeletedEvent,
    TeamPermission as TeamPermission,
    TeamPermissionCreatedEvent as TeamPermissionCreatedEvent,
    TeamPermissionDeletedEvent as TeamPermissionDeletedEvent,
    TeamReference as TeamReference,
    TeamUpdatedEvent as TeamUpdatedEvent,
    UnknownEvent as UnknownEvent,
    User as User,
    UserApiKeyPrincipal as UserApiKeyPrincipal,
    UserCreatedEvent as UserCreatedEvent,
    UserDeletedEvent as UserDeletedEvent,
    UserPrincipal as UserPrincipal,
    UserUpdatedEvent as UserUpdatedEvent,
    WebhookEvent as WebhookEvent,
)
from .settings import (
    StackAuthSettings as StackAuthSettings,
)
from .types import (
    Change as Change,
)

__all__: list[str]
