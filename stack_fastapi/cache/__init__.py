"""Keeping what Stack answered, and asking only once."""

from stack_fastapi.cache.asked_once import AskedOnce, Lifetimes
from stack_fastapi.cache.memory import MemoryCache
from stack_fastapi.cache.single_flight import Flight, SingleFlight
from stack_fastapi.cache.two_levels import TwoLevelCache

__all__ = ["AskedOnce", "Flight", "Lifetimes", "MemoryCache", "SingleFlight", "TwoLevelCache"]
