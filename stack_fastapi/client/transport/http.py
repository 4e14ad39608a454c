"""Talking HTTP to Stack; the only module that imports the HTTP library.

One request is one ``call``: bounded in time as a whole, repeated where that is harmless, stopped
by a circuit breaker where Stack is down, and answered with decoded JSON or one of our errors.
No error is chained to one of the HTTP library, whose frames and messages hold our headers.
"""

from __future__ import annotations

import asyncio
import logging
import sys
from collections.abc import Callable, Mapping
from http.cookiejar import CookieJar, DefaultCookiePolicy
from types import ModuleType
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import stamina
from pydantic import SecretStr

from stack_fastapi.cache import MemoryCache
from stack_fastapi.client.transport.circuit_breaker import THRESHOLD_OF_ONE, CircuitBreaker
from stack_fastapi.client.transport.loopback import is_loopback
from stack_fastapi.client.transport.pools import Pools
from stack_fastapi.client.transport.request import MAX_BODY, Request
from stack_fastapi.client.transport.response import (
    NotSentError,
    Response,
    StackBrokeError,
    failed_at_this,
    is_from_stack,
    is_server_error,
    read_response,
    requested_pause,
)
from stack_fastapi.exceptions import (
    ConfigurationError,
    ResponseTooLargeError,
    StackApiError,
    StackConfigurationError,
    StackUnavailableError,
)
from stack_fastapi.settings import StackAuthSettings
from stack_fastapi.telemetry import ProblemLog
from stack_fastapi.types import Clocks

if TYPE_CHECKING:
    import httpx
    import httpx2

    #: An async transport of either HTTP library.
    Transport = httpx.AsyncBaseTransport | httpx2.AsyncBaseTransport

_library: ModuleType
try:
    import httpx2 as _library
except ImportError:
    import httpx as _library

_LOCAL_MARK = "x-stack-local"
#: How many requests that failed lately are kept apart.
_BREAKERS_OF_ONE = 1000
#: For how long after the last failure, in seconds.
_REMEMBERED = 60.0


class _FailedAttemptError(Exception):
    """An attempt that got no usable response; the message names the kind of failure, no data.

    Attributes:
        response: the server error that it got, if it got one.
    """

    def __init__(self, failure: str, response: Response | None = None) -> None:
        super().__init__(failure)
        self.response = response


