"""The users of a project, and what happened last."""

from __future__ import annotations

from stack_fastapi.emulator.page import forms, people, requests
from stack_fastapi.emulator.page.faults import summary
from stack_fastapi.emulator.page.listing import contains, paged
from stack_fastapi.emulator.page.times import moment
from stack_fastapi.emulator.page.visit import Area, Done, View, Visit
from stack_fastapi.emulator.routes.user_forms import UserCreate
from stack_fastapi.emulator.state import accounts
from stack_fastapi.emulator.state.records import User

LATEST = 12


def show(visit: Visit) -> View:
    """A page of users, newest first, with the latest requests beside it."""
    word = visit.query.get("q", "").strip()
    users = [
        user
        for user in reversed(visit.project.users.values())
        if contains(word, (user.id, user.display_name, *(item.value for item in user.channels)))
    ]
    return {
        "word": word,
        "users": paged(visit, users, lambda user: _row(visit, user)),
        "any_users": bool(visit.project.users),
        "latest": requests.latest(visit, LATEST),
        "faults": [summary(fault) for fault in visit.faults.active],
    }


def create(visit: Visit) -> Done:
    """A new user."""
    form = visit.form
    fields = {
        **forms.filled(form, "display_name", "primary_email"),
        "is_anonymous": forms.flag(form, "is_anonymous"),
        "primary_email_verified": forms.flag(form, "primary_email_verified"),
    }
    if form.get("password"):
        fields["password"] = form["password"]
    changes = accounts.with_email_auth(forms.checked(UserCreate, fields).given())
    user = accounts.create_user(visit.project, changes, visit.state.entropy, visit.now_millis)
    return Done("created", visit.link("users", user.id))


def _row(visit: Visit, user: User) -> View:
    return {
        **people.user_link(visit, user.id),
        "email": user.primary_email,
        "verified": user.primary_email_verified,
        "chips": people.chips(visit, user),
        "teams": [team.display_name for team in visit.project.teams_of(user.id)],
        "active": moment(user.last_active_at_millis, visit.now_millis),
    }


AREA = Area("projects/{project}/users", "users", "users.html", show, {"create": create})
