"""Users, as server access sees them."""

from __future__ import annotations

from typing import Literal, Unpack

from pydantic import SecretStr

from stack_fastapi.client._calls import Calls, Success, claim
from stack_fastapi.client._checks import password
from stack_fastapi.client._forms import NewUser, UserChanges
from stack_fastapi.client._given import concealed, given
from stack_fastapi.client._paths import optional_uuid, uuid
from stack_fastapi.client.user_list import UserFilter, UserList
from stack_fastapi.models import User
from stack_fastapi.types import Change

_ME = "/users/me"


class UsersApi:
    """``/users`` of Stack's REST API.

    Every method raises ``StackUnavailableError``, ``StackConfigurationError`` or ``StackApiError``.
    """

    def __init__(self, calls: Calls) -> None:
        self._calls = calls

    async def get(self, user_id: str) -> User:
        """The user with this id: ``GET /users/{user_id}``.

        Raises:
            ApiUserNotFoundError: the project has no such user.
        """
        return await self._calls.read(User, f"/users/{uuid(user_id)}")

    def list(  # noqa: PLR0913 - one for each field of the query
        self,
        *,
        team_id: str | None = None,
        query: str | None = None,
        order_by: Literal["signed_up_at"] | None = None,
        desc: bool | None = None,
        include_restricted: bool | None = None,
        include_anonymous: bool | None = None,
        only_anonymous: bool | None = None,
        limit: int = 100,
        cursor: str | None = None,
    ) -> UserList:
        """All users that fit, fetched page after page: ``GET /users``.

        Iterate over it for the users, or over its ``pages()``. Nothing is asked before that.

        Args:
            team_id: members of this team only.
            query: a part of a name or an address, or an id; ``%`` stands for any text in it, and
                ``_`` for any character.
            order_by: what they are sorted by.
            desc: the last first.
            include_restricted: restricted users as well.
            include_anonymous: anonymous and restricted users as well.
            only_anonymous: no others; wants ``include_anonymous``.
            limit: the most users of one page, not of all.
            cursor: where to begin, from a page's ``next_cursor``.

        Raises:
            StackUnavailableError: also where the user at whom a page should begin is gone, or
                fits no longer. Stack answers with an empty page, which is not the end of the list.
        """
        fields: UserFilter = {
            "team_id": optional_uuid(team_id),
            "query": query,
            "order_by": order_by,
            "desc": desc,
            "include_restricted": include_restricted,
            "include_anonymous": include_anonymous,
            "only_anonymous": only_anonymous,
            "limit": limit,
        }
        return UserList(self._calls, fields, cursor)

    async def create(self, **fields: Unpack[NewUser]) -> User:
        """A new user: ``POST /users``.

        Raises:
            ApiSchemaError: also for a password of more than 70 characters, or 72 bytes.
            ApiUserEmailExistsError: somebody else signs in with the address.
        """
        body = given(NewUser, fields)
        password(body.get("password"))
        return await self._calls.change(
            User, "POST", "/users", Change("user"), made=_of_user, body=body
        )

    async def update(self, user_id: str, **changes: Unpack[UserChanges]) -> User:
        """Change a user: ``PATCH /users/{user_id}``. What is left out stays as it is.

        Metadata is replaced as a whole. None erases: a password, too, and any change of it ends
        all of the user's sessions.

        Raises:
            ApiSchemaError: also for a password of more than 70 characters, or 72 bytes.
            ApiUserNotFoundError: the project has no such user.
            ApiUserEmailExistsError: somebody else signs in with the address.
        """
        body = given(UserChanges, changes)
        password(body.get("password"))
        user_id = uuid(user_id)
        change = Change("user", user_id)
        return await self._calls.change(User, "PATCH", f"/users/{user_id}", change, body=body)

    async def delete(self, user_id: str) -> None:
        """Delete a user with all that is theirs: ``DELETE /users/{user_id}``.

        Raises:
            ApiUserNotFoundError: the project has no such user.
        """
        user_id = uuid(user_id)
        change = Change("user", user_id)
        await self._calls.change(Success, "DELETE", f"/users/{user_id}", change)

    async def me(self, token: SecretStr | str) -> User:
        """The user whose access token this is, checked by Stack itself: ``GET /users/me``.

        Raises:
            ApiOwnUserNotFoundError: the token is good, its user is gone.
            ApiAccessTokenExpiredError, ApiAccessTokenInvalidError, ApiAccessTokenProjectError:
                it is not good.
        """
        token = concealed(token)
        return await self._calls.read(User, _ME, token=token)

    async def update_me(self, token: SecretStr | str, **changes: Unpack[UserChanges]) -> User:
        """Change the user whose access token this is: ``PATCH /users/me``; raises like ``me``."""
        token = concealed(token)
        body = given(UserChanges, changes)
        password(body.get("password"))
        change = Change("user", claim(token, "sub"))
        return await self._calls.change(User, "PATCH", _ME, change, body=body, token=token)

    async def delete_me(self, token: SecretStr | str) -> None:
        """Delete the user whose access token this is: ``DELETE /users/me``; raises like ``me``."""
        token = concealed(token)
        change = Change("user", claim(token, "sub"))
        await self._calls.change(Success, "DELETE", _ME, change, token=token)


def _of_user(user: User) -> Change:
    return Change("user", user.id)
