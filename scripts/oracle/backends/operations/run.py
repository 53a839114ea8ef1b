"""Computes the operations of a kit with one backend, as it comes, and judges them: one line of JSON on stdout.

    python run.py BACKEND KIT        BACKEND: onnxruntime, openvino, openvino-f32, jax, mlx
"""
import importlib
import json
import os
import sys

import numpy as np

backend, kit = sys.argv[1:]
sys.path.insert(0, kit)
import pag_oracle  # noqa: E402

operations, versions = importlib.import_module(f"with_{backend.split('-')[0]}").adapters(backend)
cases = {}
for name in sorted(operations):
    case = pag_oracle.Case(os.path.join(kit, "operations", name))
    found, failed = {}, {}
    for probe in case.subject["probes"]:
        tensors = [np.array(case.inputs[f"{probe['name']}/{i}"]) for i in range(probe["tensors"])]
        try:
            with np.errstate(all="ignore"):
                found[probe["name"]] = np.asarray(operations[name](*tensors, *probe["arguments"]))
        except Exception as error:  # What a backend refuses is a finding, whatever it throws.
            failed[probe["name"]] = f"{type(error).__name__}: {error}".splitlines()[0][:160]
    report = pag_oracle.check(case, found, only=list(found)) if found else None
    off = {tap: (one["status"] if one["status"] == "not finite" else float(f"{one['share']:.3g}"))
           for tap, one in (report.taps if report else {}).items() if one["status"] != "ok"}
    cases[name] = {"probes": len(case.subject["probes"]), "off": off, "failed": failed}
print(json.dumps({"backend": backend, "versions": versions, "cases": cases}))
