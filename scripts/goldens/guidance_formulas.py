"""The guidances' formulas, from the papers, in NumPy: independent of PyTorch and of diffusers.

They compute in the dtype of the arrays that they are given, [B, ...]. Scales are one number, or a list with one for
each sample. c is ε(c), u is ε(∅), p is the prediction of a perturbed or weak pass.
"""
import numpy as np


def spread(numbers, x):
    """Numbers per sample, or one for all, so that they meet x."""
    return np.asarray(numbers, dtype=x.dtype).reshape(-1, *[1] * (x.ndim - 1))


def inner(a, b):
    """⟨a, b⟩ per sample, in float64."""
    return (a.astype(np.float64) * b.astype(np.float64)).reshape(len(a), -1).sum(axis=1)


def norm(x):
    return np.sqrt(inner(x, x))


def cfg(c, u, g):
    """arXiv 2207.12598, in the convention in which 1 is unguided."""
    return u + spread(g, c) * (c - u)


def away(c, p, s):
    """arXiv 2403.17377, eq. 15."""
    return c + spread(s, c) * (c - p)


def cfg_away(c, u, p, g, s):
    return u + spread(g, c) * (c - u) + spread(s, c) * (c - p)


def adaptive(s, a, t, rule):
    """The scale at the timestep t, per sample."""
    fall = a if rule == "diffusers" else np.asarray(s) * a**4
    return np.maximum(0, np.asarray(s) - fall * (1000 - t))


def rescale(guided, c, phi):
    """arXiv 2305.08891, section 3.4."""
    deviation = lambda x: spread(x.astype(np.float64).reshape(len(x), -1).std(axis=1, ddof=1), x)
    matched = guided * (deviation(c) / deviation(guided))
    return spread(phi, c) * matched + (1 - spread(phi, c)) * guided


def apg(c, p, strength, eta, threshold, momentum, before):
    """arXiv 2410.02416, algorithm 1; `strength` is its w − 1. Returns the prediction and what the next step
    remembers."""
    difference = c - p
    direction = difference if before is None else difference + spread(momentum, c) * before
    update = direction
    if threshold > 0:
        update = update * spread(np.minimum(1, threshold / norm(update)), c)
    unit = c / spread(norm(c), c)
    parallel = spread(inner(update, unit), c) * unit
    return c + spread(strength, c) * ((update - parallel) + spread(eta, c) * parallel), direction


def cfg_zero_star(c, u, g):
    """arXiv 2503.18886, algorithm 1, without the first steps."""
    nearest = spread(inner(c, u) / (inner(u, u) + 1e-8), c) * u
    return nearest + spread(g, c) * (c - nearest)


def tcfg(c, u, g):
    """arXiv 2503.18137: the singular value decomposition of each sample, in float64."""
    damped = np.empty_like(u)
    for i in range(len(c)):
        rows = np.stack([c[i].ravel(), u[i].ravel()]).astype(np.float64)
        first = np.linalg.svd(rows, full_matrices=False)[2][0]
        damped[i] = (rows[1] @ first * first).reshape(u[i].shape)
    return damped + spread(g, c) * (c - damped)


def mambo_g(c, u, g, alpha):
    """arXiv 2508.03442."""
    damped = 1 + (np.asarray(g) - 1) * np.exp(-alpha * norm(c - u) / norm(u))
    return u + spread(damped, c) * (c - u)


def blurred(x):
    """The blur of Burt & Adelson's pyramid: (1, 4, 6, 4, 1)/16 down and across."""
    weights = np.array([1, 4, 6, 4, 1], dtype=x.dtype) / 16
    padded = np.pad(x, ((0, 0), (0, 0), (2, 2), (2, 2)), mode="reflect")
    height, width = x.shape[2:]
    out = np.zeros_like(x)
    for i, down in enumerate(weights):
        for j, across in enumerate(weights):
            out += down * across * padded[:, :, i:i + height, j:j + width]
    return out


def halved(x):
    x = blurred(x)
    return (x[:, :, ::2, ::2] + x[:, :, 1::2, ::2] + x[:, :, ::2, 1::2] + x[:, :, 1::2, 1::2]) / 4


