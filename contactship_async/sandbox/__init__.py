"""A pretend Contactship that speaks the documented HTTP, for trying things out and for tests."""

from __future__ import annotations

from contactship_async.sandbox._api.faults import (
    Body,
    Cut,
    Drip,
    EmptyPage,
    Fault,
    Html,
    Redirect,
    RepeatPage,
    Slow,
    Status,
)
from contactship_async.sandbox._api.records import RecordedRequest
from contactship_async.sandbox._calls.dialled import DialledCall
from contactship_async.sandbox._pool import SandboxPool
from contactship_async.sandbox._resources.events import RecordedEvent
from contactship_async.sandbox._resources.whatsapp import OutgoingMessage
from contactship_async.sandbox._sandbox import Sandbox
from contactship_async.sandbox._serving.deliveries import WebhookDelivery

__all__ = [
    "Body",
    "Cut",
    "DialledCall",
    "Drip",
    "EmptyPage",
    "Fault",
    "Html",
    "OutgoingMessage",
    "RecordedEvent",
    "RecordedRequest",
    "Redirect",
    "RepeatPage",
    "Sandbox",
    "SandboxPool",
    "Slow",
    "Status",
    "WebhookDelivery",
]
