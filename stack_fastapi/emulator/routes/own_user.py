"""The signed-in user."""

from __future__ import annotations

from stack_fastapi.emulator.errors import bad_request
from stack_fastapi.emulator.protocol import views
from stack_fastapi.emulator.protocol.call import Call
from stack_fastapi.emulator.protocol.response import Answer, json_answer, success
from stack_fastapi.emulator.protocol.routing import Route
from stack_fastapi.emulator.routes.user_forms import ClientUserUpdate, ServerUserUpdate
from stack_fastapi.emulator.state import accounts
from stack_fastapi.emulator.state.records import User


def read(call: Call) -> Answer:
    """The user whom the access token names."""
    call.no_query()
    return _shown(call, call.me())


def update(call: Call) -> Answer:
    """Change oneself, or one's user with server access."""
    call.no_query()
    form = call.body(ClientUserUpdate if call.is_client else ServerUserUpdate)
    user = call.me()
    accounts.update_user(call.project, user, form.given(), call.state.entropy, call.now_millis)
    return _shown(call, user)


def delete(call: Call) -> Answer:
    """Leave the project."""
    call.no_query()
    if call.is_client and not call.project.config.client_user_deletion_enabled:
        raise bad_request("Users of this project cannot delete themselves.")
    accounts.delete_user(call.project, call.me().id)
    return success()


def _shown(call: Call, user: User) -> Answer:
    view = views.client_user if call.is_client else views.server_user
    return json_answer(view(call.project, user))


ROUTES = (
    Route("GET", "/users/me", read),
    Route("PATCH", "/users/me", update),
    Route("DELETE", "/users/me", delete),
)
