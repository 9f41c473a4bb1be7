"""What people and agents of the organization have to do; an add-on: `/v1/tasks`.

Source: https://docs.contactship.ai/api-reference/endpoint/list-tasks
"""

from __future__ import annotations

from attrs import frozen

from contactship_async._http.caller import Caller


@frozen(repr=False)
class Tasks:
    """What people and agents of the organization have to do; an add-on: `client.tasks`."""

    _caller: Caller
