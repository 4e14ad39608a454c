"""What type checkers see of the public names."""

from __future__ import annotations

import ast
import importlib.util
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import stack_fastapi

ROOT = Path(__file__).parent.parent
USES = ROOT / "tests" / "typing" / "public_names.py"
#: A mistake that each of them must see, else they prove nothing.
MISTAKES = """# pyright: strict
from stack_fastapi import CurrentUser, require_api_key, require_permission

async def route(user: CurrentUser) -> int:
    return user.id

require_permission("read", any_of=True, max_ago=0)
require_api_key("team", permission="read")
"""


def needs(checker: str) -> None:
    """Skip without the checker, but not in CI."""
    if importlib.util.find_spec(checker) is not None:
        return
    (pytest.fail if os.environ.get("CI") else pytest.skip)(f"{checker} is not installed")


def run(*command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # noqa: S603 - our own interpreter
        [sys.executable, "-m", *command],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
        timeout=280,
    )


def run_pyright(path: Path, _folder: Path) -> list[str]:
    """The lines with errors; skips where it would have to be downloaded and cannot be."""
    needs("pyright")
    done = run("pyright", "--outputjson", "--pythonpath", sys.executable, str(path))
    if not done.stdout.startswith("{"):
        if os.environ.get("CI"):
            pytest.fail(done.stderr)
        pytest.skip("pyright does not work here: it needs Node")
    found = json.loads(done.stdout)
    assert found["summary"]["filesAnalyzed"] == 1
    return [
        f"{item['range']['start']['line'] + 1}: {item['message']}"
        for item in found["generalDiagnostics"]
        if item["severity"] == "error"
    ]


def run_mypy(path: Path, folder: Path) -> list[str]:
    """The lines with errors."""
    needs("mypy")
    done = run("mypy", "--strict", "--cache-dir", str(folder / "cache"), str(path))
    assert done.returncode in {0, 1}, done.stderr
    return [line.split(":", 1)[1] for line in done.stdout.splitlines() if ": error:" in line]


def test_the_file_uses_every_public_name() -> None:
    used = {node.id for node in ast.walk(ast.parse(USES.read_text())) if isinstance(node, ast.Name)}
    assert set(stack_fastapi.__all__) <= used


@pytest.mark.type_checkers
@pytest.mark.timeout(300)
@pytest.mark.parametrize("check", [run_mypy, run_pyright])
def test_a_type_checker_agrees_with_every_use_and_sees_a_mistake(
    check: Callable[[Path, Path], list[str]], tmp_path: Path
) -> None:
    assert check(USES, tmp_path) == []
    mistakes = tmp_path / "mistakes.py"
    mistakes.write_text(MISTAKES)
    lines = {int(error.split(":")[0]) for error in check(mistakes, tmp_path)}
    assert lines == {5, 7, 8}
