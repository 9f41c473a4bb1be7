"""Sandboxes, a pool, clients and the command line together, under faults, for as long as you like.

From the root of the project, with the extra `test` installed,

    PYTHONPATH=tests/support python -m soak 10

goes round and round for 10 minutes, prints a line for each round and a verdict, and ends with exit code 1 if something
grew, was left open, or went wrong; Linux only. `python -m soak 10 1234` draws the same faults and settings as the run
that named the seed 1234.

A round runs these concurrently, while the servers fail in all ways the sandbox knows: a pool of seven organizations is
walked to the end, counted, left early, cancelled and timed out; a client is opened, used, closed and used again;
another waits for a server that never responds; a sandbox starts and stops; and the command line runs once, in one of
the formats or with many organizations, to its end, interrupted, or with a reader that leaves. Organizations whose
faults pass must come completely, in order, and without a row twice; all others, too, or fail by a `ContactshipError`.

After each round all is closed, and must be flat:

- Tasks, descriptors, connections, threads and child processes are exactly as many as after the rounds that warm up.
- Memory, after a collection and with bounded caches emptied, grows by no more than `counts.MAX_GROWTH` between the
  median of the first and the median of the last third of the rounds: by 128 KiB of what Python has allocated
  (`tracemalloc`), 16 MiB of what the process has resident, and 1000 of the objects that the collector knows.
- Nothing was reported: no unretrieved exception, no unclosed resource, no failing callback.
"""
