"""The teams of a project."""

from __future__ import annotations

from stack_fastapi.emulator.page import forms, people
from stack_fastapi.emulator.page.listing import contains, paged
from stack_fastapi.emulator.page.times import moment
from stack_fastapi.emulator.page.visit import Area, Done, View, Visit
from stack_fastapi.emulator.routes.team_forms import ServerTeamCreate
from stack_fastapi.emulator.state import accounts
from stack_fastapi.emulator.state.records import Team


def show(visit: Visit) -> View:
    """A page of teams, newest first."""
    word = visit.query.get("q", "").strip()
    teams = [
        team
        for team in reversed(visit.project.teams.values())
        if contains(word, (team.id, team.display_name))
    ]
    return {
        "word": word,
        "teams": paged(visit, teams, lambda team: _row(visit, team)),
        "any_teams": bool(visit.project.teams),
        "people": people.offered(visit, outside=""),
    }


def create(visit: Visit) -> Done:
    """A new team, with a first member if one is named."""
    name = forms.required(visit.form, "display_name")
    forms.checked(ServerTeamCreate, {"display_name": name})
    creator = forms.text(visit.form, "creator")
    creator_id = None if creator is None else people.find(visit, creator).id
    team = Team(visit.state.entropy.uuid(), name, visit.now_millis)
    visit.project.teams[team.id] = team
    if creator_id is not None:
        accounts.add_creator(visit.project, team.id, creator_id)
    visit.project.announce("team.created", team)
    return Done("created", visit.link("teams", team.id))


def _row(visit: Visit, team: Team) -> View:
    members = visit.project.memberships_of(team_id=team.id)
    return {
        **people.team_link(visit, team.id),
        "members": [people.user_link(visit, item.user_id) for item in members],
        "created": moment(team.created_at_millis, visit.now_millis),
    }


AREA = Area("projects/{project}/teams", "teams", "teams.html", show, {"create": create})
