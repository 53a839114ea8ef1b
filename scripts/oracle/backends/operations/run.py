"""Computes the operations of a kit and the whole of unets/tiny with one backend, as it comes, and judges them: one
line of JSON on stdout.

    python run.py BACKEND KIT        BACKEND: one of requirements.json

with_NAME.py has `adapters(backend)`: operations by their names, versions, and, where the backend computes a model as
one graph, a function from a case to its taps. An operation that has `many` computes all probes at once with it.
"""
import importlib
import json
import os
import pathlib
import sys

import numpy as np
import unet

backend, kit = sys.argv[1:]
sys.path.insert(0, kit)
import pag_oracle  # noqa: E402


def reason(error):
    lines = [line for line in str(error).splitlines() if line.strip()] or [""]
    return f"{type(error).__name__}: {lines[-1]}"[:160]


def judged(case, total, found, failed):
    report = pag_oracle.check(case, found, only=list(found)) if found else None
    off = {tap: (one["status"] if one["status"] == "not finite" else float(f"{one['share']:.3g}"))
           for tap, one in (report.taps if report else {}).items() if one["status"] != "ok"}
    return {"probes": total, "off": off, "failed": failed}


def probed(name, compute):
    case = pag_oracle.Case(os.path.join(kit, "operations", name))
    calls = {}
    for probe in case.subject["probes"]:
        tensors = [np.array(case.inputs[f"{probe['name']}/{i}"]) for i in range(probe["tensors"])]
        calls[probe["name"]] = [*tensors, *probe["arguments"]]
    with np.errstate(all="ignore"):
        found, failed = computed(compute, calls)
    return judged(case, len(calls), found, failed)


def computed(compute, calls):
    """The results, and why there are none of others. What a backend refuses is a finding, whatever it throws."""
    if hasattr(compute, "many"):
        try:
            return dict(zip(calls, map(np.asarray, compute.many(list(calls.values()))))), {}
        except Exception as error:
            print(f"one after the other, for together: {reason(error)}", file=sys.stderr)
    found, failed = {}, {}
    for name, given in calls.items():
        try:
            found[name] = np.asarray(compute(*given))
        except Exception as error:
            failed[name] = reason(error)
    return found, failed


def tiny(compute):
    case = pag_oracle.Case(os.path.join(kit, "unets", "tiny"))
    try:
        found = compute(case)
    except Exception as error:
        return {"probes": 1, "off": {}, "failed": {"unets/tiny": reason(error)}}
    taps = {name: value for name, value in found.items() if name in case.expected}
    return judged(case, len(taps), taps, {})


requirements = json.loads((pathlib.Path(__file__).parent / "requirements.json").read_text())
adapter = importlib.import_module(f"with_{requirements[backend].get('adapter', backend)}")
operations, versions, *whole = adapter.adapters(backend)
cases = {name: probed(name, operations[name]) for name in sorted(operations)}
if whole:
    cases["unets/tiny"] = {"how": "one graph", **tiny(whole[0])}
elif all(name in operations for name in unet.NEEDED):
    cases["unets/tiny"] = {"how": "operation by operation", **tiny(lambda case: unet.taps(case, operations))}
print(json.dumps({"backend": backend, "versions": versions, "cases": cases}))
