"""Invitations to teams, sent by e-mail and accepted by code or by id."""

from __future__ import annotations

from stack_fastapi.emulator.errors import InternalError, KnownError, bad_request
from stack_fastapi.emulator.protocol import views
from stack_fastapi.emulator.protocol.call import Call
from stack_fastapi.emulator.protocol.email_fields import Email
from stack_fastapi.emulator.protocol.fields import Strict, Url, UserId, Uuid
from stack_fastapi.emulator.protocol.response import Answer, json_answer, success
from stack_fastapi.emulator.protocol.routing import Route
from stack_fastapi.emulator.routes.verification import Code
from stack_fastapi.emulator.state import membership, verification_codes
from stack_fastapi.emulator.state.accounts import restricted_reason
from stack_fastapi.emulator.state.records import User, VerificationCode


class SendCode(Strict):
    """Whom to invite where to."""

    team_id: Uuid
    email: Email
    callback_url: Url


class InvitationQuery(Strict):
    """Of a team, or to a user's verified addresses."""

    team_id: Uuid | None = None
    user_id: UserId | None = None


class InvitationPath(Strict):
    """Which invitation."""

    id: Uuid


class AcceptQuery(Strict):
    """Who accepts."""

    user_id: UserId


def send(call: Call) -> Answer:
    """Invite somebody; members need a permission for it."""
    form, project = call.body(SendCode), call.project
    if call.is_client:
        own_id = call.me("USER_AUTHENTICATION_REQUIRED").id
        membership.require_permission(project, form.team_id, own_id, "$invite_members")
    if form.team_id not in project.teams:
        raise InternalError("The real server finds no name for the e-mail.")
    team = project.teams[form.team_id]
    sent = verification_codes.send_invitation(
        call.state, project, team, form.email, form.callback_url
    )
    return json_answer({"success": True, "id": sent.id})


def list_(call: Call) -> Answer:
    """The invitations that are still good."""
    query = call.query(InvitationQuery)
    if (query.team_id is None) == (query.user_id is None):
        raise bad_request("Name either a team_id or a user_id.")
    wanted = verification_codes.open_invitations(call.project, call.now_millis)
    if query.team_id is not None:
        _check_reader(call, query.team_id)
        found = [item for item in wanted if item.team_id == query.team_id]
    else:
        verified = _verified_emails(_own(call, str(query.user_id)))
        found = [item for item in wanted if item.email in verified]
    return json_answer(views.listed([views.invitation(call.project, item) for item in found]))


def revoke(call: Call) -> Answer:
    """Take an invitation back; members need a permission for it.

    Like the real server, it looks at the team in the query and not at the invitation's own.
    """
    team_id = call.query(InvitationQuery).team_id
    if team_id is None:
        raise bad_request("Name the team_id.")
    if call.is_client:
        membership.require_permission(call.project, team_id, call.me().id, "$remove_members")
    else:
        membership.team_of(call.project, team_id)
    found = call.project.codes.get(call.path(InvitationPath).id)
    if found is None or found.type != "team_invitation":
        raise InternalError("The real server finds nothing to delete.")
    del call.project.codes[found.id]
    return success()


def accept(call: Call) -> Answer:
    """Join the team that a code invites to; whoever has it may, once."""
    found = _of_code(call)
    found.used_at_millis = call.now_millis  # before anything is looked at, like the real server
    return _join(call, _reader(call), found)


def check(call: Call) -> Answer:
    """Whether a code is good, without using it."""
    _of_code(call)
    return json_answer({"is_code_valid": True})


def details(call: Call) -> Answer:
    """Where a code invites to, without using it."""
    found = _of_code(call)
    _reader(call)
    team = membership.team_of(call.project, str(found.team_id))
    return json_answer({"team_id": team.id, "team_display_name": team.display_name})


def accept_by_id(call: Call) -> Answer:
    """Join the team of an invitation that went to one of the user's verified addresses."""
    user = _own(call, call.query(AcceptQuery).user_id)
    if user is None:
        raise KnownError("USER_NOT_FOUND")
    if call.is_client:
        _check_unrestricted(call, user)
    id_, wanted = call.path(InvitationPath).id, _verified_emails(user)
    for found in verification_codes.open_invitations(call.project, call.now_millis):
        if found.id == id_ and found.email in wanted:
            found.used_at_millis = call.now_millis
            return _join(call, user, found)
    raise KnownError("VERIFICATION_CODE_NOT_FOUND")


def _of_code(call: Call) -> VerificationCode:
    code = call.body(Code).code
    return verification_codes.find(call.project, "team_invitation", code, call.now_millis)


def _reader(call: Call) -> User:
    """Who has read the e-mail: the signed-in user, whatever address it went to."""
    user = call.me("USER_AUTHENTICATION_REQUIRED")
    _check_unrestricted(call, user)
    return user


def _join(call: Call, user: User, found: VerificationCode) -> Answer:
    team_id = str(found.team_id)
    if (team_id, user.id) not in call.project.memberships:
        membership.add_member(call.project, team_id, user.id)
    return json_answer({})


def _check_reader(call: Call, team_id: str) -> None:
    if not call.is_client:
        membership.team_of(call.project, team_id)
        return
    own_id = call.me().id
    for permission_id in ("$read_members", "$invite_members"):
        membership.require_permission(call.project, team_id, own_id, permission_id)


def _check_unrestricted(call: Call, user: User) -> None:
    reason = restricted_reason(call.project, user)
    if reason is not None:
        code = "TEAM_INVITATION_RESTRICTED_USER_NOT_ALLOWED"
        raise KnownError(code, {"restricted_reason": reason})


def _own(call: Call, user_id: str) -> User | None:
    if call.is_client and user_id != call.me().id:
        raise KnownError("CANNOT_GET_OWN_USER_WITHOUT_USER")
    return call.project.users.get(user_id)


def _verified_emails(user: User | None) -> set[str]:
    channels = user.channels if user else []
    return {channel.value for channel in channels if channel.is_verified}


ROUTES = (
    Route("POST", "/team-invitations/send-code", send),
    Route("GET", "/team-invitations", list_),
    Route("DELETE", "/team-invitations/{id}", revoke),
    Route("POST", "/team-invitations/accept", accept),
    Route("POST", "/team-invitations/accept/check-code", check),
    Route("POST", "/team-invitations/accept/details", details),
    Route("POST", "/team-invitations/{id}/accept", accept_by_id),
)
