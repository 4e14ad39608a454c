"""What Python code may do to an emulator's data, beside the HTTP API."""

from __future__ import annotations

from abc import ABC, abstractmethod

from stack_fastapi.emulator.errors import KnownError
from stack_fastapi.emulator.state.project import Project
from stack_fastapi.emulator.state.records import User
from stack_fastapi.emulator.state.sessions import Issue
from stack_fastapi.emulator.state.state import State


class Controls(ABC):
    """What all groups of methods need.

    Args:
        state: The data; every method takes its lock.
    """

    def __init__(self, state: State) -> None:
        self._state = state

    @property
    @abstractmethod
    def url(self) -> str:
        """The base URL that tokens name as their issuer."""

    @property
    def now(self) -> float:
        """What the emulator's clock says; Unix time in seconds."""
        return self._state.clock()

    @property
    def project(self) -> Project:
        """The seed's first project."""
        return next(iter(self._state.projects.values()))

    @property
    def projects(self) -> dict[str, Project]:
        """All projects, by the seed's names for them."""
        return {project.alias: project for project in self._state.projects.values()}

    def _find(self, user_id: str) -> tuple[Project, User]:
        for project in self._state.projects.values():
            if user_id in project.users:
                return project, project.users[user_id]
        raise KnownError("USER_NOT_FOUND")

    def _now_millis(self) -> int:
        return int(self._state.clock() * 1000)

    def _issue(self) -> Issue:
        self._state.issuer_bases.note(self.url)
        return Issue(self.url, self._state.access_token_lifetime, self._state.clock())
