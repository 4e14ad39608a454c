"""Keeping what Stack answered, and asking only once."""

from stack_fastapi.cache.entry import Entry as Entry, Kind as Kind, Validity as Validity
from stack_fastapi.cache.memory import MemoryCache as MemoryCache
from stack_fastapi.cache.shared import SharedTier as SharedTier
from stack_fastapi.cache.single_flight import InFlight as InFlight, SingleFlight as SingleFlight
from stack_fastapi.cache.store import Lookup as Lookup, Store as Store
