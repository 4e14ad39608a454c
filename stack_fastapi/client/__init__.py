"""A typed, asynchronous client of Stack's REST API with server access; one module a resource."""

from __future__ import annotations

from urllib.parse import quote

from stack_fastapi._http import StackHttp
from stack_fastapi.client.api_keys import TeamApiKeysApi, UserApiKeysApi
from stack_fastapi.client.permissions import ProjectPermissionsApi, TeamPermissionsApi
from stack_fastapi.client.sessions import SessionsApi
from stack_fastapi.client.teams import TeamsApi
from stack_fastapi.client.users import UsersApi
from stack_fastapi.exceptions import StackApiError, StackConfigurationError


class StackServerClient:
    """Stack's REST API on behalf of one project.

    Attributes:
        users: the project's users.
        teams: its teams.
        sessions: its users' sessions.
        team_permissions: what users may do in teams.
        project_permissions: what users may do in the whole project.
        user_api_keys: API keys of users.
        team_api_keys: API keys of teams.
    """

    def __init__(self, http: StackHttp, project_id: str) -> None:
        self._http = http
        self._project_id = quote(project_id, safe="")
        self.users = UsersApi(http)
        self.teams = TeamsApi(http)
        self.sessions = SessionsApi(http)
        self.team_permissions = TeamPermissionsApi(http)
        self.project_permissions = ProjectPermissionsApi(http)
        self.user_api_keys = UserApiKeysApi(http)
        self.team_api_keys = TeamApiKeysApi(http)

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
