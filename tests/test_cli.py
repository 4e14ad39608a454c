"""The command line, in this process and as a process of its own."""

from __future__ import annotations

import json
import os
import re
import runpy
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import httpx2
import pytest
from typer.testing import CliRunner, Result

from stack_fastapi import cli
from stack_fastapi.__main__ import main
from stack_fastapi.emulator import StackEmulator

SEED = {"projects": {"mine": {"id": "p1", "secret_server_key": "ssk_mine", "display_name": "Mine"}}}
COMMAND = [sys.executable, "-m", "stack_fastapi", "emulator", "--port", "0"]


def run(*arguments: str | Path, meanwhile: Callable[[], object] = lambda: None) -> Result:
    """Run the emulator's command; it ends when `meanwhile` does."""
    words = ["emulator", "--port", "0", *map(str, arguments)]
    return CliRunner().invoke(cli.app, words, obj=meanwhile)


def variables(text: str) -> dict[str, str]:
    return dict(re.findall(r"export (\w+)=(\S+)", text))


def test_it_says_where_it_is_and_how_to_use_it() -> None:
    result = run()
    assert result.exit_code == 0
    told = variables(result.stdout)
    project = StackEmulator().project
    assert told["STACK_API_URL"].startswith("http://127.0.0.1:")
    assert told["STACK_PROJECT_ID"] == project.id
    assert told["STACK_SECRET_SERVER_KEY"] == project.secret_server_key
    assert told["STACK_PUBLISHABLE_CLIENT_KEY"] == project.publishable_client_key
    assert told["STACK_WEBHOOK_SECRET"] == project.webhook_secret
    assert f"A local Stack is at {told['STACK_API_URL']}, with a page" in result.stdout
    assert "3 seconds" not in result.stdout


def test_the_options_reach_the_emulator(tmp_path: Path) -> None:
    seed, saved = tmp_path / "seed.json", tmp_path / "saved.json"
    seed.write_text(json.dumps(SEED))
    options: list[str | Path] = [
        "--seed",
        seed,
        "--save",
        saved,
        "--token-lifetime",
        "42",
        "--short-ttl-port",
        "0",
    ]
    result = run(*options, "--webhook", "http://localhost/hooks")
    assert result.exit_code == 0, result.output
    assert variables(result.stdout)["STACK_SECRET_SERVER_KEY"] == "ssk_mine"
    assert "3 seconds" in result.stdout
    written = json.loads(saved.read_text())
    assert written["access_token_lifetime_seconds"] == 42
    assert written["projects"]["mine"]["webhooks"][0]["url"] == "http://localhost/hooks"
    assert f"Saved to {saved}" in result.stdout


def test_what_was_saved_is_what_it_starts_with_next_time(tmp_path: Path) -> None:
    seed, saved = tmp_path / "seed.json", tmp_path / "saved.json"
    seed.write_text(json.dumps(SEED))
    earlier = StackEmulator(seed)
    earlier.create_user(display_name="Alice")
    earlier.save(saved)
    before = saved.read_text()
    assert run("--seed", seed, "--save", saved).exit_code == 0
    assert StackEmulator(saved).project.users == earlier.project.users
    assert json.loads(saved.read_text())["projects"] == json.loads(before)["projects"]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--host", "0.0.0.0"], "users; pass --allow-remote if that is"),  # noqa: S104 - refused
        (["--webhook", "https://example.com"], "another machine"),
        (["--issuer", "stack:8102"], "is a URL such as"),
        (["--save", "no/such/directory/saved.json"], "no/such/directory is no directory"),
    ],
)
def test_what_cannot_be_done_is_said_in_a_line(arguments: list[str], says: str) -> None:
    result = run(*arguments, meanwhile=lambda: pytest.fail("it served"))
    assert result.exit_code == 1
    assert says in result.stderr
    assert result.stderr.count("\n") == 1


SHORT = '{"projects": {"p": {"id": "p1", "webhook_secret": "whsec_c2hvcnQ="}}}'
CONTRADICTION = '{"projects": {"p": {"id": "p1", "users": [{"id": "1", "permissions": ["none"]}]}}}'


@pytest.mark.parametrize(
    "text", ["{", "{}", '{"projects": {"p": {}}}', "[]", SHORT, CONTRADICTION, "\xff"]
)
def test_a_wrong_seed_is_said_in_a_line(tmp_path: Path, text: str) -> None:
    seed = tmp_path / "seed.json"
    seed.write_text(text, encoding="latin-1")
    result = run("--seed", seed)
    assert (result.exit_code, result.stderr.count("\n")) == (1, 1)
    assert result.stderr.startswith(f"{seed}: ")


@pytest.mark.parametrize("secret", ["whsec_c2hvcnQ=", "whsec_", "whsec_?", "c2hvcnQ=", 1])
def test_a_wrong_webhook_secret_names_the_project_and_what_it_has_to_be(
    tmp_path: Path, secret: object
) -> None:
    seed = tmp_path / "seed.json"
    seed.write_text(json.dumps({"projects": {"mine": {"id": "p1", "webhook_secret": secret}}}))
    result = run("--seed", seed)
    assert "project 'mine': A webhook secret is whsec_ and at least 16 bytes" in result.stderr


