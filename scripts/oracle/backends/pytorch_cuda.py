"""PyTorch on a GPU as a port: computes cases of the oracle in every mode that a user may meet, and writes their taps.

    python scripts/oracle/backends/pytorch_cuda.py OUT [--device cuda] [--seconds 100] [--cases CASE …]
    npx tsx scripts/oracle/backends/judge.ts pytorch-cuda OUT

The first where the GPU is, the second anywhere: it writes fixtures/oracle/conformance/pytorch-cuda.json and .md.

OUT/<mode>/<case, with + for />.safetensors holds the taps, OUT/backend.json the versions, what each mode sets, the
names of the GPU kernels that ran, and what failed. Needs scripts/goldens/requirements.txt and a PyTorch built for the
GPU. Takes about a minute.
"""
import argparse
import contextlib
import json
import sys
import time
from pathlib import Path

import diffusers
import torch
from diffusers import UNet2DModel
from diffusers.models.embeddings import Timesteps
from safetensors.torch import load_file, save_file
from torch.nn.attention import SDPBackend, sdpa_kernel

HERE = Path(__file__).resolve()
sys.path[:0] = [str(HERE.parents[2] / "goldens"), str(HERE.parents[1]), str(HERE.parent)]

import cudnn_algorithms
import kernels
import runs
import stages
import unets

ORACLE = HERE.parents[3] / "fixtures" / "oracle"
CASES = [
    *(
        f"operations/{name}"
        for name in (
            "conv2d",
            "linear",
            "attention",
            "attentionMap",
            "applyAttentionMap",
            "softmax",
            "groupNorm",
            "layerNorm",
            "activation",
            "timeEmbedding",
            "averagePool2x",
        )
    ),
    "layers/attention",
    "layers/resnet",
    "layers/resnet-mish",
    "layers/downsample",
    "blocks/middle",
    "unets/tiny",
    "unets/two-layers",
    "unets/classic",
    "runs/cfg-pag",
    "unets/letters",
]

# Whose GPU kernels are looked up by name.
PROFILED = ("operations/conv2d", "operations/attention", "unets/tiny", "unets/letters")


def settings(products=False, convolutions=False, benchmark=False, cudnn=True):
    """A context in which PyTorch computes so: TF32 in matrix products and in convolutions, cuDNN's choice by
    measurement, cuDNN at all."""

    @contextlib.contextmanager
    def entered():
        torch.backends.cuda.matmul.allow_tf32 = products
        torch.backends.cudnn.allow_tf32 = convolutions
        torch.backends.cudnn.benchmark, torch.backends.cudnn.enabled = benchmark, cudnn
        yield
    return entered


