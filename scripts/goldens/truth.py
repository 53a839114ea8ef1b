"""The float64 truth, and the one place where it is not simply "the same program in float64".

diffusers computes the sinusoidal time embedding in float32 even for a float64 model, and the angle t·f is ill-conditioned: at
t = 999 one unit of the last place of a frequency moves it by 6e-5 rad. PyTorch's float32 exp, sin and log are not
correctly rounded, so its embedding is not a truth. The truth keeps diffusers' definition, float32 after every operation, but
rounds each of them correctly: each is computed in float64 and rounded once. Likewise the logarithm of an integer
timestep, which the Fourier embedding takes in float32.
"""
import math
from contextlib import contextmanager
from unittest import mock

import diffusers.models.embeddings as embeddings
import torch


def rounded(x):
    """x, rounded to float32, held in float64."""
    return x.float().double()


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


plain_fourier = embeddings.GaussianFourierProjection.forward


def fourier(self, x):
    """`GaussianFourierProjection.forward`, with the logarithm of integers correctly rounded to float32."""
    if x.is_floating_point():
        return plain_fourier(self, x)
    with mock.patch.object(self, "log", False):
        return plain_fourier(self, x.double().log().float())


@contextmanager
def truth():
    """Within it, diffusers' models compute the truth."""
    with (
        mock.patch.object(embeddings, "get_timestep_embedding", sinusoid),
        mock.patch.object(embeddings.GaussianFourierProjection, "forward", fourier),
    ):
        yield
