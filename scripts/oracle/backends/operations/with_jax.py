"""JAX. `jax.nn.standardize` is the only norm that it has."""
import jax
import jax.numpy as jnp
import numpy as np


def conv2d(x, weight, *rest):
    *bias, stride, (top, bottom, left, right) = rest
    y = jax.lax.conv_general_dilated(x, weight, (stride, stride), ((top, bottom), (left, right)))
    return y + bias[0][:, None, None] if bias else y


def linear(x, weight, bias=0):
    return jnp.matmul(x, weight.T) + bias


def group_norm(x, weight, bias, groups, eps):
    channels = (-1, *[1] * (x.ndim - 2))
    y = jax.nn.standardize(jnp.asarray(x).reshape(x.shape[0], groups, -1), epsilon=eps).reshape(x.shape)
    return y * weight.reshape(channels) + bias.reshape(channels)


def attention(q, k, v, heads, scale):
    split = lambda x: jnp.asarray(x).reshape(*x.shape[:2], heads, -1)
    return jax.nn.dot_product_attention(split(q), split(k), split(v), scale=scale).reshape(*q.shape[:2], -1)


def adapters(_):
    kinds = {"silu": jax.nn.silu, "gelu": jax.nn.gelu, "mish": jax.nn.mish, "relu": jax.nn.relu}
    return {
        "softmax": jax.nn.softmax,
        "linear": linear,
        "conv2d": conv2d,
        "groupNorm": group_norm,
        "layerNorm": lambda x, weight, bias, eps: jax.nn.standardize(x, epsilon=eps) * weight + bias,
        "activation": lambda x, kind: kinds[kind](x),
        "attention": attention,
        "averagePool2x": lambda x: (
            jax.lax.reduce_window(x, np.float32(0), jax.lax.add, (1, 1, 2, 2), (1, 1, 2, 2), "VALID") / 4
        ),
    }, {"jax": jax.__version__}
