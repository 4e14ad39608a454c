"""The decision of an app whose settings are wrong: nobody gets in, whoever asks and with what."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, NoReturn

from pydantic import SecretStr

from stack_fastapi.engine.authentication import Authentication
from stack_fastapi.engine.outcomes import Outcomes
from stack_fastapi.engine.policy import Policy
from stack_fastapi.exceptions import ConfigurationError, CredentialsError
from stack_fastapi.models import AccessTokenClaims, ApiKeyPrincipal, WebhookEvent
from stack_fastapi.telemetry import ProblemLog
from stack_fastapi.types import ApiKeyType


class MisconfiguredAuthentication(Authentication):
    """The decision of an app whose settings are wrong: nobody gets in, whoever asks."""

    def __init__(self, error: ConfigurationError, log: ProblemLog) -> None:
        self.policy = Policy()
        self._error = error
        self._log = log
        self._outcomes = Outcomes(log)

    @property
    def owner(self) -> NoReturn:
        """Raises the error, always."""
        self._refuse()

    @property
    def is_signed_out(self) -> bool:
        """Nobody can say."""
        return False

    def find_api_key(self, scope: Mapping[str, Any]) -> None:
        """None is read."""

    async def key_owner(
        self,
        key: SecretStr | CredentialsError | None,  # noqa: ARG002 - whatever was sent
        kind: ApiKeyType | None = None,  # noqa: ARG002 - the same
    ) -> ApiKeyPrincipal | None:
        """Raises the error, always."""
        self._refuse()

    def beside_api_key(self, scope: Mapping[str, Any]) -> Authentication:  # noqa: ARG002 - as above
        """This one: nobody gets in with a token either."""
        return self

    async def receive_webhook(
        self,
        headers: Mapping[str, str],  # noqa: ARG002 - as above
        read_body: Callable[[], Awaitable[bytes]],  # noqa: ARG002 - as above
    ) -> WebhookEvent:
        """Raises the error, always."""
        self._refuse()

    async def claims(self) -> AccessTokenClaims:
        """Raises the error, always."""
        self._refuse()

    def _refuse(self) -> NoReturn:
        self._log.report(logging.CRITICAL, self._error.code, self._error.message)
        raise self._error.with_traceback(None)
