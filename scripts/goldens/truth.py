"""The float64 truth, and the places where it is not simply "the same program in float64".

diffusers computes some things in float32 even for a float64 model: the sinusoidal time embedding, the logarithm of an
integer timestep that the Fourier embedding takes, and a scheduler's tables and coefficients. The first is
ill-conditioned besides: the angle is t·f, and at t = 999 one unit of the last place of a frequency moves it by 6e-5
rad. PyTorch's float32 exp, log, sin and cos, and (2.13 on AVX-512) even its square root, are not correctly rounded,
so what it computes there is no truth. The truth keeps diffusers' definition, float32 after every operation, but
rounds each of them correctly: each is computed in float64 and rounded once.
"""
import math
from contextlib import ExitStack, contextmanager
from unittest import mock

import diffusers.models.embeddings as embeddings
import torch


# As they are where this file is read: goldens of runs and of texts put others in their places.
plain_to, plain_double = torch.Tensor.to, torch.Tensor.double


def rounded(x):
    """x, rounded to float32, held in float64."""
    return plain_double(plain_to(x, torch.float32))


def sinusoid(timesteps, embedding_dim, flip_sin_to_cos=False, downscale_freq_shift=1, scale=1, max_period=10000):
    """`get_timestep_embedding`, every operation correctly rounded to float32; held in float64."""
    assert scale == 1
    half = embedding_dim // 2
    factor = rounded(torch.tensor(-math.log(max_period), dtype=torch.float64))
    exponent = rounded(factor * torch.arange(half, dtype=torch.float64))
    exponent = rounded(exponent / rounded(torch.tensor(half - downscale_freq_shift, dtype=torch.float64)))
    angle = rounded(rounded(timesteps.double())[:, None] * rounded(exponent.exp())[None, :])
    parts = [angle.cos(), angle.sin()] if flip_sin_to_cos else [angle.sin(), angle.cos()]
    return torch.nn.functional.pad(rounded(torch.cat(parts, dim=-1)), (0, embedding_dim % 2))


def correctly_rounded(function):
    """`function`, whose float32 results (of float32 numbers and of integers) are rounded once."""
    return lambda x, *more: function(x, *more) if x.dtype == torch.float64 else plain_to(
        function(x.double(), *more), torch.float32
    )


@contextmanager
def truth():
    """Within it, diffusers' models and schedulers compute the truth."""
    with ExitStack() as stack:
        stack.enter_context(mock.patch.object(embeddings, "get_timestep_embedding", sinusoid))
        for home, name in (
            (torch, "exp"), (torch, "log"), (torch, "sigmoid"), (torch.Tensor, "sqrt"), (torch.Tensor, "__pow__")
        ):
            stack.enter_context(mock.patch.object(home, name, correctly_rounded(getattr(home, name))))
        yield
