"""How users can be reached, and with which addresses they sign in."""

from __future__ import annotations

from typing import Unpack

from pydantic import SecretStr

from stack_fastapi.client._calls import Calls, Success
from stack_fastapi.client._checks import email
from stack_fastapi.client._forms import ContactChannelChanges, NewContactChannel
from stack_fastapi.client._given import concealed, given
from stack_fastapi.client._paths import optional_uuid, uuid, with_query
from stack_fastapi.models import ContactChannel
from stack_fastapi.types import Change

_CHANNELS = "/contact-channels"


class ContactChannelsApi:
    """``/contact-channels`` of Stack's REST API; raises like ``users``.

    A user's ``primary_email`` is one of them, so changes count as changes of the user.
    """

    def __init__(self, calls: Calls) -> None:
        self._calls = calls

    async def list(self, *, user_id: str | None = None) -> list[ContactChannel]:
        """All contact channels, or a user's: ``GET /contact-channels``."""
        path = with_query(_CHANNELS, user_id=optional_uuid(user_id))
        return await self._calls.read_list(ContactChannel, path)

    async def get(self, user_id: str, channel_id: str) -> ContactChannel:
        """One of them: ``GET /contact-channels/{user_id}/{channel_id}``.

        Raises:
            StackApiError: 404 without a code where the user has no such channel.
        """
        return await self._calls.read(ContactChannel, _path(user_id, channel_id))

    async def create(
        self,
        user_id: str,
        value: str,
        *,
        used_for_auth: bool = False,
        **fields: Unpack[NewContactChannel],
    ) -> ContactChannel:
        """A new e-mail address of a user: ``POST /contact-channels``.

        Args:
            user_id: whose; for an unknown user Stack itself fails after nine seconds, which
                reads as unavailable. Ask ``users.get`` first where the id comes from outside.
            value: the address.
            used_for_auth: whether the user can sign in with it.
            **fields: more about it.

        Raises:
            ApiSchemaError: the value is no e-mail address; not asked.
            ApiContactChannelInUseError: somebody else signs in with it.
            StackApiError: 400 without a code where the user has it already.
        """
        user_id = uuid(user_id)
        email(value)
        body = given(NewContactChannel, fields) | {
            "user_id": user_id,
            "type": "email",
            "value": value,
            "used_for_auth": used_for_auth,
        }
        change = Change("user", user_id)
        return await self._calls.change(ContactChannel, "POST", _CHANNELS, change, body=body)

    async def update(
        self, user_id: str, channel_id: str, **changes: Unpack[ContactChannelChanges]
    ) -> ContactChannel:
        """Change one: ``PATCH /contact-channels/{user_id}/{channel_id}``.

        What is left out stays as it is.

        Raises:
            ApiSchemaError: the new value is no e-mail address. That is not asked: Stack would
                keep it, answer 500, and not show the channel until it is an address again.
            ApiContactChannelInUseError: somebody else signs in with it.
            StackApiError: 400 without a code where the user has no such channel.
        """
        body = given(ContactChannelChanges, changes)
        if "value" in body:
            email(body["value"])
        path, change = _path(user_id, channel_id), Change("user", uuid(user_id))
        return await self._calls.change(ContactChannel, "PATCH", path, change, body=body)

    async def delete(self, user_id: str, channel_id: str) -> None:
        """Delete one: ``DELETE /contact-channels/{user_id}/{channel_id}``.

        Raises:
            StackApiError: 400 without a code where the user has no such channel.
        """
        path, change = _path(user_id, channel_id), Change("user", uuid(user_id))
        await self._calls.change(Success, "DELETE", path, change)

    async def send_verification_code(
        self, user_id: str, channel_id: str, *, callback_url: str
    ) -> None:
        """Send a code: ``POST /contact-channels/{user_id}/{channel_id}/send-verification-code``.

        Args:
            user_id: whose channel.
            channel_id: where the code goes.
            callback_url: the page that the message leads to; the project must trust it.

        Raises:
            ApiEmailAlreadyVerifiedError: there is nothing to verify.
            ApiCallbackUrlError: the project does not trust the page.
        """
        path = f"{_path(user_id, channel_id)}/send-verification-code"
        await self._calls.post(Success, path, {"callback_url": callback_url})

    async def verify(self, code: SecretStr | str) -> None:
        """Verify the address that a code was sent to: ``POST /contact-channels/verify``.

        Whose it is, only Stack knows: the user is not evicted from the caches by it.

        Raises:
            ApiVerificationCodeNotFoundError: there is no such code.
            ApiVerificationCodeExpiredError: it came too late.
            ApiVerificationCodeUsedError: it was used before.
        """
        code = concealed(code)
        change = Change("user")
        path = f"{_CHANNELS}/verify"
        await self._calls.change(Success, "POST", path, change, body={"code": code})


def _path(user_id: str, channel_id: str) -> str:
    return f"{_CHANNELS}/{uuid(user_id)}/{uuid(channel_id)}"
