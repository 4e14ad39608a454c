"""The emulator: its data and its doors."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stack_fastapi.emulator import server
from stack_fastapi.emulator.app import EmulatorApp
from stack_fastapi.emulator.control import seed as seeds
from stack_fastapi.emulator.control.faults import Faults
from stack_fastapi.emulator.control.mail_controls import MailControls
from stack_fastapi.emulator.control.request_log import RequestLog
from stack_fastapi.emulator.control.team_controls import TeamControls
from stack_fastapi.emulator.control.user_controls import UserControls
from stack_fastapi.emulator.protocol.dispatcher import Dispatcher
from stack_fastapi.emulator.routes import ROUTES
from stack_fastapi.emulator.state import saving
from stack_fastapi.emulator.state.entropy import Entropy, RandomBytes
from stack_fastapi.emulator.state.state import Clock, State
from stack_fastapi.emulator.webhooks import Webhooks

if TYPE_CHECKING:
    from starlette.types import ASGIApp

#: Where an emulator is said to be as long as it is not served on a socket.
UNSERVED_URL = "http://stack.localhost"
#: Life of the access tokens at the second port, in seconds.
SHORT_LIFETIME = 3.0


class StackEmulator(UserControls, TeamControls, MailControls):
    """A local Stack server, in memory.

    Use it in the process through `app` or `transport`, or on a real socket through `serve()`. All
    methods may be called from any thread, also while it serves.

    Args:
        seed: What it starts with: a mapping, or a file with one (`control.seed`). Without it, one
            project with an id and keys that are obviously local.
        clock: Unix time in seconds.
        access_token_lifetime: Seconds; the seed's, else 600.
        issuer: Base URL of the tokens' issuer, whose host is a name of this emulator; without it,
            the one that each client uses, which must mean this machine.
        random_bytes: Where ids and secrets come from.

    Attributes:
        requests: What was asked so far.
        faults: What it does wrong on request.
        webhooks: Whom it tells of changes.

    Raises:
        ValueError: The seed or the issuer is wrong.
    """

    def __init__(
        self,
        seed: Mapping[str, Any] | Path | None = None,
        *,
        clock: Clock = time.time,
        access_token_lifetime: float | None = None,
        issuer: str | None = None,
        random_bytes: RandomBytes = secrets.token_bytes,
    ) -> None:
        super().__init__(State(clock, Entropy(random_bytes), issuer=issuer))
        if issuer is not None:
            self._state.issuer_bases.configure(issuer)
        seeds.plant(self._state, seed)
        if access_token_lifetime is not None:
            self._state.access_token_lifetime = access_token_lifetime
        self._served_url: str | None = None
        self._dispatcher = Dispatcher(self._state, ROUTES)
        self.requests = RequestLog()
        self.faults = Faults()
        self.webhooks = Webhooks(self._state)

    @property
    def app(self) -> ASGIApp:
        """The ASGI application."""
        return self._app()

    @property
    def transport(self) -> Any:  # noqa: ANN401 - of the HTTP library, which may be one of two
        """An async transport of the HTTP library that leads here without a socket."""
        from stack_fastapi.client.transport.http import asgi_transport  # noqa: PLC0415 - only needed here

        return asgi_transport(self.app)

    @property
    def url(self) -> str:
        """The base URL for a client's settings, without /api/v1."""
        return self._state.issuer or self._served_url or UNSERVED_URL

    def save(self, path: Path) -> None:
        """Write everything down as a seed; `state.saving` says what secrets the file holds.

        Raises:
            OSError: The file cannot be written. What was there before is still there.
        """
        saving.write(path, saving.dump(self._state))

    @contextmanager
    def serve(
        self,
        port: int = 0,
        short_ttl_port: int | None = None,
        *,
        host: str = "127.0.0.1",
        allow_remote: bool = False,
    ) -> Iterator[server.Served]:
        """Serve on a real socket, in a thread of its own, until the block ends.

        Args:
            port: 0 for any free one.
            short_ttl_port: A second port, or 0: same data, but access tokens live for 3 seconds.
            host: Where to listen.
            allow_remote: Whether `host` may be other than loopback. Whoever reaches an emulator
                has power over all users in it.

        Raises:
            ValueError: The host is not loopback.
            ImportError: The extra `emulator` is not installed.
            OSError: A port is taken; it says which.
        """
        server.check_host(host, allow_remote=allow_remote)
        closing = asyncio.Event()
        with ExitStack() as stack:
            sock = stack.enter_context(server.listening(host, port))
            url, short_url = server.url_of(sock), None
            with self._state.lock:
                self._state.issuer_bases.configure(url)
            doors = [(self._app(closing=closing), sock)]
            if short_ttl_port is not None:
                short = stack.enter_context(server.listening(host, short_ttl_port))
                short_url = server.url_of(short)
                doors.append((self._app(SHORT_LIFETIME, closing, url), short))
            stack.enter_context(server.running(doors, closing))
            stack.enter_context(self.webhooks.running())
            stack.callback(setattr, self, "_served_url", self._served_url)
            self._served_url = url
            yield server.Served(url, short_url)

    def _app(
        self,
        lifetime: float | None = None,
        closing: asyncio.Event | None = None,
        issuer: str | None = None,
    ) -> ASGIApp:
        return EmulatorApp(
            self._state,
            self._dispatcher,
            self.faults,
            self.requests,
            self.webhooks,
            lifetime,
            closing,
            issuer,
        )
