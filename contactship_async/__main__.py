"""The entry point of the command line: how the process ends, also without the libraries that the commands need."""

import asyncio
import os
import signal
import sys
from pathlib import Path
from typing import NoReturn


def main() -> None:
    """Run the command line on the arguments of this process, and exit with its code."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:  # closed, as by `2>&-`
            setattr(sys, name, Path(os.devnull).open("w"))  # noqa: SIM115 - open until the process ends
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, _interrupt)
    try:
        from contactship_async._cli.app import run  # noqa: PLC0415 - needs the extra `cli`

        code = run(sys.argv[1:])
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in {"cyclopts", "rich"}:
            raise
        sys.exit("contactship: the command line needs an extra: pip install 'contactship-async[cli]'")
    except KeyboardInterrupt:
        _abandon_output()
        code = 130
    except BrokenPipeError:
        _abandon_output()
        code = 0
    except OSError as error:
        _abandon_output()
        sys.exit("contactship: " + ": ".join(str(part) for part in (error.filename, error.strerror) if part))
    sys.exit(code)


def _interrupt(*_: object) -> None:
    # Amid a callback of an event loop, raising may lose a wake-up, and then the loop waits forever for a task to end;
    # asyncio's own handler cancels there, and the callback may then fail loudly.
    try:
        loop = asyncio.get_running_loop()
    except RuntimeError:
        _end()
    loop.call_soon_threadsafe(_end)


def _end() -> NoReturn:
    raise KeyboardInterrupt from None


def _abandon_output() -> None:
    """Drop what standard output did not take: Python would try again at its exit, and report an error."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


if __name__ == "__main__":
    main()
