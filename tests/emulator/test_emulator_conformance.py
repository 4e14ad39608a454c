"""The first witness: the scenario that a real Stack server was asked, step by step."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from stack_fastapi.emulator import StackEmulator

CONFORMANCE = Path(__file__).parents[2].parent / "shared" / "conformance"


@pytest.mark.timeout(300)  # some steps wait for codes that do not come
@pytest.mark.skipif(not CONFORMANCE.exists(), reason="the conformance suite is not beside the tree")
def test_every_step_is_answered_as_the_real_server_answers(tmp_path: Path) -> None:
    emulator = StackEmulator(CONFORMANCE / "world_all.json")
    with emulator.serve(short_ttl_port=0) as served:
        assert served.short_ttl_url is not None
        finished = subprocess.run(  # noqa: S603 - the command is spelled out below
            [
                sys.executable,
                str(CONFORMANCE / "scenario.py"),
                "--api-url",
                served.url,
                "--short-ttl-url",
                served.short_ttl_url,
                "--world",
                str(CONFORMANCE / "world_all.json"),
                "--expect",
                str(CONFORMANCE / "expected.json"),
                str(CONFORMANCE / "expected_edge.json"),
                "--report",
                str(tmp_path / "report.json"),
            ],
            env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
            capture_output=True,
            text=True,
            check=False,
        )
    assert finished.returncode == 0, finished.stdout
    verdict = re.search(r"conformance: (\d+) of (\d+) steps agree", finished.stdout)
    assert verdict is not None
    assert verdict[1] == verdict[2]
    assert "skipped" not in finished.stdout
