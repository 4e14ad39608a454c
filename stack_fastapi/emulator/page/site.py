"""From a request to a screen of the page."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import replace

from starlette.concurrency import run_in_threadpool

from stack_fastapi.emulator.control.faults import Faults
from stack_fastapi.emulator.control.request_log import RequestLog
from stack_fastapi.emulator.errors import StackError, bad_request, not_found
from stack_fastapi.emulator.page import areas, guard
from stack_fastapi.emulator.page.links import ROOT, href, parts_of
from stack_fastapi.emulator.page.notes import NOTES
from stack_fastapi.emulator.page.rendering import HEADERS, Renderer, load, moved
from stack_fastapi.emulator.page.visit import Area, FieldError, Given, View, Visit
from stack_fastapi.emulator.protocol.guard import check_local
from stack_fastapi.emulator.protocol.request import Request
from stack_fastapi.emulator.protocol.response import Answer, text_answer
from stack_fastapi.emulator.state.sessions import Issue
from stack_fastapi.emulator.state.state import State

STATIC = "static"


class Page:
    """The web page of one door to an emulator.

    Args:
        state: Read and changed under its lock.
        faults: The emulator's.
        requests: The emulator's.
        load: Reads templates and files; it may block.
    """

    def __init__(
        self,
        state: State,
        faults: Faults,
        requests: RequestLog,
        load: Callable[[], Renderer] = load,
    ) -> None:
        self._state = state
        self._faults = faults
        self._requests = requests
        self._load = load
        self._renderer: Renderer | None = None
        self._token = secrets.token_urlsafe(32)

    async def answer(self, request: Request, issue: Issue) -> Answer:
        """Answer a request.

        Args:
            request: The request.
            issue: How access tokens are issued, and the time.
        """
        try:
            check_local(request, "the person")
            guard.check_method(request)
        except StackError as error:
            return _plain(str(error), error.status)
        if self._renderer is None:
            try:
                # From the disk, and so not in the event loop.
                self._renderer = await run_in_threadpool(self._load)
            except ImportError as error:
                return _plain(str(error), 501)
        with self._state.lock:
            return self._answer(self._renderer, request, issue)

    def _answer(self, renderer: Renderer, request: Request, issue: Issue) -> Answer:
        visit = self._visit(request, issue)
        if visit.parts[0] == STATIC:
            file = renderer.file("/".join(visit.parts[1:]))
            if file is not None:
                return file
        area: Area | None = None
        try:
            found = areas.find(visit.parts)
            if found is None:
                raise not_found("There is no such page here.")
            visit = replace(visit, params=found[1])
            if request.method == "POST":
                visit = replace(visit, form=guard.check_form(request, self._token))
                area = found[0]
                return self._changed(renderer, visit, area)
            return self._screen(renderer, visit, found[0])
        except StackError as error:
            return self._refused(renderer, visit, area, error)

    def _visit(self, request: Request, issue: Issue) -> Visit:
        first = next(iter(self._state.projects))
        is_root = request.path == ROOT
        return Visit(
            state=self._state,
            faults=self._faults,
            requests=self._requests,
            base_url=request.base_url,
            issue=issue,
            parts=("projects", first, "users") if is_root else parts_of(request.path),
            params={},
            query=request.query,
        )

    def _changed(self, renderer: Renderer, visit: Visit, area: Area) -> Answer:
        act = area.actions.get(visit.form.get("do", ""))
        if act is None:
            raise bad_request("The page cannot do that.")
        outcome = act(visit)
        if isinstance(outcome, Given):
            return self._screen(renderer, visit, area, outcome.data)
        location = outcome.location or href(*visit.parts)
        return moved(f"{location}?done={outcome.note}")

    def _screen(
        self,
        renderer: Renderer,
        visit: Visit,
        area: Area,
        extra: View | None = None,
        status: int = 200,
    ) -> Answer:
        data = {**self._common(visit, area.section), **area.show(visit), **(extra or {})}
        return renderer.page(area.template, data, status)

    def _refused(
        self, renderer: Renderer, visit: Visit, area: Area | None, error: StackError
    ) -> Answer:
        """The screen that the form is on, with what is wrong; another one if that is gone."""
        problem = _problem(visit, error)
        if area is not None:
            try:
                return self._screen(renderer, visit, area, problem, error.status)
            except StackError:
                pass
        data = {**self._common(visit, None), **problem}
        return renderer.page("problem.html", data, error.status)

    def _common(self, visit: Visit, section: str | None) -> View:
        return {
            **areas.surroundings(visit, section),
            "csrf": self._token,
            "here": href(*visit.parts),
            "note": NOTES.get(visit.query.get("done", "")),
            "error": None,
            "problems": {},
            "given": {},
            "tokens": None,
            "new_key": None,
            "keys": None,
        }


def _problem(visit: Visit, error: StackError) -> View:
    return {
        "error": str(error),
        "problems": error.problems if isinstance(error, FieldError) else {},
        "given": visit.form,
    }


def _plain(text: str, status: int) -> Answer:
    return replace(text_answer(text, status), headers=HEADERS)
