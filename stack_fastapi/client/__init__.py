"""A typed, asynchronous client of Stack's REST API with server access; one module a resource."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Literal, get_args
from urllib.parse import quote

from pydantic import SecretStr

from stack_fastapi.client._calls import Calls
from stack_fastapi.client._given import NOT_GIVEN, NotGiven, concealed
from stack_fastapi.client._paths import checked_path, with_query
from stack_fastapi.client.api_keys import TeamApiKeysApi, UserApiKeysApi
from stack_fastapi.client.contact_channels import ContactChannelsApi
from stack_fastapi.client.member_profiles import MemberProfilesApi
from stack_fastapi.client.memberships import MembershipsApi
from stack_fastapi.client.project import ProjectApi
from stack_fastapi.client.project_permissions import ProjectPermissionsApi
from stack_fastapi.client.sessions import SessionsApi
from stack_fastapi.client.team_invitations import TeamInvitationsApi
from stack_fastapi.client.team_permissions import TeamPermissionsApi
from stack_fastapi.client.teams import TeamsApi
from stack_fastapi.client.user_list import UserList, UserPage
from stack_fastapi.client.users import UsersApi
from stack_fastapi.exceptions import StackApiError, StackConfigurationError
from stack_fastapi.types import ChangeHandler

if TYPE_CHECKING:
    from stack_fastapi.client.transport.http import StackHttp

Method = Literal["GET", "PUT", "DELETE", "POST", "PATCH"]
_METHODS: tuple[Method, ...] = get_args(Method)

__all__ = ["NOT_GIVEN", "NotGiven", "StackServerClient", "UserList", "UserPage"]


class StackServerClient:
    """Stack's REST API on behalf of one project.

    Every method raises ``StackUnavailableError`` where there is no usable answer,
    ``StackConfigurationError`` where Stack does not accept the project or its key, and
    ``StackApiError``, or the class of it for Stack's code, where it refuses this very request. An
    id that cannot be one is refused like that without asking (``ApiSchemaError``).

    Args:
        http: asks Stack.
        project_id: whose keys ``jwks`` fetches.
        on_change: hears of each change that was made, or may have been made because no answer
            came; a change that Stack refused is not told.

    Attributes:
        users: the project's users.
        teams: its teams.
        memberships: who is in which team.
        member_profiles: how members appear in their teams.
        team_permissions: what members may do in their teams.
        project_permissions: what users may do in the whole project.
        sessions: users' sessions.
        user_api_keys: API keys of users.
        team_api_keys: API keys of teams.
        contact_channels: users' e-mail addresses.
        team_invitations: invitations to teams.
        project: the project itself.
    """

    def __init__(
        self, http: StackHttp, project_id: str, on_change: ChangeHandler | None = None
    ) -> None:
        self._http = http
        self._project_id = quote(project_id, safe="")
        calls = Calls(http, on_change)
        self.users = UsersApi(calls)
        self.teams = TeamsApi(calls)
        self.memberships = MembershipsApi(calls)
        self.member_profiles = MemberProfilesApi(calls)
        self.team_permissions = TeamPermissionsApi(calls)
        self.project_permissions = ProjectPermissionsApi(calls)
        self.sessions = SessionsApi(calls)
        self.user_api_keys = UserApiKeysApi(calls)
        self.team_api_keys = TeamApiKeysApi(calls)
        self.contact_channels = ContactChannelsApi(calls)
        self.team_invitations = TeamInvitationsApi(calls)
        self.project = ProjectApi(calls)

    async def request(
        self,
        method: Method,
        path: str,
        *,
        query: Mapping[str, str | float | None] | None = None,
        body: object = None,
        token: SecretStr | str | None = None,
    ) -> object:
        """Ask any endpoint, with the headers, errors and repetitions of all others.

        Nobody is told of a change that is made in this way: call ``StackAuth.evict`` after it.

        Args:
            method: POST, PUT and PATCH send ``{}`` where there is no body.
            path: below ``/api/v1``, such as ``/emails/send``. Quote what comes from outside.
            query: fields that are None are left out.
            body: what to send as JSON; a secret among its fields may be a ``SecretStr``.
            token: the access token of the user in whose name.

        Returns:
            The decoded JSON, not checked any further.

        Raises:
            ValueError: another method, a path that leads elsewhere, or a body that JSON cannot
                hold.
        """
        token = None if token is None else concealed(token)
        if method not in _METHODS:
            raise ValueError(f"the method must be one of {', '.join(_METHODS)}")
        if body is None and method in {"POST", "PUT", "PATCH"}:
            body = {}
        path = with_query(checked_path(path), **(query or {}))
        return await self._http.call(method, path, token=token, body=body)

    async def jwks(self) -> object:
        """The public keys of all three user types, as a decoded JWKS document.

        Raises:
            StackConfigurationError: there is no such project.
        """
        path = f"/projects/{self._project_id}/.well-known/jwks.json?include_anonymous=true"
        try:
            return await self._http.call("GET", path, as_server=False)
        except StackApiError as error:
            status = error.status
        raise StackConfigurationError(f"{status} to the request for the project's keys")
