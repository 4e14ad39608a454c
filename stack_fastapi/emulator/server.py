"""An emulator on real sockets, in a thread of its own."""

from __future__ import annotations

import asyncio
import errno
import importlib.util
import socket
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from stack_fastapi.client.transport.loopback import is_loopback
from stack_fastapi.emulator.protocol.connection import HANG_UP

if TYPE_CHECKING:
    from starlette.types import ASGIApp
    from uvicorn import Server

BACKLOG = 128


@dataclass(frozen=True)
class Served:
    """A running emulator.

    Attributes:
        url: Where it answers, without /api/v1 and without a trailing slash.
        short_ttl_url: Where the same data is served with access tokens of a few seconds, if asked.
    """

    url: str
    short_ttl_url: str | None = None


class PortError(OSError):
    """A port is taken, or not for this user.

    Attributes:
        port: Which one.
    """

    def __init__(self, host: str, port: int, cause: OSError) -> None:
        super().__init__(f"Nothing can listen at port {port} of {host}: {cause.strerror}")
        self.errno = cause.errno
        self.port = port


class HostError(ValueError):
    """A host at which other machines would reach the emulator, and nobody said that they may.

    Attributes:
        problem: What is wrong, without what to do about it.
    """

    def __init__(self, host: str) -> None:
        self.problem = (
            f"{host} is not a loopback address. Whoever reaches the emulator has power over all its"
            " users"
        )
        super().__init__(f"{self.problem}; pass allow_remote=True if that is what you want.")


def check_host(host: str, *, allow_remote: bool) -> None:
    """Make sure that nobody opens an emulator to the network without saying so.

    Raises:
        HostError: The host is not this machine's loopback.
    """
    if not allow_remote and not is_loopback(host):
        raise HostError(host)


@contextmanager
def listening(host: str, port: int) -> Iterator[socket.socket]:
    """A socket that listens; port 0 for any free one.

    Raises:
        PortError: It is taken, or not for this user.
        OSError: The host is none of this machine's.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # Without the protocol's number, asyncio does not turn Nagle's algorithm off: 40 ms an answer.
    with socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP) as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            sock.bind((host, port))
            sock.listen(BACKLOG)
        except OSError as error:
            if error.errno not in {errno.EADDRINUSE, errno.EACCES}:
                raise
            raise PortError(host, port, error) from error
        yield sock


def url_of(sock: socket.socket) -> str:
    """The URL that leads to a listening socket."""
    host, port = sock.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


@contextmanager
def running(
    apps: Sequence[tuple[ASGIApp, socket.socket]], closing: asyncio.Event
) -> Iterator[None]:
    """Serve apps on sockets until the block ends.

    Args:
        apps: Each app with the socket it answers on.
        closing: Set when the block ends, so that answers that would never come do end.

    Raises:
        ImportError: uvicorn is not installed.
    """
    servers = [_server(app) for app, _ in apps]
    sockets = [sock for _, sock in apps]
    thread = _Thread(servers, sockets, closing)
    with ExitStack() as stack:
        stack.callback(thread.stop)
        thread.start()
        yield


class _Thread:
    """The thread that the servers' event loop runs in."""

    def __init__(
        self, servers: Sequence[Server], sockets: Sequence[socket.socket], closing: asyncio.Event
    ) -> None:
        self._servers = servers
        self._sockets = sockets
        self._closing = closing
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="local-stack", daemon=True)

    def start(self) -> None:
        """Start serving. Connections wait in the sockets until the loop gets to them."""
        self._thread.start()

    def stop(self) -> None:
        """Finish the answers under way and end the thread."""
        self._loop.call_soon_threadsafe(self._close)
        self._thread.join()

    def _close(self) -> None:
        self._closing.set()
        for server in self._servers:
            server.should_exit = True

    def _run(self) -> None:
        with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
            runner.run(self._serve())

    async def _serve(self) -> None:
        await asyncio.gather(
            *(
                server.serve(sockets=[sock])
                for server, sock in zip(self._servers, self._sockets, strict=True)
            )
        )


def require_uvicorn(find_spec: Callable[[str], object | None] = importlib.util.find_spec) -> None:
    """Make sure that uvicorn is there.

    Args:
        find_spec: Finds a module without importing it.

    Raises:
        ImportError: It is not installed.
    """
    if find_spec("uvicorn") is None:
        raise ImportError(
            "Serving the emulator needs uvicorn: pip install 'stack-fastapi[emulator]'."
        )


def _server(app: ASGIApp) -> Server:
    require_uvicorn()
    from uvicorn import Config, Server  # noqa: PLC0415 - only the extra brings it

    config = Config(
        app,
        http=_protocol(),
        ws="none",
        lifespan="off",
        loop="asyncio",
        log_config=None,
        access_log=False,
        server_header=False,
    )
    return Server(config)


def _protocol() -> type[asyncio.Protocol]:
    """Uvicorn's HTTP protocol, which also tells the app how to hang up."""
    from uvicorn.protocols.http.h11_impl import (  # noqa: PLC0415 - only the extra brings it
        H11Protocol,
    )

    class HangUpProtocol(H11Protocol):
        def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
            super().connection_made(transport)
            state: Mapping[str, Any] = {**self.app_state, HANG_UP: transport.abort}
            self.app_state = dict(state)

    return HangUpProtocol
