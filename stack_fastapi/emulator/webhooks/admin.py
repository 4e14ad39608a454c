"""The emulator's own endpoints about webhooks; `admin_api` lists them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from stack_fastapi.emulator.errors import bad_request, not_found
from stack_fastapi.emulator.protocol.fields import explained
from stack_fastapi.emulator.protocol.request import Request
from stack_fastapi.emulator.protocol.response import Answer, json_answer, success
from stack_fastapi.emulator.state.events import EventType
from stack_fastapi.emulator.state.records import Endpoint
from stack_fastapi.emulator.webhooks.deliveries import Delivery
from stack_fastapi.emulator.webhooks.webhooks import Webhooks


class _Form(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class _NewEndpoint(_Form):
    """Where messages shall go; only to this machine."""

    url: str
    types: tuple[EventType, ...] = ()
    project: str | None = None


class _Id(_Form):
    """Which message."""

    id: str


class _Release(_Form):
    """In which order."""

    order: str | tuple[str, ...] = "sent"


Form = TypeVar("Form", bound=_Form)


def answer(request: Request, path: str, webhooks: Webhooks) -> Answer:
    """Answer a request about webhooks.

    Args:
        request: What is asked.
        path: What follows `webhooks` in its path.
        webhooks: The emulator's.

    Raises:
        StackError: There is no such endpoint, or the request makes no sense.
    """
    handler = _HANDLERS.get((request.method, path))
    if handler is None:
        raise not_found("The local Stack server has no such endpoint.")
    try:
        return handler(request, webhooks)
    except ValidationError as error:
        raise bad_request(explained(error)) from None
    except ValueError as error:
        raise bad_request(str(error)) from None
    except KeyError:
        raise not_found("There is no such project or message.") from None


def _show(_request: Request, webhooks: Webhooks) -> Answer:
    return json_answer(
        {
            "secret": webhooks.secret,
            "endpoints": [_endpoint(item) for item in webhooks.endpoints],
            "deliveries": [_delivery(item) for item in webhooks.deliveries],
        }
    )


def _add(request: Request, webhooks: Webhooks) -> Answer:
    form = _read(_NewEndpoint, request)
    added = webhooks.add(form.url, types=form.types, project=form.project)
    return json_answer(_endpoint(added), status=201)


def _remove(request: Request, webhooks: Webhooks) -> Answer:
    webhooks.remove(request.query.get("url", ""))
    return success()


def _redeliver(request: Request, webhooks: Webhooks) -> Answer:
    webhooks.redeliver(_read(_Id, request).id)
    return success()


def _hold(_request: Request, webhooks: Webhooks) -> Answer:
    webhooks.hold()
    return success()


def _release(request: Request, webhooks: Webhooks) -> Answer:
    webhooks.release(_read(_Release, request).order)
    return success()


def _read(form: type[Form], request: Request) -> Form:
    return form.model_validate(request.body() or {})


def _endpoint(item: Endpoint) -> dict[str, Any]:
    return {"url": item.url, "types": item.types}


def _delivery(item: Delivery) -> dict[str, Any]:
    return asdict(item) | {"content": item.content.decode()}


_HANDLERS: dict[tuple[str, str], Callable[[Request, Webhooks], Answer]] = {
    ("GET", ""): _show,
    ("POST", ""): _add,
    ("DELETE", ""): _remove,
    ("POST", "/redeliver"): _redeliver,
    ("POST", "/hold"): _hold,
    ("POST", "/release"): _release,
}
