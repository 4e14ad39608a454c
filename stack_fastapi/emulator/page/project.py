"""One project: what it allows, its keys, its signing keys."""

from __future__ import annotations

from dataclasses import asdict

from stack_fastapi.emulator.page import forms
from stack_fastapi.emulator.page.visit import Area, Done, Given, View, Visit
from stack_fastapi.emulator.state.user_kind import UserKind


def show(visit: Visit) -> View:
    """The project, without its keys."""
    project = visit.project
    config = asdict(project.config)
    return {
        "details": {"id": project.id, "name": project.display_name, "alias": project.alias},
        "flags": {name: value for name, value in config.items() if isinstance(value, bool)},
        "defaults": {name: value for name, value in config.items() if isinstance(value, list)},
        "signing_keys": [
            {
                "kind": kind.name.lower(),
                "ids": [key["kid"] for key in project.signing_keys.published([kind])],
            }
            for kind in UserKind
        ],
        "base_url": visit.base_url,
    }


def reveal(visit: Visit) -> Given:
    """The project's keys, and the lines that a back end's environment needs."""
    project = visit.project
    return Given(
        {
            "keys": {
                "Publishable client key": project.publishable_client_key,
                "Secret server key": project.secret_server_key,
                "Super secret admin key": project.super_secret_admin_key,
            },
            "environment": "\n".join(
                [
                    f"STACK_PROJECT_ID={project.id}",
                    f"STACK_SECRET_SERVER_KEY={project.secret_server_key}",
                    f"STACK_WEBHOOK_SECRET={project.webhook_secret}",
                    f"STACK_API_URL={visit.base_url}",
                ]
            ),
        }
    )


def rotate(visit: Visit) -> Done:
    """Sign with new keys from now on."""
    visit.project.signing_keys.rotate(keep_old=forms.flag(visit.form, "keep_old"))
    return Done("rotated")


AREA = Area(
    "projects/{project}/project",
    "project",
    "project.html",
    show,
    {"reveal": reveal, "rotate": rotate},
)
