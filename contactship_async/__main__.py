"""The entry point of the command line: how the process ends, also without the libraries that the commands need."""

import os
import sys
from pathlib import Path


def main() -> None:
    """Run the command line on the arguments of this process, and exit with its code."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:  # closed, as by `2>&-`
            setattr(sys, name, Path(os.devnull).open("w"))  # noqa: SIM115 - open until the process ends
    try:
        from contactship_async._cli import run  # noqa: PLC0415 - needs the extra `cli`

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


def _abandon_output() -> None:
    """Drop what standard output did not take: Python would try again at its exit, and complain."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


if __name__ == "__main__":
    main()
