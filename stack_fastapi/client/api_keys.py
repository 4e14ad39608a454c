"""API keys, as server access sees them."""

from __future__ import annotations

from pydantic import SecretStr

from stack_fastapi._http import StackHttp
from stack_fastapi.client._reading import read
from stack_fastapi.models import ApiKey


class UserApiKeysApi:
    """``/user-api-keys`` of Stack's REST API."""

    def __init__(self, http: StackHttp) -> None:
        self._http = http

    async def check(self, api_key: SecretStr | str) -> ApiKey:
        """The record of a user's key that is good now.

        Raises:
            StackApiError: it is not; the code says why.
        """
        if isinstance(api_key, str):
            api_key = SecretStr(api_key)  # from here on no traceback shows it
        body = {"api_key": api_key}
        return read(ApiKey, await self._http.call("POST", "/user-api-keys/check", body=body))


class TeamApiKeysApi:
    """``/team-api-keys`` of Stack's REST API."""

    def __init__(self, http: StackHttp) -> None:
        self._http = http

    async def check(self, api_key: SecretStr | str) -> ApiKey:
        """The record of a team's key that is good now.

        Raises:
            StackApiError: it is not; the code says why.
        """
        if isinstance(api_key, str):
            api_key = SecretStr(api_key)  # from here on no traceback shows it
        body = {"api_key": api_key}
        return read(ApiKey, await self._http.call("POST", "/team-api-keys/check", body=body))
