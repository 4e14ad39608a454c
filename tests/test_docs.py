"""The README says what the code does. Its snippets run as tests of their own."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, get_args

import pytest
from test_exceptions import ERRORS

import stack_fastapi
from stack_fastapi import StackApiError, StackAuthError, StackAuthSettings, StackHTTPException
from stack_fastapi.exceptions import TokenReason, WebhookReason

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()


def rows(heading: str, page: str = README) -> list[list[str]]:
    """The cells of the table under a heading, without the title row."""
    section = page.split(f"\n## {heading}\n")[1].split("\n## ", maxsplit=1)[0]
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


def answered(error: StackAuthError) -> tuple[int, str]:
    """Status and code that a caller gets."""
    answer = StackHTTPException(error)
    detail: Any = answer.detail
    return answer.status_code, detail["code"]


def test_the_errors_table_names_every_status_and_code_that_a_caller_can_get() -> None:
    errors = [error for error in ERRORS if error.code not in INTERNAL_CODES]
    possible = {answered(error) for error in errors} | {answered(StackApiError(400))}
    assert {type(error) for error in ERRORS} == all_errors(StackAuthError)
    listed = {
        (int(row[0]), code) for row in rows("Errors") for code in re.findall(r"[A-Z_]{3,}", row[1])
    }
    assert listed == possible


@pytest.mark.parametrize(
    ("heading", "reasons"),
    [
        ("Why a token was refused", get_args(TokenReason)),
        ("Why a webhook was refused", get_args(WebhookReason)),
    ],
)
def test_every_reason_is_explained(heading: str, reasons: tuple[str, ...]) -> None:
    table = rows(heading, (ROOT / "docs" / "errors.md").read_text())
    assert [row[0] for row in table] == list(reasons)
    assert all(len(row[1]) > 5 for row in table)


@pytest.mark.parametrize(
    "page", [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")], ids=lambda page: page.name
)
def test_links_within_the_repository_lead_somewhere(page: Path) -> None:
    links = re.findall(r"\]\((?!https?://|#)([^)#]+)", page.read_text())
    assert [link for link in links if not (page.parent / link).exists()] == []
