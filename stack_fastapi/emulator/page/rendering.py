"""Templates and files of the page, and the headers that its answers have beside every other's."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import TYPE_CHECKING

from stack_fastapi.emulator.page.links import href
from stack_fastapi.emulator.page.visit import View
from stack_fastapi.emulator.protocol.response import Answer

if TYPE_CHECKING:
    from jinja2 import Environment

FindSpec = Callable[[str], object | None]

#: Nothing comes from elsewhere, nothing is inline, nobody frames it, forms lead back here.
POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; "
    "form-action 'self'; frame-ancestors 'none'; base-uri 'none'; "
    "require-trusted-types-for 'script'; trusted-types 'none'"
)
HEADERS = {
    "content-security-policy": POLICY,
    "cache-control": "no-store",
    "cross-origin-opener-policy": "same-origin",
    # Not `no-referrer`: browsers would then send our own forms with `Origin: null`.
    "referrer-policy": "same-origin",
    "x-frame-options": "DENY",
}
HTML = "text/html; charset=utf-8"
_TYPES = {
    "icon.svg": "image/svg+xml",
    "script.js": "text/javascript; charset=utf-8",
    "style.css": "text/css; charset=utf-8",
}


@dataclass(frozen=True)
class Renderer:
    """Templates and files, read: no disk is needed any more."""

    environment: Environment = field(repr=False)
    static: Mapping[str, bytes] = field(repr=False)

    def page(self, template: str, data: View, status: int = 200) -> Answer:
        """A screen. Half characters, which no encoding has, become question marks."""
        html = self.environment.get_template(template).render(data)
        return Answer(status, html.encode(errors="replace"), HTML, HEADERS)

    def file(self, name: str) -> Answer | None:
        """A style sheet, script or picture; None if there is none of this name."""
        if name not in self.static:
            return None
        return Answer(200, self.static[name], _TYPES[name], HEADERS)


def moved(location: str) -> Answer:
    """Look there, with GET."""
    return Answer(303, headers={**HEADERS, "location": location})


def load(find_spec: FindSpec = importlib.util.find_spec) -> Renderer:
    """Read everything from the disk. This blocks.

    Args:
        find_spec: Finds a module without importing it.

    Raises:
        ImportError: The extra `emulator` is not installed.
    """
    if find_spec("jinja2") is None:
        raise ImportError("This page needs jinja2: pip install 'stack-fastapi[emulator]'.")
    import jinja2  # noqa: PLC0415 - only the extra brings it

    here = files(__package__)
    sources = {item.name: item.read_text("utf-8") for item in _files(here / "templates")}
    environment = jinja2.Environment(
        loader=jinja2.DictLoader(sources),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    environment.globals["href"] = href
    return Renderer(environment, {item.name: item.read_bytes() for item in _files(here / "static")})


def _files(folder: Traversable) -> list[Traversable]:
    return [item for item in folder.iterdir() if item.is_file() and not item.name.startswith(".")]
