#!/usr/bin/env bash
# tract's sigmoid has no right digits where it is small, and with it SiLU: a rational approximation of absolute accuracy.
#
# Seen with tract 0.23.9 (Python, CPU), a model of one Sigmoid. NumPy in float64 is the measure.
# Output seen: relative error 8.5e-8 at −2, 1.1e-4 at −9, 5.6e-3 at −12, 0.46 at −15, 9.8 at −17
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder"
"$folder/bin/pip" install --quiet tract==0.23.9 onnx==1.23.2 numpy==2.3.5
"$folder/bin/python" - "$folder" <<'PY'
import sys

import numpy as np
import onnx
import tract
from onnx import TensorProto, helper

x = np.array([-2, -9, -12, -15, -17], np.float32)
described = [helper.make_tensor_value_info(name, TensorProto.FLOAT, x.shape) for name in "xy"]
graph = helper.make_graph([helper.make_node("Sigmoid", ["x"], ["y"])], "one", described[:1], described[1:])
path = sys.argv[1] + "/one.onnx"
onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10), path)
found = tract.onnx().load(path).into_model().into_runnable().run([x])[0].to_numpy()
error = np.abs(found * (1 + np.exp(-x.astype(np.float64))) - 1)
for at, size in zip(x, error):
    print(f"sigmoid({at:.0f}): relative error {size:.1e}")
assert error[0] < 1e-6 and error[2] > 1e-3 and error[3] > 1e-2, "this has changed"
PY
