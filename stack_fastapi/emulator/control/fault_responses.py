"""What a fault makes of an answer. Pure: the waiting and hanging up is the app's."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace

from stack_fastapi.emulator.control.faults import Fault, FaultKind
from stack_fastapi.emulator.protocol.response import JSON, Answer

_PAGE = b"<!doctype html><html><body><h1>Sorry</h1></body></html>"


def spoiled(fault: Fault, answer: Answer) -> Answer:
    """The answer that the client gets instead."""
    spoil = _SPOILERS.get(fault.kind)
    return spoil(fault, answer) if spoil else answer


def _status(fault: Fault, _answer: Answer) -> Answer:
    """Like a proxy in front of Stack: without a code and without Stack's headers."""
    headers = {} if fault.retry_after is None else {"retry-after": fault.retry_after}
    return Answer(
        fault.status or 503, b"try again later", "text/plain", headers=headers, from_stack=False
    )


def _broken_json(fault: Fault, answer: Answer) -> Answer:
    content = answer.content[: len(answer.content) // 2] or b"{"
    return replace(
        answer, status=fault.status or 200, content=content, content_type=JSON, known_error=None
    )


def _html(fault: Fault, _answer: Answer) -> Answer:
    return Answer(fault.status or 200, _PAGE, "text/html; charset=utf-8", from_stack=False)


def _oversized(fault: Fault, _answer: Answer) -> Answer:
    content = json.dumps({"padding": "a" * fault.size}).encode()
    return Answer(fault.status or 200, content, JSON)


def _redirect(fault: Fault, _answer: Answer) -> Answer:
    return Answer(fault.status or 302, headers={"location": fault.location}, from_stack=False)


_SPOILERS: dict[FaultKind, Callable[[Fault, Answer], Answer]] = {
    "status": _status,
    "broken_json": _broken_json,
    "html": _html,
    "oversized": _oversized,
    "redirect": _redirect,
}
