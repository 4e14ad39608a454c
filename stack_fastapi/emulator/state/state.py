"""All of an emulator's state in one place, without HTTP: easy to save and to drive from Python."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field

from stack_fastapi.emulator.errors import KnownError
from stack_fastapi.emulator.state.entropy import Entropy
from stack_fastapi.emulator.state.issuer_bases import IssuerBases
from stack_fastapi.emulator.state.project import Project
from stack_fastapi.emulator.state.records import User

Clock = Callable[[], float]

DEFAULT_ACCESS_TOKEN_LIFETIME = 600.0


@dataclass
class State:
    """What one emulator knows. Two emulators share nothing.

    The lock guards everything in here: requests run on the server's event loop, in a thread of its
    own, while Python methods may be called from any other one.

    Attributes:
        clock: Unix time in seconds.
        entropy: Makes ids and secrets.
        projects: By id.
        access_token_lifetime: Seconds.
        issuer: Fixed base URL of the issuer; None for the one that each client uses.
        issuer_bases: Base URLs that tokens may be issued under.
    """

    clock: Clock
    entropy: Entropy
    projects: dict[str, Project] = field(default_factory=dict)
    access_token_lifetime: float = DEFAULT_ACCESS_TOKEN_LIFETIME
    issuer: str | None = None
    issuer_bases: IssuerBases = field(default_factory=IssuerBases)
    lock: threading.RLock = field(default_factory=threading.RLock, repr=False)

    def project_named(self, alias: str | None) -> Project:
        """The project with the seed's name for it; the first one if there is no name.

        Raises:
            KeyError: There is no such project.
        """
        projects = {project.alias: project for project in self.projects.values()}
        return projects[next(iter(projects)) if alias is None else alias]

    def rotate_keys(self, *, keep_old: bool) -> None:
        """Sign with new keys from now on, in all projects; the old ones stay if they are kept."""
        with self.lock:
            for project in self.projects.values():
                project.signing_keys.rotate(keep_old=keep_old)


def find_user(state: State, id_or_email: str) -> tuple[Project, User]:
    """The first user in any project with this id or primary e-mail address.

    Raises:
        KnownError: There is none.
    """
    for project in state.projects.values():
        for user in project.users.values():
            if id_or_email in {user.id, user.primary_email}:
                return project, user
    raise KnownError("USER_NOT_FOUND")
