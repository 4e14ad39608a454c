"""What a webhook says, and what of the kit's memory it makes stale.

Nothing that a message says is put into a cache: messages arrive late and out of order, and asking
Stack again is right whatever the order was.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar, get_args

from pydantic import BaseModel, JsonValue, SecretStr, ValidationError

from stack_fastapi.exceptions import ConfigurationError, StackUnavailableError
from stack_fastapi.models import KnownEvent, UnknownEvent, WebhookEvent
from stack_fastapi.settings import StackAuthSettings
from stack_fastapi.types import Change, ChangeHandler, ChangeKind, Clock
from stack_fastapi.webhooks.signatures import WebhookSignatures, signature_headers

M = TypeVar("M", bound=BaseModel)

_EVENTS: dict[str, type[KnownEvent]] = {
    get_args(event.model_fields["type"].annotation)[0]: event for event in get_args(KnownEvent)
}
_KINDS: dict[str, ChangeKind] = {
    "user": "user",
    "team": "team",
    "team_membership": "membership",
    "team_permission": "team_permission",
    "project_permission": "project_permission",
}


class _Envelope(BaseModel):
    type: str
    data: JsonValue = None


class Webhooks:
    """The webhooks of one project.

    Args:
        secret: what they are signed with; None where the app receives none.
        clock: Unix time in seconds.
        on_change: hears of what they tell.
    """

    def __init__(self, secret: SecretStr | None, clock: Clock, on_change: ChangeHandler) -> None:
        self._signatures = None if secret is None else WebhookSignatures(secret, clock)
        self._on_change = on_change

    @staticmethod
    def signature_headers(headers: Mapping[str, str]) -> list[tuple[str, str]]:
        """Those that tell one message from another; names in lower case."""
        return signature_headers(headers)

    def check_headers(self, headers: Mapping[str, str]) -> tuple[str, str, str]:
        """What names a message, before anybody reads its body; raises like ``receive``."""
        return self._present().check_headers(headers)

    async def receive(self, headers: Mapping[str, str], body: bytes) -> WebhookEvent:
        """The event that a message of Stack's tells; what it makes stale is forgotten first.

        Args:
            headers: the request's; names in any case.
            body: byte for byte as it came.

        Raises:
            InvalidWebhookError: nothing proves that it is Stack's.
            StackUnavailableError: it is, and makes no sense.
            ConfigurationError: there is no ``webhook_secret``.
        """
        message_id = self._present().check(headers, body)
        envelope = _read(_Envelope, body)
        await self._on_change(_change(envelope))
        model: type[WebhookEvent] = _EVENTS.get(envelope.type, UnknownEvent)
        return _read(model, body).model_copy(update={"id": message_id})

    def _present(self) -> WebhookSignatures:
        if self._signatures is None:
            raise ConfigurationError([StackAuthSettings.missing("webhook_secret")])
        return self._signatures


def _read(model: type[M], body: bytes) -> M:
    try:
        return model.model_validate_json(body)
    except ValidationError:  # whose text may quote the message
        problem = f"its webhook is no {model.__name__}"
    raise StackUnavailableError(problem)


def _change(envelope: _Envelope) -> Change:
    """What has changed; of an event that is not known, whatever it names."""
    subject = envelope.type.partition(".")[0]
    data = envelope.data if isinstance(envelope.data, dict) else {}
    named = {name: value for name, value in data.items() if isinstance(value, str)}
    user_id, team_id = named.get("user_id"), named.get("team_id")
    if subject == "user":
        user_id = named.get("id")
    if subject == "team":
        team_id = named.get("id")
    return Change(_KINDS.get(subject, "user"), user_id=user_id, team_id=team_id)
