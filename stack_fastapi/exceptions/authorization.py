"""The errors of authorisation: permissions, teams, sessions, API keys, webhooks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from stack_fastapi.exceptions.authentication import (
    CredentialsError,
    NotAuthenticatedError,
    PolicyError,
)

#: Why a webhook was refused.
WebhookReason = Literal[
    "missing_header",
    "repeated_header",
    "bad_timestamp",
    "old_timestamp",
    "future_timestamp",
    "bad_signature",
    "too_large",
    "cut_off",
]
_WEBHOOK_REASONS: dict[WebhookReason, str] = {
    "missing_header": "svix-id, svix-timestamp or svix-signature is missing",
    "repeated_header": "a header of the signature was sent twice",
    "bad_timestamp": "svix-timestamp is no number of seconds",
    "old_timestamp": "it was sent more than 300 seconds ago",
    "future_timestamp": "it was sent more than 300 seconds ahead of our clock",
    "bad_signature": "no signature fits: another webhook_secret, a changed body, or a forged one",
    "too_large": "it is too large",
    "cut_off": "it was cut off",
}


class MissingApiKeyError(NotAuthenticatedError):
    """No API key was sent to a route that wants one; a token does not count there."""

    code = "API_KEY_REQUIRED"
    default_message = "Send an API key to use this: in X-API-Key, or as Authorization: Bearer."


class SessionNotFoundError(CredentialsError):
    """The token is good, and nothing proves that its session still lives.

    Signed out, revoked, or an impersonation: Stack lists those to administrators only, so for a
    server they look like sessions that have ended.
    """

    code = "SESSION_NOT_FOUND"
    default_message = "This session has ended, or nothing proves that it has not; sign in again."


class InvalidApiKeyError(CredentialsError):
    """Not an API key of this project, or one whose owner is gone."""

    code = "API_KEY_NOT_FOUND"
    default_message = "The API key is not valid for this project."


class WrongApiKeyTypeError(InvalidApiKeyError):
    """By its text the key of a user, where a team's is wanted, or the other way round."""

    code = "WRONG_API_KEY_TYPE"
    default_message = "This is not the type of API key that is wanted here."


class ApiKeyRevokedError(InvalidApiKeyError):
    """An API key that was revoked."""

    code = "API_KEY_REVOKED"
    default_message = "The API key has been revoked."


class ApiKeyExpiredError(InvalidApiKeyError):
    """An API key whose time is over."""

    code = "API_KEY_EXPIRED"
    default_message = "The API key has expired."


class InvalidWebhookError(CredentialsError):
    """Nothing proves that this message is Stack's, and of now.

    Attributes:
        reason: which check refused it.
    """

    code = "INVALID_WEBHOOK"

    def __init__(self, reason: WebhookReason) -> None:
        self.reason: WebhookReason = reason
        super().__init__(f"This webhook is refused: {_WEBHOOK_REASONS[reason]}.")


class SecondFactorRequiredError(PolicyError):
    """A user without a second factor, where the route wants one."""

    code = "SECOND_FACTOR_REQUIRED"
    default_message = "Set up a second factor (an authenticator app) to use this, and sign in anew."


class PermissionRequiredError(PolicyError):
    """A user who does not hold what the route asks for.

    Attributes:
        missing: ids of the permissions that are missing, in the route's order.
        any_of: whether one of them is enough.
    """

    code = "PERMISSION_REQUIRED"

    def __init__(self, missing: Sequence[str], *, any_of: bool = False) -> None:
        self.missing = tuple(missing)
        self.any_of = any_of and len(self.missing) > 1
        names = (" or " if any_of else ", ").join(self.missing)
        what = "permissions" if len(self.missing) > 1 and not any_of else "permission"
        super().__init__(f"This needs the {what} {names}{self._where()}.")

    def _where(self) -> str:
        return ""


class ProjectPermissionRequiredError(PermissionRequiredError):
    """The same, of a permission in the whole project."""

    code = "PROJECT_PERMISSION_REQUIRED"


class TeamPermissionRequiredError(PermissionRequiredError):
    """The same, of a permission in the route's team."""

    code = "TEAM_PERMISSION_REQUIRED"

    def _where(self) -> str:
        return " in this team"


class TeamMembershipRequiredError(PolicyError):
    """A team that the user is not in, whether or not there is such a team."""

    code = "TEAM_MEMBERSHIP_NOT_FOUND"
    default_message = "You are not a member of this team."


class TeamHiddenError(PolicyError):
    """The same, where the answer is to look as if there were no such team."""

    code = "TEAM_NOT_FOUND"
    default_message = "There is no such team."


class TeamRequiredError(PolicyError):
    """The request names no team, and the user has selected none."""

    code = "TEAM_REQUIRED"
    default_message = "Name a team, or select one."