def doubled(x):
    for axis in (2, 3):
        x = np.moveaxis(x, axis, -1)
        before = np.concatenate([x[..., :1], x[..., :-1]], axis=-1)
        after = np.concatenate([x[..., 1:], x[..., -1:]], axis=-1)
        x = np.stack([0.75 * x + 0.25 * before, 0.75 * x + 0.25 * after], axis=-1).reshape(*x.shape[:-1], -1)
        x = np.moveaxis(x, -1, axis)
    return blurred(x)


def pyramid(x, levels):
    details = []
    for _ in range(levels - 1):
        coarser = halved(x)
        details.append(x - doubled(coarser))
        x = coarser
    return [*details, x]


def fdg(c, u, scales):
    """arXiv 2506.19713, algorithm 2: the finest details first."""
    levels = [cfg(ci, ui, g) for ci, ui, g in zip(pyramid(c, len(scales)), pyramid(u, len(scales)), scales)]
    guided = levels.pop()
    while levels:
        guided = doubled(guided) + levels.pop()
    return guided


def log_saliency(x):
    """log softmax of the blurred size over the pixels of each channel, in float64: 3 × 3 pixels, σ = 1, reflected."""
    bell = np.exp(-0.5 * np.array([-1.0, 0, 1]) ** 2)
    bell /= bell.sum()
    padded = np.pad(np.abs(x.astype(np.float64)), ((0, 0), (0, 0), (1, 1), (1, 1)), mode="reflect")
    height, width = x.shape[2:]
    omega = sum(a * b * padded[:, :, i:i + height, j:j + width] for i, a in enumerate(bell) for j, b in enumerate(bell))
    shifted = omega - omega.max(axis=(2, 3), keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=(2, 3), keepdims=True))


def snf(c, u, p, g, s, margin=1e-6):
    """pamparamm's rescale mode "snf", after arXiv 2311.10329: each element takes the term that stands out more."""
    text, structure = spread(g, c) * (c - u), spread(s, c) * (c - p)
    difference = log_saliency(text) - log_saliency(structure)
    # What is chosen in one precision must be chosen in the other.
    assert np.abs(difference).min() > margin, np.abs(difference).min()
    fused = u + np.where(difference >= 0, text, structure)
    return np.where(spread(s, c) == 0, cfg(c, u, g), fused)


def windows(size, part, steps):
    """Where the windows of a line begin: evenly, the last at the border."""
    return [i * (size - part) // (steps - 1) for i in range(steps)]


def swg(c, parts, s, masked, base=None):
    """arXiv 2411.10257: `parts` are (top, left, prediction). Masked, as in its third version, only where they
    overlap."""
    total, seen = np.zeros_like(c), np.zeros(c.shape[2:], dtype=c.dtype)
    for top, left, part in parts:
        rows, columns = slice(top, top + part.shape[2]), slice(left, left + part.shape[3])
        total[:, :, rows, columns] += part
        seen[rows, columns] += 1
    away = c - total / seen
    return (c if base is None else base) + spread(s, c) * (away * (seen > 1) if masked else away)


def velocity(x, original, signal, noise):
    """u = ε − x₀ of x = α x₀ + σ ε: of x / (α + σ), the path of a flow at t = σ / (α + σ)."""
    return x * (1 / noise) + original * (-(signal + noise) / noise)


def kappa(slope, signal, noise):
    """∂u/∂p of a prediction p with ∂x₀/∂p = slope."""
    return -(signal + noise) / noise * slope


def momentum_guidance(p, u, scale_of_u, alpha, beta, mean):
    """arXiv 2602.20360, equations 11 and 12, and the way back to a prediction. Returns it, and the next mean."""
    mean = u if mean is None else mean
    return p + spread(np.asarray(alpha) / scale_of_u, p) * (u - mean), (1 - beta) * u + beta * mean


def smc_cfg(c, u, scale_of_u, w, slope, gain, switching, before):
    """arXiv 2603.03281, equations 19 and 25 and algorithm 1, on velocities. Returns the prediction, and e*."""
    error = scale_of_u * (c - u)
    before = error if before is None else before
    surface = (error - before) + slope * before
    steered = error - gain * (np.sign(surface) if switching == "sign" else surface / spread(norm(surface), c))
    return u + spread(np.asarray(w) / scale_of_u, c) * steered, steered