@pytest.mark.parametrize("option", ["--port", "--short-ttl-port"])
def test_a_port_that_is_taken_is_said_in_a_line_that_names_the_option(option: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        result = run(option, port, meanwhile=lambda: pytest.fail("it served"))
    assert result.exit_code == 1
    assert f"port {port} of 127.0.0.1: Address already in use" in result.stderr
    assert f"choose another one with {option}," in result.stderr
    assert result.stderr.count("\n") == 1


def test_a_process_whose_port_is_taken_ends_with_that_line() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        ended = subprocess.run(  # noqa: S603 - our own interpreter and words of this file
            [*COMMAND, "--port", str(taken.getsockname()[1])],
            capture_output=True,
            text=True,
            check=False,
            timeout=50,
        )
    assert ended.returncode == 1
    assert "--port" in ended.stderr
    assert ended.stderr.count("\n") == 1
    assert ended.stdout == ""


def test_a_host_that_is_none_of_this_machines_is_no_matter_of_ports() -> None:
    result = run("--host", "192.0.2.1", "--allow-remote")
    assert result.exit_code == 1
    assert "--port" not in result.stderr
    assert result.stderr.count("\n") == 1


@pytest.mark.parametrize("option", ["--port", "--short-ttl-port"])
@pytest.mark.parametrize("number", ["-1", "65536"])
def test_a_number_that_is_no_port(option: str, number: str) -> None:
    result = run(option, number, meanwhile=lambda: pytest.fail("it served"))
    assert result.exit_code == 2
    assert option in result.stderr


def test_a_seed_without_a_webhook_secret_has_the_same_one_each_time(tmp_path: Path) -> None:
    seed = tmp_path / "seed.json"
    seed.write_text(json.dumps(SEED))
    secrets = {variables(run("--seed", seed).stdout)["STACK_WEBHOOK_SECRET"] for _ in range(2)}
    assert secrets == {StackEmulator().project.webhook_secret}


def test_an_app_is_told_the_url_that_tokens_name_as_their_issuer() -> None:
    result = run("--issuer", "http://stack.internal:8102")
    assert result.exit_code == 0
    assert variables(result.stdout)["STACK_API_URL"] == "http://stack.internal:8102"
    assert "A local Stack is at http://127.0.0.1:" in result.stdout
    assert "curl -s http://127.0.0.1:" in result.stdout


def test_other_machines_are_let_in_when_told() -> None:
    result = run("--host", "0.0.0.0", "--allow-remote")  # noqa: S104 - that is it
    assert result.exit_code == 0
    assert "http://0.0.0.0:" in result.stdout


def test_words_that_mean_nothing() -> None:
    assert run("--token-lifetime", "0").exit_code == 2
    assert run("--seed", "no-such-file.json").exit_code == 2
    bare = CliRunner().invoke(cli.app, [])
    assert "emulator" in bare.output


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_and_a_second_one_is_not_swallowed(number: signal.Signals) -> None:
    before = signal.getsignal(number)
    with cli._interruptible() as interrupted:
        assert signal.getsignal(number) is not before
        signal.raise_signal(number)
        assert interrupted.is_set()
        assert signal.getsignal(number) is before
    assert signal.getsignal(number) is before


def test_without_a_signal_the_handlers_are_put_back_too() -> None:
    before = signal.getsignal(signal.SIGINT)
    with cli._interruptible() as interrupted:
        pass
    assert not interrupted.is_set()
    assert signal.getsignal(signal.SIGINT) is before


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_process_serves_until_it_is_interrupted_and_saves(
    tmp_path: Path, number: signal.Signals
) -> None:
    saved = tmp_path / "saved.json"
    environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(  # noqa: S603 - our own interpreter and words of this file
        [*COMMAND, "--save", str(saved)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=environment,
    ) as process:
        alarm = threading.Timer(50, process.kill)
        alarm.start()
        assert process.stdout is not None
        shown = ""
        while "local-stack/token" not in shown:
            line = process.stdout.readline()
            assert line, shown
            shown += line
        told = variables(shown)
        created = httpx2.post(
            f"{told['STACK_API_URL']}/api/v1/users",
            headers={
                "x-stack-access-type": "server",
                "x-stack-project-id": told["STACK_PROJECT_ID"],
                "x-stack-secret-server-key": told["STACK_SECRET_SERVER_KEY"],
            },
            json={"primary_email": "alice@example.com"},
        )
        assert created.status_code == 201
        process.send_signal(number)
        rest = process.stdout.read()
        alarm.cancel()
        assert process.wait() == 0, rest
    assert "Traceback" not in rest
    users = StackEmulator(saved).project.users.values()
    assert [user.primary_email for user in users] == ["alice@example.com"]


# ---------------------------------------------------------------- without the extra


def absent(name: str) -> Callable[[str], ModuleType]:
    def load(_module: str) -> ModuleType:
        raise ModuleNotFoundError(f"No module named {name!r}", name=name)

    return load


def test_without_typer_it_names_the_extra() -> None:
    with pytest.raises(SystemExit) as caught:
        main(absent("typer"))
    assert "stack-fastapi[cli,emulator]" in str(caught.value)


def test_another_missing_module_is_not_hidden() -> None:
    with pytest.raises(ModuleNotFoundError, match="elsewhere"):
        main(absent("elsewhere"))


def test_the_command_runs_the_app() -> None:
    called: list[dict[str, Any]] = []

    def load(name: str) -> ModuleType:
        module = ModuleType(name)
        module.app = lambda **words: called.append(words)  # type: ignore[attr-defined]
        return module

    main(load)
    assert called == [{"prog_name": "stack-fastapi"}]


def test_the_module_runs_the_command(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["stack-fastapi", "emulator", "--help"])
    with pytest.raises(SystemExit) as ended:
        runpy.run_path(str(Path(cli.__file__).parent / "__main__.py"), run_name="__main__")
    assert ended.value.code == 0
    shown = capsys.readouterr().out
    for option in ("--port", "--host", "--issuer", "--seed", "--save", "--token-lifetime"):
        assert option in shown
