"""What an answer of Stack means, and whose fault a bad one is. Pure: no I/O, no HTTP library.

Stack marks everything that its own code answered with ``x-stack-request-id``. A refusal without
it came from something in between, and says nothing about the caller: that is an outage.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime

from stack_fastapi.api_exceptions import API_ERRORS
from stack_fastapi.exceptions import (
    StackApiError,
    StackConfigurationError,
    StackUnavailableError,
)

#: Seconds a caller is told to wait where Stack does not say.
DEFAULT_RETRY_AFTER = 5.0

# Classes of HTTP statuses (RFC 9110, section 15), and one of them alone.
_SUCCEEDED, _REFUSED, _FAILED = 2, 4, 5
_TOO_MANY_REQUESTS = 429
_KNOWN_ERROR = "x-stack-known-error"
# The operator's mistakes: no user's request can cause or mend them.
_CONFIGURATION_CODES = frozenset(
    {
        "ACCESS_TYPE_REQUIRED",
        "ACCESS_TYPE_WITHOUT_PROJECT_ID",
        "BRANCH_DOES_NOT_EXIST",
        "CURRENT_PROJECT_NOT_FOUND",
        "INVALID_ACCESS_TYPE",
        "INVALID_PUBLISHABLE_CLIENT_KEY",
        "INVALID_SECRET_SERVER_KEY",
        "INVALID_SUPER_SECRET_ADMIN_KEY",
        "PROJECT_KEY_WITHOUT_ACCESS_TYPE",
        "PROJECT_NOT_FOUND",
        "PUBLISHABLE_CLIENT_KEY_REQUIRED_FOR_PROJECT",
    }
)


class StackBrokeError(StackUnavailableError):
    """Stack's own code broke at a change, as it does at some that were made before."""


@dataclass(frozen=True, slots=True, repr=False)
class Answer:
    """An HTTP answer, read to its end.

    Attributes:
        headers: names in lower case.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes


def is_server_error(answer: Answer) -> bool:
    """Whether asking again soon may help (RFC 9110, section 15.6)."""
    return answer.status // 100 == _FAILED


def failed_at_this(answer: Answer) -> bool:
    """Whether Stack's own code broke at a question: that says nothing about any other one.

    It answers 500 to odd but legal changes, and to some that cannot be made any more.
    """
    return is_server_error(answer) and _is_from_stack(answer)


def requested_pause(answer: Answer, now: float) -> float | None:
    """How many seconds Stack asks us to keep quiet; None where it does not."""
    if answer.status != _TOO_MANY_REQUESTS:
        return None
    return _retry_after(answer.headers.get("retry-after", ""), now)


def read_answer(answer: Answer, now: float) -> object:
    """The decoded JSON of a good answer.

    Raises:
        StackUnavailableError: not an answer of Stack, or one that makes no sense.
        StackConfigurationError: Stack does not accept the project or its key.
        StackApiError: Stack refused this very question.
    """
    status = answer.status
    if status // 100 == _SUCCEEDED:
        return _decode(answer.body)
    if status // 100 == _REFUSED and _is_from_stack(answer) and status != _TOO_MANY_REQUESTS:
        raise _refusal(answer)
    pause = requested_pause(answer, now)
    raise StackUnavailableError(
        f"Stack answered with status {status}.", retry_after=pause or DEFAULT_RETRY_AFTER
    )


def _is_from_stack(answer: Answer) -> bool:
    return "x-stack-request-id" in answer.headers


def _refusal(answer: Answer) -> StackApiError | StackConfigurationError:
    code = answer.headers.get(_KNOWN_ERROR)
    if code in _CONFIGURATION_CODES:
        return StackConfigurationError(code)
    return API_ERRORS.get(code or "", StackApiError)(answer.status, code, _details(answer.body))


def _details(body: bytes) -> Mapping[str, object] | None:
    try:
        details = json.loads(body)["details"]
    except (ValueError, RecursionError, LookupError, TypeError):
        return None
    return details if isinstance(details, dict) else None


def _decode(body: bytes) -> object:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        del body  # the beginning of an answer may hold a new session's tokens
    raise StackUnavailableError("Stack's answer is not JSON.")


def _retry_after(value: str, now: float) -> float | None:
    """Seconds, from a number or a date (RFC 9110, section 10.2.3)."""
    try:
        seconds = float(value)
    except ValueError:
        try:
            seconds = parsedate_to_datetime(value).timestamp() - now
        except (ValueError, OverflowError):
            return None
    return max(1.0, seconds) if math.isfinite(seconds) else None
