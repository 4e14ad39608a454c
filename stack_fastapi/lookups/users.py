"""Step 3 of 5: from claims to the user, asking Stack once for each user and lifetime.

A user whom this cache does not know is looked up with ``GET /users/me`` and the token, so that
Stack itself has seen the token once. After that ``GET /users/{id}`` asks: it takes Stack about
half the time, and its answer depends on no single token, so it can be shared by all requests of
the user, whichever token they bring, even if one of them expires on the way.

A user who is gone is remembered like one who is there. In an outage a known user lives on for
``stale_if_error`` seconds; a wrong server key is no outage, and an unknown user stays unknown.
"""

from __future__ import annotations

import itertools
import json

from pydantic import SecretStr

from stack_fastapi.cache import MemoryCache, SingleFlight, TwoLevelCache
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
from stack_fastapi.settings import StackAuthSettings
from stack_fastapi.telemetry import ProblemLog
from stack_fastapi.types import Arrival, Cache, CachedAnswer, Clock


class Users:
    """The users of one project.

    Args:
        client: asks Stack.
        shared: a cache beside this process's own, for all workers; None for none.
        clock: Unix time in seconds.
        settings: lifetimes, and what tells this project's users from others in the cache.
        log: where operators hear of problems.

    Attributes:
        tickets: the order of arrivals and look-ups, which other look-ups of a request share.
    """

    def __init__(
        self,
        client: StackServerClient,
        shared: Cache | None,
        clock: Clock,
        settings: StackAuthSettings,
        log: ProblemLog,
    ) -> None:
        self.tickets = itertools.count(1)
        self._client = client
        self._clock = clock
        self._ttl = settings.user_cache_ttl
        self._stale = settings.stale_if_error
        self._longest_flight = 2 * settings.timeout
        self._namespace = json.dumps(["user", settings.api_url, settings.project_id])
        near: MemoryCache[CachedAnswer] = MemoryCache(settings.user_cache_size, clock)
        self._cache = TwoLevelCache(
            near, shared, clock, self._ttl + self._stale, settings.timeout, log
        )
        self._flights: SingleFlight[CachedAnswer] = SingleFlight(self.tickets)

    def arrival(self) -> Arrival:
        """Note that a request comes in now."""
        return Arrival(self._clock(), self._flights.ticket())

    def recall(self, claims: AccessTokenClaims) -> User | None:
        """The user of verified claims, where this process knows and nothing need be asked."""
        known = self._cache.near(self._key(claims.branch_id, claims.sub))
        if known is None or self._clock() - known.asked_at >= self._ttl:
            return None
        return known.value if isinstance(known.value, User) else None

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
        return await self._get(claims.branch_id, claims.sub, token, arrival, max_age)

    async def find(self, user_id: str, arrival: Arrival, max_age: float | None = None) -> User:
        """A user whom one of Stack's records names, such as an API key; raises like ``get``."""
        return await self._get("main", user_id, None, arrival, max_age)

    async def evict(self, user_id: str, branch: str = "main") -> None:
        """Forget a user: the next request asks Stack, and what is on its way is not kept."""
        key = self._key(branch, user_id)
        self._flights.forget(key)
        await self._cache.forget(key)

    async def aclose(self) -> None:
        """End the look-ups that are in the air on this event loop; what is cached stays."""
        await self._flights.aclose()

    def _key(self, branch: str, user_id: str) -> str:
        return f"{self._namespace}{branch}/{user_id}"

    async def _get(
        self,
        branch: str,
        user_id: str,
        token: SecretStr | None,
        arrival: Arrival,
        max_age: float | None,
    ) -> User:
        key = self._key(branch, user_id)
        known = self._cache.near(key)
        if known is None or not self._is_fresh(known, arrival, max_age):
            known = await self._from_others(key, user_id, known, max_age)
        if known is not None and self._is_fresh(known, arrival, max_age):
            return _user_of(known)
        # What is in the air began at most two time-outs ago; where that is too old, only what
        # began after this request came in counts.
        any_will_do = max_age is None or max_age > self._longest_flight
        not_before = 0 if any_will_do else arrival.ticket
        try:
            return _user_of(await self._look_up(key, user_id, token, known, not_before))
        except StackUnavailableError:
            if max_age is None and known is not None and self._may_live_on(known):
                return _user_of(known)
            raise

    async def _from_others(
        self, key: str, user_id: str, known: CachedAnswer | None, max_age: float | None
    ) -> CachedAnswer | None:
        """What other workers know, if that is younger. Their clocks prove no ``max_age``."""
        if max_age is not None:
            return known

        def is_sound(value: object) -> bool:
            return value is None or (isinstance(value, User) and value.id == user_id)

        shared = await self._cache.shared(key, self._ttl + self._stale, is_sound)
        if shared is None or (known is not None and known.asked_at >= shared.asked_at):
            return known
        return shared

    def _lifetime(self, user: User | None) -> float:
        return self._ttl + (self._stale if user else 0)

    def _is_fresh(self, known: CachedAnswer, arrival: Arrival, max_age: float | None) -> bool:
        if self._clock() - known.asked_at >= self._ttl:
            return False
        return max_age is None or known.asked_at > arrival.at - max_age

    def _may_live_on(self, known: CachedAnswer) -> bool:
        age = self._clock() - known.asked_at
        return known.value is not None and age < self._ttl + self._stale

    async def _look_up(
        self,
        key: str,
        user_id: str,
        token: SecretStr | None,
        known: CachedAnswer | None,
        not_before: int,
    ) -> CachedAnswer:
        if known is not None and known.value is not None:
            token = None  # Stack has seen one

        async def ask(ticket: int) -> CachedAnswer:
            asked_at = self._clock()
            user = await (self._by_token(user_id, token) if token else self._by_id(user_id))
            answer = CachedAnswer(user, asked_at)
            if self._flights.is_current(key, ticket):  # not evicted or overtaken meanwhile
                await self._cache.keep(key, answer, self._lifetime(user))
            return answer

        while True:
            flight, ours = self._flights.join(key, ask, not_before=not_before)
            try:
                return await flight.result()
            except (CredentialsError, PolicyError):
                if ours:  # else it was somebody else's token that Stack refused: ask with this one
                    raise

    async def _by_token(self, user_id: str, token: SecretStr) -> User | None:
        refusal: StackAuthError
        try:
            user = await self._client.users.me(token)
        except ApiOwnUserNotFoundError:
            return None
        except StackApiError as error:
            refusal = _refusal(error.stack_code, error.status)
        else:
            return _checked(user, user_id)
        raise refusal

    async def _by_id(self, user_id: str) -> User | None:
        try:
            user = await self._client.users.get(user_id)
        except ApiUserNotFoundError:
            return None
        except StackApiError as error:
            refusal = _refusal(error.stack_code, error.status)
        else:
            return _checked(user, user_id)
        raise refusal


def _checked(user: User, user_id: str) -> User:
    if user.id != user_id:
        raise StackUnavailableError("it answered with another user than the one asked for")
    return user


def _user_of(answer: CachedAnswer) -> User:
    if not isinstance(answer.value, User):
        raise UserNotFoundError
    return answer.value


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
