"""The script of faults: what happens to the next requests."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Final

from contactship_async._arguments import check_integer
from contactship_async.sandbox._api.faults import Fault

_NO_FAULT: Final = Fault()


class Script:
    """Faults for requests to come, one each; once they are used up, responses are normal."""

    def __init__(self) -> None:
        self._faults: Iterator[Fault | None] = iter(())

    def set(self, faults: tuple[Fault | None, ...], times: int | None) -> None:
        """Apply *faults* to the next requests, one each; replaces what is left of an earlier script."""
        if not faults:
            message = "faults must not be empty; clear_script() ends a script"
            raise ValueError(message)
        for fault in faults:
            if not isinstance(fault, Fault | None):
                message = f"faults must be faults such as Status(500), or None, not {type(fault).__name__}"
                raise TypeError(message)
        if times is None:
            self._faults = itertools.cycle(faults)
        else:
            repeated = itertools.repeat(faults, check_integer("times", times, lowest=1))
            self._faults = itertools.chain.from_iterable(repeated)

    def clear(self) -> None:
        """Respond normally from the next request on."""
        self._faults = iter(())

    def take(self) -> Fault:
        """Return the fault of the next request; the base of all faults leaves its response as it is."""
        return next(self._faults, None) or _NO_FAULT
