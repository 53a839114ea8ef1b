"""Apache TVM: its importer of ONNX, compiled by LLVM for the CPU."""
from functools import partial

import tvm
from onnx_models import operations, whole
from tvm import relax
from tvm.relax.frontend.onnx import from_onnx


def run(model, inputs):
    module = relax.transform.DecomposeOpsForInference()(from_onnx(model, keep_params_in_input=False))
    machine = relax.VirtualMachine(tvm.compile(module, "llvm"), tvm.cpu())
    found = machine["main"](*map(tvm.runtime.tensor, inputs.values()))
    return [one.numpy() for one in (found if len(model.graph.output) > 1 else [found])]


def adapters(_):
    return operations(run), {"tvm": tvm.__version__}, partial(whole, run)
