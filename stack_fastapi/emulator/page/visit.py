"""One look at the page, and what the areas of the page have in common."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from stack_fastapi.emulator.control.faults import Faults
from stack_fastapi.emulator.control.request_log import RequestLog
from stack_fastapi.emulator.errors import StackError, not_found
from stack_fastapi.emulator.page.links import href
from stack_fastapi.emulator.state.project import Project
from stack_fastapi.emulator.state.sessions import Issue
from stack_fastapi.emulator.state.state import State

#: Plain data for a template.
View = dict[str, Any]


@dataclass(frozen=True)
class Visit:
    """What is looked at or changed, by whom, when.

    Attributes:
        base_url: Scheme and host in the browser's address bar.
        issue: How access tokens are issued, and the time.
        parts: The path below the page's prefix, decoded.
        params: Those of them that the area names.
        form: The fields that were sent; empty where nothing is to be changed.
    """

    state: State = field(repr=False)
    faults: Faults
    requests: RequestLog
    base_url: str
    issue: Issue
    parts: tuple[str, ...]
    params: Mapping[str, str]
    query: Mapping[str, str]
    form: Mapping[str, str] = field(default_factory=dict, repr=False)

    @property
    def project(self) -> Project:
        """The project that is looked at.

        Raises:
            PlainError: There is none with this id.
        """
        project = self.state.projects.get(self.params["project"])
        if project is None:
            raise not_found("There is no such project here.")
        return project

    @property
    def now_millis(self) -> int:
        """Milliseconds since the epoch."""
        return int(self.issue.now * 1000)

    def link(self, *parts: str, **query: str) -> str:
        """The address of something in this project."""
        return href("projects", self.params["project"], *parts, **query)


@dataclass(frozen=True)
class Done:
    """Something was changed: look again.

    Attributes:
        note: A key of `notes.NOTES`.
        location: Where to look; the same place if absent.
    """

    note: str
    location: str | None = None


@dataclass(frozen=True)
class Given:
    """Something that is shown once, in the answer to who asked for it: a token or a key.

    Attributes:
        data: Added to what the template gets.
    """

    data: View = field(repr=False)


Show = Callable[[Visit], View]
Act = Callable[[Visit], Done | Given]


@dataclass(frozen=True)
class Area:
    """One screen and what can be done on it.

    Attributes:
        path: Below the page's prefix; `{name}` stands for one part of it.
        section: Which entry of the navigation it belongs to.
        show: What the template gets.
        actions: By the form's field `do`.
    """

    path: str
    section: str
    template: str
    show: Show
    actions: Mapping[str, Act] = field(default_factory=dict)

    def params(self, parts: tuple[str, ...]) -> dict[str, str] | None:
        """The named parts of a path; None if the path leads elsewhere."""
        pattern = self.path.split("/")
        if len(pattern) != len(parts):
            return None
        pairs = list(zip(pattern, parts, strict=True))
        if any(name != part for name, part in pairs if not name.startswith("{")):
            return None
        return {name.strip("{}"): part for name, part in pairs if name.startswith("{")}


class FieldError(StackError):
    """Fields of a form do not make sense.

    Attributes:
        problems: Name of the field → what is wrong with it.
    """

    def __init__(self, problems: Mapping[str, str]) -> None:
        super().__init__(400, "; ".join(f"{name}: {text}" for name, text in problems.items()))
        self.problems = problems
