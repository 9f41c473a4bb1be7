"""Starts `contactship` as a child of the process of `forked_contactship`, and behaves as it does.

`python -IS forked_contactship_client.py SOCKET ARGUMENTS...` hands over its own streams, environment and directory,
passes on the signals that it gets, and ends as the child ends. It imports next to nothing: that is what it is for.
"""

import marshal
import os
import signal
import socket
import sys

PASSED_ON = (signal.SIGINT, signal.SIGTERM)


def main() -> None:
    """Run one command to its end."""
    signal.pthread_sigmask(signal.SIG_BLOCK, PASSED_ON)
    ignores_ctrl_c = signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    with socket.socket(socket.AF_UNIX) as commands, commands.makefile("rwb") as stream:
        commands.connect(sys.argv[1])
        socket.send_fds(commands, [b"\0"], [0, 1, 2])
        marshal.dump((sys.argv[2:], dict(os.environ), os.getcwd(), ignores_ctrl_c), stream)  # noqa: PTH109 - as above
        stream.flush()
        child = int(stream.readline())
        for number in PASSED_ON:
            signal.signal(number, lambda number, _: os.kill(child, number))
        signal.pthread_sigmask(signal.SIG_UNBLOCK, PASSED_ON)
        code = int(stream.readline())
    if code < 0:
        signal.signal(-code, signal.SIG_DFL)
        os.kill(os.getpid(), -code)
    sys.exit(code)


if __name__ == "__main__":
    main()
