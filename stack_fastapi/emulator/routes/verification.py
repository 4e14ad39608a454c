"""Codes that verify e-mail addresses."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from stack_fastapi.emulator.errors import KnownError, bad_request, not_found
from stack_fastapi.emulator.protocol.call import Call
from stack_fastapi.emulator.protocol.email_fields import Email
from stack_fastapi.emulator.protocol.fields import Strict, Text, Url, UserId, Uuid
from stack_fastapi.emulator.protocol.response import Answer, json_answer, success
from stack_fastapi.emulator.protocol.routing import Route
from stack_fastapi.emulator.state import verification_codes
from stack_fastapi.emulator.state.entropy import SECRET_LENGTH
from stack_fastapi.emulator.state.records import User


class ChannelPath(Strict):
    """Which address."""

    user_id: UserId
    contact_channel_id: Uuid


class SendCode(Strict):
    """The page that the link in the e-mail leads to."""

    callback_url: Url


class SendPrimaryCode(SendCode):
    """The same, with the primary address."""

    email: Email


class Code(Strict):
    """What came by e-mail."""

    code: Annotated[Text, Field(min_length=SECRET_LENGTH, max_length=SECRET_LENGTH)]


def send(call: Call) -> Answer:
    """Send a code to one of a user's addresses."""
    call.no_query()
    path, url = call.path(ChannelPath), call.body(SendCode).callback_url
    user = _user(call, path.user_id)
    channel = next((item for item in user.channels if item.id == path.contact_channel_id), None)
    if channel is None:
        raise not_found("There is no such contact channel.")
    if channel.is_verified:
        raise KnownError("EMAIL_ALREADY_VERIFIED")
    verification_codes.send_verification(call.state, call.project, user, channel.value, url)
    return success()


def send_to_primary(call: Call) -> Answer:
    """Send a code to the signed-in user's primary address; the older way."""
    user, form = call.signed_in_user(), call.body(SendPrimaryCode)
    if user.primary_email != form.email:
        details = {"email": form.email, "primary_email": user.primary_email}
        raise KnownError("EMAIL_IS_NOT_PRIMARY_EMAIL", details)
    if user.primary_email_verified:
        raise KnownError("EMAIL_ALREADY_VERIFIED")
    verification_codes.send_verification(
        call.state, call.project, user, form.email, form.callback_url
    )
    return success()


def verify(call: Call) -> Answer:
    """Use a code: its address is verified."""
    found = verification_codes.find(
        call.project, "contact_channel_verification", call.body(Code).code, call.now_millis
    )
    found.used_at_millis = call.now_millis
    user = call.project.users.get(str(found.user_id))
    channels = [item for item in user.channels if item.value == found.email] if user else []
    if not channels:
        raise bad_request("The contact channel was deleted meanwhile.")
    channels[0].is_verified = True
    return success()


def check(call: Call) -> Answer:
    """Whether a code is good, without using it."""
    verification_codes.find(
        call.project, "contact_channel_verification", call.body(Code).code, call.now_millis
    )
    return json_answer({"is_code_valid": True})


def _user(call: Call, user_id: str) -> User:
    if call.is_client and user_id != call.me().id:
        raise bad_request("Clients verify the contact channels of their own user.")
    user = call.project.users.get(user_id)
    if user is None:
        raise KnownError("USER_ID_DOES_NOT_EXIST", {"user_id": user_id})
    return user


ROUTES = (
    Route("POST", "/contact-channels/{user_id}/{contact_channel_id}/send-verification-code", send),
    Route("POST", "/contact-channels/send-verification-code", send_to_primary),
    Route("POST", "/contact-channels/verify", verify),
    Route("POST", "/contact-channels/verify/check-code", check),
)
