"""From a request to an answer: routing, access, endpoint, errors. No ASGI in here."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from stack_fastapi.emulator.errors import (
    InternalError,
    KnownError,
    PlainError,
    StackError,
    not_found,
)
from stack_fastapi.emulator.protocol.access import Access, authenticate
from stack_fastapi.emulator.protocol.call import Call
from stack_fastapi.emulator.protocol.request import Request
from stack_fastapi.emulator.protocol.response import (
    Answer,
    error_answer,
    finished,
    framework_answer,
    json_answer,
)
from stack_fastapi.emulator.protocol.routing import Match, Route, Router, canonical
from stack_fastapi.emulator.state.sessions import Issue
from stack_fastapi.emulator.state.state import State

#: Newer servers name their headers anew; both are let through to scripts of other origins.
_HEADER_NAMES = (
    "access-token",
    "access-type",
    "allow-anonymous-user",
    "allow-restricted-user",
    "branch-id",
    "client-version",
    "override-error-status",
    "project-id",
    "publishable-client-key",
    "random-nonce",
    "refresh-token",
    "secret-server-key",
    "super-secret-admin-key",
)
CORS = {
    "access-control-allow-origin": "*",
    "access-control-allow-methods": "GET, POST, PUT, PATCH, DELETE, OPTIONS",
    "access-control-allow-headers": ", ".join(
        [
            "content-type",
            "authorization",
            "ngrok-skip-browser-warning",  # the official client sends it everywhere
            *(f"x-{brand}-{name}" for brand in ("stack", "hexclave") for name in _HEADER_NAMES),
        ]
    ),
    "access-control-expose-headers": "content-type, x-stack-actual-status, x-stack-known-error",
    "access-control-max-age": "86400",
}


@dataclass(frozen=True)
class Handled:
    """An answer, what it was before any override, and who called."""

    answer: Answer
    status: int
    access: Access | None = None


class Dispatcher:
    """Answers requests from a state.

    Args:
        state: Read and changed under its lock.
        routes: The endpoints.
    """

    def __init__(self, state: State, routes: Iterable[Route]) -> None:
        self._state = state
        self._router = Router(routes)

    def handle(self, request: Request, issue: Issue) -> Handled:
        """Answer a request.

        Args:
            request: The request.
            issue: How access tokens are issued, and the time.
        """
        with self._state.lock:
            self._state.issuer_bases.note(issue.base_url)
            if not request.path.startswith("/api"):
                return _outside(request)
            path = canonical(request.path)
            if path != request.path:
                return _moved(path, request.query_string)
            match = self._router.match(path)
            if request.method == "OPTIONS":
                return _framework(200)
            if match.routes and request.method not in {*match.routes, _head_of(match)}:
                return _framework(405)
            return self._handle_in_stack(request, match, issue)

    def _handle_in_stack(self, request: Request, match: Match, issue: Issue) -> Handled:
        access: Access | None = None
        try:
            if request.method == "HEAD":
                raise PlainError(405, "Stack has no HEAD.")
            body = request.body()
            access = authenticate(self._state, request, issue.now)
            route = match.routes.get(request.method)
            if route is None:
                raise not_found("There is nothing here.")
            call = Call(self._state, request, match.params, access, issue, body)
            _check_access(route, call)
            answer = route.endpoint(call)
        except StackError as error:
            answer = error_answer(error)
        except UnicodeEncodeError:
            answer = error_answer(InternalError("No database keeps half a character."))
        override = request.stack_header("override-error-status") is not None
        request_id = self._state.entropy.request_id()
        done = finished(answer, request_id, override_status=override)
        return _with_cors(Handled(done, answer.status, access))


def _check_access(route: Route, call: Call) -> None:
    if route.allowed is not None and call.access_type not in route.allowed:
        raise KnownError(
            "INSUFFICIENT_ACCESS_TYPE",
            {
                "actual_access_type": call.access_type,
                "allowed_access_types": list(route.allowed),
            },
        )


def _head_of(match: Match) -> str:
    """The framework answers HEAD where there is GET; Stack's code then refuses it."""
    return "HEAD" if "GET" in match.routes else ""


def _outside(request: Request) -> Handled:
    if request.path == "/health":
        answer = Answer(200, json_answer({"status": "ok"}).content, "application/json")
        return _plain(answer)
    return _framework(404)


def _moved(path: str, query_string: str) -> Handled:
    location = f"{path}?{query_string}" if query_string else path
    answer = Answer(308, location.encode(), headers={"location": location}, from_stack=False)
    return _plain(answer)


def _framework(status: int) -> Handled:
    return _with_cors(_plain(framework_answer(status)))


def _plain(answer: Answer) -> Handled:
    return Handled(answer, answer.status)


def _with_cors(handled: Handled) -> Handled:
    answer = handled.answer
    return replace(handled, answer=replace(answer, headers={**answer.headers, **CORS}))
