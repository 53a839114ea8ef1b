"""What a process of the bench is asked for, and what it tells: see task.ts."""
import json
import resource
import sys
import time

import numpy as np
from safetensors.numpy import load_file

# The names of what goes in as integers.
INTEGERS = ("timestep", "class_labels")


def given_task():
    """The task of this process."""
    return json.loads(sys.argv[1])


def inputs_of(task):
    """The inputs by name, as arrays."""
    arrays = load_file(task["data"])
    return {name: array.astype(np.int64) if name in INTEGERS else array for name, array in arrays.items()}


def perform(task, version, run):
    """Runs the passes of a task, and tells how long they took. `run` gives a float32 array."""
    times, result = timed(task["warm"] + task["passes"], run)
    np.ascontiguousarray(result, np.float32).tofile(task["out"])
    tell(version, task["warm"], times)


def timed(count, run):
    """How long each of so many runs took, the first one first, and what the last one gave."""
    times = []
    for _ in range(count):
        wall, processor = time.perf_counter(), time.process_time()
        result = run()
        times.append({
            "wall": 1000 * (time.perf_counter() - wall),
            "processor": 1000 * (time.process_time() - processor),
        })
    return times, result


def tell(version, warm, times):
    """Tells them. `warm`: how many do not count."""
    megabytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    told = {"version": version, "first": times[0], "passes": times[warm:], "megabytes": megabytes}
    print(json.dumps(told))
