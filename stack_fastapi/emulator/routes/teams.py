"""Teams: make, list, read, change, delete."""

from __future__ import annotations

from stack_fastapi.emulator.errors import forbidden
from stack_fastapi.emulator.protocol import views
from stack_fastapi.emulator.protocol.call import Call
from stack_fastapi.emulator.protocol.response import Answer, json_answer, success
from stack_fastapi.emulator.protocol.routing import Route
from stack_fastapi.emulator.routes.team_forms import (
    ClientTeamCreate,
    ClientTeamUpdate,
    ServerTeamCreate,
    ServerTeamUpdate,
    TeamPath,
    TeamQuery,
)
from stack_fastapi.emulator.state import accounts
from stack_fastapi.emulator.state.membership import (
    delete_team,
    membership_of,
    require_permission,
    team_of,
    user_of,
)
from stack_fastapi.emulator.state.records import Team

SIGNED_IN = "USER_AUTHENTICATION_REQUIRED"


def create(call: Call) -> Answer:
    """A new team; a client's user becomes its first member."""
    call.no_query()
    form: ClientTeamCreate = call.body(ClientTeamCreate if call.is_client else ServerTeamCreate)
    fields = form.given()
    creator_id = fields.pop("creator_user_id", None)
    if call.is_client:
        creator_id = _client_creator(call, creator_id)
    if creator_id is not None:
        user_of(call.project, creator_id)
    team = Team(id=call.state.entropy.uuid(), created_at_millis=call.now_millis, **fields)
    call.project.teams[team.id] = team
    if creator_id is not None:
        accounts.add_creator(call.project, team.id, creator_id)
    call.project.announce("team.created", team)
    return _shown(call, team, status=201)


def list_(call: Call) -> Answer:
    """All teams, or those of one user; clients see their own."""
    user_id = call.query(TeamQuery).user_id
    if call.is_client and user_id != call.me().id:
        raise forbidden("Clients list the teams of their own user.")
    project = call.project
    teams = list(project.teams.values()) if user_id is None else project.teams_of(user_id)
    view = views.client_team if call.is_client else views.server_team
    return json_answer(views.listed([view(team) for team in teams]))


def read(call: Call) -> Answer:
    """One team; clients see those they are in."""
    team_id = _team_id(call)
    if call.is_client:
        membership_of(call.project, team_id, call.me(SIGNED_IN).id)
    return _shown(call, team_of(call.project, team_id))


def update(call: Call) -> Answer:
    """Change a team."""
    changes = call.body(ClientTeamUpdate if call.is_client else ServerTeamUpdate).given()
    team = _permitted_team(call, "$update_team")
    for name, value in changes.items():
        setattr(team, name, value)
    call.project.announce("team.updated", team)
    return _shown(call, team)


def delete(call: Call) -> Answer:
    """Delete a team."""
    delete_team(call.project, _permitted_team(call, "$delete_team").id)
    return success()


def _client_creator(call: Call, creator_id: str | None) -> str:
    own = call.me(SIGNED_IN)
    if not call.project.config.client_team_creation_enabled:
        raise forbidden("Users of this project cannot create teams.")
    if creator_id not in {None, own.id}:
        raise forbidden("Clients create teams as their own user.")
    return own.id


def _team_id(call: Call) -> str:
    call.no_query()
    return call.path(TeamPath).team_id


def _permitted_team(call: Call, permission_id: str) -> Team:
    team_id = _team_id(call)
    if call.is_client:
        require_permission(call.project, team_id, call.me(SIGNED_IN).id, permission_id)
    return team_of(call.project, team_id)


def _shown(call: Call, team: Team, status: int = 200) -> Answer:
    view = views.client_team if call.is_client else views.server_team
    return json_answer(view(team), status)


ROUTES = (
    Route("GET", "/teams", list_),
    Route("POST", "/teams", create),
    Route("GET", "/teams/{team_id}", read),
    Route("PATCH", "/teams/{team_id}", update),
    Route("DELETE", "/teams/{team_id}", delete),
)
