"""API keys of users and of teams."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

from pydantic import SecretStr

from stack_fastapi.client._calls import Calls
from stack_fastapi.client._checks import expiry, storable
from stack_fastapi.client._given import concealed
from stack_fastapi.client._paths import optional_uuid, uuid, with_query
from stack_fastapi.exceptions import ApiApiKeyNotFoundError, StackUnavailableError
from stack_fastapi.models import ApiKey, CreatedApiKey
from stack_fastapi.types import Change

_NOT_FOUND = 404


class _Keys:
    """What keys of both kinds of owner have in common."""

    def __init__(self, calls: Calls, owner: Literal["user", "team"]) -> None:
        self._calls = calls
        self._owner = owner
        self._path = f"/{owner}-api-keys"

    async def create(self, owner_id: str, fields: dict[str, object]) -> CreatedApiKey:
        owner_id = uuid(owner_id)
        expiry(fields["expires_at_millis"])
        change = self._change(owner_id)

        def made(key: CreatedApiKey) -> Change:
            return replace(change, id=key.id)

        body = {f"{self._owner}_id": owner_id, **fields}
        return await self._calls.change(
            CreatedApiKey, "POST", self._path, change, made=made, body=body
        )

    async def check(self, api_key: SecretStr) -> ApiKey:
        return self._own(
            await self._calls.post(ApiKey, f"{self._path}/check", {"api_key": api_key})
        )

    async def list(self, owner_id: str) -> list[ApiKey]:
        path = with_query(self._path, **self._query(uuid(owner_id)))
        return await self._calls.read_list(ApiKey, path)

    async def get(self, key_id: str, owner_id: str | None) -> ApiKey:
        """One key; with server access Stack shows it whoever is named as its owner."""
        owner_id = optional_uuid(owner_id)
        key = self._own(await self._calls.read(ApiKey, self._path_of(key_id, owner_id)))
        if owner_id not in {None, self._owner_of(key)}:
            raise ApiApiKeyNotFoundError(_NOT_FOUND, ApiApiKeyNotFoundError.code)
        return key

    async def update(self, key_id: str, owner_id: str | None, body: dict[str, object]) -> ApiKey:
        """Change one, which Stack does whoever is named as its owner: so that is asked first."""
        storable(body)
        if owner_id is not None:
            await self.get(key_id, owner_id)
        change = replace(self._change(optional_uuid(owner_id)), id=uuid(key_id))

        def made(key: ApiKey) -> Change:
            return replace(change, user_id=key.user_id, team_id=key.team_id)

        path = self._path_of(key_id, optional_uuid(owner_id))
        return await self._calls.change(ApiKey, "PATCH", path, change, made=made, body=body)

    def _own(self, key: ApiKey) -> ApiKey:
        if key.type != self._owner or self._owner_of(key) is None:
            raise StackUnavailableError(f"its answer is not a {self._owner}'s key as documented")
        return key

    def _owner_of(self, key: ApiKey) -> str | None:
        return {"user": key.user_id, "team": key.team_id}[self._owner]

    def _path_of(self, key_id: str, owner_id: str | None) -> str:
        return with_query(f"{self._path}/{uuid(key_id)}", **self._query(owner_id))

    def _query(self, owner_id: str | None) -> dict[str, str | None]:
        return {f"{self._owner}_id": owner_id}

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
                0 is refused (``ApiSchemaError``): Stack takes it for never as well.
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

    async def get(self, key_id: str, *, user_id: str | None = None) -> ApiKey:
        """One key: ``GET /user-api-keys/{key_id}``.

        Args:
            key_id: which.
            user_id: whose it must be; None for anybody's. Name the user wherever the key's id
                comes from outside: Stack itself shows a server every key.

        Raises:
            ApiApiKeyNotFoundError: the project has no such key of a user, or it is another's.
            StackUnavailableError: also for the id of a team's key, at which Stack itself fails.
        """
        return await self._keys.get(key_id, user_id)

    async def update(self, key_id: str, *, description: str, user_id: str | None = None) -> ApiKey:
        """Describe a key anew: ``PATCH /user-api-keys/{key_id}``.

        Where a user is named, the key is read first, and left alone unless it is theirs. Nothing
        can come between: a key never changes its owner. Takes the arguments of ``get``, and
        raises what that raises.
        """
        return await self._keys.update(key_id, user_id, {"description": description})

    async def revoke(self, key_id: str, *, user_id: str | None = None) -> ApiKey:
        """Make a key invalid for ever: ``PATCH /user-api-keys/{key_id}``.

        Reads it first like ``update``, and raises what ``get`` raises.
        """
        return await self._keys.update(key_id, user_id, {"revoked": True})


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
                0 is refused (``ApiSchemaError``): Stack takes it for never as well.
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

        Stack itself shows a server every team's key, whichever team is named: here it must be
        this team's.

        Raises:
            ApiApiKeyNotFoundError: the team has no such key.
            StackUnavailableError: also for the id of a user's key, at which Stack itself fails.
        """
        return await self._keys.get(key_id, team_id)

    async def update(self, team_id: str, key_id: str, *, description: str) -> ApiKey:
        """Describe a key anew: ``PATCH /team-api-keys/{key_id}``.

        The key is read first, and left alone unless it is the team's. Nothing can come between: a
        key never changes its owner. Raises what ``get`` raises.
        """
        return await self._keys.update(key_id, team_id, {"description": description})

    async def revoke(self, team_id: str, key_id: str) -> ApiKey:
        """Make a key invalid for ever: ``PATCH /team-api-keys/{key_id}``.

        Reads it first like ``update``, and raises what ``get`` raises.
        """
        return await self._keys.update(key_id, team_id, {"revoked": True})
