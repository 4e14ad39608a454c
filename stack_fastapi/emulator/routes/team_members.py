"""Members of teams and their profiles."""

from __future__ import annotations

from stack_fastapi.emulator.errors import bad_request, forbidden
from stack_fastapi.emulator.protocol import views
from stack_fastapi.emulator.protocol.call import Call
from stack_fastapi.emulator.protocol.fields import Name, Nothing, Strict, UserId, Uuid
from stack_fastapi.emulator.protocol.image_fields import ClientImage, ServerImage
from stack_fastapi.emulator.protocol.response import Answer, json_answer, success
from stack_fastapi.emulator.protocol.routing import SERVER, Route
from stack_fastapi.emulator.state import membership
from stack_fastapi.emulator.state.records import Membership


class MemberPath(Strict):
    """Which membership."""

    team_id: Uuid
    user_id: UserId


class ProfileQuery(Strict):
    """Whose profiles."""

    team_id: Uuid | None = None
    user_id: UserId | None = None


class ClientProfileUpdate(Strict):
    """What a profile says in place of the user."""

    display_name: Name = ""
    profile_image_url: ClientImage | None = None


class ServerProfileUpdate(ClientProfileUpdate):
    """The same of a server."""

    profile_image_url: ServerImage | None = None


def add(call: Call) -> Answer:
    """Take a user into a team."""
    path = _path(call)
    call.body(Nothing)
    added = membership.add_member(call.project, path.team_id, path.user_id)
    return json_answer({"team_id": added.team_id, "user_id": added.user_id}, status=201)


def remove(call: Call) -> Answer:
    """Take a user out of a team; users may leave."""
    path = _path(call)
    if call.is_client and path.user_id != call.me().id:
        membership.require_permission(call.project, path.team_id, call.me().id, "$remove_members")
    membership.remove_member(call.project, path.team_id, path.user_id)
    return success()


def list_profiles(call: Call) -> Answer:
    """Profiles in a team or of a user; clients name a team that they are in."""
    query, project = call.query(ProfileQuery), call.project
    if call.is_client:
        _check_client(call, query)
    else:
        if query.team_id is not None:
            membership.team_of(project, query.team_id)
        if query.user_id is not None:
            membership.user_of(project, query.user_id)
    found = project.memberships_of(team_id=query.team_id, user_id=query.user_id)
    return json_answer(views.listed([_view(call, item) for item in found]))


def read_profile(call: Call) -> Answer:
    """One profile; clients see their own, or others' with the permission."""
    path = _path(call)
    if call.is_client and path.user_id != call.me().id:
        membership.require_permission(call.project, path.team_id, call.me().id, "$read_members")
    return _shown(call, path)


def update_profile(call: Call) -> Answer:
    """Change a profile; clients change their own."""
    path = _path(call)
    changes = call.body(ClientProfileUpdate if call.is_client else ServerProfileUpdate).given()
    if call.is_client and path.user_id != call.me().id:
        raise forbidden("Clients change the profile of their own user.")
    found = membership.membership_of(call.project, path.team_id, path.user_id)
    for name, value in changes.items():
        setattr(found, name, value)
    return _shown(call, path)


def _path(call: Call) -> MemberPath:
    call.no_query()
    return call.path(MemberPath)


def _check_client(call: Call, query: ProfileQuery) -> None:
    own_id = call.me().id
    if query.team_id is None:
        raise bad_request("Clients name a team_id.")
    if query.user_id == own_id:
        membership.membership_of(call.project, query.team_id, own_id)
    else:
        membership.require_permission(call.project, query.team_id, own_id, "$read_members")


def _view(call: Call, item: Membership) -> views.View:
    view = views.client_profile if call.is_client else views.server_profile
    return view(call.project, item)


def _shown(call: Call, path: MemberPath) -> Answer:
    found = membership.membership_of(call.project, path.team_id, path.user_id)
    return json_answer(_view(call, found))


ROUTES = (
    Route("POST", "/team-memberships/{team_id}/{user_id}", add, SERVER),
    Route("DELETE", "/team-memberships/{team_id}/{user_id}", remove),
    Route("GET", "/team-member-profiles", list_profiles),
    Route("GET", "/team-member-profiles/{team_id}/{user_id}", read_profile),
    Route("PATCH", "/team-member-profiles/{team_id}/{user_id}", update_profile),
)
