#!/usr/bin/env bash
# MNN's command `mnnconvert` runs `pip install` each time, with the first pip of PATH, for a client of its makers' log.
#
# Seen with MNN 3.6.1 (Python, Linux): MNN/tools/utils/log.py, which with that client reports each conversion and the
# machine's id. Where PATH's pip is that of another environment (the command is one of a virtual environment that is not
# activated), the package lands there, is never found, and is installed anew: 16 s for a millisecond of work. Here a pip
# that installs nothing stands first in PATH, so nothing is installed and nothing reported; the model is converted all
# the same.
# Output seen: pip is run with: install -U aliyun-log-python-sdk (4 times for 2 conversions)
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder"
"$folder/bin/pip" install --quiet MNN==3.6.1 onnx==1.23.2 numpy==2.3.5
mkdir "$folder/first"
printf '#!/bin/sh\necho "$@" >> "%s/pip.log"\nexit 1\n' "$folder" > "$folder/first/pip"
chmod +x "$folder/first/pip"
"$folder/bin/python" - "$folder/one.onnx" <<'PY'
import sys

import onnx
from onnx import TensorProto, helper

described = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [2]) for name in "xy"]
graph = helper.make_graph([helper.make_node("Relu", ["x"], ["y"])], "one", described[:1], described[1:])
onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10), sys.argv[1])
PY
for i in 1 2; do
  PATH="$folder/first:$PATH" "$folder/bin/mnnconvert" -f ONNX --bizCode seen --modelFile "$folder/one.onnx" \
    --MNNModel "$folder/$i.mnn" > /dev/null
  test -s "$folder/$i.mnn" || { echo 'this has changed: nothing is converted'; exit 1; }
done
runs=$(grep -c '^install -U aliyun-log-python-sdk$' "$folder/pip.log" || true)
echo "pip is run with: $(sort -u "$folder/pip.log") ($runs times for 2 conversions)"
[ "$runs" -ge 2 ] || { echo 'this has changed'; exit 1; }
