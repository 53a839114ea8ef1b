"""Attention written out, with a place for what perturbs its map: `mix(q, k, v, grid)`, all [B, heads, tokens, d],
grid = (height, width).

q, k and v are computed by the layer's own weights. diffusers has none of these for UNet2DModel but the identity
(perturbation.py); layers.py holds that one against diffusers' own processor.
"""
import math
from contextlib import contextmanager

import torch
import torch.nn.functional as F


class Mixed:
    """The attention processor of a layer whose tokens are mixed by `mix`; without it the layer is left out."""

    def __init__(self, mix):
        self.mix = mix
        self.map = None

    def __call__(self, attn, hidden_states, encoder_hidden_states=None, attention_mask=None, temb=None):
        if self.mix is None:
            return hidden_states
        tokens = attn.group_norm(hidden_states.flatten(2)).transpose(1, 2)
        heads = lambda x: x.unflatten(2, (attn.heads, -1)).transpose(1, 2)
        q, k, v = (heads(linear(tokens)) for linear in (attn.to_q, attn.to_k, attn.to_v))
        self.map = attention_map(q, k)
        mixed = attn.to_out[0](self.mix(q, k, v, hidden_states.shape[2:]).transpose(1, 2).flatten(2))
        return (mixed.transpose(1, 2).reshape(hidden_states.shape) + hidden_states) / attn.rescale_output_factor


class Shuffled(Mixed):
    """Token perturbation guidance (arXiv 2506.10036): the tokens come in a random order, also to what they are added
    to."""

    def __init__(self, seed):
        super().__init__(softmax)
        self.seed = seed

    def __call__(self, attn, hidden_states, encoder_hidden_states=None, attention_mask=None, temb=None):
        tokens = hidden_states.flatten(2)
        shuffled = tokens[:, :, order(tokens.shape[2], self.seed)].reshape(hidden_states.shape)
        return super().__call__(attn, shuffled)


def order(tokens, seed):
    return torch.randperm(tokens, generator=torch.Generator().manual_seed(seed))


def token_shuffle(seed):
    """The same where there is attention alone: projections treat each token by itself, so their order is that of the
    tokens."""
    def mix(q, k, v, grid):
        return softmax(*(x[:, :, order(x.shape[2], seed)] for x in (q, k, v)), grid)
    return mix


@contextmanager
def mixing(model, mixers):
    """Within it, the attention layers mix their tokens as `mixers` says, by path; yields their processors."""
    kept = {path: model.get_submodule(path).processor for path in mixers}
    processors = {path: mix if isinstance(mix, Mixed) else Mixed(mix) for path, mix in mixers.items()}
    for path, processor in processors.items():
        model.get_submodule(path).processor = processor
    yield processors
    for path, processor in kept.items():
        model.get_submodule(path).processor = processor


def attention_map(q, k):
    return torch.softmax(q @ k.transpose(-1, -2) / math.sqrt(q.shape[-1]), dim=-1)


def softmax(q, k, v, grid):
    return attention_map(q, k) @ v


def identity(q, k, v, grid):
    return v


def uniform(q, k, v, grid):
    return v.mean(dim=2, keepdim=True).expand_as(v)


def off_diagonal_mask(q, k, v, grid):
    return torch.diagonal(attention_map(q, k), dim1=2, dim2=3)[..., None] * v


def random_mask(probability, seed):
    """One pattern for all samples: where torch.rand is below the probability, the map is 0."""
    def mix(q, k, v, grid):
        weights = attention_map(q, k)
        drawn = torch.rand(weights.shape[1:], generator=torch.Generator().manual_seed(seed))
        return weights.masked_fill(drawn < probability, 0) @ v
    return mix


def additive_noise(strength, seed):
    """One pattern for all samples: normal, in units of the mean entry of a map."""
    def mix(q, k, v, grid):
        weights = attention_map(q, k)
        drawn = torch.randn(
            weights.shape[1:], generator=torch.Generator().manual_seed(seed), dtype=torch.float32
        ).to(weights.dtype)
        return (weights + strength / weights.shape[-1] * drawn) @ v
    return mix


