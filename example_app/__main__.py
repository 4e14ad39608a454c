"""``python -m example_app``: the example, with your Stack project or with a local Stack."""

from __future__ import annotations

import argparse
import os
import socket
import sys
from collections.abc import Callable
from contextlib import ExitStack, suppress
from pathlib import Path
from tempfile import TemporaryDirectory

import uvicorn
from fastapi import FastAPI

from example_app.app import create_app
from example_app.local_stack import local_stack
from example_app.tour import Credentials, describe

_PREFIXES = ("HEXCLAVE", "STACK")
_REAL = (
    "This example uses the Stack project that your environment names. It wants there the\n"
    "permissions note:write (of teams) and note:admin (of the project)."
)


def main() -> None:
    """Serve the example until it is interrupted."""
    arguments = _arguments()
    if any(_is_set(name) for name in ("PROJECT_ID", "SECRET_SERVER_KEY")):
        url = arguments.database or "sqlite+aiosqlite:///notes.db"
        app = create_app(database_url=url, receives_webhooks=_is_set("WEBHOOK_SECRET"))
        _serve(app, arguments.port, lambda app_url: describe(app_url, _REAL, Credentials()))
        return
    with ExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory()))  # its users are gone afterwards
        try:
            local = stack.enter_context(local_stack(arguments.stack_port))
        except OSError as error:
            sys.exit(f"{error}; choose another one with --stack-port.")
        url = arguments.database or f"sqlite+aiosqlite:///{folder / 'notes.db'}"

        def introduce(app_url: str) -> str:
            local.send_webhooks_to(f"{app_url}/webhooks/stack")
            return describe(app_url, local.where, local.credentials)

        _serve(create_app(local.auth, database_url=url), arguments.port, introduce)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m example_app", description=__doc__)
    parser.add_argument("--port", type=int, default=8000, help="port of the app; 0: any free one")
    parser.add_argument("--stack-port", type=int, default=0, help="port of the local Stack")
    parser.add_argument(
        "--database",
        metavar="URL",
        help="where the notes are kept, such as postgresql+asyncpg://user@localhost/notes; "
        "notes.db in this folder, or a file that goes with the local Stack",
    )
    return parser.parse_args()


def _is_set(name: str) -> bool:
    return any(os.environ.get(f"{prefix}_{name}") for prefix in _PREFIXES)


def _serve(app: FastAPI, port: int, introduce: Callable[[str], str]) -> None:
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning"))
    listening = _listen(port)  # so what is printed below works at once
    host, bound = listening.getsockname()
    print(introduce(f"http://{host}:{bound}"), flush=True)
    with suppress(KeyboardInterrupt):  # which uvicorn raises again when it has finished
        server.run(sockets=[listening])
    if not server.started:  # wrong settings: uvicorn has said so
        sys.exit(3)


def _listen(port: int) -> socket.socket:
    try:
        return socket.create_server(("127.0.0.1", port))
    except OSError as error:
        sys.exit(
            f"Nothing can listen at port {port}: {os.strerror(error.errno or 0)}; choose another "
            f"one with --port, as in: python -m example_app --port {port + 1}, "
            f"or make example PORT={port + 1}"
        )


if __name__ == "__main__":
    main()
