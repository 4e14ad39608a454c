"""``StackAuth``: builds the parts of the kit for one project, owns them and closes them."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Mapping, MutableMapping
from contextlib import asynccontextmanager
from hashlib import sha256
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from pydantic import SecretStr

from stack_fastapi.engine.authentication import Authentication
from stack_fastapi.engine.cached_decision import CachedDecision
from stack_fastapi.engine.policy import Policy
from stack_fastapi.engine.starlette_user import GUEST, GUEST_CREDENTIALS
from stack_fastapi.exceptions import (
    AmbiguousCredentialsError,
    MissingMiddlewareError,
    StackAuthError,
)
from stack_fastapi.models import AccessTokenClaims, User, WebhookEvent
from stack_fastapi.telemetry import ProblemLog, logger
from stack_fastapi.types import Cache, Change, Clock, Clocks, Connection

if TYPE_CHECKING:
    from stack_fastapi.client.transport.http import Transport
    from stack_fastapi.settings import StackAuthSettings

#: Where a scope keeps its decision.
SCOPE_KEY = "stack_fastapi"


class StackAuth:
    """The engine: everything that is shared by the requests of one app and one Stack project.

    Usable without FastAPI as well, in scripts and workers::

        async with StackAuth() as auth:
            user = await auth.client.users.get(user_id)

    Opening it is not needed: connections open when they are first used, and end with their
    event loop. ``async with`` or ``aclose`` closes them sooner.

    Args:
        settings: read from the environment if None.
        transport: an asynchronous transport of httpx or httpx2, in place of the network.
        clock: Unix time in seconds, for what others wrote down, such as a token's ``exp``; the
            system's if None.
        monotonic: seconds since whenever, never set back, for all durations; if None they follow
            ``clock`` where that is passed, and the system's monotonic clock else.
        cache: a cache that all workers share, beside this process's memory; none if None.

    Attributes:
        settings: the settings in force.
        client: Stack's REST API with server access.

    Raises:
        ConfigurationError: a setting is missing or wrong; lists all of them.
    """

    def __init__(
        self,
        settings: StackAuthSettings | None = None,
        *,
        transport: Transport | None = None,
        clock: Clock | None = None,
        monotonic: Clock | None = None,
        cache: Cache | None = None,
    ) -> None:
        from stack_fastapi.engine import parts  # noqa: PLC0415 - what it needs is slow to import

        self.settings = settings = settings or parts.settings_from_environment()
        clocks = Clocks.of(clock, monotonic)
        self._monotonic = clocks.monotonic
        self._log = ProblemLog(clocks.monotonic)
        self._parts = parts.build(
            settings,
            clocks=clocks,
            transport=transport,
            cache=cache,
            on_change=self._forget_changed,
            log=self._log,
        )
        self.client = self._parts.client
        self._policy = Policy(settings.allow_anonymous, settings.allow_restricted)
        # What every request looks at.
        self._reader, self._verifier = self._parts.reader, self._parts.verifier
        self._evictions = self._parts.store.evictions
        self._guest = CachedDecision(self, self._parts)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.aclose()

    @asynccontextmanager
    async def lifespan(self, app: object = None) -> AsyncIterator[None]:  # noqa: ARG002 - as FastAPI calls it
        """Close it when an app ends: ``FastAPI(lifespan=auth.lifespan)``.

        Args:
            app: the app, as FastAPI passes it; anything, for the engine knows no app.
        """
        async with self:
            yield

    async def aclose(self) -> None:
        """End what is in flight and close the connections to Stack; what is cached stays."""
        await self._parts.store.aclose()
        await self._parts.http.aclose()

    async def authenticate(self, connection: Connection) -> User | None:
        """The user of a request or WebSocket whom the settings admit; None without a credential.

        Raises:
            CredentialsError: there is a credential, and it is no good.
            PolicyError: the settings do not admit this user.
            UnavailableError: nobody can say.
        """
        decision = self.begin(connection.scope)
        del connection  # error reports show the variables of whatever frame raises
        if decision.is_signed_out:
            return None
        return await decision.admit()

    async def verify(
        self,
        token: SecretStr | str,
        *,
        allow_anonymous: bool | None = None,
        allow_restricted: bool | None = None,
    ) -> AccessTokenClaims:
        """The claims of an access token that is good now, whoever brought it; checked locally.

        For tokens that did not come with a request, such as those in a queue's messages. Nobody
        is asked about the user: who was restricted or deleted since the token was issued passes.

        Args:
            token: its text.
            allow_anonymous: admit anonymous users; None leaves it to the settings.
            allow_restricted: admit restricted users; None leaves it to the settings.

        Raises:
            InvalidTokenError: it is no good, with the reason.
            AnonymousUserNotAllowedError, RestrictedUserNotAllowedError: the type of user.
            UnavailableError: the project's keys cannot be had.
        """
        if isinstance(token, str):
            token = SecretStr(token)  # from here on no traceback shows it
        claims = await self._verifier.verify(token)
        self._policy.with_types(allow_anonymous, allow_restricted).check_claims(claims)
        return claims

    async def receive_webhook(self, headers: Mapping[str, str], body: bytes) -> WebhookEvent:
        """The event that a webhook tells; what it makes stale in this process is forgotten.

        For webhooks that arrive in another way than at a route with ``CurrentWebhook``: from a
        queue, or in another framework.

        Args:
            headers: the request's; names in any case.
            body: byte for byte as it came.

        Raises:
            InvalidWebhookError: nothing proves that Stack sent it within the last five minutes.
            StackUnavailableError: it did, and the message makes no sense.
            ConfigurationError: the setting ``webhook_secret`` is missing.
        """
        try:
            return await self._parts.webhooks.receive(headers, body)
        except StackAuthError as error:
            raise error.with_traceback(None) from None  # whose frames hold all headers
        finally:
            del headers

    def decide_cached(self, scope: MutableMapping[str, Any]) -> bool:
        """Decide about a request at one look, if all is known; False leaves it to ``begin``.

        For a guest, and for a token that was decided about before, as long as nothing was evicted
        since and nothing has reached the end of its lifetime.
        """
        text = self._reader.find_plain(scope["headers"])
        if text is None:
            return False
        if not text:
            scope[SCOPE_KEY] = self._guest
            scope["user"], scope["auth"] = GUEST, GUEST_CREDENTIALS
            return True
        seen = self._verifier.seen(sha256(text).digest())
        decision: CachedDecision | None = None if seen is None else seen.decision
        if decision is None or not decision.holds(self._evictions.state, self._monotonic()):
            return False
        scope[SCOPE_KEY] = decision
        scope["user"], scope["auth"] = decision.admitted, decision.auth
        return True

    def begin(self, scope: MutableMapping[str, Any]) -> Authentication:
        """The decision for an ASGI scope; the same one for whoever asks this engine again.

        A scope that was copied from another and got other headers is another request.
        Nothing is checked or fetched before the decision is asked for something.
        """
        credential = self._reader.find(scope)
        known = scope.get(SCOPE_KEY)
        if isinstance(known, Authentication) and known.is_for(self, credential):
            return known
        decision = scope[SCOPE_KEY] = Authentication(
            self, credential, self._parts, self._policy, self._log
        )
        if isinstance(known, CachedDecision) and known.owner is self:
            decision.adopt(known)
        return decision

    def take_over(self, scope: MutableMapping[str, Any], decided: CachedDecision) -> Authentication:
        """The decision of one request alone, for who asks more than one look has found.

        Where something between the middleware and here has changed the credential, the request
        would have two callers: it gets none.
        """
        decision = self.begin(scope)
        if decision.digest != (decided.digest or None):
            decision = scope[SCOPE_KEY] = Authentication(
                self, AmbiguousCredentialsError(), self._parts, self._policy, self._log
            )
        return decision

    async def evict(self, user_id: str) -> None:
        """Forget what is known of a user: the next request of theirs asks Stack.

        That is the user, what they may do, their teams, their sessions and their API keys. In
        other processes only the shared cache forgets, which holds users alone.
        """
        await self._parts.store.evict(user_id)

    async def evict_team(self, team_id: str) -> None:
        """Forget what is known of a team: its members, what they may do in it, its API keys."""
        await self._parts.store.evict(team_id)

    async def evict_api_key(self, key_id: str) -> None:
        """Forget what is known of an API key, by the id of its record."""
        await self._parts.store.evict(key_id)

    async def _forget_changed(self, change: Change) -> None:
        """Forget what a change made stale, through the client or told by a webhook.

        One that names a user and a team is about that member, and no other is asked about anew.
        The change is not undone by a shared cache that fails: operators hear of it, and other
        workers keep what they know for its lifetime. This one takes nothing older from there.
        """
        # An API key, or a session, also where nobody knows whose it is.
        subjects = (change.id, change.user_id or change.team_id)
        try:
            async with asyncio.timeout(self.settings.timeout):
                await self._parts.store.evict(*filter(None, subjects))
        except Exception as error:  # noqa: BLE001 - whatever a cache raises
            message = f"the shared cache failed: {type(error).__name__}"  # its text may hold a URL
            self._log.report(logging.WARNING, "CACHE", message)


def decision_of(connection: Connection) -> Authentication | None:
    """The decision that the innermost middleware began for a connection; None without one."""
    return decision_in(connection.scope)


def decision_in(scope: MutableMapping[str, Any]) -> Authentication | None:
    """The same, for an ASGI scope."""
    found = scope.get(SCOPE_KEY)
    if isinstance(found, CachedDecision) and isinstance(found.owner, StackAuth):
        return found.owner.take_over(scope, found)
    return found if isinstance(found, Authentication) else None


def present(decision: Authentication | None) -> Authentication:
    """The decision of the middleware.

    Raises:
        MissingMiddlewareError: there is no middleware.
    """
    if decision is None:
        missing = MissingMiddlewareError()
        logger.error("%s", missing.message)
        raise missing
    return decision


def engine_of(connection: Connection) -> StackAuth:
    """The engine of the innermost middleware that a connection passed.

    Raises:
        ConfigurationError: there is none, or its settings are wrong.
    """
    engine = present(decision_of(connection)).owner
    if not isinstance(engine, StackAuth):  # a decision that a test made by itself
        raise MissingMiddlewareError
    return engine
