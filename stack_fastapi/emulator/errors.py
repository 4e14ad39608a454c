"""What the server refuses, and how it says so.

```
StackError              an answer other than the one wished for
├── KnownError          JSON: a code that clients match on, an explanation, sometimes details
├── PlainError          text without a code
└── InternalError       500: what the real server answers to some odd but legal input
```

The codes and statuses are Stack's; the explanations are ours, because no client may match on them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Details = Mapping[str, Any]

#: Code → status and explanation.
CATALOGUE: dict[str, tuple[int, str]] = {
    "ACCESS_TOKEN_EXPIRED": (401, "The access token has expired. Refresh it and try again."),
    "ACCESS_TYPE_REQUIRED": (400, "This endpoint needs the header x-stack-access-type."),
    "ACCESS_TYPE_WITHOUT_PROJECT_ID": (400, "An access type needs the header x-stack-project-id."),
    "ADMIN_AUTHENTICATION_REQUIRED": (401, "Admin access needs the super secret admin key."),
    "ANONYMOUS_AUTHENTICATION_NOT_ALLOWED": (401, "Anonymous users are not allowed here."),
    "API_KEY_EXPIRED": (401, "The API key has expired."),
    "API_KEY_NOT_FOUND": (404, "There is no such API key."),
    "API_KEY_REVOKED": (401, "The API key was revoked."),
    "BODY_PARSING_ERROR": (400, "The request body cannot be read."),
    "BRANCH_DOES_NOT_EXIST": (400, "The project has no such branch."),
    "CANNOT_DELETE_CURRENT_SESSION": (400, "The current session ends by signing out."),
    "CANNOT_GET_OWN_USER_WITHOUT_USER": (400, "'me' stands for a signed-in user; there is none."),
    "CONTACT_CHANNEL_ALREADY_USED_FOR_AUTH_BY_SOMEONE_ELSE": (
        409,
        "Somebody else signs in with this contact channel.",
    ),
    "CONTAINED_PERMISSION_NOT_FOUND": (400, "A contained permission does not exist."),
    "CURRENT_PROJECT_NOT_FOUND": (400, "There is no project with the given id."),
    "EMAIL_ALREADY_VERIFIED": (409, "The e-mail address is verified already."),
    "EMAIL_IS_NOT_PRIMARY_EMAIL": (400, "The e-mail address is not the user's primary one."),
    "EMAIL_PASSWORD_MISMATCH": (400, "E-mail address and password do not belong together."),
    "INSUFFICIENT_ACCESS_TYPE": (401, "The access type is not allowed at this endpoint."),
    "INVALID_ACCESS_TYPE": (400, "The access type must be client, server or admin."),
    "INVALID_AUTHORIZATION_CODE": (400, "The authorization code is not valid."),
    "INVALID_OAUTH_CLIENT_ID_OR_SECRET": (400, "The OAuth client id or secret is not valid."),
    "INVALID_PROJECT_FOR_ACCESS_TOKEN": (401, "The access token belongs to another project."),
    "INVALID_PUBLISHABLE_CLIENT_KEY": (401, "The publishable client key is not valid."),
    "INVALID_SECRET_SERVER_KEY": (401, "The secret server key is not valid."),
    "INVALID_SUPER_SECRET_ADMIN_KEY": (401, "The super secret admin key is not valid."),
    "MULTI_FACTOR_AUTHENTICATION_REQUIRED": (400, "The user has a second factor."),
    "OAUTH_PROVIDER_ACCOUNT_ID_ALREADY_USED_FOR_SIGN_IN": (
        400,
        "Somebody signs in with this account already.",
    ),
    "PASSWORD_AUTHENTICATION_NOT_ENABLED": (400, "The project does not let users have passwords."),
    "PASSWORD_CONFIRMATION_MISMATCH": (400, "The password so far is another one."),
    "PASSWORD_TOO_SHORT": (400, "The password is too short."),
    "PERMISSION_ID_ALREADY_EXISTS": (400, "There is a permission with this id already."),
    "PERMISSION_NOT_FOUND": (404, "There is no such permission."),
    "PROJECT_KEY_WITHOUT_ACCESS_TYPE": (400, "A project key needs an access type beside it."),
    "PUBLISHABLE_CLIENT_KEY_REQUIRED_FOR_PROJECT": (
        401,
        "Client access to this project needs the publishable client key.",
    ),
    "REDIRECT_URL_NOT_WHITELISTED": (400, "The project does not trust the callback URL."),
    "REFRESH_TOKEN_NOT_FOUND_OR_EXPIRED": (401, "The refresh token is unknown or has expired."),
    "RESTRICTED_USER_NOT_ALLOWED": (403, "Restricted users are not allowed here."),
    "SCHEMA_ERROR": (400, "The request does not have the form that the endpoint asks for."),
    "SERVER_AUTHENTICATION_REQUIRED": (401, "Server access needs the secret server key."),
    "SIGN_UP_NOT_ENABLED": (400, "The project does not let users sign up."),
    "TEAM_INVITATION_RESTRICTED_USER_NOT_ALLOWED": (
        403,
        "Restricted users cannot accept invitations.",
    ),
    "TEAM_MEMBERSHIP_ALREADY_EXISTS": (409, "The user is a member of the team already."),
    "TEAM_MEMBERSHIP_NOT_FOUND": (404, "The user is no member of the team."),
    "TEAM_NOT_FOUND": (404, "There is no such team."),
    "TEAM_PERMISSION_NOT_FOUND": (401, "The user does not hold the permission in the team."),
    "TEAM_PERMISSION_REQUIRED": (401, "The user needs a permission in the team for this."),
    "UNPARSABLE_ADMIN_ACCESS_TOKEN": (401, "The admin access token is none of this server's."),
    "UNPARSABLE_ACCESS_TOKEN": (401, "The access token is none of this server's."),
    "USER_AUTHENTICATION_REQUIRED": (401, "This needs a signed-in user."),
    "USER_DOES_NOT_HAVE_PASSWORD": (400, "The user has no password."),
    "USER_EMAIL_ALREADY_EXISTS": (409, "Another user signs in with this e-mail address."),
    "USER_ID_DOES_NOT_EXIST": (400, "There is no user with the given id."),
    "USER_NOT_FOUND": (404, "There is no such user."),
    "VERIFICATION_CODE_ALREADY_USED": (409, "The code was used already."),
    "VERIFICATION_CODE_EXPIRED": (400, "The code has expired."),
    "VERIFICATION_CODE_MAX_ATTEMPTS_REACHED": (400, "The code was tried too often."),
    "VERIFICATION_CODE_NOT_FOUND": (404, "There is no such code."),
    "WRONG_API_KEY_TYPE": (400, "The API key belongs to the other kind of owner."),
    "WRONG_PERMISSION_SCOPE": (404, "The permission belongs to the other scope."),
}


class StackError(Exception):
    """An answer other than the one wished for.

    Attributes:
        status: The HTTP status.
    """

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class KnownError(StackError):
    """An error with a code of Stack's.

    Attributes:
        code: What clients match on.
        details: Facts beside the explanation, such as the id that was not found.
    """

    def __init__(self, code: str, details: Details | None = None) -> None:
        status, message = CATALOGUE[code]
        super().__init__(status, message)
        self.code = code
        self.details = details


class PlainError(StackError):
    """An error that the server explains in plain text."""


class InternalError(StackError):
    """The real server fails on this: 500 in plain text, whatever the client can cope with."""

    def __init__(self, message: str) -> None:
        super().__init__(500, message)


def bad_request(message: str) -> PlainError:
    """400 in plain text."""
    return PlainError(400, message)


def forbidden(message: str) -> PlainError:
    """403 in plain text."""
    return PlainError(403, message)


def not_found(message: str) -> PlainError:
    """404 in plain text."""
    return PlainError(404, message)


def membership_not_found(team_id: str, user_id: str) -> KnownError:
    """The user is no member of the team, or there is no such team."""
    return KnownError("TEAM_MEMBERSHIP_NOT_FOUND", {"team_id": team_id, "user_id": user_id})


def team_not_found(team_id: str) -> KnownError:
    """There is no such team, or the caller may not know of it."""
    return KnownError("TEAM_NOT_FOUND", {"team_id": team_id})
