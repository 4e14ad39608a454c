"""The local Stack's own web page: look at what it holds, change it, take a token.

It is for the person at this machine. Everything is rendered here, nothing is fetched from
elsewhere, and the API does not notice it: what the page asks is neither logged nor struck by
faults.
"""

from __future__ import annotations

from stack_fastapi.emulator.page.links import owns
from stack_fastapi.emulator.page.site import Page

__all__ = ["Page", "owns"]
