"""Long lists, a page at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

from stack_fastapi.emulator.page.visit import View, Visit

Item = TypeVar("Item")
PAGE_SIZE = 100


def paged(
    visit: Visit, items: Sequence[Item], view: Callable[[Item], View], *, size: int = PAGE_SIZE
) -> View:
    """One page of a list, and the addresses of its neighbours.

    Args:
        visit: Its query's `start` says where the page begins.
        items: The whole list.
        view: What is shown of an item.
        size: How many items are on a page.
    """
    start = _start(visit.query.get("start", ""), len(items))
    end = start + size
    kept = {name: value for name, value in visit.query.items() if name not in {"start", "done"}}

    def at(position: int) -> str:
        return visit.link(*visit.parts[2:], **{**kept, "start": str(position)})

    return {
        "items": [view(item) for item in items[start:end]],
        "total": len(items),
        "first": start + 1,
        "last": min(end, len(items)),
        "previous": at(max(start - size, 0)) if start else None,
        "next": at(end) if end < len(items) else None,
    }


def contains(word: str, texts: Iterable[str | None]) -> bool:
    """Whether a word, however it is written, is part of one of the texts."""
    return any(word.lower() in (text or "").lower() for text in texts)


def _start(given: str, total: int) -> int:
    """Where the page begins; at the start if that is no place in this list."""
    is_number = given.isascii() and given.isdigit() and len(given) <= len(str(total))
    return int(given) if is_number and int(given) < total else 0