# name: (what it is, the precision it is checked as, context, dtype of the model, autocast, attention kernel, channels
# last)
MODES = {
    "defaults": ("as PyTorch comes: products in float32, convolutions in TF32", "f32", settings(convolutions=True), {}),
    "defaults-as-tf32": ("the same numbers, held to TF32", "tf32", settings(convolutions=True), {}),
    "ieee": ("TF32 off everywhere", "f32", settings(), {}),
    "ieee-benchmark": ("TF32 off, cuDNN's fastest algorithm by measurement", "f32", settings(benchmark=True), {}),
    "ieee-channels-last": ("TF32 off, channels last", "f32", settings(), {"channels_last": True}),
    "ieee-without-cudnn": ("TF32 off, cuDNN off", "f32", settings(cudnn=False), {}),
    "ieee-efficient-attention": (
        "TF32 off, memory-efficient attention",
        "f32",
        settings(),
        {"attention": SDPBackend.EFFICIENT_ATTENTION},
    ),
    "tf32": ("TF32 on everywhere", "tf32", settings(True, True), {}),
    "bf16": ("model and inputs in bfloat16", "bf16", settings(), {"dtype": torch.bfloat16}),
    "bf16-flash": (
        "bfloat16, flash attention",
        "bf16",
        settings(),
        {"dtype": torch.bfloat16, "attention": SDPBackend.FLASH_ATTENTION},
    ),
    "bf16-cudnn-attention": (
        "bfloat16, cuDNN's attention",
        "bf16",
        settings(),
        {"dtype": torch.bfloat16, "attention": SDPBackend.CUDNN_ATTENTION},
    ),
    "f16": ("model and inputs in float16", "mixed", settings(), {"dtype": torch.float16}),
    "f16-flash": (
        "float16, flash attention",
        "mixed",
        settings(),
        {"dtype": torch.float16, "attention": SDPBackend.FLASH_ATTENTION},
    ),
    "autocast-bf16": ("float32 weights under autocast to bfloat16", "bf16", settings(), {"autocast": torch.bfloat16}),
    "autocast-f16": ("float32 weights under autocast to float16", "mixed", settings(), {"autocast": torch.float16}),
}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path)
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--seconds", type=float, default=100)
    parser.add_argument("--cases", nargs="*", default=CASES)
    args = parser.parse_args()
    torch.set_grad_enabled(False)
    diffusers.utils.logging.set_verbosity_error()
    started, record = time.monotonic(), {"versions": versions(args.device), "modes": {}}
    modes = dict(MODES)
    if args.device == "cuda":
        modes |= {
            f"cudnn-{name}": (
                f"TF32 off, cuDNN's algorithm {name} where it takes the convolution",
                "f32",
                cudnn_algorithms.forced(number),
                {"convolution": True},
            )
            for name, number in cudnn_algorithms.ALGORITHMS.items()
        }
    for mode, (title, check_as, context, how) in modes.items():
        entry = record["modes"][mode] = {"title": title, "check": check_as, "failed": {}, "kernels": {}, "cases": []}
        (args.out / mode).mkdir(parents=True, exist_ok=True)
        for case in args.cases:
            if time.monotonic() - started > args.seconds:
                break
            if (
                how.get("convolution")
                and case not in cudnn_algorithms.CASES
                or case == "unets/letters"
                and check_as not in ("f32", "tf32")
            ):
                continue
            try:
                with context() as entered, attention_by(how.get("attention")), used_kernels(args.device, case) as seen:
                    taps = compute(case, args.device, how)
                save_file(
                    {tap: value.detach().cpu().contiguous().clone() for tap, value in taps.items()},
                    args.out / mode / f"{case.replace('/', '+')}.safetensors",
                )
                entry["cases"].append(case)
                entry["kernels"][case] = seen
                if entered is not None:
                    entry.setdefault("convolutions", {})[case] = dict(entered)
            except Exception as error:  # a mode that a kernel refuses is a finding, not a failure of the script
                entry["failed"][case] = f"{type(error).__name__}: {str(error).splitlines()[0][:200]}"
        done, failed = len(entry["cases"]), entry["failed"]
        reasons = set(failed.values()) or ""
        print(
            f"{time.monotonic() - started:6.1f} s  {mode}: {done} cases, {len(failed)} failed {reasons}", flush=True
        )
        (args.out / "backend.json").write_text(json.dumps(record, indent=1) + "\n")


def versions(device):
    gpu = (
        {"device": torch.cuda.get_device_name(), "cuda": torch.version.cuda, "cudnn": torch.backends.cudnn.version()}
        if device == "cuda"
        else {"device": "CPU"}
    )
    return {"torch": torch.__version__, "diffusers": diffusers.__version__, **gpu}


def attention_by(backend):
    return contextlib.nullcontext() if backend is None else sdpa_kernel(backend)


@contextlib.contextmanager
def used_kernels(device, case):
    """The names of the GPU kernels that convolutions and attention ran on."""
    names = []
    if device != "cuda" or case not in PROFILED:
        yield names
        return
    with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CUDA]) as profile:
        yield names
        torch.cuda.synchronize()
    telling = ("winograd", "fft", "conv", "cudnn", "flash", "fmha", "attention", "gemm", "cutlass", "xmma")
    names.extend(
        sorted({event.name[:120] for event in profile.events() if any(word in event.name.lower() for word in telling)})[
            :40
        ]
    )


def compute(case, device, how):
    """The taps of one case, in the mode's precision."""
    subject = json.loads((ORACLE / case / "case.json").read_text())["subject"]
    dtype, cast = how.get("dtype", torch.float32), how.get("autocast")
    with torch.autocast(device, dtype=cast) if cast else contextlib.nullcontext():
        return {"operation": operation, "embedding": embedding, "stages": stage, "unet": unet, "run": run}[
            subject["kind"]
        ](case, subject, device, dtype, how)


