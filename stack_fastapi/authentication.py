"""One request's decision, shared by the middleware and all dependencies.

Each question is answered once for a request: what was found out is kept, a failure like a
success, and told again to whoever asks.
"""

from __future__ import annotations

import logging
import traceback
from collections.abc import Coroutine
from typing import Any, TypeVar

from pydantic import SecretStr

from stack_fastapi.exceptions import (
    ConfigurationError,
    CredentialsError,
    InternalError,
    NotAuthenticatedError,
    StackAuthError,
    UnavailableError,
)
from stack_fastapi.models import AccessTokenClaims, User
from stack_fastapi.policy import Policy
from stack_fastapi.telemetry import ProblemLog, logger
from stack_fastapi.users import Arrival, Users
from stack_fastapi.verifier import Verifier

T = TypeVar("T")


class Authentication:
    """What the credential of one request proves.

    Args:
        owner: the engine that began it.
        credential: the token that was sent, why it could not be read, or None.
        verifier: checks it.
        users: knows whose it is.
        policy: whom routes admit that do not say otherwise.
        log: where operators hear of problems.

    Attributes:
        admitted: the user, once the settings' policy has let them in.
    """

    admitted: User | None = None
    _owner: object = None
    _claims: AccessTokenClaims | StackAuthError | None = None
    _user: User | StackAuthError | None = None
    _users_since: dict[float, User | StackAuthError] | None = None

    def __init__(
        self,
        owner: object,
        credential: SecretStr | CredentialsError | None,
        verifier: Verifier,
        users: Users,
        policy: Policy,
        log: ProblemLog,
    ) -> None:
        self._owner = owner
        self.policy = policy
        self._credential = credential
        self._verifier = verifier
        self._users = users
        self._log = log
        self._arrival: Arrival = users.arrival()

    @property
    def is_signed_out(self) -> bool:
        """Whether the request carries no credential at all."""
        return self._credential is None

    def is_for(self, owner: object, credential: SecretStr | CredentialsError | None) -> bool:
        """Whether it decides about this credential, on behalf of this engine."""
        if self._owner is not owner or type(self._credential) is not type(credential):
            return False
        return not isinstance(credential, SecretStr) or self._credential == credential

    def recall(self) -> User | None:
        """The user whom the settings admit, where memory alone is enough to say so.

        None says nothing: ``admit`` tells why.
        """
        decided = self._claims is not None or self._user is not None
        if decided or not isinstance(self._credential, SecretStr):
            return self.admitted
        claims = self._claims = self._verifier.recall(self._credential)
        if claims is None or not self.policy.admits_type(claims):
            return None
        user = self._user = self._users.recall(claims)
        if user is not None and self.policy.admits_type(user):
            self.admitted = user
        return self.admitted

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
        policy.check_claims(claims)  # before anybody is looked up
        user = await self.user(max_age)
        policy.check(claims, user)
        if policy is self.policy and max_age is None:
            self.admitted = user
        return user

    async def claims(self) -> AccessTokenClaims:
        """What the token says.

        Raises:
            CredentialsError: there is no token, or it is no good.
            UnavailableError: nobody can say.
        """
        if self._claims is None:
            self._claims = await self._outcome(self._verify())
        return _told(self._claims)

    async def user(self, max_age: float | None = None) -> User:
        """Whose token it is; raises like ``claims``.

        Args:
            max_age: how many seconds before this request came in Stack may have been asked; None
                for the usual lifetime.
        """
        if max_age is not None:
            return await self._user_since(max_age)
        if self._user is None:
            self._user = await self._outcome(self._look_up(None))
        return _told(self._user)

    async def _user_since(self, max_age: float) -> User:
        known = self._users_since = self._users_since or {}
        if max_age not in known:
            known[max_age] = await self._outcome(self._look_up(max_age))
        return _told(known[max_age])

    async def _verify(self) -> AccessTokenClaims:
        return await self._verifier.verify(self._token())

    async def _look_up(self, max_age: float | None) -> User:
        claims = await self.claims()
        return await self._users.get(claims, self._token(), self._arrival, max_age)

    def _token(self) -> SecretStr:
        if isinstance(self._credential, SecretStr):
            return self._credential
        raise self._credential or NotAuthenticatedError()

    async def _outcome(self, question: Coroutine[Any, Any, T]) -> T | StackAuthError:
        """The answer, or the error as a value: it is told to everybody who asks."""
        try:
            return await question
        except UnavailableError as error:
            self._log.report(logging.ERROR, error.code, error.message)
            return error
        except StackAuthError as error:
            return error
        except Exception as error:  # noqa: BLE001 - nobody gets in, and nobody gets a 500
            _report(error)
        return InternalError()


class MisconfiguredAuthentication(Authentication):
    """The decision of an app whose settings are wrong: nobody gets in, whoever asks."""

    def __init__(self, error: ConfigurationError, log: ProblemLog) -> None:
        self.policy = Policy()
        self._error = error
        self._log = log

    def recall(self) -> User | None:
        """Nobody, always."""
        return None

    @property
    def is_signed_out(self) -> bool:
        """Nobody can say."""
        return False

    async def claims(self) -> AccessTokenClaims:
        """Raises the error, always."""
        self._log.report(logging.CRITICAL, self._error.code, self._error.message)
        raise self._error.with_traceback(None)


def _report(error: Exception) -> None:
    """Log what broke and where, but not its text: a foreign error may quote a header."""
    where = "".join(traceback.format_tb(error.__traceback__))
    logger.error("stack_fastapi could not decide: %s\n%s", type(error).__name__, where)


def _told(outcome: T | StackAuthError) -> T:
    if isinstance(outcome, StackAuthError):
        raise outcome.with_traceback(None)
    return outcome
