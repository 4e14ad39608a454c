"""The ASGI application: requests in, answers out, faults in between."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from functools import cached_property

from starlette.types import Receive, Scope, Send

from stack_fastapi.emulator.control import admin_api
from stack_fastapi.emulator.control.fault_responses import spoiled
from stack_fastapi.emulator.control.faults import Fault, Faults
from stack_fastapi.emulator.control.mail_controls import sent_emails
from stack_fastapi.emulator.control.request_log import LoggedRequest, RequestLog
from stack_fastapi.emulator.errors import StackError
from stack_fastapi.emulator.page import Page, owns
from stack_fastapi.emulator.protocol.connection import Connection
from stack_fastapi.emulator.protocol.dispatcher import Dispatcher, Handled
from stack_fastapi.emulator.protocol.guard import check_host
from stack_fastapi.emulator.protocol.request import (
    MAX_HEADER_BYTES,
    Request,
    header_size,
    read_request,
)
from stack_fastapi.emulator.protocol.response import Answer, error_answer, framework_answer
from stack_fastapi.emulator.state.sessions import Issue, sign_in
from stack_fastapi.emulator.state.state import State, find_user
from stack_fastapi.emulator.webhooks import Webhooks


@dataclass(frozen=True)
class EmulatorApp:
    """One door to an emulator; there may be several, which differ in how tokens are issued.

    Attributes:
        access_token_lifetime: Seconds; None for that of the state.
        closing: Ends answers that would never come; None where nobody closes.
        issuer: Base URL of the issuer; None for the state's, else for the one the client uses.
    """

    state: State = field(repr=False)
    dispatcher: Dispatcher
    faults: Faults
    requests: RequestLog
    webhooks: Webhooks
    access_token_lifetime: float | None = None
    closing: asyncio.Event | None = None
    issuer: str | None = None

    @cached_property
    def page(self) -> Page:
        """The web page of this door."""
        return Page(self.state, self.faults, self.requests)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection or request."""
        if scope["type"] == "http":
            await self._serve(Connection(scope, receive, send, self.closing))
        elif scope["type"] == "lifespan":
            await _live(receive, send)
        else:
            await send({"type": "websocket.close", "code": 1000})

    async def _serve(self, connection: Connection) -> None:
        request = await read_request(connection.scope, connection.receive)
        refused = self._refused(connection.scope, request)
        if refused is not None:
            await connection.answer(refused)
        elif owns(request.path):
            issue = self._issue(request, self.state.clock())
            await connection.answer(await self.page.answer(request, issue))
        elif request.path.startswith(admin_api.PREFIX):
            await connection.answer(self._administer(request))
        else:
            arrived = self.state.clock()
            fault = self.faults.take(request.method, request.path)
            if fault is None:
                handled = self._handle(request, arrived)
                self._log(request, arrived, handled)
                await connection.answer(handled.answer)
            else:
                await self._fail(connection, request, arrived, fault)

    def _refused(self, scope: Scope, request: Request) -> Answer | None:
        """What a request gets that nobody looks at; None for all others."""
        if header_size(scope) > MAX_HEADER_BYTES:
            return framework_answer(431)
        try:
            with self.state.lock:
                check_host(request, self.state.issuer_bases)
        except StackError as error:
            return error_answer(error)
        return None

    async def _fail(
        self, connection: Connection, request: Request, arrived: float, fault: Fault
    ) -> None:
        if fault.kind in {"timeout", "dropped"}:
            self._log(request, arrived, Handled(framework_answer(0), 0), fault)
            if fault.kind == "timeout":
                await connection.until_gone()
            await connection.hang_up()
            return
        if fault.kind == "latency":
            await connection.pause(fault.seconds)
        if fault.kind == "wrong_key":
            request = request.with_wrong_key()
        skew = fault.seconds if fault.kind == "clock_skew" else 0.0
        handled = self._handle(request, self.state.clock() + skew)
        answer = spoiled(fault, handled.answer)
        status = handled.status if answer is handled.answer else answer.status
        self._log(request, arrived, Handled(answer, status, handled.access), fault)
        if fault.kind == "truncated":
            await connection.answer_half(answer)
        else:
            await connection.answer(answer)

    def _administer(self, request: Request) -> Answer:
        def token_of(id_or_email: str) -> str:
            state = self.state
            issue = self._issue(request, state.clock())
            with state.lock:
                project, user = find_user(state, id_or_email)
                state.issuer_bases.note(issue.base_url)
                return sign_in(project, user, state.entropy, issue).access_token

        acts = admin_api.Acts(token_of, self.state.rotate_keys, lambda: sent_emails(self.state))
        return admin_api.answer(request, self.faults, self.requests, acts, self.webhooks)

    def _handle(self, request: Request, now: float) -> Handled:
        return self.dispatcher.handle(request, self._issue(request, now))

    def _issue(self, request: Request, now: float) -> Issue:
        base_url = self.state.issuer or self.issuer or request.base_url
        lifetime = self.access_token_lifetime or self.state.access_token_lifetime
        return Issue(base_url, lifetime, now)

    def _log(
        self, request: Request, arrived: float, handled: Handled, fault: Fault | None = None
    ) -> None:
        access = handled.access
        self.requests.add(
            LoggedRequest(
                method=request.method,
                path=request.path,
                status=handled.status,
                known_error=handled.answer.known_error,
                project_id=access.project.id if access else None,
                user_id=access.user.id if access and access.user else None,
                access_type=access.type if access else None,
                time=arrived,
                fault=fault.kind if fault else None,
            )
        )


async def _live(receive: Receive, send: Send) -> None:
    """Nothing has to be opened or closed."""
    await receive()
    await send({"type": "lifespan.startup.complete"})
    await receive()
    await send({"type": "lifespan.shutdown.complete"})
