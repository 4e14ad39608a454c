"""Debian's Chromium, driven by Playwright: what the browser tests and the pictures share."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from playwright.sync_api import Browser

#: No sandbox in containers, nobody phones home, and no name is looked up.
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--disable-quic",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost",
]


class MissingError(Exception):
    """Something that a browser needs is not on this machine."""


@contextmanager
def launched() -> Iterator[Browser]:
    """A browser.

    Raises:
        MissingError: Playwright or Chromium is not installed.
    """
    try:
        from playwright.sync_api import sync_playwright  # noqa: PLC0415 - may be absent
    except ImportError:
        raise MissingError("Playwright for Python is not installed") from None
    path = shutil.which("chromium")
    if path is None:
        raise MissingError("there is no chromium on the path")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        try:
            yield browser
        finally:
            browser.close()
