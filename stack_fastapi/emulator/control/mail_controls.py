"""The e-mails that the real server would have sent: who runs the emulator reads them here."""

from __future__ import annotations

from dataclasses import dataclass, field

from stack_fastapi.emulator.control.controls import Controls
from stack_fastapi.emulator.state.records import CodeType
from stack_fastapi.emulator.state.state import State


@dataclass(frozen=True)
class SentEmail:
    """An e-mail with a code.

    Attributes:
        to: Where it went.
        type: What the code is for.
        code: As a page takes it from the link, and sends it to Stack.
        link: The callback URL with the code.
        sent_at_millis: When; milliseconds since the epoch.
    """

    to: str
    type: CodeType
    code: str = field(repr=False)
    link: str = field(repr=False)
    sent_at_millis: int


class MailControls(Controls):
    """What was sent by e-mail."""

    @property
    def sent_emails(self) -> list[SentEmail]:
        """The e-mails of all projects, oldest first; those that were taken back are left out."""
        return sent_emails(self._state)


def sent_emails(state: State) -> list[SentEmail]:
    """The e-mails of all projects, oldest first."""
    with state.lock:
        sent = [
            SentEmail(code.email, code.type, code.code, code.link, code.created_at_millis)
            for project in state.projects.values()
            for code in project.codes.values()
        ]
    return sorted(sent, key=lambda email: email.sent_at_millis)
