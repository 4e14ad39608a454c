"""Users' e-mail addresses; the codes that are sent to them are in `verification`."""

from __future__ import annotations

from typing import Literal

from stack_fastapi.emulator.errors import KnownError, bad_request, forbidden, not_found
from stack_fastapi.emulator.protocol import views
from stack_fastapi.emulator.protocol.call import Call
from stack_fastapi.emulator.protocol.email_fields import Email
from stack_fastapi.emulator.protocol.fields import Flag, Strict, UserId, Uuid
from stack_fastapi.emulator.protocol.response import Answer, json_answer, success
from stack_fastapi.emulator.protocol.routing import Route
from stack_fastapi.emulator.state.accounts import normal_email
from stack_fastapi.emulator.state.membership import user_of
from stack_fastapi.emulator.state.project import Project
from stack_fastapi.emulator.state.records import ContactChannel, User


class ClientUpdate(Strict):
    """What users may change about an address."""

    value: Email = ""
    type: Literal["email"] = "email"
    used_for_auth: Flag = False
    is_primary: Flag = False


class ServerUpdate(ClientUpdate):
    """What a server may change."""

    is_verified: Flag = False


class ClientCreate(ClientUpdate):
    """What a user says of a new address."""

    user_id: UserId
    value: Email
    type: Literal["email"]
    used_for_auth: Flag


class ServerCreate(ClientCreate):
    """What a server says of a new address."""

    is_verified: Flag = False


class ChannelQuery(Strict):
    """Whose addresses, and which."""

    user_id: UserId | None = None
    contact_channel_id: Uuid | None = None


class ChannelPath(Strict):
    """Which address."""

    user_id: UserId
    id: Uuid


def list_(call: Call) -> Answer:
    """A user's addresses, or all; clients see their own."""
    query = call.query(ChannelQuery)
    if call.is_client and query.user_id != call.me().id:
        raise forbidden("Clients list the contact channels of their own user.")
    items = [
        views.channel(user, channel)
        for user in call.project.users.values()
        if query.user_id in {None, user.id}
        for channel in user.channels
        if query.contact_channel_id in {None, channel.id}
    ]
    return json_answer(views.listed(items))


def create(call: Call) -> Answer:
    """A new address of a user."""
    call.no_query()
    form = call.body(ClientCreate if call.is_client else ServerCreate)
    _check_client(call, form.user_id)
    user, value = user_of(call.project, form.user_id), normal_email(form.value)
    if any(channel.value == value for channel in user.channels):
        raise bad_request("The user has this contact channel already.")
    channel = ContactChannel(call.state.entropy.uuid(), value, call.now_millis)
    _change(call.project, user, channel, form)
    user.channels.append(channel)
    return json_answer(views.channel(user, channel), status=201)


def read(call: Call) -> Answer:
    """One address."""
    user_id, id_ = _path(call)
    user = call.project.users.get(user_id)
    channel = _channel(user, id_)
    if user is None or channel is None:
        raise not_found("There is no such contact channel.")
    return json_answer(views.channel(user, channel))


def update(call: Call) -> Answer:
    """Change an address."""
    form = call.body(ClientUpdate if call.is_client else ServerUpdate)
    user, channel = _existing(call)
    _change(call.project, user, channel, form)
    return json_answer(views.channel(user, channel))


def delete(call: Call) -> Answer:
    """Delete an address."""
    user, channel = _existing(call)
    user.channels.remove(channel)
    return success()


def _path(call: Call) -> tuple[str, str]:
    call.no_query()
    path = call.path(ChannelPath)
    _check_client(call, path.user_id)
    return path.user_id, path.id


def _check_client(call: Call, user_id: str) -> None:
    if call.is_client and user_id != call.me().id:
        raise forbidden("Clients manage the contact channels of their own user.")


def _channel(user: User | None, id_: str) -> ContactChannel | None:
    channels = user.channels if user else []
    return next((channel for channel in channels if channel.id == id_), None)


def _existing(call: Call) -> tuple[User, ContactChannel]:
    user_id, id_ = _path(call)
    user = call.project.users.get(user_id)
    channel = _channel(user, id_)
    if user is None or channel is None:
        raise bad_request("There is no such contact channel.")
    return user, channel


def _change(project: Project, user: User, channel: ContactChannel, form: ClientUpdate) -> None:
    changes = form.given()
    value = normal_email(changes.get("value", channel.value))
    _check_auth(project, user, value, used=changes.get("used_for_auth", channel.used_for_auth))
    if changes.get("is_primary"):
        for other in user.channels:
            other.is_primary = False
    if value != channel.value:
        channel.value, channel.is_verified = value, False
    for name in ("used_for_auth", "is_primary", "is_verified"):
        setattr(channel, name, changes.get(name, getattr(channel, name)))


def _check_auth(project: Project, user: User, value: str, *, used: bool) -> None:
    found = project.auth_channel(value)
    if used and found is not None and found[0] is not user:
        raise KnownError(
            "CONTACT_CHANNEL_ALREADY_USED_FOR_AUTH_BY_SOMEONE_ELSE",
            {
                "type": "email",
                "contact_channel_value": value,
                "would_work_if_email_was_verified": False,
            },
        )


ROUTES = (
    Route("GET", "/contact-channels", list_),
    Route("POST", "/contact-channels", create),
    Route("GET", "/contact-channels/{user_id}/{id}", read),
    Route("PATCH", "/contact-channels/{user_id}/{id}", update),
    Route("DELETE", "/contact-channels/{user_id}/{id}", delete),
)
