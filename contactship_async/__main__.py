"""The entry point of the command line: how the process ends, also without the libraries that the commands need.

Nothing is imported before it is needed: `--version` takes hardly longer than Python itself.
"""

import os
import sys

from contactship_async import __version__


def main() -> None:
    """Run the command line on the arguments of this process, and exit with its code."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:  # closed, as by `2>&-`
            setattr(sys, name, open(os.devnull, "w"))  # noqa: SIM115, PTH123 - open to the end; pathlib takes time
    try:
        code = _run(sys.argv[1:])
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


def _run(arguments: list[str]) -> int:
    if arguments == ["--version"]:
        sys.stdout.write(f"{__version__}\n")
        sys.stdout.flush()
        return 0
    try:
        from contactship_async._cli.app import run  # noqa: PLC0415 - needs the extra `cli`
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in {"cyclopts", "rich"}:
            raise
        sys.exit("contactship: the command line needs an extra: pip install 'contactship-async[cli]'")
    return run(arguments)


def _abandon_output() -> None:
    """Drop what standard output did not take: Python would try again at its exit, and report an error."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


if __name__ == "__main__":
    main()
