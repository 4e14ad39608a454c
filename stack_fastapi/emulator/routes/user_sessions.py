"""Sessions: refresh, make, list, revoke, sign out."""

from __future__ import annotations

from stack_fastapi.emulator.errors import InternalError, KnownError, forbidden, not_found
from stack_fastapi.emulator.protocol import views
from stack_fastapi.emulator.protocol.call import Call
from stack_fastapi.emulator.protocol.fields import Flag, Number, Strict, UserId, Uuid
from stack_fastapi.emulator.protocol.response import Answer, json_answer, success
from stack_fastapi.emulator.protocol.routing import SERVER, Route
from stack_fastapi.emulator.state import sessions

MOST_MILLIS = 367 * 24 * 60 * 60 * 1000


class NewSession(Strict):
    """The body that makes a session."""

    user_id: UserId
    expires_in_millis: Number = sessions.YEAR_MILLIS
    is_impersonation: Flag = False


class OfUser(Strict):
    """Whose sessions."""

    user_id: UserId


class SessionPath(Strict):
    """Which session."""

    id: Uuid


def refresh(call: Call) -> Answer:
    """A fresh access token for a refresh token."""
    refresh_token = call.request.stack_header("refresh-token")
    if refresh_token is None:
        raise KnownError("SCHEMA_ERROR", {"message": "headers: x-stack-refresh-token is missing"})
    return json_answer({"access_token": sessions.refresh(call.project, refresh_token, call.issue)})


def create(call: Call) -> Answer:
    """A session that a server makes for a user."""
    project, form = call.project, call.body(NewSession)
    if form.expires_in_millis > MOST_MILLIS:
        raise KnownError("SCHEMA_ERROR", {"message": "body.expires_in_millis: too long"})
    user = project.users.get(form.user_id)
    if user is None:
        raise KnownError("USER_ID_DOES_NOT_EXIST", {"user_id": form.user_id})
    session, refresh_token = sessions.open_session(
        project,
        user,
        call.state.entropy,
        call.now,
        lifetime_millis=form.expires_in_millis,
        is_impersonation=form.is_impersonation,
    )
    access_token = sessions.new_access_token(project, user, session.id, call.issue)
    return json_answer({"refresh_token": refresh_token, "access_token": access_token})


def list_(call: Call) -> Answer:
    """A user's sessions, newest first. Only an administrator sees impersonations."""
    user_id = call.query(OfUser).user_id
    if call.is_client and user_id != call.me().id:
        raise forbidden("Clients list the sessions of their own user.")
    found = [
        session
        for session in call.project.sessions.values()
        if session.user_id == user_id
        and (call.access_type == "admin" or not session.is_impersonation)
    ]
    found.sort(key=lambda session: session.created_at_millis, reverse=True)
    current_id = call.caller.session_id
    return json_answer(views.listed([views.session(item, current_id) for item in found]))


def delete(call: Call) -> Answer:
    """End a session. The query names a user, but for a server that does not matter."""
    id_ = call.path(SessionPath).id
    call.query(OfUser)
    if id_ == call.caller.session_id:
        raise KnownError("CANNOT_DELETE_CURRENT_SESSION")
    session = call.project.sessions.get(id_)
    if session is None or (call.is_client and session.user_id != call.me().id):
        raise not_found("There is no such session.")
    del call.project.sessions[id_]
    return success()


def sign_out(call: Call) -> Answer:
    """End the session that the access token belongs to."""
    session_id = call.caller.session_id
    if session_id is None:
        raise KnownError(
            "ACCESS_TOKEN_EXPIRED",
            {
                "expired_at_millis": call.now_millis,
                "project_id": None,
                "user_id": None,
                "refresh_token_id": None,
            },
        )
    if call.project.sessions.pop(session_id, None) is None:
        raise InternalError("The session has ended before.")
    return success()


ROUTES = (
    Route("POST", "/auth/sessions/current/refresh", refresh),
    Route("DELETE", "/auth/sessions/current", sign_out),
    Route("GET", "/auth/sessions", list_),
    Route("POST", "/auth/sessions", create, SERVER),
    Route("DELETE", "/auth/sessions/{id}", delete),
)
