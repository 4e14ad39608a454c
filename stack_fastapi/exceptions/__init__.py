"""Every error of the kit, and whose fault it says something is.

The class decides who has to act, and so which HTTP status the edge answers with
(``dependencies.http_errors`` is the only place that knows statuses). ``code`` is stable and safe
to compare; messages may change. Where Stack has a code of its own for the situation, it is used.

::

    StackAuthError
    ├── CredentialsError                            the caller's credentials (401)
    │   ├── NotAuthenticatedError                   none were sent
    │   │   └── MissingApiKeyError                  no API key where one is wanted
    │   ├── AmbiguousCredentialsError               several that differ, or one of them repeated
    │   ├── InvalidTokenError                       no access token of this project; has a reason
    │   │   ├── TokenExpiredError
    │   │   └── WrongProjectError
    │   ├── UserNotFoundError                       a good token of a user who is gone
    │   ├── SessionNotFoundError                    nothing proves that the token's session lives
    │   ├── InvalidApiKeyError                      no API key of this project
    │   │   ├── WrongApiKeyTypeError                the other type of owner is wanted
    │   │   ├── ApiKeyRevokedError
    │   │   └── ApiKeyExpiredError
    │   └── InvalidWebhookError                     nothing proves that Stack sent it; has a reason
    ├── PolicyError                                 what this app allows (403)
    │   ├── AnonymousUserNotAllowedError            (401: the guest only has to sign in)
    │   ├── RestrictedUserNotAllowedError
    │   ├── EmailNotVerifiedError
    │   ├── SecondFactorRequiredError
    │   ├── PermissionRequiredError                 has the missing permissions
    │   │   ├── ProjectPermissionRequiredError
    │   │   └── TeamPermissionRequiredError
    │   ├── TeamMembershipRequiredError             a team that the user is not in
    │   ├── TeamHiddenError                         the same, where that is to look like none (404)
    │   └── TeamRequiredError                       no team was named, and none is selected
    ├── UnavailableError                            Stack, the network or our own set-up (503)
    │   ├── StackUnavailableError                   Stack cannot be reached, is too slow, or
    │   │   │                                       answers what makes no sense
    │   │   └── ResponseTooLargeError               to this one request, with too much
    │   ├── InternalError                           something in this process broke; see the log
    │   └── ConfigurationError                      settings missing or wrong; has the problems
    │       ├── StackConfigurationError             Stack refuses the project or its server key
    │       └── MissingMiddlewareError              a dependency without the middleware before it
    └── StackApiError                               any other refusal by Stack's API
        ├── ApiUserNotFoundError               USER_NOT_FOUND
        │   ├── ApiUserIdNotFoundError         USER_ID_DOES_NOT_EXIST
        │   └── ApiOwnUserNotFoundError        CANNOT_GET_OWN_USER_WITHOUT_USER
        ├── ApiSchemaError                     SCHEMA_ERROR
        ├── ApiUserEmailExistsError            USER_EMAIL_ALREADY_EXISTS
        ├── ApiAccessTokenExpiredError         ACCESS_TOKEN_EXPIRED
        ├── ApiAccessTokenInvalidError         UNPARSABLE_ACCESS_TOKEN
        ├── ApiAccessTokenProjectError         INVALID_PROJECT_FOR_ACCESS_TOKEN
        ├── ApiRefreshTokenNotFoundError       REFRESH_TOKEN_NOT_FOUND_OR_EXPIRED
        ├── ApiCurrentSessionError             CANNOT_DELETE_CURRENT_SESSION
        ├── ApiTeamNotFoundError               TEAM_NOT_FOUND
        ├── ApiTeamMembershipNotFoundError     TEAM_MEMBERSHIP_NOT_FOUND
        ├── ApiTeamMembershipExistsError       TEAM_MEMBERSHIP_ALREADY_EXISTS
        ├── ApiPermissionNotFoundError         PERMISSION_NOT_FOUND
        │   ├── ApiTeamPermissionNotFoundError TEAM_PERMISSION_NOT_FOUND
        │   └── ApiPermissionScopeError        WRONG_PERMISSION_SCOPE
        ├── ApiApiKeyNotFoundError             API_KEY_NOT_FOUND
        ├── ApiApiKeyRevokedError              API_KEY_REVOKED
        ├── ApiApiKeyExpiredError              API_KEY_EXPIRED
        ├── ApiApiKeyTypeError                 WRONG_API_KEY_TYPE
        ├── ApiContactChannelInUseError        CONTACT_CHANNEL_ALREADY_USED_FOR_AUTH_BY_SOMEONE_ELSE
        ├── ApiEmailAlreadyVerifiedError       EMAIL_ALREADY_VERIFIED
        ├── ApiVerificationCodeNotFoundError   VERIFICATION_CODE_NOT_FOUND
        ├── ApiVerificationCodeExpiredError    VERIFICATION_CODE_EXPIRED
        ├── ApiVerificationCodeUsedError       VERIFICATION_CODE_ALREADY_USED
        └── ApiCallbackUrlError                REDIRECT_URL_NOT_WHITELISTED
"""