class _LaterError(Exception):
    """Stack asks for a pause of so many seconds; there is no response yet."""

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
    """Requests to one Stack API on behalf of one project.

    Connections are pooled for each event loop, and closed with it.

    Args:
        settings: where Stack is, who we are and how long to wait.
        clocks: the time.
        log: where operators hear of problems.
        transport: in place of the network; closed with the pool.
    """

    def __init__(
        self,
        settings: StackAuthSettings,
        clocks: Clocks,
        log: ProblemLog,
        transport: Transport | None = None,
    ) -> None:
        self._settings = settings
        self._clocks = clocks
        self._log = log
        self._breaker = CircuitBreaker()
        self._breakers_of_one: MemoryCache[CircuitBreaker] = MemoryCache(
            _BREAKERS_OF_ONE, clocks.monotonic
        )
        library = _library_of(transport)
        self._http_errors = _errors_of(library)
        self._pools = Pools(lambda: _new_client(library, settings.timeout, transport))

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
        """Ask Stack and decode its response.

        Args:
            method: HTTP method.
            path: below ``/api/v1``, with its query; ids in it already quoted.
            token: a user's access token, sent along.
            body: JSON to send; a secret among its fields is a ``SecretStr``.
            as_server: whether to show the secret server key.
            refresh_token: a session's refresh token, sent along.
            max_body: most bytes of the response that are read.

        Raises:
            ValueError: JSON cannot hold the body.
            StackUnavailableError: no usable response within the time.
            StackConfigurationError: Stack does not accept our project or key.
            StackApiError: Stack refused this very request.
        """
        try:
            return await self._patiently(
                Request(method, path, token, body, as_server, refresh_token, max_body)
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

    async def _patiently(self, request: Request) -> object:
        """Ask, and again after each pause that Stack asks for and that fits into the time.

        A request that was limited was not looked at, so any may be asked again.
        """
        time = asyncio.get_running_loop().time
        end = time() + self._settings.timeout
        while True:
            try:
                return await self._guarded(request, end)
            except _LaterError as error:
                pause = error.pause
            if time() + pause >= end:
                raise StackUnavailableError("Stack answered with status 429.", retry_after=pause)
            # A little longer, for clocks differ; not at all where stamina's test mode says so.
            await asyncio.sleep(0 if stamina.is_testing() else pause * 1.05)

    async def _guarded(self, request: Request, end: float) -> object:
        """Ask through the circuit breakers, until the event loop's clock reads ``end``."""
        self._acquire(request)
        response = None
        try:
            response = await self._within_time(request, end)
            value = read_response(response, self._clocks.wall())
            self._warn_of_local_stack(response)
        except _LaterError as error:
            self._breaker.fail(self._clocks.monotonic(), request.subject, error.pause)
            self._release(request)  # nothing was said about this request itself
            raise
        except ResponseTooLargeError:  # Stack is up, and answered to the end
            self._succeed(request)
            raise
        except StackUnavailableError as error:
            if response is not None and request.is_change and failed_at_this(response):
                self._release(request)
                raise StackBrokeError(error.message, retry_after=error.retry_after) from None
            self._fail(request)
            raise
        except (StackApiError, StackConfigurationError) as error:
            self._succeed(request)
            if isinstance(error, StackApiError):
                error.details = request.without_secrets(error.details)
            raise
        except BaseException:  # the caller went away: that says nothing about Stack
            self._release(request)
            raise
        self._succeed(request)
        return value

    def _acquire(self, request: Request) -> None:
        """Pass both breakers, the one of this request alone and the one of all requests.

        Raises:
            NotSentError: one of them is open.
        """
        now, own = self._clocks.monotonic(), self._breakers_of_one.get(request.identity)
        wait, failed = None, "it failed repeatedly at this request"
        if own is not None:
            wait = own.acquire(now)
        if wait is None:
            wait, failed = self._breaker.acquire(now), "it failed repeatedly"
            if wait is not None and own is not None:
                own.release()
        if wait is not None:
            raise NotSentError(f"{failed}; not asking", retry_after=wait)

    def _succeed(self, request: Request) -> None:
        self._breaker.succeed()
        self._breakers_of_one.delete(request.identity)

    def _fail(self, request: Request) -> None:
        now, identity = self._clocks.monotonic(), request.identity
        self._breaker.fail(now, request.subject)
        own = self._breakers_of_one.get(identity) or CircuitBreaker(THRESHOLD_OF_ONE, 1)
        own.fail(now, identity)
        self._breakers_of_one.set(identity, own, _REMEMBERED)

    def _release(self, request: Request) -> None:
        self._breaker.release()
        if own := self._breakers_of_one.get(request.identity):
            own.release()

    def _warn_of_local_stack(self, response: Response) -> None:
        """A local Stack lets anybody be anybody: fine on this machine, a disaster elsewhere."""
        host = urlsplit(self._settings.api_url).hostname or ""
        if _LOCAL_MARK in response.headers and not is_loopback(host):
            message = (
                f"api_url (STACK_API_URL) leads to a local Stack at {self._settings.api_url}, "
                "which is for development: whoever reaches it can sign in as anybody."
            )
            self._log.report(logging.CRITICAL, "LOCAL_STACK", message)

    async def _within_time(self, request: Request, end: float) -> Response:
        response, failure = None, "no answer in time"
        try:
            async with asyncio.timeout_at(end):
                response = await _RETRYING[request.method](self._attempt, request)
        except TimeoutError:
            pass
        except _FailedAttemptError as error:
            failure, response = str(error), error.response
        if response is None:  # raised out here, away from the HTTP library's frames
            raise StackUnavailableError(failure)
        if response.is_cut_off and not is_server_error(response):
            raise ResponseTooLargeError("its response is too large")
        pause = requested_pause(response, self._clocks.wall())
        if pause is not None:
            raise _LaterError(pause)
        return response

    async def _attempt(self, request: Request) -> Response:
        client = await self._pools.client()
        failure = ""
        try:
            async with client.stream(
                request.method,
                f"{self._settings.api_url}/api/v1{request.path}",
                headers=request.headers(self._settings),
                content=request.content,
            ) as received:
                body, is_cut_off = await _read(received, request.max_body)
                headers = {name.lower(): value for name, value in received.headers.items()}
                response = Response(received.status_code, headers, body, is_cut_off)
        except self._http_errors as error:
            failure = type(error).__name__  # not its text, which may quote a header
        if failure:
            raise _FailedAttemptError(failure)
        # A change that Stack's own code broke at was looked at; it would break there again.
        if is_server_error(response) and not (request.is_change and failed_at_this(response)):
            raise _FailedAttemptError(f"status {response.status}", response)
        if response.is_cut_off and not is_from_stack(response):
            raise _FailedAttemptError("the response is too large")
        return response


async def _read(response: Any, most: int) -> tuple[bytes, bool]:  # noqa: ANN401 - of either library
    """The body, but no more of it than makes sense, and whether there was more."""
    body = bytearray()
    async for chunk in response.aiter_bytes():
        body += chunk
        if len(body) > most:
            return b"", True
    return bytes(body), False


def _library_of(transport: Transport | None) -> ModuleType:
    """The HTTP library that a transport is written for; the newer one where nobody says."""
    older = sys.modules.get("httpx")  # who has a transport of it has imported it
    if older is not None and isinstance(transport, older.AsyncBaseTransport):
        return older
    return _library


def _errors_of(library: ModuleType) -> tuple[type[Exception], ...]:
    return (OSError, library.HTTPError, library.StreamError)


def _new_client(library: ModuleType, timeout: float, transport: Transport | None) -> Any:  # noqa: ANN401 - of either library
    return library.AsyncClient(
        timeout=timeout,
        transport=transport,
        follow_redirects=False,
        # What an response about one user sets must not go out with the request about the next.
        cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
    )


def asgi_transport(app: Callable[..., Any]) -> Transport:
    """A transport that calls an ASGI app in this process, without a socket."""
    transport: Transport = _library.ASGITransport(app=app)
    return transport


def post(url: str, content: bytes, headers: Mapping[str, str], timeout: float) -> int | None:
    """Post once and wait for the response: no repetition, no redirects, no proxies.

    Args:
        url: where to.
        content: the body.
        headers: sent as they are.
        timeout: seconds for each step of the exchange.

    Returns:
        The status; None where there was no response.
    """
    is_encrypted = url.startswith("https:")  # plain connections need no certificates loaded
    client = _library.Client(
        timeout=timeout, verify=is_encrypted, follow_redirects=False, trust_env=False
    )
    try:
        with client, client.stream("POST", url, content=content, headers=headers) as response:
            return int(response.status_code)
    except _errors_of(_library):
        return None
