"""Steps 2 and 3 of 5 for API keys: whether a key is good, and whose it is.

The text is judged here, so that a garbage key never reaches Stack. What Stack says of a
well-formed one is remembered for the lifetime of fetched users, under a hash that is keyed with
random bytes of this process: the cache holds no key, and nothing that a copy of it could be
searched with. In an outage nothing stale is taken. The owner is looked up as users are, so that
somebody who was deleted or restricted does not live on in a key.
"""

from __future__ import annotations

import hmac
import secrets

from pydantic import SecretStr

from stack_fastapi.cache import Kind, Store
from stack_fastapi.client import StackServerClient
from stack_fastapi.exceptions import (
    ApiApiKeyExpiredError,
    ApiApiKeyNotFoundError,
    ApiApiKeyRevokedError,
    ApiApiKeyTypeError,
    ApiKeyExpiredError,
    ApiKeyRevokedError,
    ApiTeamNotFoundError,
    ConfigurationError,
    InvalidApiKeyError,
    StackApiError,
    StackAuthError,
    StackConfigurationError,
    StackUnavailableError,
    UserNotFoundError,
    WrongApiKeyTypeError,
)
from stack_fastapi.lookups.users import Users
from stack_fastapi.models import (
    ApiKey,
    ApiKeyPrincipal,
    Team,
    TeamApiKeyPrincipal,
    UserApiKeyPrincipal,
)
from stack_fastapi.tokens import api_key_format
from stack_fastapi.tokens.api_key_format import ApiKeyText
from stack_fastapi.types import ApiKeyType, Arrival


class ApiKeys:
    """The API keys of one project's users and teams.

    Args:
        client: asks Stack.
        users: knows the owners.
        store: keeps the responses.
        ttl: how long they are good, in seconds.
    """

    def __init__(self, client: StackServerClient, users: Users, store: Store, ttl: float) -> None:
        self._client = client
        self._users = users
        self._wall = store.clocks.wall
        self._hash_key = SecretStr(secrets.token_hex())
        checks: Kind[ApiKey | StackAuthError] = Kind(
            "api_key",
            ttl,
            subjects_of=_owners_of,
            is_negative=lambda verdict: isinstance(verdict, StackAuthError),
        )
        teams: Kind[Team | None] = Kind("team", ttl, is_negative=lambda team: team is None)
        self._checks = store.lookup(checks)
        self._teams = store.lookup(teams)

    async def owner(
        self, key: SecretStr, kind: ApiKeyType | None, arrival: Arrival
    ) -> ApiKeyPrincipal:
        """On whose behalf a key is sent.

        Args:
            key: its text.
            kind: the only type of owner that is wanted; None for both.
            arrival: when the request came in.

        Raises:
            InvalidApiKeyError: it is no good, or its owner is gone.
            UnavailableError: Stack cannot say, or the project has API keys switched off.
        """
        parts = _read(key)
        if parts is None:
            raise InvalidApiKeyError
        if kind not in {None, parts.type}:
            raise WrongApiKeyTypeError
        record = await self._record(key, parts, arrival)
        if parts.type == "user":
            return await self._of_user(record, arrival)
        return await self._of_team(record, arrival)

    async def _record(self, key: SecretStr, parts: ApiKeyText, arrival: Arrival) -> ApiKey:
        entry = await self._checks.get(
            _digest(self._hash_key, key), (parts.id,), lambda: self._check(key, parts), arrival
        )
        verdict = entry.value
        if isinstance(verdict, StackAuthError):
            raise verdict.with_traceback(None)
        ends_at = verdict.expires_at_millis  # whatever its lifetime in memory
        if ends_at is not None and ends_at <= self._wall() * 1000:
            raise ApiKeyExpiredError
        return verdict

    async def _check(self, key: SecretStr, parts: ApiKeyText) -> ApiKey | StackAuthError:
        """What Stack says of a key; a refusal is a value, and remembered like a record."""
        api = self._client.user_api_keys if parts.type == "user" else self._client.team_api_keys
        try:
            record = await api.check(key)
        except StackApiError as error:
            return _refusal(error, parts.type)
        if record.id != parts.id:  # the client has checked that it has an owner of the right type
            raise StackUnavailableError("it answered with another key than the one asked for")
        if record.manually_revoked_at_millis is not None:
            return ApiKeyRevokedError()
        return record

    async def _of_user(self, record: ApiKey, arrival: Arrival) -> UserApiKeyPrincipal:
        try:
            user = await self._users.find(str(record.user_id), arrival)
        except UserNotFoundError:
            pass
        else:
            return UserApiKeyPrincipal(record, user)
        raise InvalidApiKeyError

    async def _of_team(self, record: ApiKey, arrival: Arrival) -> TeamApiKeyPrincipal:
        team_id = str(record.team_id)
        entry = await self._teams.get(team_id, (team_id,), lambda: self._team(team_id), arrival)
        if entry.value is None:
            raise InvalidApiKeyError
        return TeamApiKeyPrincipal(record, entry.value)

    async def _team(self, team_id: str) -> Team | None:
        try:
            team = await self._client.teams.get(team_id)
        except ApiTeamNotFoundError:
            return None
        except StackApiError as error:
            code = error.stack_code or f"status {error.status}"
        else:
            if team.id == team_id:
                return team
            raise StackUnavailableError("it answered with another team than the one asked for")
        raise StackConfigurationError(code)


def _read(key: SecretStr) -> ApiKeyText | None:
    return api_key_format.read(key.get_secret_value())


def _digest(hash_key: SecretStr, key: SecretStr) -> str:
    text = key.get_secret_value().encode()
    return hmac.digest(hash_key.get_secret_value().encode(), text, "sha256").hex()


def _owners_of(verdict: ApiKey | StackAuthError) -> tuple[str, ...]:
    if not isinstance(verdict, ApiKey):
        return ()
    owner_id = verdict.user_id if verdict.type == "user" else verdict.team_id
    return (owner_id,) if owner_id else ()


def _refusal(error: StackApiError, kind: ApiKeyType) -> StackAuthError:
    """Whose fault it is that Stack does not accept a well-formed key."""
    match error:
        case ApiApiKeyRevokedError():
            return ApiKeyRevokedError()
        case ApiApiKeyExpiredError():
            return ApiKeyExpiredError()
        case ApiApiKeyNotFoundError() | ApiApiKeyTypeError():
            return InvalidApiKeyError()
        case StackApiError(status=400, stack_code=None):
            return ConfigurationError(
                [f"the Stack project does not allow API keys of {kind}s: switch them on there"]
            )
    return StackConfigurationError(error.stack_code or f"status {error.status}")
