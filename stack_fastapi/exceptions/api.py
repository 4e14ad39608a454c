"""What Stack's API refuses, a class for each code that callers catch; see ``exceptions``.

A code without a class here is a plain ``StackApiError`` with that ``stack_code``, and so is a
refusal without a code, such as the 404 of a session that is not there.

``Api`` marks what the API refused to its client, beside what the kit refuses to its callers: as
``ApiUserNotFoundError`` to ``UserNotFoundError``, so ``ApiApiKeyRevokedError`` to
``ApiKeyRevokedError``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from stack_fastapi.exceptions.authentication import StackAuthError


class StackApiError(StackAuthError):
    """Stack understood the request and refused it.

    Attributes:
        status: HTTP status of Stack's answer.
        stack_code: Stack's known error code; None where the answer had none.
        details: what Stack said about it, as decoded JSON.
    """

    code = "STACK_API_ERROR"

    def __init__(
        self,
        status: int,
        stack_code: str | None = None,
        details: Mapping[str, object] | None = None,
    ) -> None:
        self.status = status
        self.stack_code = stack_code
        self.details = dict(details or {})
        super().__init__(f"Stack answered {status} {stack_code or 'without a code'}.")


class ApiUserNotFoundError(StackApiError):
    """Stack has no user with this id."""

    code = "USER_NOT_FOUND"


class ApiUserIdNotFoundError(ApiUserNotFoundError):
    """Stack has no user with the id that the body names."""

    code = "USER_ID_DOES_NOT_EXIST"


class ApiOwnUserNotFoundError(ApiUserNotFoundError):
    """The access token is good, but its user does not exist any more."""

    code = "CANNOT_GET_OWN_USER_WITHOUT_USER"


class ApiSchemaError(StackApiError):
    """The request does not have the form that the endpoint asks for, such as an id that is none."""

    code = "SCHEMA_ERROR"


class ApiUserEmailExistsError(StackApiError):
    """Another user signs in with this e-mail address."""

    code = "USER_EMAIL_ALREADY_EXISTS"


class ApiAccessTokenExpiredError(StackApiError):
    """The access token that was passed in has expired."""

    code = "ACCESS_TOKEN_EXPIRED"


class ApiAccessTokenInvalidError(StackApiError):
    """What was passed in is not an access token of this server."""

    code = "UNPARSABLE_ACCESS_TOKEN"


class ApiAccessTokenProjectError(StackApiError):
    """The access token that was passed in belongs to another project."""

    code = "INVALID_PROJECT_FOR_ACCESS_TOKEN"


class ApiRefreshTokenNotFoundError(StackApiError):
    """The session of this refresh token has ended, or there never was one."""

    code = "REFRESH_TOKEN_NOT_FOUND_OR_EXPIRED"


class ApiCurrentSessionError(StackApiError):
    """The session of the access token itself ends by signing out."""

    code = "CANNOT_DELETE_CURRENT_SESSION"


class ApiTeamNotFoundError(StackApiError):
    """Stack has no team with this id."""

    code = "TEAM_NOT_FOUND"


class ApiTeamMembershipNotFoundError(StackApiError):
    """The user is not in the team, or there is no such team."""

    code = "TEAM_MEMBERSHIP_NOT_FOUND"


class ApiTeamMembershipExistsError(StackApiError):
    """The user is in the team already."""

    code = "TEAM_MEMBERSHIP_ALREADY_EXISTS"


class ApiPermissionNotFoundError(StackApiError):
    """There is no such permission, or the user was not granted it directly."""

    code = "PERMISSION_NOT_FOUND"


class ApiTeamPermissionNotFoundError(ApiPermissionNotFoundError):
    """The user was not granted this permission directly in the team."""

    code = "TEAM_PERMISSION_NOT_FOUND"


class ApiPermissionScopeError(ApiPermissionNotFoundError):
    """A team's permission where the project's is meant, or the other way round."""

    code = "WRONG_PERMISSION_SCOPE"


class ApiApiKeyNotFoundError(StackApiError):
    """There is no such API key in this project."""

    code = "API_KEY_NOT_FOUND"


class ApiApiKeyRevokedError(StackApiError):
    """The API key was revoked."""

    code = "API_KEY_REVOKED"


class ApiApiKeyExpiredError(StackApiError):
    """The API key has expired."""

    code = "API_KEY_EXPIRED"


class ApiApiKeyTypeError(StackApiError):
    """A team's API key where a user's is meant, or the other way round."""

    code = "WRONG_API_KEY_TYPE"


class ApiContactChannelInUseError(StackApiError):
    """Somebody else signs in with this contact channel."""

    code = "CONTACT_CHANNEL_ALREADY_USED_FOR_AUTH_BY_SOMEONE_ELSE"


class ApiEmailAlreadyVerifiedError(StackApiError):
    """The e-mail address is verified already, so no code is sent."""

    code = "EMAIL_ALREADY_VERIFIED"


class ApiVerificationCodeNotFoundError(StackApiError):
    """There is no such code or invitation, or it is somebody else's."""

    code = "VERIFICATION_CODE_NOT_FOUND"


class ApiVerificationCodeExpiredError(StackApiError):
    """The verification code has expired."""

    code = "VERIFICATION_CODE_EXPIRED"


class ApiVerificationCodeUsedError(StackApiError):
    """The verification code was used before."""

    code = "VERIFICATION_CODE_ALREADY_USED"


class ApiCallbackUrlError(StackApiError):
    """The project does not trust the callback URL."""

    code = "REDIRECT_URL_NOT_WHITELISTED"


def _below(kind: type[StackApiError]) -> Iterator[type[StackApiError]]:
    for child in kind.__subclasses__():
        yield child
        yield from _below(child)


#: The class for each of Stack's codes that has one.
API_ERRORS: Mapping[str, type[StackApiError]] = {kind.code: kind for kind in _below(StackApiError)}
