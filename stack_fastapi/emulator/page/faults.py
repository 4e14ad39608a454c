"""Faults: what is played, and playing more."""

from __future__ import annotations

from typing import Any, get_args

from stack_fastapi.emulator.control.faults import Fault, FaultKind
from stack_fastapi.emulator.page import forms
from stack_fastapi.emulator.page.visit import Area, Done, View, Visit

KINDS: dict[FaultKind, str] = {
    "status": "an error status, with no word of Stack's",
    "latency": "a late answer",
    "timeout": "no answer at all",
    "dropped": "the connection is closed without an answer",
    "broken_json": "half of the JSON",
    "html": "a page in place of JSON",
    "truncated": "less than is announced",
    "oversized": "a huge body",
    "redirect": "a redirect elsewhere",
    "clock_skew": "an answer by another clock",
    "wrong_key": "a refusal of the key",
}
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
#: What is tried most, with one button each.
PRESETS: tuple[tuple[str, dict[str, str]], ...] = (
    ("Down: 503 until cleared", {"kind": "status", "status": "503"}),
    (
        "429 for the next three",
        {"kind": "status", "status": "429", "times": "3", "retry_after": "2"},
    ),
    ("Next answer 2 s late", {"kind": "latency", "seconds": "2", "times": "1"}),
    ("Next connection drops", {"kind": "dropped", "times": "1"}),
)
_FIELDS = tuple(Fault.model_fields)


def show(visit: Visit) -> View:
    """What is played, and a form for more."""
    return {
        "faults": [summary(fault) for fault in visit.faults.active],
        "kinds": [
            {"value": kind, "name": f"{kind}: {KINDS[kind]}"} for kind in get_args(FaultKind)
        ],
        "methods": [{"value": method, "name": method} for method in METHODS],
        "presets": [{"name": name, "fields": fields} for name, fields in PRESETS],
    }


def summary(fault: Fault) -> View:
    """A fault in words."""
    return {
        "kind": fault.kind,
        "meaning": KINDS[fault.kind],
        "requests": f"{fault.method or 'any'} {fault.path}",
        "how_often": _how_often(fault),
        "details": ", ".join(_details(fault)),
    }


def inject(visit: Visit) -> Done:
    """Play a fault from now on."""
    fields: dict[str, Any] = forms.filled(visit.form, *_FIELDS)
    visit.faults.add(forms.checked(Fault, fields))
    return Done("fault")


def clear(visit: Visit) -> Done:
    """Play no fault any more."""
    visit.faults.clear()
    return Done("cleared-faults")


def _how_often(fault: Fault) -> str:
    times = "until cleared" if fault.times is None else f"{fault.times} times"
    return times if fault.share == 1 else f"{times}, {fault.share:.0%} of requests"


def _details(fault: Fault) -> list[str]:
    """Those that were chosen."""
    shown = fault.model_dump(
        exclude_defaults=True, include={"status", "retry_after", "seconds", "size", "location"}
    )
    return [f"{name.replace('_', ' ')} {value}" for name, value in shown.items()]


AREA = Area(
    "projects/{project}/faults", "faults", "faults.html", show, {"clear": clear, "inject": inject}
)