def gaussian_blur(pictures, sigma, windows):
    """Blurs [..., H, W] with windows of (height, width) pixels, continued by reflection."""
    height, width = pictures.shape[-2:]
    weights = []
    for window in windows:
        positions = torch.arange(window, dtype=torch.float64) - window // 2
        bell = torch.exp(-0.5 * (positions / sigma) ** 2)
        weights.append((bell / bell.sum()).to(pictures.dtype))
    flat = pictures.reshape(-1, 1, height, width)
    for axis, (bell, window) in enumerate(zip(weights, windows)):
        padding = (0, 0, window // 2, window // 2) if axis == 0 else (window // 2, window // 2, 0, 0)
        flat = F.conv2d(
            F.pad(flat, padding, mode="reflect"), bell.reshape((1, 1, -1, 1) if axis == 0 else (1, 1, 1, -1))
        )
    return flat.reshape(pictures.shape)


def blur_window(size, sigma):
    """As in SEG's own code: the odd number next to 6σ, no wider than the grid, or one more when that is even."""
    wanted = math.ceil(6 * sigma) + 1 - math.ceil(6 * sigma) % 2
    return min(wanted, size - (size % 2 - 1))


def query_blur(sigma):
    def mix(q, k, v, grid):
        if sigma == math.inf:
            blurred = q.mean(dim=2, keepdim=True).expand_as(q)
        else:
            pictures = q.transpose(2, 3).unflatten(3, tuple(grid))
            blurred = gaussian_blur(
                pictures, sigma, [blur_window(size, sigma) for size in grid]
            ).flatten(3).transpose(2, 3)
        return attention_map(blurred, k) @ v
    return mix


def soft_identity(lambdas):
    """λ for each head."""
    def mix(q, k, v, grid):
        weights = attention_map(q, k)
        share = torch.tensor(lambdas, dtype=v.dtype).reshape(-1, 1, 1)
        softened = (1 - share) * weights + share * torch.eye(weights.shape[-1], dtype=v.dtype)
        return softened @ v
    return mix


def entmax(z, alpha):
    """Sparse softmax (arXiv 1905.05702), its threshold by bisection."""
    z = (alpha - 1) * (z - z.max(dim=-1, keepdim=True).values)
    low, high = torch.full_like(z[..., :1], -1), torch.zeros_like(z[..., :1])
    shares = lambda tau: (z - tau).clamp(min=0) ** (1 / (alpha - 1))
    for _ in range(80):
        middle = (low + high) / 2
        too_much = shares(middle).sum(dim=-1, keepdim=True) > 1
        low, high = torch.where(too_much, middle, low), torch.where(too_much, high, middle)
    return shares((low + high) / 2)


def sparse_attention(scale, alpha):
    """PLADIS (arXiv 2503.07677)."""
    def mix(q, k, v, grid):
        scores = q @ k.transpose(-1, -2) / math.sqrt(q.shape[-1])
        return (scale * entmax(scores, alpha) + (1 - scale) * torch.softmax(scores, dim=-1)) @ v
    return mix


def normalized(given, worse, phi, tau, alpha):
    """NAG (arXiv 2505.21179, algorithm 1) of what tokens [B,N,D], heads side by side, read of two texts."""
    away = given + phi * (given - worse)
    ratio = away.abs().sum(dim=-1, keepdim=True) / given.abs().sum(dim=-1, keepdim=True)
    cut = torch.minimum(ratio, torch.full_like(ratio, tau)) / ratio * away
    return alpha * cut + (1 - alpha) * given


def normalized_attention(phi, tau, alpha):
    """The other text has keys and values changed over."""
    def mix(q, k, v, grid):
        side_by_side = lambda x: x.transpose(1, 2).flatten(2)
        guided = normalized(side_by_side(softmax(q, k, v, grid)), side_by_side(softmax(q, v, k, grid)), phi, tau, alpha)
        return guided.unflatten(2, (q.shape[1], -1)).transpose(1, 2)
    return mix
