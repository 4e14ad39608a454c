"""Users, as server access sees them."""

from __future__ import annotations

from urllib.parse import quote

from pydantic import SecretStr, ValidationError

from stack_fastapi._http import StackHttp
from stack_fastapi.exceptions import StackUnavailableError
from stack_fastapi.models import User


class UsersApi:
    """``/users`` of Stack's REST API.

    Every method raises ``StackUnavailableError``, ``StackConfigurationError`` or ``StackApiError``.
    """

    def __init__(self, http: StackHttp) -> None:
        self._http = http

    async def me(self, token: SecretStr) -> User:
        """The user whose access token this is, checked by Stack itself: ``GET /users/me``."""
        return _read_user(await self._http.call("GET", "/users/me", token=token))

    async def get(self, user_id: str) -> User:
        """The user with this id: ``GET /users/{id}``.

        Raises:
            ApiUserNotFoundError: the project has no such user.
        """
        return _read_user(await self._http.call("GET", f"/users/{quote(user_id, safe='')}"))


def _read_user(body: object) -> User:
    try:
        return User.model_validate(body)
    except (ValidationError, RecursionError):
        pass
    raise StackUnavailableError("its answer is not a user as documented")
