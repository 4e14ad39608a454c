"""Step 5 of 5: the dependency that receives Stack's webhooks.

::

    @app.post("/webhooks/stack", status_code=204)
    async def stack_webhook(event: CurrentWebhook) -> None:
        match event:
            case UserDeletedEvent(data=user):
                await forget(user.id)

Any answer but 2xx makes Stack send the message again, for a day and more.
"""

# No "from __future__ import annotations": see ``dependencies.users``.

from typing import Annotated

from fastapi import Depends
from starlette.requests import ClientDisconnect, HTTPConnection, Request

from stack_fastapi.dependencies.refusals import refusing
from stack_fastapi.dependencies.users import Guard
from stack_fastapi.engine.stack_auth import decision_of, present
from stack_fastapi.exceptions import ConfigurationError, InvalidWebhookError
from stack_fastapi.models import WebhookEvent
from stack_fastapi.telemetry import logger

#: The longest message that is read, in bytes; a user with much metadata has a tenth of it.
MAX_LENGTH = 1024 * 1024


class _WebhookGuard(Guard):
    """A message that Stack signed; nothing that a person could paste, so no security scheme."""

    wanted_settings = ("webhook_secret",)

    @refusing
    async def __call__(self, connection: HTTPConnection) -> WebhookEvent:
        """The event; users, permissions and teams that it is about are asked about anew.

        Raises:
            StackHTTPException, StackWebSocketException: nothing proves that Stack sent it.
        """
        decision, request = present(decision_of(connection)), _request_of(connection)
        return await decision.receive_webhook(request.headers, lambda: _body_of(request))


def _request_of(connection: HTTPConnection) -> Request:
    """The connection, if it is one that webhooks come by.

    Raises:
        ConfigurationError: it is a WebSocket.
    """
    if isinstance(connection, Request):
        return connection
    path = connection.url.path
    problem = ConfigurationError(
        [f"the route {path} is a WebSocket, and webhooks are POST requests"]
    )
    logger.error("%s", problem.message)
    raise problem


async def _body_of(request: Request) -> bytes:
    body = bytearray()
    try:
        async for part in request.stream():
            body += part
            if len(body) > MAX_LENGTH:
                raise InvalidWebhookError("too_large")
    except ClientDisconnect:
        raise InvalidWebhookError("cut_off") from None
    return bytes(body)


#: The webhook that a request is, or 401.
current_webhook = _WebhookGuard()

CurrentWebhook = Annotated[WebhookEvent, Depends(current_webhook)]
