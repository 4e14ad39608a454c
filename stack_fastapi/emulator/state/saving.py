"""Writing a state down as a seed, so that it survives a restart.

The file holds secrets: the projects' keys, the private signing keys, the webhook secrets, the
second factors' secrets, the codes that were sent by e-mail, and the passwords' hashes, which are
cheap ones. Refresh tokens and API keys are in it as digests only.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from stack_fastapi.emulator.state import saved_records
from stack_fastapi.emulator.state.project import Project
from stack_fastapi.emulator.state.records import Scope
from stack_fastapi.emulator.state.state import State


def dump(state: State) -> dict[str, Any]:
    """The state as a seed."""
    with state.lock:
        return {
            "access_token_lifetime_seconds": state.access_token_lifetime,
            "issuer_bases": sorted(state.issuer_bases),
            "projects": {item.alias: _project(item) for item in state.projects.values()},
        }


def write(path: Path, seed: Mapping[str, Any]) -> None:
    """Write a seed to a file that only its owner may read; there is never half of it.

    Raises:
        OSError: It cannot be written. What was there before is still there.
    """
    # Half a character, which no seed may hold, becomes a question mark.
    content = json.dumps(seed, ensure_ascii=False, indent=1).encode(errors="replace")
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")  # mode 0600
    try:
        with open(descriptor, "wb") as file:  # noqa: PTH123 - a descriptor, not a path
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink()
        raise


def _project(project: Project) -> dict[str, Any]:
    return {
        "id": project.id,
        "display_name": project.display_name,
        "publishable_client_key": project.publishable_client_key,
        "secret_server_key": project.secret_server_key,
        "super_secret_admin_key": project.super_secret_admin_key,
        "webhook_secret": project.webhook_secret,
        "config": asdict(project.config),
        "team_permission_definitions": _definitions(project, "team"),
        "project_permission_definitions": _definitions(project, "project"),
        "webhooks": [
            {"url": item.url, "types": list(item.types), "allow_remote": item.allow_remote}
            for item in project.endpoints
            if item.post is None
        ],
        "records": saved_records.dump(project),
    }


def _definitions(project: Project, scope: Scope) -> list[dict[str, Any]]:
    """Those that are not the system's own."""
    return [
        {
            "id": item.id,
            "description": item.description,
            "contained_permission_ids": list(item.contained_permission_ids),
        }
        for item in project.definitions_of(scope)
        if not item.id.startswith("$")
    ]
