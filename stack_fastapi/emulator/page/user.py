"""One user, with everything that belongs to the user."""

from __future__ import annotations

import json
from typing import Any

from stack_fastapi.emulator.page import api_keys, forms, people, sessions, tokens
from stack_fastapi.emulator.page.permissions import grantable, held
from stack_fastapi.emulator.page.times import moment
from stack_fastapi.emulator.page.visit import Area, Done, View, Visit
from stack_fastapi.emulator.routes.user_forms import ServerUserUpdate
from stack_fastapi.emulator.state import accounts, grants, membership
from stack_fastapi.emulator.state.records import User


def subject(visit: Visit) -> User:
    """The user whose screen this is.

    Raises:
        KnownError: There is none.
    """
    return membership.user_of(visit.project, visit.params["user"])


def show(visit: Visit) -> View:
    """All about one user."""
    user, project = subject(visit), visit.project
    return {
        "user": _view(visit, user),
        "bases": tokens.bases(visit),
        "permissions": held(project, user.permissions),
        "grantable": grantable(project, "project", user.permissions),
        "teams": _teams(visit, user),
        "other_teams": [
            {"value": team.id, "name": team.display_name}
            for team in project.teams.values()
            if (team.id, user.id) not in project.memberships
        ],
        "sessions": sessions.rows(visit, user_id=user.id),
        "api_keys": api_keys.rows(visit, owner_id=user.id),
        "permissions_url": visit.link("permissions"),
        "requests_url": visit.link("requests", q=user.id),
    }


def edit(visit: Visit) -> Done:
    """Change what the form has."""
    form = visit.form
    email = forms.text(form, "primary_email")
    fields: dict[str, Any] = {
        "display_name": forms.text(form, "display_name"),
        **forms.metadata(form),
    }
    if email != subject(visit).primary_email:
        fields["primary_email"] = email
    for name in ("primary_email_verified", "primary_email_auth_enabled"):
        # Without an address there is nothing to say about it.
        if email is not None or forms.flag(form, name):
            fields[name] = forms.flag(form, name)
    if form.get("password"):
        fields["password"] = form["password"]
    _update(visit, fields)
    return Done("saved")


def verify(visit: Visit) -> Done:
    """Count the primary e-mail address as the user's, or no longer."""
    verified = forms.flag(visit.form, "verified")
    _update(visit, {"primary_email_verified": verified})
    return Done("verified" if verified else "unverified")


def restrict(visit: Visit) -> Done:
    """Restrict the user as an administrator does."""
    reason = forms.text(visit.form, "reason")
    _update(visit, {"restricted_by_admin": True, "restricted_by_admin_reason": reason})
    return Done("restricted")


def lift(visit: Visit) -> Done:
    """Take the administrator's restriction away."""
    _update(visit, {"restricted_by_admin": False})
    return Done("lifted")


def delete(visit: Visit) -> Done:
    """Delete the user with everything that belongs to the user."""
    accounts.delete_user(visit.project, subject(visit).id)
    return Done("deleted", visit.link("users"))


def grant(visit: Visit) -> Done:
    """Grant a permission in the whole project."""
    permission_id = forms.required(visit.form, "permission_id")
    grants.grant_in_project(visit.project, subject(visit).id, permission_id)
    return Done("granted")


def revoke(visit: Visit) -> Done:
    """Revoke a permission in the whole project."""
    permission_id = forms.required(visit.form, "permission_id")
    grants.revoke_in_project(visit.project, subject(visit).id, permission_id)
    return Done("revoked")


def join(visit: Visit) -> Done:
    """Take the user into a team."""
    team_id = forms.required(visit.form, "team_id")
    membership.add_member(visit.project, team_id, subject(visit).id)
    return Done("added")


def leave(visit: Visit) -> Done:
    """Take the user out of a team."""
    team_id = forms.required(visit.form, "team_id")
    membership.remove_member(visit.project, team_id, subject(visit).id)
    return Done("removed")


def _update(visit: Visit, fields: dict[str, Any]) -> None:
    changes = forms.checked(ServerUserUpdate, fields).given()
    accounts.update_user(
        visit.project, subject(visit), changes, visit.state.entropy, visit.now_millis
    )


def _view(visit: Visit, user: User) -> View:
    primary = user.primary_channel
    return {
        **people.user_link(visit, user.id),
        "display_name": user.display_name or "",
        "email": user.primary_email or "",
        "verified": user.primary_email_verified,
        "signs_in_with_email": primary is not None and primary.used_for_auth,
        "other_emails": [item.value for item in user.channels if not item.is_primary],
        "has_password": user.password_hash is not None,
        "has_second_factor": user.totp_secret_base64 is not None,
        "is_restricted_by_admin": user.restricted_by_admin,
        "restriction": user.restricted_by_admin_reason,
        "chips": people.chips(visit, user),
        "signed_up": moment(user.signed_up_at_millis, visit.now_millis),
        "active": moment(user.last_active_at_millis, visit.now_millis),
        "metadata": {name: as_json(getattr(user, name)) for name in forms.METADATA},
    }


def as_json(value: object) -> str:
    """Metadata as a person edits it; nothing for none."""
    return "" if value is None else json.dumps(value, indent=2, ensure_ascii=False)


def _teams(visit: Visit, user: User) -> list[View]:
    return [
        {
            **people.team_link(visit, item.team_id),
            "permissions": held(visit.project, item.permissions),
        }
        for item in visit.project.memberships_of(user_id=user.id)
    ]


AREA = Area(
    "projects/{project}/users/{user}",
    "users",
    "user.html",
    show,
    {
        "create-key": lambda visit: api_keys.create(visit, "user", subject(visit).id),
        "delete": delete,
        "edit": edit,
        "end-session": sessions.end,
        "end-sessions": lambda visit: sessions.end_all(visit, subject(visit).id),
        "grant": grant,
        "join": join,
        "leave": leave,
        "lift": lift,
        "restrict": restrict,
        "revoke": revoke,
        "revoke-key": api_keys.revoke,
        "sign-in": lambda visit: tokens.sign_in(visit, subject(visit)),
        "verify": verify,
    },
)
