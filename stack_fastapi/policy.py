"""Step 4 of 5: whom a route admits. Pure: claims and user in, an error or nothing out.

Claims and fetched user are both looked at: a token tells what its user was when it was issued,
and a normal token may belong to somebody who was restricted a minute ago.
"""

from __future__ import annotations

from dataclasses import dataclass

from stack_fastapi.exceptions import (
    AnonymousUserNotAllowedError,
    EmailNotVerifiedError,
    RestrictedUserNotAllowedError,
)
from stack_fastapi.models import AccessTokenClaims, User


@dataclass(frozen=True, slots=True)
class Policy:
    """What a route asks of its user.

    Attributes:
        allow_anonymous: admit users who never signed up; they are restricted too, and that does
            not keep them out then.
        allow_restricted: admit users who signed up and are restricted.
        verified_email: want a verified primary e-mail address.
    """

    allow_anonymous: bool = False
    allow_restricted: bool = False
    verified_email: bool = False

    def admits_type(self, who: AccessTokenClaims | User) -> bool:
        """Whether this type of user may enter at all."""
        if who.is_anonymous:
            return self.allow_anonymous
        return self.allow_restricted or not who.is_restricted

    def check_claims(self, claims: AccessTokenClaims) -> None:
        """Let the claims through or raise the reason.

        Raises:
            AnonymousUserNotAllowedError, RestrictedUserNotAllowedError: the type of user.
        """
        self._check_type(claims)

    def check(self, claims: AccessTokenClaims, user: User) -> None:
        """Let the user through or raise the reason.

        Raises:
            AnonymousUserNotAllowedError, RestrictedUserNotAllowedError: the type of user.
            EmailNotVerifiedError: no verified primary e-mail address.
        """
        self._check_type(claims)
        self._check_type(user)
        if self.verified_email and not (user.primary_email and user.primary_email_verified):
            raise EmailNotVerifiedError

    def _check_type(self, who: AccessTokenClaims | User) -> None:
        if not self.admits_type(who):
            raise (
                AnonymousUserNotAllowedError if who.is_anonymous else RestrictedUserNotAllowedError
            )
