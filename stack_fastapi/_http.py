"""Talking HTTP to Stack; the only module that imports the HTTP library.

One question is one ``call``: bounded in time as a whole, repeated where that is harmless, stopped
by a circuit breaker where Stack is down, and answered with decoded JSON or one of our errors.
No error is chained to one of the HTTP library, whose frames and messages hold our headers.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from http.cookiejar import CookieJar, DefaultCookiePolicy
from types import ModuleType
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import httpx
import stamina
from pydantic import SecretStr

from stack_fastapi._answer import (
    Answer,
    StackBrokeError,
    failed_at_this,
    is_server_error,
    read_answer,
    requested_pause,
)
from stack_fastapi._breaker import CircuitBreaker
from stack_fastapi._pools import Pools
from stack_fastapi._question import MAX_BODY, Question
from stack_fastapi.exceptions import (
    ConfigurationError,
    StackApiError,
    StackConfigurationError,
    StackUnavailableError,
)
from stack_fastapi.loopback import is_loopback
from stack_fastapi.settings import StackAuthSettings
from stack_fastapi.telemetry import ProblemLog
from stack_fastapi.types import Clock

httpx2: ModuleType | None
try:
    import httpx2
except ImportError:
    httpx2 = None

if TYPE_CHECKING:
    import httpx2 as _httpx2

    #: An async transport of either HTTP library.
    Transport = httpx.AsyncBaseTransport | _httpx2.AsyncBaseTransport

_LOCAL_MARK = "x-stack-local"

_LIBRARIES = tuple(library for library in (httpx2, httpx) if library is not None)
_HTTP_ERRORS = (
    OSError,
    *(library.HTTPError for library in _LIBRARIES),
    *(library.StreamError for library in _LIBRARIES),
)


class _FailedAttemptError(Exception):
    """An attempt that got no usable answer; the message names the kind of failure, no data.

    Attributes:
        answer: the server error that it got, if it got one.
    """

    def __init__(self, failure: str, answer: Answer | None = None) -> None:
        super().__init__(failure)
        self.answer = answer


class _LaterError(Exception):
    """Stack asks for a pause of so many seconds; there is no answer yet."""

    def __init__(self, pause: float) -> None:
        super().__init__(pause)
        self.pause = pause


# Only what may safely happen twice is repeated (RFC 9110, section 9.2.2).
_RETRYING = {
    method: stamina.AsyncRetryingCaller(
        attempts=3 if idempotent else 1, timeout=None, wait_initial=0.1, wait_max=1.0
    ).on(_FailedAttemptError)
    for method, idempotent in (
        ("GET", True),
        ("PUT", True),
        ("DELETE", True),
        ("POST", False),
        ("PATCH", False),
    )
}


class StackHttp:
    """Questions to one Stack API on behalf of one project.

    Connections are pooled for each event loop, and closed with it.

    Args:
        settings: where Stack is, who we are and how long to wait.
        clock: Unix time in seconds.
        log: where operators hear of problems.
        transport: in place of the network; closed with the pool.
    """

    def __init__(
        self,
        settings: StackAuthSettings,
        clock: Clock,
        log: ProblemLog,
        transport: Transport | None = None,
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._log = log
        self._breaker = CircuitBreaker()
        self._pools = Pools(lambda: _new_client(settings.timeout, transport))

    async def call(
        self,
        method: str,
        path: str,
        *,
        token: SecretStr | None = None,
        body: object = None,
        as_server: bool = True,
        refresh_token: SecretStr | None = None,
        max_body: int = MAX_BODY,
    ) -> object:
        """Ask Stack and decode its answer.

        Args:
            method: HTTP method.
            path: below ``/api/v1``, with its query; ids in it already quoted.
            token: a user's access token, sent along.
            body: JSON to send; a secret among its fields is a ``SecretStr``.
            as_server: whether to show the secret server key.
            refresh_token: a session's refresh token, sent along.
            max_body: most bytes of the answer that are read.

        Raises:
            ValueError: JSON cannot hold the body.
            StackUnavailableError: no usable answer within the time.
            StackConfigurationError: Stack does not accept our project or key.
            StackApiError: Stack refused this very question.
        """
        try:
            return await self._patiently(
                Question(method, path, token, body, as_server, refresh_token, max_body)
            )
        except StackUnavailableError as error:
            if method == "DELETE" and isinstance(error, StackBrokeError):
                raise  # mostly there is nothing left to delete: no outage that operators can mend
            self._log.report(logging.WARNING, error.code, f"Stack is unavailable: {error.message}")
            raise
        except ConfigurationError as error:
            self._log.report(logging.ERROR, error.code, error.message)
            raise

    async def aclose(self) -> None:
        """Close the connections of the running event loop; another call opens new ones."""
        await self._pools.aclose()

    async def _patiently(self, question: Question) -> object:
        """Ask, and again after each pause that Stack asks for and that fits into the time.

        A question that was limited was not looked at, so any may be asked again.
        """
        time = asyncio.get_running_loop().time
        end = time() + self._settings.timeout
        while True:
            try:
                return await self._guarded(question, end)
            except _LaterError as error:
                pause = error.pause
            if time() + pause >= end:
                raise StackUnavailableError("Stack answered with status 429.", retry_after=pause)
            # A little longer, for clocks differ; not at all where stamina's test mode says so.
            await asyncio.sleep(0 if stamina.is_testing() else pause * 1.05)

    async def _guarded(self, question: Question, end: float) -> object:
        """Ask through the circuit breaker, until the event loop's clock reads ``end``."""
        wait = self._breaker.acquire(self._clock())
        if wait is not None:
            raise StackUnavailableError("it failed repeatedly; not asking", retry_after=wait)
        answer = None
        try:
            answer = await self._within_time(question, end)
            value = read_answer(answer, self._clock())
            self._warn_of_local_stack(answer)
        except _LaterError as error:
            self._breaker.fail(self._clock(), error.pause)
            raise
        except StackUnavailableError as error:
            if answer is not None and question.is_change and failed_at_this(answer):
                self._breaker.release()
                raise StackBrokeError(error.message, retry_after=error.retry_after) from None
            self._breaker.fail(self._clock())
            raise
        except (StackApiError, StackConfigurationError) as error:
            self._breaker.succeed()
            if isinstance(error, StackApiError):
                error.details = question.without_secrets(error.details)
            raise
        except BaseException:  # the caller went away: that says nothing about Stack
            self._breaker.release()
            raise
        self._breaker.succeed()
        return value

    def _warn_of_local_stack(self, answer: Answer) -> None:
        """A local Stack lets anybody be anybody: fine on this machine, a disaster elsewhere."""
        host = urlsplit(self._settings.api_url).hostname or ""
        if _LOCAL_MARK in answer.headers and not is_loopback(host):
            message = (
                f"api_url (STACK_API_URL) leads to a local Stack at {self._settings.api_url}, "
                "which is for development: whoever reaches it can sign in as anybody."
            )
            self._log.report(logging.CRITICAL, "LOCAL_STACK", message)

    async def _within_time(self, question: Question, end: float) -> Answer:
        answer, failure = None, "no answer in time"
        try:
            async with asyncio.timeout_at(end):
                answer = await _RETRYING[question.method](self._attempt, question)
        except TimeoutError:
            pass
        except _FailedAttemptError as error:
            failure, answer = str(error), error.answer
        if answer is None:  # raised out here, away from the HTTP library's frames
            raise StackUnavailableError(failure)
        pause = requested_pause(answer, self._clock())
        if pause is not None:
            raise _LaterError(pause)
        return answer

    async def _attempt(self, question: Question) -> Answer:
        client = await self._pools.client()
        failure = ""
        try:
            async with client.stream(
                question.method,
                f"{self._settings.api_url}/api/v1{question.path}",
                headers=question.headers(self._settings),
                content=question.content,
            ) as response:
                body = await _read(response, question.max_body)
                headers = {name.lower(): value for name, value in response.headers.items()}
                answer = Answer(response.status_code, headers, body)
        except _HTTP_ERRORS as error:
            failure = type(error).__name__  # not its text, which may quote a header
        if failure:
            raise _FailedAttemptError(failure)
        # A change that Stack's own code broke at was looked at; it would break there again.
        if is_server_error(answer) and not (question.is_change and failed_at_this(answer)):
            raise _FailedAttemptError(f"status {answer.status}", answer)
        return answer


