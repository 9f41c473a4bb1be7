"""One way to load a listing, a module of `syncs/`, in a process that does so when told to and says what it cost.

Jobs and costs are lines of JSON on the standard streams; what libraries print goes to the standard error. Nothing is
imported here that the way itself does not import: it would count as its memory.
"""

from __future__ import annotations

import asyncio
import gc
import importlib
import json
import os
import sys
import time
from typing import cast

from attrs import asdict

from benchmarks._memory import peak_bytes
from benchmarks.syncs import Contender, Cost, Job


def _measure(contender: Contender, job: Job) -> Cost:
    gc.collect()
    cpu, wall = time.process_time(), time.perf_counter()
    asyncio.run(contender.load(job))
    return Cost(time.perf_counter() - wall, time.process_time() - cpu, peak_bytes(), contender.CURRENT)


if __name__ == "__main__":
    with os.fdopen(os.dup(1), "w") as answers:
        os.dup2(2, 1)
        module = cast("Contender", importlib.import_module(f"benchmarks.syncs.{sys.argv[1]}"))
        for line in sys.stdin:
            answers.write(json.dumps(asdict(_measure(module, Job(**json.loads(line))))) + "\n")
            answers.flush()
