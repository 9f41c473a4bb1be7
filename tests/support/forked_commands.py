"""Runs commands in children of one process, which has imported everything once: a start takes no time to speak of.

Reads the arguments of a command as a line of JSON, and writes two lines: the child's process id, and its exit code.
"""

from __future__ import annotations

import json
import os
import sys

import contactship_async._cli.app
import contactship_async._cli.calls.make  # noqa: F401 - imported once, for all children
from contactship_async.__main__ import main


def serve() -> None:
    """Run one command after the other."""
    for line in sys.stdin:
        child = os.fork()
        if not child:
            _run(json.loads(line))
        sys.stdout.write(f"{child}\n")
        sys.stdout.flush()
        _, status = os.waitpid(child, 0)
        sys.stdout.write(f"{os.waitstatus_to_exitcode(status)}\n")
        sys.stdout.flush()


def _run(arguments: list[str]) -> None:
    code: object = 1
    try:
        os.dup2(os.open(os.devnull, os.O_RDWR), 0)
        os.dup2(0, 1)
        sys.argv = ["contactship", *arguments]
        main()
    except SystemExit as error:
        code = error.code
    finally:
        os._exit(code if isinstance(code, int) else 1)


if __name__ == "__main__":
    serve()