from __future__ import annotations

from stack_fastapi.exceptions.api import (
    API_ERRORS,
    ApiAccessTokenExpiredError,
    ApiAccessTokenInvalidError,
    ApiAccessTokenProjectError,
    ApiApiKeyExpiredError,
    ApiApiKeyNotFoundError,
    ApiApiKeyRevokedError,
    ApiApiKeyTypeError,
    ApiCallbackUrlError,
    ApiContactChannelInUseError,
    ApiCurrentSessionError,
    ApiEmailAlreadyVerifiedError,
    ApiOwnUserNotFoundError,
    ApiPermissionNotFoundError,
    ApiPermissionScopeError,
    ApiRefreshTokenNotFoundError,
    ApiSchemaError,
    ApiTeamMembershipExistsError,
    ApiTeamMembershipNotFoundError,
    ApiTeamNotFoundError,
    ApiTeamPermissionNotFoundError,
    ApiUserEmailExistsError,
    ApiUserIdNotFoundError,
    ApiUserNotFoundError,
    ApiVerificationCodeExpiredError,
    ApiVerificationCodeNotFoundError,
    ApiVerificationCodeUsedError,
    StackApiError,
)
from stack_fastapi.exceptions.authentication import (
    AmbiguousCredentialsError,
    AnonymousUserNotAllowedError,
    ConfigurationError,
    CredentialsError,
    EmailNotVerifiedError,
    InternalError,
    InvalidTokenError,
    MissingMiddlewareError,
    NotAuthenticatedError,
    PolicyError,
    ResponseTooLargeError,
    RestrictedUserNotAllowedError,
    StackAuthError,
    StackConfigurationError,
    StackUnavailableError,
    TokenExpiredError,
    TokenReason,
    UnavailableError,
    UserNotFoundError,
    WrongProjectError,
)
from stack_fastapi.exceptions.authorization import (
    ApiKeyExpiredError,
    ApiKeyRevokedError,
    InvalidApiKeyError,
    InvalidWebhookError,
    MissingApiKeyError,
    PermissionRequiredError,
    ProjectPermissionRequiredError,
    SecondFactorRequiredError,
    SessionNotFoundError,
    TeamHiddenError,
    TeamMembershipRequiredError,
    TeamPermissionRequiredError,
    TeamRequiredError,
    WebhookReason,
    WrongApiKeyTypeError,
)

__all__ = [
    "API_ERRORS",
    "AmbiguousCredentialsError",
    "AnonymousUserNotAllowedError",
    "ApiAccessTokenExpiredError",
    "ApiAccessTokenInvalidError",
    "ApiAccessTokenProjectError",
    "ApiApiKeyExpiredError",
    "ApiApiKeyNotFoundError",
    "ApiApiKeyRevokedError",
    "ApiApiKeyTypeError",
    "ApiCallbackUrlError",
    "ApiContactChannelInUseError",
    "ApiCurrentSessionError",
    "ApiEmailAlreadyVerifiedError",
    "ApiKeyExpiredError",
    "ApiKeyRevokedError",
    "ApiOwnUserNotFoundError",
    "ApiPermissionNotFoundError",
    "ApiPermissionScopeError",
    "ApiRefreshTokenNotFoundError",
    "ApiSchemaError",
    "ApiTeamMembershipExistsError",
    "ApiTeamMembershipNotFoundError",
    "ApiTeamNotFoundError",
    "ApiTeamPermissionNotFoundError",
    "ApiUserEmailExistsError",
    "ApiUserIdNotFoundError",
    "ApiUserNotFoundError",
    "ApiVerificationCodeExpiredError",
    "ApiVerificationCodeNotFoundError",
    "ApiVerificationCodeUsedError",
    "ConfigurationError",
    "CredentialsError",
    "EmailNotVerifiedError",
    "InternalError",
    "InvalidApiKeyError",
    "InvalidTokenError",
    "InvalidWebhookError",
    "MissingApiKeyError",
    "MissingMiddlewareError",
    "NotAuthenticatedError",
    "PermissionRequiredError",
    "PolicyError",
    "ProjectPermissionRequiredError",
    "ResponseTooLargeError",
    "RestrictedUserNotAllowedError",
    "SecondFactorRequiredError",
    "SessionNotFoundError",
    "StackApiError",
    "StackAuthError",
    "StackConfigurationError",
    "StackUnavailableError",
    "TeamHiddenError",
    "TeamMembershipRequiredError",
    "TeamPermissionRequiredError",
    "TeamRequiredError",
    "TokenExpiredError",
    "TokenReason",
    "UnavailableError",
    "UserNotFoundError",
    "WebhookReason",
    "WrongApiKeyTypeError",
    "WrongProjectError",
]
