"""Operations in NumPy, held to the golden oracle by pytest. KIT names the folder of a kit."""
import os
import sys

import numpy as np
import pytest

KIT = os.environ["KIT"]
sys.path.insert(0, KIT)
import pag_oracle  # noqa: E402


def softmax(x):
    powers = np.exp(x - x.max(-1, keepdims=True))
    return powers / powers.sum(-1, keepdims=True)


def linear(x, weight, bias=0):
    return x @ weight.T + bias


def conv2d(x, weight, bias=None, stride=1, padding=(0, 0, 0, 0)):
    top, bottom, left, right = padding
    x = np.pad(x, ((0, 0), (0, 0), (top, bottom), (left, right)))
    windows = np.lib.stride_tricks.sliding_window_view(x, weight.shape[2:], (2, 3))[:, :, ::stride, ::stride]
    sums = np.einsum("bchwij,ocij->bohw", windows, weight, optimize=True)
    return sums if bias is None else sums + bias[:, None, None]


def group_norm(x, weight, bias, groups, eps):
    parts = x.reshape(x.shape[0], groups, -1)
    mean = parts.mean(-1, keepdims=True)
    variance = np.square(parts - mean).mean(-1, keepdims=True)
    normed = ((parts - mean) / np.sqrt(variance + np.float32(eps))).reshape(x.shape)
    to_channels = (-1, *[1] * (x.ndim - 2))
    return normed * weight.reshape(to_channels) + bias.reshape(to_channels)


def one_pass_group_norm(x, weight, bias, groups, eps):
    parts = x.reshape(x.shape[0], groups, -1)
    mean = parts.mean(-1, keepdims=True)
    variance = np.square(parts).mean(-1, keepdims=True) - np.square(mean)
    normed = ((parts - mean) / np.sqrt(np.maximum(variance, 0) + np.float32(eps))).reshape(x.shape)
    to_channels = (-1, *[1] * (x.ndim - 2))
    return normed * weight.reshape(to_channels) + bias.reshape(to_channels)


def computed(name, operation):
    case = pag_oracle.Case(os.path.join(KIT, name))
    results = {}
    for probe in case.subject["probes"]:
        tensors = [case.inputs[f"{probe['name']}/{i}"] for i in range(probe["tensors"])]
        arguments = probe["arguments"]
        if operation is conv2d and len(tensors) == 2:
            tensors.append(None)
        results[probe["name"]] = operation(*tensors, *arguments)
    return pag_oracle.check(case, results)


@pytest.mark.parametrize("operation", [softmax, linear, conv2d])
def test_operation(operation):
    report = computed(f"operations/{operation.__name__}", operation)
    assert report.passes, report


def test_group_norm():
    report = computed("operations/groupNorm", group_norm)
    assert report.passes, report


def test_a_variance_in_one_pass_is_seen():
    report = computed("operations/groupNorm", one_pass_group_norm)
    assert not report.passes and report.taps["offset"]["status"] == "off", report
