"""Makes the cases of gradients and of an optimiser, from torch autograd, torch.optim.AdamW and diffusers' EMAModel.

Attention is differentiated by PyTorch's math kernel, as in scripts/goldens/gradients.py.

Run: pip install -r scripts/goldens/requirements.txt && python scripts/oracle/make_gradients.py
"""
import copy
import sys
from pathlib import Path

import torch
from diffusers import UNet2DModel
from diffusers.training_utils import EMAModel
from torch.nn.attention import SDPBackend, sdpa_kernel

# Behind this folder: some of theirs have the names of ours.
sys.path.append(str(Path(__file__).resolve().parents[1] / "goldens"))

import folders
import kernels
import regimes as r
import unets
from truth import truth
from whole_unets import TINY

SEED = 79


def derived(function, inputs):
    """∂/∂input of what the function gives, for each input."""
    leaves = [x.clone().requires_grad_() for x in inputs]
    with sdpa_kernel(SDPBackend.MATH):
        return torch.autograd.grad(function(*leaves), leaves)


def probes(g):
    one = [1] * 4
    yield "attention", "two heads", [r.normal(g, 1, 5, 8), r.normal(g, 1, 5, 8), r.normal(g, 1, 5, 8)], [2, 0.5]
    yield "attention", "text", [3 * r.normal(g, 2, 4, 6), r.normal(g, 2, 3, 6), r.normal(g, 2, 3, 6)], [3, 2**-0.5]
    yield "softmax", "rows", [2 * r.normal(g, 2, 3, 7)], []
    yield "groupNorm", "two groups", [r.normal(g, 2, 4, 3, 3), r.normal(g, 4), r.normal(g, 4)], [2, 1e-5]
    yield "groupNorm", "offset", [r.offset(g, 1, 6, 4, 4), r.normal(g, 6), r.normal(g, 6)], [3, 1e-5]
    yield "layerNorm", "rows", [r.normal(g, 2, 3, 8), r.normal(g, 8), r.normal(g, 8)], [1e-5]
    yield "conv2d", "3x3", [r.normal(g, 2, 3, 4, 5), r.normal(g, 4, 3, 3, 3), r.normal(g, 4)], [1, one]
    tensors = [r.normal(g, 1, 3, 6, 4), r.normal(g, 3, 3, 3, 3), r.normal(g, 3)]
    yield "conv2d", "stride 2, zeros below and right", tensors, [2, [0, 1, 0, 1]]
    yield "linear", "rows", [r.normal(g, 2, 3, 6), r.normal(g, 4, 6), r.normal(g, 4)], []
    yield "activation", "silu", [torch.linspace(-6, 6, 49)], ["silu"]
    yield "activation", "gelu", [torch.linspace(-6, 6, 49)], ["gelu"]


def derivatives(g):
    found = {}
    for operation, name, tensors, arguments in probes(g):
        found.setdefault(operation, []).append((name, tensors, arguments))
    for operation, cases in found.items():
        listed, inputs, expected = [], {}, {}
        for name, tensors, arguments in cases:
            run = lambda *xs: kernels.OPERATIONS[operation](*xs, *arguments)
            upstream = r.normal(g, *run(*tensors).shape)
            inputs |= {f"{name}/{i}": x for i, x in enumerate(tensors)} | {f"{name}/gradient": upstream}
            ways = [
                derived(lambda *xs: (run(*xs) * upstream.to(xs[0].dtype)).sum(), xs)
                for xs in (tensors, [x.double() for x in tensors])
            ]
            expected |= {f"{name}/grad.{i}": pair for i, pair in enumerate(zip(*ways))}
            listed.append({"name": name, "tensors": len(tensors), "arguments": arguments})
        subject = {"kind": "derivative", "operation": operation, "probes": listed}
        folders.write(
            f"gradients/{operation}",
            f"the way back through {operation}, {len(listed)} probes",
            subject,
            inputs,
            {},
            expected,
        )


