"""ncnn: every operation as a network of one layer, written in its own format, as `Net` runs it by default."""
import os
import tempfile

import ncnn
import numpy as np


def run(layer, inputs, weights=(), flagged=True):
    """`layer` is its line of the file of parameters without counts and names. A tensor for each input, batch by
    batch."""
    names = [f"x{i}" for i in range(len(inputs))]
    kind, *parameters = layer.split(" ")
    lines = [f"Input {name} 0 1 {name}" for name in names]
    lines += [f"{kind} layer {len(names)} 1 {' '.join(names)} y {' '.join(parameters)}"]
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "net")
        with open(f"{path}.param", "w") as file:
            file.write(f"7767517\n{len(lines)} {len(lines)}\n" + "\n".join(lines) + "\n")
        with open(f"{path}.bin", "wb") as file:
            for i, weight in enumerate(weights):
                flag = b"\0\0\0\0" if flagged and i == 0 else b""
                file.write(flag + np.ascontiguousarray(weight, np.float32).tobytes())
        net = ncnn.Net()
        net.opt.num_threads = 1
        if net.load_param(f"{path}.param") or net.load_model(f"{path}.bin"):
            raise RuntimeError(f"ncnn does not load {layer}")
        found = []
        for sample in zip(*inputs):
            extractor = net.create_extractor()
            for name, value in zip(names, sample):
                kept = np.array(value, np.float32, order="C")  # a Mat does not keep the array alive that it looks at
                extractor.input(name, ncnn.Mat(kept).clone())
            status, y = extractor.extract("y")
            if status:
                raise RuntimeError(f"ncnn answers {status} to {layer}")
            found.append(np.array(y))
    return np.stack(found)


def conv2d(x, weight, *rest):
    *bias, stride, (top, bottom, left, right) = rest
    (out, _, height, width) = weight.shape
    layer = (f"Convolution 0={out} 1={width} 11={height} 3={stride} 4={left} 15={right} 14={top} 16={bottom} "
             f"5={len(bias)} 6={weight.size}")
    return run(layer, [x], [weight, *bias])


def linear(x, weight, *bias):
    rows = x.reshape(1, -1, x.shape[-1])
    y = run(f"InnerProduct 0={len(weight)} 1={len(bias)} 2={weight.size}", [rows], [weight, *bias])
    return y.reshape(*x.shape[:-1], len(weight))


def group_norm(x, weight, bias, groups, eps):
    return run(f"GroupNorm 0={groups} 1={x.shape[1]} 2={eps:e} 3=1", [x], [weight, bias], flagged=False)


def layer_norm(x, weight, bias, eps):
    rows = x.reshape(1, -1, x.shape[-1])
    return run(f"LayerNorm 0={x.shape[-1]} 1={eps:e} 2=1", [rows], [weight, bias], flagged=False).reshape(x.shape)


def attention(q, k, v, heads, scale):
    split = lambda x: x.reshape(*x.shape[:2], heads, -1).transpose(0, 2, 1, 3)
    y = run(f"SDPA 6={scale:e}", list(map(split, (q, k, v))))
    return y.transpose(0, 2, 1, 3).reshape(*q.shape[:2], -1)


def activation(x, kind):
    layer = {"silu": "Swish", "gelu": "GELU", "mish": "Mish", "relu": "ReLU"}[kind]
    return run(layer, [x.reshape(1, -1)]).reshape(x.shape)


def softmax(x):
    rows = x.reshape(1, -1, x.shape[-1])
    return run("Softmax 0=1 1=1", [rows]).reshape(x.shape)


def adapters(_):
    return {
        "softmax": softmax,
        "linear": linear,
        "conv2d": conv2d,
        "groupNorm": group_norm,
        "layerNorm": layer_norm,
        "activation": activation,
        "attention": attention,
        "averagePool2x": lambda x: run("Pooling 0=1 1=2 2=2 5=1", [x]),
    }, {"ncnn": ncnn.__version__}
