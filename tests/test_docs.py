"""The README says what the code does. Its snippets run as tests of their own."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

import stack_fastapi
from stack_fastapi import StackApiError, StackAuthError, StackAuthSettings

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()


def rows(heading: str) -> list[list[str]]:
    """The cells of the table under a heading, without the title row."""
    section = README.split(f"\n## {heading}\n")[1].split("\n## ")[0]
    table = [line for line in section.splitlines() if line.startswith("|")]
    return [[cell.strip().strip("`") for cell in row.strip("|").split("|")] for row in table[2:]]


def as_text(default: Any) -> str:
    match default:
        case None | ():
            return "-"
        case bool():
            return str(default).lower()
        case float():
            return f"{default:g}"
        case tuple():
            return ",".join(default)
        case _:
            return str(default)


def test_the_settings_table_names_every_setting_with_its_variable_and_default() -> None:
    fields = StackAuthSettings.model_fields
    expected = [
        [name, f"STACK_{name.upper()}", "-" if field.is_required() else as_text(field.default)]
        for name, field in fields.items()
    ]
    assert [row[:3] for row in rows("Settings")] == expected


def all_errors(base: type[StackAuthError]) -> set[type[StackAuthError]]:
    """Of the public names, which are imported one by one: what nobody asked for is not loaded."""
    public = (getattr(stack_fastapi, name) for name in stack_fastapi.__all__)
    return {item for item in public if isinstance(item, type) and issubclass(item, base)}


#: Never sent to a caller: bases that are not raised themselves.
INTERNAL_CODES = {"STACK_AUTH_ERROR", "FORBIDDEN", "PERMISSION_REQUIRED"}


def test_the_errors_table_names_every_code_that_a_caller_can_get() -> None:
    errors = all_errors(StackAuthError) - all_errors(StackApiError)  # which the client raises
    codes = {error.code for error in errors} - INTERNAL_CODES
    listed = [row[1] for row in rows("Errors")]
    assert sorted(listed) == sorted(codes)


@pytest.mark.parametrize(
    "page", [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")], ids=lambda page: page.name
)
def test_links_within_the_repository_lead_somewhere(page: Path) -> None:
    links = re.findall(r"\]\((?!https?://|#)([^)#]+)", page.read_text())
    assert [link for link in links if not (page.parent / link).exists()] == []
