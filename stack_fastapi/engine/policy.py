"""Step 4 of 5: whom a route admits. Pure: claims and user in, an error or nothing out.

Claims and fetched user are both looked at: a token tells what its user was when it was issued,
and a normal token may belong to somebody who was restricted a minute ago.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

from stack_fastapi.exceptions import (
    AnonymousUserNotAllowedError,
    EmailNotVerifiedError,
    RestrictedUserNotAllowedError,
    SecondFactorRequiredError,
)
from stack_fastapi.models import AccessTokenClaims, User

_PERMISSION_ID = re.compile(r"\$?[a-z0-9_:]+", re.ASCII)


@dataclass(frozen=True, slots=True)
class Policy:
    """What a route asks of its user.

    Attributes:
        allow_anonymous: admit users who never signed up; they are restricted too, and that does
            not keep them out then.
        allow_restricted: admit users who signed up and are restricted.
        verified_email: want a verified primary e-mail address.
        mfa: want a second factor; see ``check``.
        live_session: want proof that the session lives; whoever applies the policy asks for it.
    """

    allow_anonymous: bool = False
    allow_restricted: bool = False
    verified_email: bool = False
    mfa: bool = False
    live_session: bool = False

    def with_types(self, allow_anonymous: bool | None, allow_restricted: bool | None) -> Policy:  # noqa: FBT001 - its own fields
        """The same with other types of users; None leaves a type as it is."""
        return replace(
            self,
            allow_anonymous=self.allow_anonymous if allow_anonymous is None else allow_anonymous,
            allow_restricted=self.allow_restricted
            if allow_restricted is None
            else allow_restricted,
        )

    def admits_type(self, who: AccessTokenClaims | User) -> bool:
        """Whether this type of user may enter at all."""
        if who.is_anonymous:
            return self.allow_anonymous
        return self.allow_restricted or not who.is_restricted

    def check_claims(self, claims: AccessTokenClaims, known: User | None = None) -> None:
        """Let the claims through or raise the reason.

        Args:
            claims: what the token says.
            known: the user, if fetched already: newer than a token, if it is about a reason.

        Raises:
            AnonymousUserNotAllowedError, RestrictedUserNotAllowedError: the type of user.
        """
        self._check_type(claims, known)

    def check(self, claims: AccessTokenClaims, user: User) -> None:
        """Let the user through or raise the reason.

        A second factor is an authenticator app (TOTP): the user has one now, and had one when
        the token was issued. A code by e-mail or a passkey signs in by itself, so neither counts.

        Raises:
            AnonymousUserNotAllowedError, RestrictedUserNotAllowedError: the type of user.
            EmailNotVerifiedError: no verified primary e-mail address.
            SecondFactorRequiredError: no second factor.
        """
        self._check_type(claims, user)
        self.check_owner(user)
        if self.verified_email and not _has_verified_email(user):
            raise EmailNotVerifiedError
        if self.mfa and not (claims.requires_totp_mfa and user.requires_totp_mfa):
            raise SecondFactorRequiredError

    def is_contradicted(self, claims: AccessTokenClaims, user: User) -> bool:
        """Whether a user is refused for what the token, which is admitted, says otherwise."""
        if not self.admits_type(user):
            return True
        if self.verified_email and not _has_verified_email(user):
            return claims.email_verified is True
        return self.mfa and not user.requires_totp_mfa and claims.requires_totp_mfa is True

    def check_owner(self, user: User) -> None:
        """Let the owner of an API key through, of whom there are no claims; raises the type."""
        self._check_type(user)

    def _check_type(self, who: AccessTokenClaims | User, known: User | None = None) -> None:
        if self.admits_type(who):
            return
        if who.is_anonymous:
            raise AnonymousUserNotAllowedError
        reason = (known and known.restricted_reason) or who.restricted_reason
        raise RestrictedUserNotAllowedError(reason.type if reason else None)


def _has_verified_email(user: User) -> bool:
    return bool(user.primary_email and user.primary_email_verified)


@dataclass(frozen=True, slots=True)
class PermissionRule:
    """Which permissions a route asks for.

    Attributes:
        ids: the permissions, each once.
        any_of: whether one of them is enough.
    """

    ids: tuple[str, ...]
    any_of: bool = False

    @classmethod
    def of(cls, ids: Sequence[str], *, any_of: bool = False) -> PermissionRule:
        """A rule that asks for something.

        Raises:
            ValueError: there are no ids, or one that Stack cannot have.
            TypeError: one that is no text, such as a list of them.
        """
        if not ids:
            raise ValueError("name the permissions that the route asks for")
        for id_ in ids:
            if not isinstance(id_, str):
                raise TypeError(f"pass each id as an argument of its own, not {id_!r}")
            if not _PERMISSION_ID.fullmatch(id_):
                raise ValueError(
                    f"{id_!r} is no id of a permission: lower-case letters, digits, _ and : alone, "
                    "with a $ in front of the system's own"
                )
        return cls(tuple(dict.fromkeys(ids)), any_of)

    def missing(self, held: Collection[str]) -> tuple[str, ...]:
        """What somebody lacks who holds these; nothing if they may enter."""
        lacking = tuple(id_ for id_ in self.ids if id_ not in held)
        return () if self.any_of and len(lacking) < len(self.ids) else lacking

    def __str__(self) -> str:
        return (" or " if self.any_of else " and ").join(f"`{id_}`" for id_ in self.ids)
