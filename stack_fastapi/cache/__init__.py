"""Keeping what Stack answered, and asking only once."""

from stack_fastapi.cache.entry import Entry, Kind, Validity
from stack_fastapi.cache.memory import MemoryCache
from stack_fastapi.cache.shared import SharedTier
from stack_fastapi.cache.single_flight import InFlight, SingleFlight
from stack_fastapi.cache.store import Lookup, Store

__all__ = [
    "Entry",
    "InFlight",
    "Kind",
    "Lookup",
    "MemoryCache",
    "SharedTier",
    "SingleFlight",
    "Store",
    "Validity",
]
