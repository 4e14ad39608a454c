"""One team: its members, what they may do, its keys."""

from __future__ import annotations

from stack_fastapi.emulator.page import api_keys, forms, people
from stack_fastapi.emulator.page.listing import paged
from stack_fastapi.emulator.page.permissions import grantable, held
from stack_fastapi.emulator.page.times import moment
from stack_fastapi.emulator.page.user import as_json
from stack_fastapi.emulator.page.visit import Area, Done, View, Visit
from stack_fastapi.emulator.routes.team_forms import ServerTeamUpdate
from stack_fastapi.emulator.state import grants, membership
from stack_fastapi.emulator.state.records import Membership, Team


def subject(visit: Visit) -> Team:
    """The team whose screen this is.

    Raises:
        KnownError: There is none.
    """
    return membership.team_of(visit.project, visit.params["team"])


def show(visit: Visit) -> View:
    """All about one team."""
    team = subject(visit)
    members = visit.project.memberships_of(team_id=team.id)
    return {
        "team": {
            **people.team_link(visit, team.id),
            "created": moment(team.created_at_millis, visit.now_millis),
            "metadata": {name: as_json(getattr(team, name)) for name in forms.METADATA},
        },
        "members": paged(visit, members, lambda item: _member(visit, item)),
        "people": people.offered(visit, outside=team.id),
        "api_keys": api_keys.rows(visit, owner_id=team.id),
    }


def edit(visit: Visit) -> Done:
    """Change what the form has."""
    team, form = subject(visit), visit.form
    fields = {"display_name": forms.required(form, "display_name"), **forms.metadata(form)}
    for name, value in forms.checked(ServerTeamUpdate, fields).given().items():
        setattr(team, name, value)
    visit.project.announce("team.updated", team)
    return Done("saved")


def delete(visit: Visit) -> Done:
    """Delete the team with its memberships and API keys."""
    membership.delete_team(visit.project, subject(visit).id)
    return Done("deleted", visit.link("teams"))


def add(visit: Visit) -> Done:
    """Take a user into the team."""
    user = people.find(visit, forms.required(visit.form, "member"))
    membership.add_member(visit.project, subject(visit).id, user.id)
    return Done("added")


def remove(visit: Visit) -> Done:
    """Take a user out of the team."""
    user_id = forms.required(visit.form, "user_id")
    membership.remove_member(visit.project, subject(visit).id, user_id)
    return Done("removed")


def grant(visit: Visit) -> Done:
    """Grant a member a permission."""
    user_id = forms.required(visit.form, "user_id")
    permission_id = forms.required(visit.form, "permission_id")
    grants.grant_in_team(visit.project, subject(visit).id, user_id, permission_id)
    return Done("granted")


def revoke(visit: Visit) -> Done:
    """Revoke a member's permission."""
    user_id = forms.required(visit.form, "user_id")
    permission_id = forms.required(visit.form, "permission_id")
    grants.revoke_in_team(visit.project, subject(visit).id, user_id, permission_id)
    return Done("revoked")


def _member(visit: Visit, item: Membership) -> View:
    return {
        **people.user_link(visit, item.user_id),
        "permissions": held(visit.project, item.permissions),
        "grantable": grantable(visit.project, "team", item.permissions),
    }


AREA = Area(
    "projects/{project}/teams/{team}",
    "teams",
    "team.html",
    show,
    {
        "add": add,
        "create-key": lambda visit: api_keys.create(visit, "team", subject(visit).id),
        "delete": delete,
        "edit": edit,
        "grant": grant,
        "remove": remove,
        "revoke": revoke,
        "revoke-key": api_keys.revoke,
    },
)
