"""The project and its published keys."""

from __future__ import annotations

from stack_fastapi.emulator.errors import not_found
from stack_fastapi.emulator.protocol import views
from stack_fastapi.emulator.protocol.call import Call
from stack_fastapi.emulator.protocol.fields import QueryFlag, Strict, Text
from stack_fastapi.emulator.protocol.response import Answer, json_answer, text_answer
from stack_fastapi.emulator.protocol.routing import Route
from stack_fastapi.emulator.state.user_kind import UserKind


class KeySetPath(Strict):
    """Whose keys."""

    project_id: Text


class KeySetQuery(Strict):
    """Which keys, beside those of normal users."""

    include_restricted: QueryFlag = False
    include_anonymous: QueryFlag = False


def root(call: Call) -> Answer:
    """A few words for who looks around."""
    call.no_query()
    return text_answer("A local stand-in for the Stack API, for tests and development.")


def current(call: Call) -> Answer:
    """The project that the caller names."""
    call.no_query()
    return json_answer(views.project(call.project))


def key_set(call: Call) -> Answer:
    """The public keys of access tokens; anonymous users' keys bring restricted users' with them."""
    query = call.query(KeySetQuery)
    project = call.state.projects.get(call.path(KeySetPath).project_id)
    if project is None:
        raise not_found("There is no such project.")
    kinds = [UserKind.NORMAL]
    if query.include_restricted or query.include_anonymous:
        kinds.append(UserKind.RESTRICTED)
    if query.include_anonymous:
        kinds.append(UserKind.ANONYMOUS)
    keys = project.signing_keys.published(kinds)
    return json_answer({"keys": keys}, headers={"cache-control": "public, max-age=3600"})


ROUTES = (
    Route("GET", "/", root, allowed=None),
    Route("GET", "/projects/current", current),
    Route("GET", "/projects/{project_id}/.well-known/jwks.json", key_set, allowed=None),
)
