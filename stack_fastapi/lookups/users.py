"""Step 3 of 5: from claims to the user, asking Stack once for each user and lifetime.

A user who is not known is looked up with ``GET /users/me`` and the token, so that Stack itself has
seen the token once. After that ``GET /users/{id}`` asks: it takes Stack about half the time, and
its response depends on no single token, so it can be shared by all requests of the user, whichever
token they bring, even if one of them expires on the way.

A user who is gone is remembered like one who is there. In an outage a known user lives on for
``stale_if_error`` seconds; a wrong server key is no outage, and an unknown user stays unknown.
"""

from __future__ import annotations

from collections.abc import Awaitable
from typing import NamedTuple

from pydantic import SecretStr

from stack_fastapi.cache import Entry, Kind, MemoryCache, Store, Validity
from stack_fastapi.client import StackServerClient
from stack_fastapi.exceptions import (
    AnonymousUserNotAllowedError,
    ApiOwnUserNotFoundError,
    ApiUserNotFoundError,
    CredentialsError,
    InvalidTokenError,
    PolicyError,
    RestrictedUserNotAllowedError,
    StackApiError,
    StackAuthError,
    StackConfigurationError,
    StackUnavailableError,
    TokenExpiredError,
    UserNotFoundError,
    WrongProjectError,
)
from stack_fastapi.models import AccessTokenClaims, User
from stack_fastapi.models._base import Compactor
from stack_fastapi.settings import StackAuthSettings
from stack_fastapi.types import Arrival


class _Renewal(NamedTuple):
    """The newest token for whose sake Stack was asked once more.

    Attributes:
        iat: when it was issued.
        arrival: when it was first seen.
    """

    iat: float
    arrival: Arrival


class Users:
    """The users of one project.

    Args:
        client: asks Stack.
        store: keeps the responses.
        settings: lifetimes.
    """

    def __init__(
        self, client: StackServerClient, store: Store, settings: StackAuthSettings
    ) -> None:
        self._client = client
        self._compactor = Compactor()
        self._clock_skew = settings.clock_skew
        self._longest = settings.user_cache_ttl + settings.stale_if_error + 2 * settings.clock_skew
        users: Kind[User | None] = Kind(
            "user",
            ttl=settings.user_cache_ttl,
            stale_if_error=settings.stale_if_error,
            is_negative=lambda user: user is None,
            personal=(CredentialsError, PolicyError),
            is_sound=_is_user,
        )
        self._lookup = store.lookup(users)
        self._renewals: MemoryCache[_Renewal] = MemoryCache(store.size, store.clocks.monotonic)

    def cached(self, user_id: str) -> Entry[User | None] | None:
        """What memory knows of a user and is fresh; None says nothing."""
        return self._lookup.cached(user_id)

    def validity(self, user_id: str, entry: Entry[User | None]) -> Validity:
        """How long what is known of a user is good."""
        return self._lookup.validity(user_id, entry)

    async def get(
        self,
        claims: AccessTokenClaims,
        token: SecretStr,
        arrival: Arrival,
        max_age: float | None = None,
    ) -> User:
        """The user of a verified token.

        Args:
            claims: what the token says.
            token: the token itself, for Stack to check at first sight.
            arrival: when the request came in.
            max_age: how many seconds before its arrival Stack may have been asked; None for the
                usual lifetime. Nothing stale is taken where it is given.

        Raises:
            UserNotFoundError: the user does not exist any more.
            CredentialsError: Stack refuses the token.
            UnavailableError: Stack cannot say, and nothing fresh enough is known.
        """
        return await self._get(claims.sub, token, arrival, max_age)

    async def find(self, user_id: str, arrival: Arrival) -> User:
        """A user whom one of Stack's records names, such as an API key; raises like ``get``."""
        return await self._get(user_id, None, arrival, None)

    async def renewed(
        self, claims: AccessTokenClaims, token: SecretStr, arrival: Arrival
    ) -> User | None:
        """The user as of now, where a token is newer than what is known of them; else None.

        For claims that contradict a remembered user: Stack knew better when it issued the token,
        and tells of some changes in no other way. At most one request more for each token. Raises
        like ``get``.
        """
        known = self._lookup.known(claims.sub)
        if known is not None and claims.iat <= known.asked_at_wall - self._clock_skew:
            return None
        renewal = self._renewals.get(claims.sub)
        if renewal is None or claims.iat > renewal.iat:
            renewal = _Renewal(claims.iat, arrival)
            self._renewals.set(claims.sub, renewal, self._longest)
        # Whoever brings this token, or an older one, later: what was asked since then will do,
        # also where it is stale and Stack cannot say.
        if known is not None and _is_since(known, renewal):
            return known.value
        return await self._get(claims.sub, token, renewal.arrival, 0)

    async def _get(
        self, user_id: str, token: SecretStr | None, arrival: Arrival, max_age: float | None
    ) -> User:
        async def ask() -> User | None:
            known = self._lookup.known(user_id)
            if token is None or (known is not None and known.value is not None):
                # Stack has seen a token of this user.
                by_id = self._client.users.get(user_id)
                return await self._response(by_id, user_id, ApiUserNotFoundError)
            by_token = self._client.users.me(token)
            return await self._response(by_token, user_id, ApiOwnUserNotFoundError)

        entry = await self._lookup.get(user_id, (user_id,), ask, arrival, max_age)
        if entry.value is None:
            raise UserNotFoundError
        return entry.value

    async def _response(
        self, request: Awaitable[User], user_id: str, gone: type[StackApiError]
    ) -> User | None:
        """The user whom Stack was asked for; None for one who is gone."""
        try:
            user = await request
        except gone:
            return None
        except StackApiError as error:
            refusal = _refusal(error.stack_code, error.status)
        else:
            return self._checked(user, user_id)
        raise refusal

    def _checked(self, user: User, user_id: str) -> User:
        if user.id != user_id:
            raise StackUnavailableError("it answered with another user than the one asked for")
        self._compactor.compact(user)
        return user


def _is_since(known: Entry[User | None], renewal: _Renewal) -> bool:
    return not known.is_shared and known.sequence > renewal.arrival.sequence


def _is_user(user_id: str, value: object) -> bool:
    """Whether what the shared cache holds can be this user, or say that there is none."""
    return value is None or (isinstance(value, User) and value.id == user_id)


def _refusal(code: str | None, status: int) -> StackAuthError:
    """Whose fault it is that Stack does not give us the user; by default the operator's."""
    match code:
        case "ACCESS_TOKEN_EXPIRED":
            return TokenExpiredError()
        case "UNPARSABLE_ACCESS_TOKEN":
            return InvalidTokenError("refused_by_stack")
        case "INVALID_PROJECT_FOR_ACCESS_TOKEN":
            return WrongProjectError("refused_by_stack")
        case "ANONYMOUS_AUTHENTICATION_NOT_ALLOWED":
            return AnonymousUserNotAllowedError()
        case "RESTRICTED_USER_NOT_ALLOWED":
            return RestrictedUserNotAllowedError()
    return StackConfigurationError(code or f"status {status}")
