"""A local Stack server: in memory, faithful to the real one, for tests and development.

```python
emulator = StackEmulator()
user = emulator.create_user(primary_email="alice@example.com", password="correct horse")
token = emulator.sign_in(user.id).access_token
```

It speaks the REST API that a back end uses, with real ES256 keys, the real server's order of
checks and its errors. How faithful it is, the conformance suite measures.
"""

from __future__ import annotations

from stack_fastapi.emulator.control.faults import Fault, Faults
from stack_fastapi.emulator.control.mail_controls import SentEmail
from stack_fastapi.emulator.control.request_log import LoggedRequest, RequestLog
from stack_fastapi.emulator.emulator import StackEmulator
from stack_fastapi.emulator.errors import KnownError, StackError
from stack_fastapi.emulator.server import Served
from stack_fastapi.emulator.state.events import EVENT_TYPES, EventType
from stack_fastapi.emulator.state.project import Project
from stack_fastapi.emulator.state.records import Endpoint, Team, User
from stack_fastapi.emulator.state.sessions import Tokens
from stack_fastapi.emulator.state.user_kind import UserKind
from stack_fastapi.emulator.webhooks import Attempt, Delivery, Webhooks

__all__ = [
    "EVENT_TYPES",
    "Attempt",
    "Delivery",
    "Endpoint",
    "EventType",
    "Fault",
    "Faults",
    "KnownError",
    "LoggedRequest",
    "Project",
    "RequestLog",
    "SentEmail",
    "Served",
    "StackEmulator",
    "StackError",
    "Team",
    "Tokens",
    "User",
    "UserKind",
    "Webhooks",
]
