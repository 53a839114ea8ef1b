"""What PyTorch's GPU kernels do, read off the numbers that they gave; needs no GPU.

    python scripts/oracle/backends/pytorch_cuda_explained.py

Reads a few of the taps that pytorch_cuda.py wrote on an H200 (fixtures/oracle/conformance/pytorch-cuda) and compares
them with hypotheses, computed in float64: group norm in 16 bits with the mean and 1/σ rounded to 16 bits or not;
convolution in 16 bits rounded once, or before the bias and after it; float32 convolutions by algorithm, their error
as a share of Σ|x||w|.
"""
import json
import pathlib

import torch
import torch.nn.functional as F
from safetensors.torch import load_file

ORACLE = pathlib.Path(__file__).resolve().parents[3] / "fixtures" / "oracle"
HALVES = {"bf16": torch.bfloat16, "f16": torch.float16}


def probes(operation: str, dtype: torch.dtype):
    """(name, tensors in float64 that the dtype holds exactly, further arguments)."""
    given = load_file(ORACLE / "operations" / operation / "inputs.safetensors")
    for probe in json.loads((ORACLE / "operations" / operation / "case.json").read_text())["subject"]["probes"]:
        tensors = [given.get(f"{probe['name']}/{i}") for i in range(probe["tensors"])]
        tensors = [x if x is None else x.to(dtype).double() for x in tensors]
        yield probe["name"], tensors + [None] * (3 - len(tensors)), probe["arguments"]


def taps(mode: str, operation: str) -> dict[str, torch.Tensor]:
    return load_file(ORACLE / "conformance" / "pytorch-cuda" / mode / f"operations+{operation}.safetensors")


def same(found: torch.Tensor, expected: torch.Tensor) -> str:
    """The share of numbers that are the same bits once the expectation is rounded."""
    expected = expected.to(found.dtype)
    return f"{(100 * ((found == expected) | (found.isnan() & expected.isnan())).double().mean()):6.1f} %"


def group_norm(mode: str, dtype: torch.dtype) -> None:
    print(
        f"\ngroup norm in {mode}: share of equal bits, statistics kept wide | rounded to {mode}; "
        "largest error in roundings of the largest output, wide | GPU"
    )
    for name, (x, weight, bias), (groups, eps) in probes("groupNorm", dtype):
        grouped = x.reshape(x.shape[0], groups, -1)
        mean, inverse = grouped.mean(-1), (grouped.var(-1, unbiased=False) + eps).rsqrt()
        spread = lambda value: value.repeat_interleave(x.shape[1] // groups, 1)

        def result(mean: torch.Tensor, inverse: torch.Tensor) -> torch.Tensor:
            scale = spread(inverse) * weight
            shift, shape = bias - spread(mean) * scale, x.shape[:2] + (1,) * (x.ndim - 2)
            return x * scale.view(shape) + shift.view(shape)

        wide, narrow = result(mean, inverse), result(mean.to(dtype).double(), inverse.to(dtype).double())
        found = taps(mode, "groupNorm")[name]
        unit = wide.abs().max() * torch.finfo(dtype).eps / 2
        error = lambda got: f"{((got.double() - wide).abs().max() / unit):6.2f}"
        print(f"  {name:26} {same(found, wide)} | {same(found, narrow)}   {error(wide.to(dtype))} | {error(found)}")


def sums(x, weight, stride, padding):
    top, bottom, left, right = padding
    return F.conv2d(F.pad(x, (left, right, top, bottom)), weight, None, stride)


def half_convolution(mode: str, dtype: torch.dtype) -> None:
    print(f"\nconvolution in {mode}: share of equal bits, rounded once | before the bias and after it")
    for name, (x, weight, bias), arguments in probes("conv2d", dtype):
        if bias is None:
            continue
        plain = sums(x, weight, *arguments)
        twice = plain.to(dtype).double() + bias[:, None, None]
        found = taps(mode, "conv2d")[name]
        print(f"  {name:34} {same(found, plain + bias[:, None, None])} | {same(found, twice)}")


def single_convolution() -> None:
    modes = ("ieee", "defaults", "cudnn-fft", "cudnn-winograd-nonfused")
    print(f"\nconvolution in float32: largest error as a share of Σ|x||w|: {' | '.join(modes)}")
    for name, (x, weight, bias), arguments in probes("conv2d", torch.float32):
        shift = 0 if bias is None else bias[:, None, None]
        exact, size = sums(x, weight, *arguments) + shift, sums(x.abs(), weight.abs(), *arguments)
        print(
            f"  {name:34} "
            + " | ".join(f"{((taps(mode, 'conv2d')[name].double() - exact).abs() / size).max():.1e}" for mode in modes)
        )


if __name__ == "__main__":
    torch.set_num_threads(1)
    for mode, dtype in HALVES.items():
        group_norm(mode, dtype)
        half_convolution(mode, dtype)
    single_convolution()
