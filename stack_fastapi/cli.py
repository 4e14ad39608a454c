"""The command line: ``stack-fastapi emulator`` starts a local Stack."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Annotated, NoReturn

import typer

from stack_fastapi.emulator import Project, Served, StackEmulator, StackError
from stack_fastapi.emulator.protocol.guard import LAST_PORT
from stack_fastapi.emulator.server import HostError, PortError

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)


@app.callback()
def commands() -> None:
    """Stack Auth for FastAPI."""


@app.command()
def emulator(  # noqa: PLR0913 - one parameter an option
    context: typer.Context,
    *,
    port: Annotated[
        int, typer.Option(min=0, max=LAST_PORT, help="Where to listen; 0 for any free port.")
    ] = 8102,
    host: Annotated[str, typer.Option(help="An address of this machine.")] = "127.0.0.1",
    short_ttl_port: Annotated[
        int | None,
        typer.Option(min=0, max=LAST_PORT, help="The same data, with access tokens of 3 seconds."),
    ] = None,
    seed: Annotated[
        Path | None, typer.Option(exists=True, dir_okay=False, help="JSON to start with.")
    ] = None,
    save: Annotated[
        Path | None,
        typer.Option(dir_okay=False, help="Start with this file, if it exists; written at the end"),
    ] = None,
    token_lifetime: Annotated[
        float | None, typer.Option(min=1, help="Life of access tokens in seconds.")
    ] = None,
    webhook: Annotated[
        list[str] | None, typer.Option(help="A URL of this machine that hears of changes.")
    ] = None,
    issuer: Annotated[
        str | None,
        typer.Option(help="The URL that clients know it by, if its host is another name."),
    ] = None,
    allow_remote: Annotated[
        bool, typer.Option(help="Let other machines in: they get power over all users.")
    ] = False,
) -> None:
    """Serve a local Stack until Ctrl-C: in memory, for development and tests."""
    start = save if save is not None and save.exists() else seed
    if save is not None and not save.parent.is_dir():
        _fail(f"{save.parent} is no directory.")
    with _failures(short_ttl_port), _interruptible() as interrupted:
        stack = StackEmulator(start, access_token_lifetime=token_lifetime, issuer=issuer)
        for url in webhook or ():
            stack.webhooks.add(url)
        with stack.serve(port, short_ttl_port, host=host, allow_remote=allow_remote) as served:
            typer.echo(_description(stack, served))
            (context.obj or interrupted.wait)()
        if save is not None:
            stack.save(save)
            typer.echo(f"Saved to {save}")


@contextmanager
def _failures(short_ttl_port: int | None) -> Iterator[None]:
    """Say what went wrong in one line."""
    try:
        yield
    except PortError as error:
        option = "--short-ttl-port" if error.port == short_ttl_port else "--port"
        _fail(f"{error}; choose another one with {option}, or any free one with {option} 0.")
    except HostError as error:
        _fail(f"{error.problem}; pass --allow-remote if that is what you want.")
    except (ValueError, StackError, ImportError, OSError) as error:
        _fail(str(error))


def _fail(message: str) -> NoReturn:
    typer.echo(message, err=True)
    raise typer.Exit(1)


@contextmanager
def _interruptible() -> Iterator[threading.Event]:
    """An event that Ctrl-C and a polite request to end set; a second Ctrl-C ends at once."""
    interrupted = threading.Event()
    numbers = (signal.SIGINT, signal.SIGTERM)
    previous = {number: signal.getsignal(number) for number in numbers}

    def restore() -> None:
        for number, handler in previous.items():
            signal.signal(number, handler)

    def interrupt(_number: int, _frame: FrameType | None) -> None:
        restore()
        interrupted.set()

    for number in numbers:
        signal.signal(number, interrupt)
    try:
        yield interrupted
    finally:
        restore()


def _description(stack: StackEmulator, served: Served) -> str:
    parts = [f"A local Stack is at {served.url}, with a page for browsers; Ctrl-C ends it."]
    if served.short_ttl_url is not None:
        parts.append(f"With access tokens of 3 seconds: {served.short_ttl_url}")
    parts += [_settings(project, stack.url) for project in stack.projects.values()]
    parts.append(_example(stack.project, served.url))
    return "\n\n".join(parts)


def _settings(project: Project, url: str) -> str:
    """What an app of the project has to know. The keys open nothing but this server."""
    variables = {
        "STACK_API_URL": url,
        "STACK_PROJECT_ID": project.id,
        "STACK_SECRET_SERVER_KEY": project.secret_server_key,
        "STACK_PUBLISHABLE_CLIENT_KEY": project.publishable_client_key,
        "STACK_WEBHOOK_SECRET": project.webhook_secret,
    }
    lines = [f"  export {name}={value}" for name, value in variables.items()]
    return "\n".join([f"Project {project.display_name}, for your app's environment:", *lines])


def _example(project: Project, url: str) -> str:
    return f"""A user, and an access token of theirs:

  curl -s {url}/api/v1/users -H 'X-Stack-Access-Type: server' \\
    -H 'X-Stack-Project-Id: {project.id}' \\
    -H 'X-Stack-Secret-Server-Key: {project.secret_server_key}' \\
    -H 'Content-Type: application/json' -d '{{"primary_email": "alice@example.com"}}'
  curl -s '{url}/local-stack/token?user=alice@example.com'
"""
