"""What a response of Stack means, and whose fault a bad one is. Pure: no I/O, no HTTP library.

Stack marks everything that its own code answered with ``x-stack-request-id``. A refusal without
it came from something in between, and says nothing about the caller: that is an outage.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime

from stack_fastapi.exceptions import (
    API_ERRORS,
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


class NotSentError(StackUnavailableError):
    """Stack was not even asked, so nothing has changed there."""


class StackBrokeError(StackUnavailableError):
    """Stack's own code broke at a change, as it does at some that were made before."""


@dataclass(frozen=True, slots=True, repr=False)
class Response:
    """An HTTP response, read to its end.

    Attributes:
        headers: names in lower case.
        is_cut_off: whether there was more of it than is read; none of it is kept then.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes
    is_cut_off: bool = False


def is_server_error(response: Response) -> bool:
    """Whether asking again soon may help (RFC 9110, section 15.6)."""
    return response.status // 100 == _FAILED


def failed_at_this(response: Response) -> bool:
    """Whether Stack's own code broke at a request: that says nothing about any other one.

    It answers 500 to odd but legal changes, and to some that cannot be made any more.
    """
    return is_server_error(response) and is_from_stack(response)


def requested_pause(response: Response, now: float) -> float | None:
    """How many seconds Stack asks us to keep quiet; None where it does not."""
    if response.status != _TOO_MANY_REQUESTS:
        return None
    return _retry_after(response.headers.get("retry-after", ""), now)


def read_response(response: Response, now: float) -> object:
    """The decoded JSON of a good response.

    Raises:
        StackUnavailableError: not a response of Stack, or one that makes no sense.
        StackConfigurationError: Stack does not accept the project or its key.
        StackApiError: Stack refused this very request.
    """
    status = response.status
    if status // 100 == _SUCCEEDED:
        return _decode(response.body)
    if status // 100 == _REFUSED and is_from_stack(response) and status != _TOO_MANY_REQUESTS:
        raise _refusal(response)
    pause = requested_pause(response, now)
    raise StackUnavailableError(
        f"Stack answered with status {status}.", retry_after=pause or DEFAULT_RETRY_AFTER
    )


def is_from_stack(response: Response) -> bool:
    """Whether Stack's own code answered, and nothing in between."""
    return "x-stack-request-id" in response.headers


def _refusal(response: Response) -> StackApiError | StackConfigurationError:
    code = response.headers.get(_KNOWN_ERROR)
    if code in _CONFIGURATION_CODES:
        return StackConfigurationError(code)
    return API_ERRORS.get(code or "", StackApiError)(response.status, code, _details(response.body))


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
        del body  # the beginning of a response may hold a new session's tokens
    raise StackUnavailableError("Stack's response is not JSON.")


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
