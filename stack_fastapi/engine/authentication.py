"""One request's decision, shared by the middleware and all dependencies.

Each lookup is made once for a request: its result is kept, a failure like a success, for whoever
asks again.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Any

from pydantic import SecretStr

from stack_fastapi.engine.cached_decision import Basis, CachedDecision
from stack_fastapi.engine.outcomes import Outcomes, unwrap
from stack_fastapi.engine.policy import Policy
from stack_fastapi.exceptions import (
    CredentialsError,
    InvalidWebhookError,
    NotAuthenticatedError,
    StackAuthError,
)
from stack_fastapi.models import (
    AccessTokenClaims,
    ApiKeyPrincipal,
    Team,
    User,
    UserApiKeyPrincipal,
    WebhookEvent,
)
from stack_fastapi.telemetry import ProblemLog
from stack_fastapi.tokens.claims import digest_of
from stack_fastapi.types import ApiKeyType, Arrival

if TYPE_CHECKING:
    from stack_fastapi.engine.parts import Parts
    from stack_fastapi.tokens.verifier import VerifiedToken


class Authentication:
    """What the credential of one request proves.

    Args:
        owner: the engine that began it.
        credential: the token that was sent, why it could not be read, or None.
        parts: where things are looked up.
        policy: whom routes admit that do not say otherwise.
        log: where operators hear of problems.

    Attributes:
        admitted: the user, once the settings' policy has let them in.
        state: the evictions' state when it began.
    """

    admitted: User | None = None
    _owner: object = None
    _verified: VerifiedToken | None = None
    _claims: AccessTokenClaims | StackAuthError | None = None
    _user: User | StackAuthError | None = None
    _beside: Authentication | None = None

    def __init__(
        self,
        owner: object,
        credential: SecretStr | CredentialsError | None,
        parts: Parts,
        policy: Policy,
        log: ProblemLog,
    ) -> None:
        self._owner = owner
        self.policy = policy
        self._credential = credential
        self._parts = parts
        self._log = log
        self._outcomes = Outcomes(log)
        self.state = parts.store.evictions.state  # before anything is looked up
        self._arrival: Arrival = parts.store.arrival()

    @property
    def owner(self) -> object:
        """The engine that began it; raises where wrong settings let there be none."""
        return self._owner

    @property
    def is_signed_out(self) -> bool:
        """Whether the request carries no credential at all."""
        return self._credential is None

    def is_for(self, owner: object, credential: SecretStr | CredentialsError | None) -> bool:
        """Whether it decides about this credential, on behalf of this engine."""
        if self._owner is not owner or type(self._credential) is not type(credential):
            return False
        return not isinstance(credential, SecretStr) or self._credential == credential

    @property
    def digest(self) -> bytes | None:
        """What the token is remembered under; None where there is none."""
        return digest_of(self._credential) if isinstance(self._credential, SecretStr) else None

    def remember(self) -> None:
        """Decide in the same way about the next request with this token, at one look."""
        user, seen, parts = self.admitted, self._verified, self._parts
        if user is None or seen is None:
            return
        entry = parts.users.cached(user.id)
        if entry is None or entry.value is not user:  # stale, or evicted meanwhile
            return
        basis = Basis(
            self.state, parts.verifier.fresh_until(seen), parts.users.validity(user.id, entry)
        )
        seen.decision = CachedDecision(self._owner, parts, user, seen.claims, seen.digest, basis)

    def adopt(self, decided: CachedDecision) -> None:
        """Take over what was decided at one look, if it is about the same token."""
        if decided.admitted is not None and decided.digest == self.digest:
            self._claims, self._user = decided.claims, decided.admitted
            self.admitted = decided.admitted

    async def admit(self, policy: Policy | None = None, max_age: float | None = None) -> User:
        """The user, if a policy admits them; raises like ``claims``.

        Args:
            policy: the route's own; None for the settings'.
            max_age: as for ``user``.

        Raises:
            PolicyError: it does not.
        """
        policy = policy or self.policy
        claims = await self.claims()
        known = self._user if isinstance(self._user, User) else None
        policy.check_claims(claims, known)  # before anybody is looked up
        user = await self._admissible(policy, claims, max_age)
        policy.check(claims, user)
        if policy.live_session:
            await self.check_session(claims, max_age)
        if policy is self.policy and max_age is None:
            self.admitted = user
        return user

    async def admit_optional(self) -> User | None:
        """The user; None for a guest, and for a type of user that the settings do not admit.

        Raises like ``claims`` for a credential that is no good.
        """
        if self.is_signed_out or not self.policy.admits_type(claims := await self.claims()):
            return None
        user = await self._admissible(self.policy, claims, None)
        return user if self.policy.admits_type(user) else None

    async def claims(self) -> AccessTokenClaims:
        """What the token says.

        Raises:
            CredentialsError: there is no token, or it is no good.
            UnavailableError: nobody can say.
        """
        if self._claims is None:
            self._claims = await self._outcomes.of(self._verify())
        return unwrap(self._claims)

    async def user(self, max_age: float | None = None) -> User:
        """Whose token it is; raises like ``claims``.

        Args:
            max_age: how many seconds before this request came in Stack may have been asked; None
                for the usual lifetime.
        """
        if max_age is not None:
            return await self._outcomes.once(("user", max_age), self._look_up(max_age))
        if self._user is None:
            self._user = await self._outcomes.of(self._look_up(None))
        return unwrap(self._user)

    async def check_session(self, claims: AccessTokenClaims, max_age: float | None) -> None:
        """Raise unless the session of these claims is known to live; see ``Sessions``."""
        lookup = self._parts.sessions.check(claims, self._arrival, max_age)
        await self._outcomes.once(("session", max_age), lookup)

    def cached_permissions(self, user: User, team_id: str | None = None) -> frozenset[str] | None:
        """What the user is known to hold, without asking; None says nothing."""
        key = ("held", user.id, team_id, None)
        if key in self._outcomes:  # asked for in this request, perhaps in vain
            held: frozenset[str] | None = self._outcomes.cached(key)
            return held
        return self._parts.permissions.cached(user.id, team_id)

    async def permissions(
        self, user: User, team_id: str | None = None, max_age: float | None = None
    ) -> frozenset[str]:
        """Ids of the permissions that the user holds, in a team or in the whole project.

        Args:
            user: whom this decision admitted.
            team_id: the team's; None for the project's.
            max_age: as for ``user``.

        Raises:
            UnavailableError: nobody can say.
        """
        lookup = self._parts.permissions.held(user.id, team_id, self._arrival, max_age)
        return await self._outcomes.once(("held", user.id, team_id, max_age), lookup)

    async def teams(self, user: User, max_age: float | None = None) -> Mapping[str, Team]:
        """The teams that the user is in, by id; raises like ``permissions``."""
        lookup = self._parts.permissions.teams(user.id, self._arrival, max_age)
        return await self._outcomes.once(("teams", user.id, max_age), lookup)

    def find_api_key(self, scope: Mapping[str, Any]) -> SecretStr | CredentialsError | None:
        """The request's API key, why it cannot be read, or None.

        Read only when a route asks: other apps use the same headers for keys of their own. Not
        part of ``key_owner``, so that no frame that raises holds the headers.
        """
        return self._parts.reader.find_api_key(scope)

    async def key_owner(
        self, key: SecretStr | CredentialsError | None, kind: ApiKeyType | None = None
    ) -> ApiKeyPrincipal | None:
        """On whose behalf an API key is sent; None where there is none.

        Args:
            key: what ``find_api_key`` found.
            kind: the only type of owner that is wanted; None for both.

        Raises:
            CredentialsError: the key is no good.
            PolicyError: the settings do not admit its owner.
            UnavailableError: nobody can say.
        """
        if key is None:
            return None
        return await self._outcomes.once(("key", key, kind), self._key_owner(key, kind))

    def beside_api_key(self, scope: Mapping[str, Any]) -> Authentication:
        """The decision about the token alone, where an API key stands in a token's place."""
        credential = self._parts.reader.find(scope, beside_api_key=True)
        for known in (self, self._beside):
            if known is not None and known.is_for(self._owner, credential):
                return known
        self._beside = Authentication(self._owner, credential, self._parts, self.policy, self._log)
        return self._beside

    async def receive_webhook(
        self, headers: Mapping[str, str], read_body: Callable[[], Awaitable[bytes]]
    ) -> WebhookEvent:
        """The event that the request tells, if Stack signed it; its body is read once.

        Raises:
            InvalidWebhookError: nothing proves that it did.
            UnavailableError: nobody can say, or it makes no sense.
        """
        # A scope that was copied and got other headers is another message.
        key = ("webhook", *self._parts.webhooks.signature_headers(headers))
        return await self._outcomes.once(key, self._receive(headers, read_body))

    async def _receive(
        self, headers: Mapping[str, str], read_body: Callable[[], Awaitable[bytes]]
    ) -> WebhookEvent:
        webhooks = self._parts.webhooks
        try:
            webhooks.check_headers(headers)  # else nobody's body is read
            return await webhooks.receive(headers, await read_body())
        except InvalidWebhookError as error:
            # By its reason: what strangers send must not hide that the secret is wrong.
            self._log.report(logging.WARNING, f"{error.code} {error.reason}", error.message)
            raise

    async def _key_owner(
        self, key: SecretStr | CredentialsError, kind: ApiKeyType | None
    ) -> ApiKeyPrincipal:
        if isinstance(key, CredentialsError):
            raise key
        owner = await self._parts.api_keys.owner(key, kind, self._arrival)
        if isinstance(owner, UserApiKeyPrincipal):
            self.policy.check_owner(owner.user)
        return owner

    async def _verify(self) -> AccessTokenClaims:
        verified = self._verified = await self._parts.verifier.judge(self._token())
        return verified.claims

    async def _admissible(
        self, policy: Policy, claims: AccessTokenClaims, max_age: float | None
    ) -> User:
        """The user as Stack sees them now, where what is remembered would refuse a newer token."""
        user = await self.user(max_age)
        if not policy.is_contradicted(claims, user):
            return user
        renewal = self._parts.users.renewed(claims, self._token(), self._arrival)
        renewed = await self._outcomes.once("renewed", renewal)
        if renewed is not None and max_age is None:
            self._user = renewed
        return renewed or user

    async def _look_up(self, max_age: float | None) -> User:
        claims = await self.claims()
        return await self._parts.users.get(claims, self._token(), self._arrival, max_age)

    def _token(self) -> SecretStr:
        if isinstance(self._credential, SecretStr):
            return self._credential
        raise self._credential or NotAuthenticatedError()
