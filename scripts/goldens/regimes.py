"""Inputs by numerical regime. Random numbers around zero hide most mistakes of rounding; these do not."""
import torch


def normal(generator, *shape):
    """Standard normal: of mean zero, so sums cancel by chance."""
    return torch.randn(shape, generator=generator)


def positive(generator, *shape):
    """In [0.5, 1.5): sums grow, every rounding has the same sign of bias."""
    return torch.rand(shape, generator=generator) + 0.5


def alternating(generator, *shape):
    """Neighbours along the last dimension nearly cancel: ±1000 with noise of size 1."""
    signs = torch.ones(shape[-1])
    signs[1::2] = -1
    return 1000 * signs + torch.randn(shape, generator=generator)


def offset(generator, *shape):
    """A large mean with a small spread, the worst case of a variance."""
    return 1000 + torch.randn(shape, generator=generator)


def flat(generator, *shape):
    """A variance far below the usual eps."""
    return 0.25 + 1e-5 * torch.randn(shape, generator=generator)


def large(generator, *shape):
    """Logits so far apart that almost all of a softmax underflows."""
    return 60 * torch.randn(shape, generator=generator)


def wide(generator, *shape):
    """Sizes from 1e-6 to 1e6, of both signs."""
    exponents = 12 * torch.rand(shape, generator=generator) - 6
    return torch.randn(shape, generator=generator).sign() * 10**exponents
