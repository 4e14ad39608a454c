"""Webhooks: events as the real server sends them through Svix, signed and repeated."""

from __future__ import annotations

from stack_fastapi.emulator.webhooks.deliveries import Attempt, Delivery, Order, Post
from stack_fastapi.emulator.webhooks.signing import sign
from stack_fastapi.emulator.webhooks.webhooks import Webhooks

__all__ = ["Attempt", "Delivery", "Order", "Post", "Webhooks", "sign"]