async def _read(response: Any, most: int) -> bytes:  # noqa: ANN401 - a response of either library
    """The body, but no more of it than makes sense."""
    body = bytearray()
    async for chunk in response.aiter_bytes():
        body += chunk
        if len(body) > most:
            raise _FailedAttemptError("the answer is too large")
    return bytes(body)


def _new_client(timeout: float, transport: Transport | None) -> Any:  # noqa: ANN401 - of either library
    library = _LIBRARIES[0]
    if isinstance(transport, httpx.AsyncBaseTransport):
        library = httpx
    return library.AsyncClient(
        timeout=timeout,
        transport=transport,
        follow_redirects=False,
        # What an answer about one user sets must not go out with the question about the next.
        cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
    )


def asgi_transport(app: Callable[..., Any]) -> Transport:
    """A transport that calls an ASGI app in this process, without a socket."""
    transport: Transport = _LIBRARIES[0].ASGITransport(app=app)
    return transport


def post(url: str, content: bytes, headers: Mapping[str, str], timeout: float) -> int | None:
    """Post once and wait for the answer: no repetition, no redirects, no proxies.

    Args:
        url: where to.
        content: the body.
        headers: sent as they are.
        timeout: seconds for each step of the exchange.

    Returns:
        The status; None where there was no answer.
    """
    is_encrypted = url.startswith("https:")  # plain connections need no certificates loaded
    client = _LIBRARIES[0].Client(
        timeout=timeout, verify=is_encrypted, follow_redirects=False, trust_env=False
    )
    try:
        with client, client.stream("POST", url, content=content, headers=headers) as response:
            return int(response.status_code)
    except _HTTP_ERRORS:
        return None
