"""One of the apps in a process of its own, served by uvicorn on the loopback interface."""

from __future__ import annotations

import asyncio
import json
import socket
import sys
from typing import Any

import uvicorn
from fastapi import FastAPI

from benchmarks.apps import by_hand, engine_for, plain_app, protected_app, signed_in
from stack_fastapi import StackAuth
from stack_fastapi.emulator import StackEmulator
from stack_fastapi.tokens.claims import issuers_of

APPS = ("nothing", "stack_fastapi", "pyjwt")


def app_of(name: str, stack: StackEmulator, auth: StackAuth) -> FastAPI:
    """The app with a name of the list above."""
    if name == "nothing":
        return plain_app()
    if name == "stack_fastapi":
        return protected_app(auth)
    project = stack.project.id
    issuer = next(iter(issuers_of(project, [stack.url])))
    return by_hand(asyncio.run(_keys(auth)), issuer, project)


async def _keys(auth: StackAuth) -> Any:  # noqa: ANN401 - JSON
    async with auth:
        return await auth.client.jwks()


def main() -> None:
    """Say where it is and with which token, in one line of JSON; then serve until terminated."""
    stack = StackEmulator()
    app = app_of(sys.argv[1], stack, engine_for(stack))
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen(1024)
        url = f"http://127.0.0.1:{listening.getsockname()[1]}/user"
        print(json.dumps({"url": url, "token": signed_in(stack).token}), flush=True)
        config = uvicorn.Config(app, log_level="warning", access_log=False)
        uvicorn.Server(config).run(sockets=[listening])


if __name__ == "__main__":
    main()
