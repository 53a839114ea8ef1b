"""The UNet of the porter's trial, its products, norms and activations computed by a backend."""
import sys
from pathlib import Path

import numpy as np

sys.path.append(str(Path(__file__).resolve().parents[2] / "porter"))
from port import UNet  # noqa: E402

NEEDED = ("conv2d", "linear", "groupNorm", "activation", "attention")


class Symbolic:
    """A tensor of a graph that can do what the port does with arrays: its kinds add `shape`, `ndim`, `__add__`,
    `reshape`, `transpose`, `__getitem__` (which only adds axes), `repeat` and `joined(parts, axis)`."""

    __array_ufunc__ = None  # so that array + symbol is the symbol's business

    def __radd__(self, other):
        return self + other

    def __array_function__(self, function, types, args, kwargs):
        return self.joined(*args) if function is np.concatenate else NotImplemented


class OnBackend(UNet):
    """`operations` has NEEDED; `prepared` makes the sinusoid of the timestep, which NumPy computes, one of its
    tensors."""

    def __init__(self, case, operations, prepared=lambda value: value):
        super().__init__(case.subject["config"], case.weights, [])
        self.subject, self.do, self.prepared = case.subject, operations, prepared

    def run(self, inputs):
        """The plain pass and the perturbed one; their taps are in `taps`."""
        asked = inputs["sample"], self.subject["timesteps"], self.subject["labels"]
        self(*asked)
        self(*asked, self.subject["perturbed"], "perturbed.")

    def sinusoid(self, timesteps):
        return self.tap("time_proj", self.prepared(super().sinusoid(timesteps)))

    def silu(self, x):
        return self.do["activation"](x, "silu")

    def conv(self, path, x, stride=1, padding=1):
        weights = self.w[path + ".weight"], self.w[path + ".bias"]
        return self.tap(path, self.do["conv2d"](x, *weights, stride, [padding] * 4))

    def linear(self, path, x):
        return self.tap(path, self.do["linear"](x, self.w[path + ".weight"], self.w[path + ".bias"]))

    def norm(self, path, x):
        weights = self.w[path + ".weight"], self.w[path + ".bias"]
        return self.tap(
            path, self.do["groupNorm"](x, *weights, self.c["norm_num_groups"], self.c.get("norm_eps", 1e-5))
        )

    def mix(self, path, query, key, value, heads):
        """The map is the backend's own business."""
        return self.do["attention"](query, key, value, heads, (query.shape[-1] // heads) ** -0.5)


def taps(case, operations):
    """All taps but the maps of attention, an operation at a time."""
    unet = OnBackend(case, operations)
    unet.run({name: np.array(value) for name, value in case.inputs.items()})
    return {name: value for name, value in unet.taps.items() if not name.endswith("time_proj")}
