"""API keys of users and of teams."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

from pydantic import SecretStr

from stack_fastapi.client._calls import Calls
from stack_fastapi.client._given import concealed
from stack_fastapi.client._paths import uuid, with_query
from stack_fastapi.exceptions import StackUnavailableError
from stack_fastapi.models import ApiKey, CreatedApiKey
from stack_fastapi.types import Change


class _Keys:
    """What keys of both kinds of owner have in common."""

    def __init__(self, calls: Calls, owner: Literal["user", "team"]) -> None:
        self._calls = calls
        self._owner = owner
        self.path = f"/{owner}-api-keys"

    async def create(self, owner_id: str, fields: dict[str, object]) -> CreatedApiKey:
        owner_id = uuid(owner_id)
        change = self._change(owner_id)

        def made(key: CreatedApiKey) -> Change:
            return replace(change, id=key.id)

        body = {f"{self._owner}_id": owner_id, **fields}
        return await self._calls.change(
            CreatedApiKey, "POST", self.path, change, made=made, body=body
        )

    async def check(self, api_key: SecretStr) -> ApiKey:
        key = await self._calls.post(ApiKey, f"{self.path}/check", {"api_key": api_key})
        owners = {"user": key.user_id, "team": key.team_id}
        if key.type != self._owner or owners[self._owner] is None:
            raise StackUnavailableError(f"its answer is not a {self._owner}'s key as documented")
        return key

    async def list(self, owner_id: str) -> list[ApiKey]:
        fields = {f"{self._owner}_id": uuid(owner_id)}
        return await self._calls.read_list(ApiKey, with_query(self.path, **fields))

    async def update(
        self, key_id: str, owner_id: str | None, path: str, body: dict[str, object]
    ) -> ApiKey:
        change = replace(self._change(owner_id), id=uuid(key_id))

        def made(key: ApiKey) -> Change:
            return replace(change, user_id=key.user_id, team_id=key.team_id)

        return await self._calls.change(ApiKey, "PATCH", path, change, made=made, body=body)

    def _change(self, owner_id: str | None) -> Change:
        if self._owner == "user":
            return Change("api_key", owner_id)
        return Change("api_key", team_id=owner_id)


class UserApiKeysApi:
    """``/user-api-keys`` of Stack's REST API; raises like ``users``.

    Where the project has the feature off, Stack refuses with 400 and no code.
    """

    def __init__(self, calls: Calls) -> None:
        self._calls = calls
        self._keys = _Keys(calls, "user")

    async def create(
        self,
        user_id: str,
        *,
        description: str,
        expires_at_millis: int | None = None,
        is_public: bool = False,
    ) -> CreatedApiKey:
        """A new key of a user, with its text: ``POST /user-api-keys``.

        Args:
            user_id: whose; for an unknown user Stack itself fails, which reads as unavailable.
            description: what it is for.
            expires_at_millis: when it expires, in milliseconds since the epoch; None for never.
            is_public: whether everybody may see it.
        """
        return await self._keys.create(
            user_id,
            {
                "description": description,
                "expires_at_millis": expires_at_millis,
                "is_public": is_public,
            },
        )

    async def check(self, api_key: SecretStr | str) -> ApiKey:
        """The record of a valid key: ``POST /user-api-keys/check``.

        Raises:
            ApiApiKeyNotFoundError, ApiApiKeyTypeError: it is no key of this project, or a team's.
            ApiApiKeyRevokedError, ApiApiKeyExpiredError: it is not valid any more.
        """
        api_key = concealed(api_key)
        return await self._keys.check(api_key)

    async def list(self, user_id: str) -> list[ApiKey]:
        """All keys of a user, also those that are not valid any more: ``GET /user-api-keys``."""
        return await self._keys.list(user_id)

    async def get(self, key_id: str) -> ApiKey:
        """One key: ``GET /user-api-keys/{key_id}``.

        Raises:
            ApiApiKeyNotFoundError: the project has no such key of a user.
        """
        return await self._calls.read(ApiKey, self._path(key_id))

    async def update(self, key_id: str, *, description: str) -> ApiKey:
        """Describe a key anew: ``PATCH /user-api-keys/{key_id}``; raises like ``get``."""
        body: dict[str, object] = {"description": description}
        return await self._keys.update(key_id, None, self._path(key_id), body)

    async def revoke(self, key_id: str) -> ApiKey:
        """Make a key invalid for ever: ``PATCH /user-api-keys/{key_id}``; raises like ``get``."""
        return await self._keys.update(key_id, None, self._path(key_id), {"revoked": True})

    def _path(self, key_id: str) -> str:
        return f"{self._keys.path}/{uuid(key_id)}"


class TeamApiKeysApi:
    """``/team-api-keys`` of Stack's REST API; as ``UserApiKeysApi``, with a team for each key."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls
        self._keys = _Keys(calls, "team")

    async def create(
        self,
        team_id: str,
        *,
        description: str,
        expires_at_millis: int | None = None,
        is_public: bool = False,
    ) -> CreatedApiKey:
        """A new key of a team, with its text: ``POST /team-api-keys``.

        Args:
            team_id: whose; for an unknown team Stack itself fails, which reads as unavailable.
            description: what it is for.
            expires_at_millis: when it expires, in milliseconds since the epoch; None for never.
            is_public: whether everybody may see it.
        """
        return await self._keys.create(
            team_id,
            {
                "description": description,
                "expires_at_millis": expires_at_millis,
                "is_public": is_public,
            },
        )

    async def check(self, api_key: SecretStr | str) -> ApiKey:
        """The record of a valid key: ``POST /team-api-keys/check``.

        Raises:
            ApiApiKeyNotFoundError, ApiApiKeyTypeError: it is no key of this project, or a user's.
            ApiApiKeyRevokedError, ApiApiKeyExpiredError: it is not valid any more.
        """
        api_key = concealed(api_key)
        return await self._keys.check(api_key)

    async def list(self, team_id: str) -> list[ApiKey]:
        """All keys of a team, also those that are not valid any more: ``GET /team-api-keys``."""
        return await self._keys.list(team_id)

    async def get(self, team_id: str, key_id: str) -> ApiKey:
        """One key: ``GET /team-api-keys/{key_id}``.

        Raises:
            ApiApiKeyNotFoundError: the team has no such key.
        """
        return await self._calls.read(ApiKey, self._path(team_id, key_id))

    async def update(self, team_id: str, key_id: str, *, description: str) -> ApiKey:
        """Describe a key anew: ``PATCH /team-api-keys/{key_id}``; raises like ``get``."""
        body: dict[str, object] = {"description": description}
        path = self._path(team_id, key_id)
        return await self._keys.update(key_id, uuid(team_id), path, body)

    async def revoke(self, team_id: str, key_id: str) -> ApiKey:
        """Make a key invalid for ever: ``PATCH /team-api-keys/{key_id}``; raises like ``get``."""
        path = self._path(team_id, key_id)
        return await self._keys.update(key_id, uuid(team_id), path, {"revoked": True})

    def _path(self, team_id: str, key_id: str) -> str:
        return with_query(f"{self._keys.path}/{uuid(key_id)}", team_id=uuid(team_id))
