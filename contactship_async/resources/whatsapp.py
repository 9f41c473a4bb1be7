"""Messages over WhatsApp, and the templates for them: `/v1/waba`.

Source: https://docs.contactship.ai/api-reference/endpoint/waba-send-message
"""

from __future__ import annotations

from attrs import frozen

from contactship_async._http.caller import Caller


@frozen(repr=False)
class WhatsApp:
    """Messages over WhatsApp, and the templates for them: `client.whatsapp`."""

    _caller: Caller
