"""``python -m example_app``: the example, with your Stack project or with a local Stack."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import uvicorn
from fastapi import FastAPI

from example_app.app import create_app
from example_app.tour import Tokens, describe
from stack_fastapi import StackAuth, StackAuthSettings
from stack_fastapi.emulator import StackEmulator

_VARIABLES = tuple(
    f"{prefix}_{name}"
    for prefix in ("HEXCLAVE", "STACK")
    for name in ("PROJECT_ID", "SECRET_SERVER_KEY")
)


@contextmanager
def _real_stack() -> Iterator[tuple[FastAPI, str, Tokens]]:
    where = "This example uses the Stack project that your environment names."
    yield create_app(), where, Tokens("$USER_TOKEN", "$ANONYMOUS_TOKEN")


@contextmanager
def _local_stack(port: int) -> Iterator[tuple[FastAPI, str, Tokens]]:
    emulator = StackEmulator()
    emulator.create_user(
        primary_email="alice@example.com",
        primary_email_verified=True,
        primary_email_auth_enabled=True,
        password="Alice-Example-1",  # noqa: S106 - a user who exists while this runs
        display_name="Alice",
    )
    guest = emulator.create_user(is_anonymous=True)
    with emulator.serve(port=port) as stack:
        auth = StackAuth(
            StackAuthSettings(
                project_id=emulator.project.id,
                secret_server_key=emulator.project.secret_server_key,
                api_url=stack.url,
            )
        )
        where = (
            "No Stack project is set in the environment (STACK_PROJECT_ID, "
            "STACK_SECRET_SERVER_KEY),\nso a local Stack was started: "
            f"{stack.url}  (open it to look inside)\n"
            "Its users: alice@example.com (password Alice-Example-1) and a guest."
        )
        yield create_app(auth), where, _local_tokens(stack.url, guest.id)


def _local_tokens(stack_url: str, guest_id: str) -> Tokens:
    """The local Stack hands out fresh tokens of its users to whoever sits at this machine."""
    ask = f"$(curl -s '{stack_url}/local-stack/token?user="  # quoted: some shells expand "?"
    return Tokens(f"{ask}alice@example.com')", f"{ask}{guest_id}')")


def main() -> None:
    """Serve the example until it is interrupted."""
    parser = argparse.ArgumentParser(prog="python -m example_app", description=__doc__)
    parser.add_argument("--port", type=int, default=8000, help="port of the app; 0: any free one")
    parser.add_argument("--stack-port", type=int, default=0, help="port of the local Stack")
    arguments = parser.parse_args()
    is_set = any(os.environ.get(name) for name in _VARIABLES)
    with _real_stack() if is_set else _local_stack(arguments.stack_port) as (app, where, tokens):
        server = uvicorn.Server(
            uvicorn.Config(app, host="127.0.0.1", port=arguments.port, log_level="warning")
        )
        socket = server.config.bind_socket()
        socket.listen()  # what is printed below works at once
        host, port = socket.getsockname()
        print(describe(f"http://{host}:{port}", where, tokens), flush=True)
        with suppress(KeyboardInterrupt):  # which uvicorn raises again when it has finished
            server.run(sockets=[socket])
        if not server.started:  # wrong settings: uvicorn has said so
            sys.exit(3)


if __name__ == "__main__":
    main()