def tensors_of(case, file, device, dtype):
    path = ORACLE / case / f"{file}.safetensors"
    return {name: value.to(device, dtype) for name, value in load_file(path).items()} if path.exists() else {}


def last(tensor, how):
    return (
        tensor.contiguous(memory_format=torch.channels_last)
        if how.get("channels_last") and tensor.ndim == 4
        else tensor
    )


def operation(case, subject, device, dtype, how):
    name, given = subject["operation"], tensors_of(case, "inputs", device, dtype)
    taps = {}
    for probe in subject["probes"]:
        tensors = 3 if name == "conv2d" else probe["tensors"]  # without a bias, None stands for it
        inputs = [given.get(f"{probe['name']}/{i}") for i in range(tensors)]
        inputs = [x if x is None or name != "conv2d" else last(x, how) for x in inputs]
        taps[probe["name"]] = kernels.OPERATIONS[name](*inputs, *probe["arguments"])
    return taps


def embedding(case, subject, device, dtype, how):
    return {
        probe["name"]: Timesteps(probe["size"], probe["flip_sin_to_cos"], probe["freq_shift"])(
            torch.tensor(probe["timesteps"], device=device)
        ).to(dtype)
        for probe in subject["probes"]
    }


def model_of(case, subject, device, dtype, how):
    """The case's model; of a case of single stages what is not in its weights is random, and not run."""
    holder = json.loads((ORACLE / case / "case.json").read_text()).get("model")
    if holder == "letters":
        return UNet2DModel.from_pretrained(ORACLE.parent / "letters" / "model" / "unet").eval().to(device, dtype)
    model = UNet2DModel(**subject["config"]).eval()
    model.load_state_dict(
        load_file(ORACLE / (holder or case) / "weights.safetensors"), strict=subject["kind"] != "stages"
    )
    model = model.to(device, dtype)
    return model.to(memory_format=torch.channels_last) if how.get("channels_last") else model


def stage(case, subject, device, dtype, how):
    model, inputs = model_of(case, subject, device, dtype, how), tensors_of(case, "inputs", device, dtype)
    group, name = case.split("/")
    module = (stages.LAYERS | stages.BLOCKS)[name][2] if group in ("layers", "blocks") else None
    taps = {}
    for prefix, layers in [("", [])] + (
        [("perturbed.", stages.attention_layers(model))] if subject["perturbed"] else []
    ):
        seen = stages.seen_in(model, module, inputs, layers)
        taps |= {
            prefix + path: value
            for path, value in seen.items()
            if any(path == part or path.startswith(f"{part}.") for part in subject["stages"])
        }
    return wanted(case, taps)


def unet(case, subject, device, dtype, how):
    model = model_of(case, subject, device, dtype, how)
    inputs = {
        "sample": last(tensors_of(case, "inputs", device, dtype)["sample"], how),
        "timestep": torch.tensor(subject["timesteps"], device=device),
    }
    if subject["labels"] is not None:
        inputs["class_labels"] = torch.tensor(subject["labels"], device=device)
    taps = {}
    for prefix, layers in (("", []), ("perturbed.", subject["perturbed"])):
        taps |= {prefix + path: value for path, value in unets.forward(model, inputs, layers).items()}
    return wanted(case, taps)


def run(case, subject, device, dtype, how):
    model = model_of(case, subject, device, dtype, how)
    setting = {key: subject[key] for key in ("scheduler", "steps", "eta", "labels", "null_label")} | subject["guidance"]
    names = {"epsilon": "prediction", "unconditional": "unconditional.prediction", "perturbed": "perturbed.prediction"}
    with torch.device(device):
        steps = list(runs.draw(model, setting, tensors_of(case, "inputs", device, torch.float32), dtype))
    return wanted(
        case, {f"step.{i}.{names.get(key, key)}": value for i, step in enumerate(steps) for key, value in step.items()}
    )


def wanted(case, taps):
    expected = load_file(ORACLE / case / "expected.safetensors")
    return {tap: value for tap, value in taps.items() if f"f64/{tap}" in expected}


if __name__ == "__main__":
    main()
