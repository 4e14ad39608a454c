"""The project itself."""

from __future__ import annotations

from stack_fastapi.client._calls import Calls
from stack_fastapi.models import Project


class ProjectApi:
    """``/projects/current`` of Stack's REST API; raises like ``users``."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls

    async def current(self) -> Project:
        """The project that the settings name: ``GET /projects/current``.

        A cheap proof that Stack is there and accepts the server key.
        """
        return await self._calls.read(Project, "/projects/current")
