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
    API_ERRORS as API_ERRORS,
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
    StackApiError as StackApiError,
)
from stack_fastapi.exceptions.authentication import (
    AmbiguousCredentialsError as AmbiguousCredentialsError,
    AnonymousUserNotAllowedError as AnonymousUserNotAllowedError,
    ConfigurationError as ConfigurationError,
    CredentialsError as CredentialsError,
    EmailNotVerifiedError as EmailNotVerifiedError,
    InternalError as InternalError,
    InvalidTokenError as InvalidTokenError,
    MissingMiddlewareError as MissingMiddlewareError,
    NotAuthenticatedError as NotAuthenticatedError,
    PolicyError as PolicyError,
    ResponseTooLargeError as ResponseTooLargeError,
    RestrictedUserNotAllowedError as RestrictedUserNotAllowedError,
    StackAuthError as StackAuthError,
    StackConfigurationError as StackConfigurationError,
    StackUnavailableError as StackUnavailableError,
    TokenExpiredError as TokenExpiredError,
    TokenReason as TokenReason,
    UnavailableError as UnavailableError,
    UserNotFoundError as UserNotFoundError,
    WrongProjectError as WrongProjectError,
)
from stack_fastapi.exceptions.authorization import (
    ApiKeyExpiredError as ApiKeyExpiredError,
    ApiKeyRevokedError as ApiKeyRevokedError,
    InvalidApiKeyError as InvalidApiKeyError,
    InvalidWebhookError as InvalidWebhookError,
    MissingApiKeyError as MissingApiKeyError,
    PermissionRequiredError as PermissionRequiredError,
    ProjectPermissionRequiredError as ProjectPermissionRequiredError,
    SecondFactorRequiredError as SecondFactorRequiredError,
    SessionNotFoundError as SessionNotFoundError,
    TeamHiddenError as TeamHiddenError,
    TeamMembershipRequiredError as TeamMembershipRequiredError,
    TeamPermissionRequiredError as TeamPermissionRequiredError,
    TeamRequiredError as TeamRequiredError,
    WebhookReason as WebhookReason,
    WrongApiKeyTypeError as WrongApiKeyTypeError,
)
