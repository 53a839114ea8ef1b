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
    times = []
    for _ in range(task["warm"] + task["passes"]):
        wall, processor = time.perf_counter(), time.process_time()
        result = run()
        times.append({
            "wall": 1000 * (time.perf_counter() - wall),
            "processor": 1000 * (time.process_time() - processor),
        })
    np.ascontiguousarray(result, np.float32).tofile(task["out"])
    megabytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    told = {"version": version, "first": times[0], "passes": times[task["warm"]:], "megabytes": megabytes}
    print(json.dumps(told))
