"""Writes the models that ONNX Runtime is given (see README.md): models/letters.onnx and one file for each single
operation.

Usage: python export.py
"""
from pathlib import Path

import numpy as np
import onnx
import torch
from diffusers import UNet2DModel
from onnx import TensorProto, helper, numpy_helper

here = Path(__file__).parent
models = here / "models"

# The single operations of cases.ts.
CONVOLUTIONS = [(64, 64, 32), (128, 128, 16), (320, 320, 64)]
MATMULS = [512]


class Forward(torch.nn.Module):
    """The UNet with plain tensors as arguments and result."""

    def __init__(self, unet):
        super().__init__()
        self.unet = unet

    def forward(self, sample, timestep, class_labels):
        return self.unet(sample, timestep, class_labels, return_dict=False)[0]


def numbers(count, seed):
    """The numbers that cases.ts makes: xorshift from the seed, scaled to [-1, 1)."""
    state = (seed * 2654435761 + 12345) & 0xFFFFFFFF
    out = np.empty(count, np.float64)
    for i in range(count):
        state ^= (state << 13) & 0xFFFFFFFF
        state ^= state >> 17
        state ^= (state << 5) & 0xFFFFFFFF
        out[i] = state / 2**31 - 1
    return out.astype(np.float32)


def save(name, node, x_shape, y_shape, weight):
    graph = helper.make_graph(
        [node], name,
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, x_shape)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, y_shape)],
        [numpy_helper.from_array(weight, "weight")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model)
    onnx.save(model, models / f"{name}.onnx")


def main():
    models.mkdir(exist_ok=True)
    for channels, out_channels, size in CONVOLUTIONS:
        weight = numbers(channels * out_channels * 9, 2).reshape(out_channels, channels, 3, 3)
        node = helper.make_node("Conv", ["x", "weight"], ["y"], kernel_shape=[3, 3], pads=[1, 1, 1, 1])
        save(
            f"conv-{channels}-{out_channels}-{size}",
            node,
            [1, channels, size, size],
            [1, out_channels, size, size],
            weight,
        )
    for size in MATMULS:
        # Ours takes the weight as [O, C].
        weight = np.ascontiguousarray(numbers(size * size, 2).reshape(size, size).T)
        save(f"matmul-{size}", helper.make_node("MatMul", ["x", "weight"], ["y"]), [size, size], [size, size], weight)

    unet = UNet2DModel.from_pretrained(here / "../../fixtures/letters/model/unet", local_files_only=True).eval()
    inputs = (torch.zeros(1, 1, 32, 32), torch.tensor([500]), torch.tensor([0]))
    with torch.no_grad():
        torch.onnx.export(
            Forward(unet), inputs, str(models / "letters.onnx"), dynamo=False, opset_version=17,
            input_names=["sample", "timestep", "class_labels"], output_names=["prediction"],
        )


if __name__ == "__main__":
    main()
