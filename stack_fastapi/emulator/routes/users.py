"""Users, for servers."""

from __future__ import annotations

from stack_fastapi.emulator.protocol import views
from stack_fastapi.emulator.protocol.call import Call
from stack_fastapi.emulator.protocol.fields import Strict, Uuid
from stack_fastapi.emulator.protocol.response import Answer, json_answer, success
from stack_fastapi.emulator.protocol.routing import SERVER, Route
from stack_fastapi.emulator.routes.user_forms import ServerUserUpdate, UserCreate
from stack_fastapi.emulator.state import accounts
from stack_fastapi.emulator.state.membership import user_of
from stack_fastapi.emulator.state.records import User

#: The server takes them when a user is made, and they do nothing: users turn these on themselves,
#: or a server does so later.
_LATER = frozenset({"totp_secret_base64", "passkey_auth_enabled"})


class UserPath(Strict):
    """Which user."""

    user_id: Uuid


def create(call: Call) -> Answer:
    """A new user."""
    call.no_query()
    given = call.body(UserCreate).given()
    changes = {name: value for name, value in given.items() if name not in _LATER}
    user = accounts.create_user(call.project, changes, call.state.entropy, call.now_millis)
    # The real server made this answer before it made a team for the user and selected it.
    shown = views.server_user(call.project, user)
    return json_answer(shown | {"selected_team_id": None, "selected_team": None}, status=201)


def read(call: Call) -> Answer:
    """One user."""
    return json_answer(views.server_user(call.project, _user(call)))


def update(call: Call) -> Answer:
    """Change a user."""
    changes = call.body(ServerUserUpdate).given()
    user = _user(call)
    accounts.update_user(call.project, user, changes, call.state.entropy, call.now_millis)
    return json_answer(views.server_user(call.project, user))


def delete(call: Call) -> Answer:
    """Delete a user."""
    accounts.delete_user(call.project, _user(call).id)
    return success()


def _user(call: Call) -> User:
    call.no_query()
    return user_of(call.project, call.path(UserPath).user_id)


ROUTES = (
    Route("POST", "/users", create, SERVER),
    Route("GET", "/users/{user_id}", read, SERVER),
    Route("PATCH", "/users/{user_id}", update, SERVER),
    Route("DELETE", "/users/{user_id}", delete, SERVER),
)