def loss_gradient(model, inputs, timesteps, labels):
    sample = inputs["sample"].to(model.dtype).requires_grad_()
    with sdpa_kernel(SDPBackend.MATH):
        prediction = model(sample, timesteps, labels).sample
        loss = ((prediction - inputs["target"].to(model.dtype)) ** 2).mean()
        names, parameters = zip(*model.named_parameters())
        found = torch.autograd.grad(loss, [sample, *parameters])
    # That of a key's bias is zero in theory: what comes out is rounding, and no truth.
    gradients = {
        f"grad.{name}": value for name, value in zip(("sample", *names), found) if not name.endswith("to_k.bias")
    }
    return {"prediction": prediction.detach(), "loss": loss.detach().reshape(1)} | gradients


def model_loss(g):
    config = TINY | dict(
        sample_size=4,
        block_out_channels=(4,),
        down_block_types=("AttnDownBlock2D",),
        up_block_types=("AttnUpBlock2D",),
        num_class_embeds=3,
    )
    with torch.no_grad():
        model = unets.build(config, g)
    double = copy.deepcopy(model).double()
    inputs = {key: torch.randn(2, 1, 4, 4, generator=g) for key in ("sample", "target")}
    timesteps, labels = torch.tensor([700, 30]), torch.tensor([2, 0])
    single = loss_gradient(model, inputs, timesteps, labels)
    with truth():
        exact = loss_gradient(double, inputs, timesteps, labels)
    subject = {
        "kind": "gradient",
        "config": {key: list(value) if isinstance(value, tuple) else value for key, value in config.items()},
        "timesteps": timesteps.tolist(),
        "labels": labels.tolist(),
    }
    folders.write(
        "gradients/unet",
        "the gradient of the loss of a tiny UNet, for the sample and all parameters",
        subject,
        inputs,
        dict(model.state_dict()),
        {key: (single[key], exact[key]) for key in single},
    )


SETTING = dict(learning_rate=0.01, beta1=0.9, beta2=0.99, eps=1e-8, weight_decay=0.1, max_grad_norm=1.0, ema_decay=0.9)
STEPS = 4


def steps_of(inputs, names, dtype):
    parameters = {name: torch.nn.Parameter(inputs[name].to(dtype, copy=True)) for name in names}
    optimiser = torch.optim.AdamW(
        parameters.values(),
        lr=SETTING["learning_rate"],
        betas=(SETTING["beta1"], SETTING["beta2"]),
        eps=SETTING["eps"],
        weight_decay=SETTING["weight_decay"],
        foreach=False,
    )
    average = EMAModel(parameters.values(), decay=SETTING["ema_decay"])
    # A constant decay from the first step on.
    average.get_decay = lambda _: SETTING["ema_decay"]
    seen = {}
    for i in range(STEPS):
        for name in names:
            parameters[name].grad = inputs[f"step.{i}.gradient.{name}"].to(dtype, copy=True)
        torch.nn.utils.clip_grad_norm_(parameters.values(), SETTING["max_grad_norm"], foreach=False)
        seen |= {f"step.{i}.clipped.{name}": parameters[name].grad.clone() for name in names}
        optimiser.step()
        average.step(parameters.values())
        seen |= {f"step.{i}.{name}": parameters[name].detach().clone() for name in names}
        seen |= {f"step.{i}.average.{name}": value.clone() for name, value in zip(names, average.shadow_params)}
    return seen


def optimiser(g):
    shapes = {"conv.weight": (3, 2, 3, 3), "linear.weight": (4, 6), "linear.bias": (4,)}
    inputs = {name: r.normal(g, *shape) for name, shape in shapes.items()}
    for i in range(STEPS):
        # Long in some steps and short in others: there is something to clip, and something not to.
        inputs |= {
            f"step.{i}.gradient.{name}": (0.02 if i == 2 else 1.0) * r.normal(g, *shape)
            for name, shape in shapes.items()
        }
    single, exact = (steps_of(inputs, list(shapes), dtype) for dtype in (torch.float32, torch.float64))
    subject = {"kind": "optimiser", "parameters": list(shapes), "steps": STEPS} | SETTING
    folders.write(
        "gradients/adamw",
        "AdamW with clipped gradients, and the running average",
        subject,
        inputs,
        {},
        {key: (single[key], exact[key]) for key in single},
    )


if __name__ == "__main__":
    torch.set_num_threads(1)
    torch.manual_seed(SEED)
    folders.begin(("gradients",))
    generator = torch.Generator().manual_seed(SEED)
    derivatives(generator)
    model_loss(generator)
    optimiser(generator)
    folders.finish("scripts/oracle/make_gradients.py")
