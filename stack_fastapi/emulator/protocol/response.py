"""A response, before it becomes ASGI messages."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from stack_fastapi.emulator.errors import KnownError, StackError

JSON = "application/json; charset=utf-8"
TEXT = "text/plain; charset=utf-8"
NO_STORE = "no-store, max-age=0"
#: Those that a client can have turned into 200: its own errors, not the server's.
CLIENT_ERRORS = range(400, 500)


@dataclass(frozen=True)
class Answer:
    """One answer.

    Attributes:
        known_error: The code of Stack's, if it is such an error.
        from_stack: Whether Stack's own code gives it. The framework's answers (405, 308) lack the
            headers that Stack adds.
    """

    status: int = 200
    content: bytes = field(default=b"", repr=False)
    content_type: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    known_error: str | None = None
    from_stack: bool = True


def json_answer(
    body: Any,  # noqa: ANN401 - any JSON value
    status: int = 200,
    headers: Mapping[str, str] | None = None,
) -> Answer:
    """An answer with a JSON body."""
    content = json.dumps(body, separators=(",", ":"), ensure_ascii=False).encode()
    return Answer(status, content, JSON, headers or {})


def text_answer(text: str, status: int = 200) -> Answer:
    """An answer in plain text."""
    return Answer(status, text.encode(), TEXT)


def success() -> Answer:
    """What deleting something answers."""
    return json_answer({"success": True})


def framework_answer(status: int, headers: Mapping[str, str] | None = None) -> Answer:
    """An answer that is given before Stack's code runs: empty, without Stack's headers."""
    return Answer(status, headers=headers or {}, from_stack=False)


def error_answer(error: StackError) -> Answer:
    """An error's answer."""
    if not isinstance(error, KnownError):
        return text_answer(str(error), error.status)
    body: dict[str, Any] = {"code": error.code, "error": str(error)}
    if error.details is not None:
        body["details"] = error.details
    return replace(json_answer(body, error.status), known_error=error.code)


def finished(answer: Answer, request_id: str, *, override_status: bool) -> Answer:
    """An answer of Stack's own code, with the headers that each of them has.

    Args:
        answer: What the endpoint gave.
        request_id: Its id.
        override_status: Whether the client cannot cope with error statuses; 4xx become 200.
    """
    headers = {"cache-control": NO_STORE, "x-stack-request-id": request_id, **answer.headers}
    if answer.known_error:
        headers["x-stack-known-error"] = answer.known_error
    status = answer.status
    if override_status and status in CLIENT_ERRORS:
        headers["x-stack-actual-status"] = str(status)
        status = 200
    return replace(answer, status=status, headers=headers)
