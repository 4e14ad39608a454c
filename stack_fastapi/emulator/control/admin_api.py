"""The emulator's own endpoints, under a path that the real server does not have.

| Request | What it does |
|---|---|
| `GET /local-stack/faults` | the faults that are not over yet |
| `POST /local-stack/faults` | play a fault; the body has the fields of `Fault` |
| `DELETE /local-stack/faults` | play none any more |
| `GET /local-stack/emails` | the e-mails that Stack would have sent, with their codes |
| `GET /local-stack/requests` | the request log |
| `DELETE /local-stack/requests` | forget it |
| `POST /local-stack/rotate-keys` | sign with new keys; `?keep_old=false` withdraws the old ones |
| `GET /local-stack/token?user=…` | a fresh access token, as text; by id or e-mail address |
| `GET /local-stack/webhooks` | the secret, who gets webhooks, and all deliveries |
| `POST /local-stack/webhooks` | send them to `{"url", "types"?, "project"?}` as well |
| `DELETE /local-stack/webhooks?url=…` | send them there no more |
| `POST /local-stack/webhooks/redeliver` | send the message `{"id"}` once more |
| `POST /local-stack/webhooks/hold` | keep messages back |
| `POST /local-stack/webhooks/release` | let them go, as `{"order"}` says: `sent`, `reversed`, ids |

Only programs on this machine may ask, and who types an address into a browser. No page may, not
even by a picture, a script or a form: browsers say where these come from. Bodies are JSON.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Protocol

from pydantic import ValidationError

from stack_fastapi.emulator.control.faults import Fault, Faults
from stack_fastapi.emulator.control.mail_controls import SentEmail
from stack_fastapi.emulator.control.request_log import RequestLog
from stack_fastapi.emulator.errors import PlainError, StackError, bad_request, forbidden, not_found
from stack_fastapi.emulator.protocol.fields import explained
from stack_fastapi.emulator.protocol.guard import check_local, is_from_another_site
from stack_fastapi.emulator.protocol.request import Request
from stack_fastapi.emulator.protocol.response import (
    NO_STORE,
    Answer,
    error_answer,
    json_answer,
    success,
    text_answer,
)
from stack_fastapi.emulator.webhooks import Webhooks, admin as webhooks_admin

__all__ = ["PREFIX", "answer"]

PREFIX = "/local-stack/"
WEBHOOKS = f"{PREFIX}webhooks"
#: No form on another site can have it.
JSON_TYPE = "application/json"


class RotateKeys(Protocol):
    """Sign with new keys from now on; the old ones stay published if they are kept."""

    def __call__(self, *, keep_old: bool) -> None: ...


@dataclass(frozen=True)
class Acts:
    """What the emulator's own endpoints can do to it.

    Attributes:
        token_of: Signs a user in, by id or address; raises `KnownError` where there is none.
        rotate_keys: Makes new signing keys in all projects.
        sent_emails: What was sent so far, oldest first.
    """

    token_of: Callable[[str], str]
    rotate_keys: RotateKeys
    sent_emails: Callable[[], Sequence[SentEmail]]


def answer(
    request: Request,
    faults: Faults,
    requests: RequestLog,
    acts: Acts,
    webhooks: Webhooks,
) -> Answer:
    """Answer one of the emulator's own endpoints.

    Args:
        request: What is asked.
        faults: The emulator's.
        requests: The emulator's.
        acts: What it can do.
        webhooks: The emulator's.
    """
    try:
        _check_caller(request)
        given = _answer(request, faults, requests, acts, webhooks)
    except StackError as error:
        given = error_answer(error)
    return replace(given, headers={**given.headers, "cache-control": NO_STORE})


def _answer(
    request: Request, faults: Faults, requests: RequestLog, acts: Acts, webhooks: Webhooks
) -> Answer:
    if request.path.startswith(WEBHOOKS):
        return webhooks_admin.answer(request, request.path.removeprefix(WEBHOOKS), webhooks)
    match request.path.removeprefix(PREFIX):
        case "faults":
            return _answer_faults(request, faults)
        case "requests":
            return _answer_requests(request, requests)
    return _act(request, acts)


def _act(request: Request, acts: Acts) -> Answer:
    match request.method, request.path.removeprefix(PREFIX):
        case "GET", "emails":
            return json_answer({"items": [asdict(item) for item in acts.sent_emails()]})
        case "GET", "token":
            return text_answer(acts.token_of(request.query.get("user", "")))
        case "POST", "rotate-keys":
            acts.rotate_keys(keep_old=request.query.get("keep_old") != "false")
            return success()
    raise _unknown()


def _answer_faults(request: Request, faults: Faults) -> Answer:
    match request.method:
        case "GET":
            return json_answer({"items": [fault.model_dump() for fault in faults.active]})
        case "POST":
            faults.add(_fault(request))
            return success()
        case "DELETE":
            faults.clear()
            return success()
    raise _unknown()


def _answer_requests(request: Request, requests: RequestLog) -> Answer:
    match request.method:
        case "GET":
            return json_answer({"items": [asdict(item) for item in requests]})
        case "DELETE":
            requests.clear()
            return success()
    raise _unknown()


def _unknown() -> StackError:
    return not_found("The local Stack server has no such endpoint.")


def _check_caller(request: Request) -> None:
    check_local(request, "programs")
    # Our own page needs none of these endpoints, so that no script has a reason to ask here.
    if "origin" in request.headers or is_from_another_site(request):
        raise forbidden("This is for programs at this machine, and for no page in a browser.")
    if request.content and request.media_type != JSON_TYPE:
        raise PlainError(415, f"A body is sent here as {JSON_TYPE}.")


def _fault(request: Request) -> Fault:
    try:
        return Fault.model_validate(request.body())
    except ValidationError as error:
        raise bad_request(explained(error)) from None
