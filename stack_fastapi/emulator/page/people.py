"""How users and teams are named on every screen, and how they are found by what is typed."""

from __future__ import annotations

from stack_fastapi.emulator.errors import KnownError
from stack_fastapi.emulator.page.visit import View, Visit
from stack_fastapi.emulator.state.accounts import restricted_reason
from stack_fastapi.emulator.state.records import User

#: So many are offered where one has to be chosen; others are typed.
MOST_OFFERED = 200
REASONS = {
    "anonymous": "anonymous",
    "email_not_verified": "e-mail not verified",
    "restricted_by_administrator": "restricted",
}


def name_of(user: User) -> str:
    """What a person calls the user."""
    kind = "Anonymous user" if user.is_anonymous else "Unnamed user"
    return user.display_name or user.primary_email or kind


def user_link(visit: Visit, user_id: str) -> View:
    """A user's name and address on the page; the id alone for who is gone."""
    user = visit.project.users.get(user_id)
    if user is None:
        return {"id": user_id, "name": user_id, "url": None}
    return {"id": user.id, "name": name_of(user), "url": visit.link("users", user.id)}


def team_link(visit: Visit, team_id: str) -> View:
    """A team's name and address on the page."""
    team = visit.project.teams[team_id]
    return {"id": team_id, "name": team.display_name, "url": visit.link("teams", team_id)}


def chips(visit: Visit, user: User) -> list[View]:
    """What is out of the ordinary about a user."""
    reason = restricted_reason(visit.project, user)
    found: list[View] = []
    if reason is not None:
        found.append({"text": REASONS[reason["type"]], "tone": "warn"})
    if user.restricted_by_admin and reason != {"type": "restricted_by_administrator"}:
        found.append({"text": "restricted", "tone": "warn"})
    return found


def offered(visit: Visit, *, outside: str) -> list[View]:
    """Users who are not in a team yet, to choose from."""
    project = visit.project
    return [
        {"value": user.primary_email or user.id, "name": name_of(user)}
        for user in project.users.values()
        if (outside, user.id) not in project.memberships
    ][:MOST_OFFERED]


def find(visit: Visit, id_or_email: str) -> User:
    """The user with an id or a primary e-mail address.

    Raises:
        KnownError: There is none.
    """
    for user in visit.project.users.values():
        if id_or_email == user.id or id_or_email.lower() == user.primary_email:
            return user
    raise KnownError("USER_NOT_FOUND")
