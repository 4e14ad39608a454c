"""The small pure parts."""

from __future__ import annotations

import pytest

from stack_fastapi.emulator.page.links import href, owns, parts_of
from stack_fastapi.emulator.page.times import moment


@pytest.mark.parametrize("path", ["/", "/local-stack/page/", "/local-stack/page/static/style.css"])
def test_paths_of_the_page(path: str) -> None:
    assert owns(path)


@pytest.mark.parametrize(
    "path", ["/local-stack/page", "/local-stack/requests", "//", "/api/v1", "", "/index.html"]
)
def test_paths_of_others(path: str) -> None:
    assert not owns(path)


@pytest.mark.parametrize("part", ["a", "a b", "a/b", "ü", "<", "%2F", "?", "#", "..", ""])
def test_addresses_lead_back_to_what_they_were_made_of(part: str) -> None:
    assert parts_of(href("projects", part, "users")) == ("projects", part, "users")


def test_empty_parts_of_a_query_are_left_out() -> None:
    assert href("a", q="", x="1 2&") == "/local-stack/page/a?x=1+2%26"
    assert href("\ud800", q="\ud800") == "/local-stack/page/%3F?q=%3F"


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        (0, "now"),
        (0.4, "now"),
        (-1, "1 s ago"),
        (-59.9, "59 s ago"),
        (60, "in 1 min"),
        (-7200, "2 h ago"),
        (86_400 * 400, "in 400 d"),
    ],
)
def test_distances(seconds: float, expected: str) -> None:
    assert moment(1_800_000_000_000 + seconds * 1000, 1_800_000_000_000)["distance"] == expected


def test_a_moment_in_full() -> None:
    assert moment(1_800_000_000_123, 0) == {
        "iso": "2027-01-15T08:00:00.123+00:00",
        "full": "2027-01-15 08:00:00 UTC",
        "clock": "08:00:00.123",
        "distance": "in 20833 d",
    }


@pytest.mark.parametrize("millis", [1e18, -1e18, 10**15])
def test_dates_that_no_calendar_has(millis: float) -> None:
    assert moment(millis, 0)["distance"] == "far away"
