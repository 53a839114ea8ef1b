"""Computes the operations of a kit and the whole of unets/tiny with one backend, as it comes, and judges them: one
line of JSON on stdout.

    python run.py BACKEND KIT        BACKEND: one of requirements.json

with_NAME.py has `adapters(backend)`: operations by their names, versions, and, where the backend computes a model as
one graph, a function from a case to its taps.
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
    found, failed = {}, {}
    for probe in case.subject["probes"]:
        tensors = [np.array(case.inputs[f"{probe['name']}/{i}"]) for i in range(probe["tensors"])]
        try:
            with np.errstate(all="ignore"):
                found[probe["name"]] = np.asarray(compute(*tensors, *probe["arguments"]))
        except Exception as error:  # What a backend refuses is a finding, whatever it throws.
            failed[probe["name"]] = reason(error)
    return judged(case, len(case.subject["probes"]), found, failed)


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
