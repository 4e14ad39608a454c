"""What pyproject.toml promises about versions is what CI tries."""

from __future__ import annotations

import re
import tomllib
from itertools import chain
from pathlib import Path

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
PIN = re.compile(r"^([\w-]+)==([\w.]+)", re.MULTILINE)


def pins(file: str) -> dict[str, str]:
    return dict(PIN.findall((ROOT / file).read_text()))


def lower_bounds() -> dict[str, str]:
    extras = PROJECT["project"]["optional-dependencies"]
    declared = chain(PROJECT["project"]["dependencies"], *extras.values())
    bounds = (re.fullmatch(r"([\w-]+)>=([\w.]+)", item) for item in declared)
    return {bound[1]: bound[2] for bound in bounds if bound}


def is_same(pinned: str, bound: str) -> bool:
    return pinned == bound or pinned.removesuffix(".0") == bound or pinned == f"{bound}.0.0"


def test_the_lowest_pins_are_the_lower_bounds() -> None:
    lowest = pins("constraints-lowest.txt")
    differing = {
        name: (bound, lowest.get(name))
        for name, bound in lower_bounds().items()
        if not is_same(lowest.get(name, ""), bound)
    }
    assert differing == {}


def test_constraints_hold_no_address() -> None:
    for file in ("constraints.txt", "constraints-lowest.txt"):
        assert "://" not in (ROOT / file).read_text()


def test_every_dependency_is_justified() -> None:
    page = (ROOT / "docs" / "dependencies.md").read_text()
    assert [name for name in lower_bounds() if f"`{name}`" not in page] == []
