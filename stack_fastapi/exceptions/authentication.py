"""The errors of signing in: credentials, policy, and what is unavailable or misconfigured."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Literal

#: Why a token was refused; the words are those of a careful verifier's log, safe to show.
TokenReason = Literal[
    "malformed",
    "too_large",
    "bad_algorithm",
    "unsupported_header",
    "unknown_key",
    "bad_signature",
    "missing_claim",
    "bad_claim_type",
    "bad_claim_value",
    "wrong_project",
    "wrong_audience",
    "wrong_issuer",
    "wrong_user_type",
    "wrong_branch",
    "expired",
    "not_yet_valid",
    "refused_by_stack",
]


class StackAuthError(Exception):
    """Base of all errors that the kit raises on purpose.

    Attributes:
        code: stable identifier, Stack's own where Stack has one.
        message: a sentence for people; never holds a token or a key.
    """

    code: ClassVar[str] = "STACK_AUTH_ERROR"
    default_message: ClassVar[str] = "Authentication failed."

    def __init__(self, message: str | None = None) -> None:
        self.message = message or self.default_message
        super().__init__(self.message)

    def __reduce__(self) -> tuple[object, ...]:
        """How copies are made: from the state, not from arguments that differ by class."""
        return _blank, (type(self), self.args), self.__dict__


def _blank(kind: type[StackAuthError], args: tuple[object, ...]) -> StackAuthError:
    error = kind.__new__(kind, *args)
    error.args = args
    return error


class CredentialsError(StackAuthError):
    """The caller's credentials are missing or no good; signing in again helps."""


class NotAuthenticatedError(CredentialsError):
    """No credential was sent, or none in a place that counts."""

    code = "USER_AUTHENTICATION_REQUIRED"
    default_message = "Sign in to use this: the request carries no access token."


class AmbiguousCredentialsError(CredentialsError):
    """Two credentials that differ, or a header sent twice (RFC 6750, section 3.1)."""

    code = "AMBIGUOUS_CREDENTIALS"
    default_message = "The request carries more than one access token; send exactly one."


class InvalidTokenError(CredentialsError):
    """A credential that is not an access token of this project.

    Attributes:
        reason: which check refused it.
    """

    code = "UNPARSABLE_ACCESS_TOKEN"
    default_message = "The access token is not valid for this project."

    def __init__(self, reason: TokenReason, message: str | None = None) -> None:
        self.reason: TokenReason = reason
        super().__init__(message)


class TokenExpiredError(InvalidTokenError):
    """A good token, too late: refresh it and ask again."""

    code = "ACCESS_TOKEN_EXPIRED"
    default_message = "The access token has expired; refresh it and try again."

    def __init__(self, reason: TokenReason = "expired", message: str | None = None) -> None:
        super().__init__(reason, message)


class WrongProjectError(InvalidTokenError):
    """A token of another Stack project."""

    code = "INVALID_PROJECT_FOR_ACCESS_TOKEN"
    default_message = "The access token belongs to another project."

    def __init__(self, reason: TokenReason = "wrong_project", message: str | None = None) -> None:
        super().__init__(reason, message)


class UserNotFoundError(CredentialsError):
    """The token is good, but its user does not exist any more."""

    code = "CANNOT_GET_OWN_USER_WITHOUT_USER"
    default_message = "The user of this access token does not exist any more."


class PolicyError(StackAuthError):
    """A valid user whom this route does not admit."""

    code = "FORBIDDEN"


class AnonymousUserNotAllowedError(PolicyError):
    """An anonymous user, where the route wants somebody who has signed up."""

    code = "ANONYMOUS_AUTHENTICATION_NOT_ALLOWED"
    default_message = "Anonymous users are not allowed here; sign in first."


class RestrictedUserNotAllowedError(PolicyError):
    """A restricted user: e-mail not verified, or restricted by an administrator.

    Attributes:
        restricted_reason: why, in Stack's word (``email_not_verified``, ``anonymous``,
            ``restricted_by_administrator``, or one that a newer server added); None where nobody
            said.
    """

    code = "RESTRICTED_USER_NOT_ALLOWED"
    default_message = "This account is restricted."

    def __init__(self, restricted_reason: str | None = None) -> None:
        self.restricted_reason = restricted_reason
        super().__init__()


class EmailNotVerifiedError(PolicyError):
    """A user without a verified primary e-mail address, where the route wants one."""

    code = "EMAIL_NOT_VERIFIED"
    default_message = "Verify your e-mail address to use this."


class UnavailableError(StackAuthError):
    """Nobody can say now who the caller is; it is not the caller's fault.

    Attributes:
        retry_after: seconds after which another try makes sense.
    """

    code = "AUTHENTICATION_UNAVAILABLE"
    default_message = "Authentication is unavailable at the moment; try again later."

    def __init__(self, message: str | None = None, *, retry_after: float = 5.0) -> None:
        self.retry_after = retry_after
        super().__init__(message)


class StackUnavailableError(UnavailableError):
    """Stack cannot be reached, is too slow, limits the rate, fails, or answers nonsense."""

    code = "STACK_UNAVAILABLE"


class ResponseTooLargeError(StackUnavailableError):
    """Stack answered, and with more than makes sense: that says nothing about other requests."""


class InternalError(UnavailableError):
    """The kit, or something that was passed into it, broke: nobody gets in because of that."""


class ConfigurationError(UnavailableError):
    """The operator's settings are missing or wrong.

    Attributes:
        problems: one sentence for each problem, each naming the setting that mends it.
    """

    code = "AUTHENTICATION_MISCONFIGURED"
    default_message = "Authentication is not configured on this server."

    def __init__(self, problems: Sequence[str] = (), *, retry_after: float = 60.0) -> None:
        self.problems = tuple(problems)
        text = "".join(f"\n  - {problem}" for problem in self.problems)
        super().__init__(
            f"stack_fastapi is not set up:{text}" if text else None, retry_after=retry_after
        )


class StackConfigurationError(ConfigurationError):
    """Stack does not accept the project id or the secret server key.

    Attributes:
        stack_code: Stack's own code for it.
    """

    def __init__(self, stack_code: str) -> None:
        self.stack_code = stack_code
        problem = (
            f"Stack answered {stack_code}: check project_id (STACK_PROJECT_ID), "
            "secret_server_key (STACK_SECRET_SERVER_KEY) and api_url (STACK_API_URL)"
        )
        super().__init__([problem])


class MissingMiddlewareError(ConfigurationError):
    """A dependency of the kit runs, but its middleware is not in front of the app."""

    code = "STACK_AUTH_MIDDLEWARE_MISSING"

    def __init__(self) -> None:
        super().__init__(["add this line: app.add_middleware(stack_fastapi.StackAuthMiddleware)"])
