"""cuDNN's forward convolutions by name, through its own C interface: PyTorch lets nobody choose.

`forced(number)` is a context in which torch's two-dimensional convolutions (F.conv2d, float32, CUDA, batch on one
stream) run on that algorithm wherever cuDNN accepts it for their shape, and on PyTorch's own choice elsewhere. It
gives a list of (shape, "forced" or cuDNN's status).
"""
import contextlib
import ctypes
import re
from unittest import mock

import torch
import torch.nn.functional as F

# cudnnConvolutionFwdAlgo_t
ALGORITHMS = {
    "implicit-gemm": 0,
    "implicit-precomp-gemm": 1,
    "gemm": 2,
    "fft": 4,
    "fft-tiling": 5,
    "winograd": 6,
    "winograd-nonfused": 7,
}
CASES = (
    "operations/conv2d",
    "layers/resnet",
    "layers/downsample",
    "blocks/middle",
    "unets/tiny",
    "unets/two-layers",
    "unets/letters",
)
FLOAT, NCHW, CROSS_CORRELATION, FMA_MATH = 0, 0, 1, 3

_original = F.conv2d


def library():
    """The libraries that PyTorch has loaded: the entry points lie in different ones from version to version."""
    torch.backends.cudnn.version()
    _original(torch.zeros(1, 1, 3, 3, device="cuda"), torch.zeros(1, 1, 3, 3, device="cuda"))
    with open("/proc/self/maps") as maps:
        paths = sorted({found[0] for line in maps if (found := re.search(r"/\S*libcudnn\S*", line))})
    loaded = [ctypes.CDLL(path) for path in paths]

    def find(name):
        for one in loaded:
            with contextlib.suppress(AttributeError):
                return getattr(one, name)
        raise AttributeError(f"no {name} in {paths}")
    return find


class Descriptor:
    def __init__(self, find, kind):
        self.handle, self.destroy = ctypes.c_void_p(), find(f"cudnnDestroy{kind}")
        assert find(f"cudnnCreate{kind}")(ctypes.byref(self.handle)) == 0

    def __del__(self):
        self.destroy(self.handle)


class Convolution:
    def __init__(self, algorithm):
        self.find, self.algorithm, self.seen = library(), algorithm, []
        self.cudnn = ctypes.c_void_p()
        assert self.find("cudnnCreate")(ctypes.byref(self.cudnn)) == 0

    def call(self, x, weight, stride, padding):
        """The convolution without bias, or None and cuDNN's status."""
        find = self.find
        x, weight = x.contiguous(), weight.contiguous()
        sizes = [(x.shape[i + 2] + 2 * padding[i] - weight.shape[i + 2]) // stride[i] + 1 for i in (0, 1)]
        out = torch.full((x.shape[0], weight.shape[0], *sizes), float("nan"), device=x.device)
        source, target = Descriptor(find, "TensorDescriptor"), Descriptor(find, "TensorDescriptor")
        kernel, how = Descriptor(find, "FilterDescriptor"), Descriptor(find, "ConvolutionDescriptor")
        status = find("cudnnSetTensor4dDescriptor")(source.handle, NCHW, FLOAT, *x.shape)
        status |= find("cudnnSetTensor4dDescriptor")(target.handle, NCHW, FLOAT, *out.shape)
        status |= find("cudnnSetFilter4dDescriptor")(kernel.handle, FLOAT, NCHW, *weight.shape)
        status |= find("cudnnSetConvolution2dDescriptor")(how.handle, *padding, *stride, 1, 1, CROSS_CORRELATION, FLOAT)
        status |= find("cudnnSetConvolutionMathType")(how.handle, FMA_MATH)
        size = ctypes.c_size_t()
        status |= find("cudnnGetConvolutionForwardWorkspaceSize")(
            self.cudnn, source.handle, kernel.handle, how.handle, target.handle, self.algorithm, ctypes.byref(size))
        if status:
            return None, status
        workspace = torch.empty(max(1, size.value), dtype=torch.uint8, device=x.device)
        pointer = lambda tensor: ctypes.c_void_p(tensor.data_ptr())
        one, zero = ctypes.c_float(1), ctypes.c_float(0)
        torch.cuda.synchronize()
        status = find("cudnnConvolutionForward")(
            self.cudnn,
            ctypes.byref(one),
            source.handle,
            pointer(x),
            kernel.handle,
            pointer(weight),
            how.handle,
            self.algorithm,
            pointer(workspace),
            ctypes.c_size_t(size.value),
            ctypes.byref(zero),
            target.handle,
            pointer(out),
        )
        torch.cuda.synchronize()
        return (out, 0) if status == 0 else (None, status)

    def conv2d(self, x, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
        pair = lambda value: [value] * 2 if isinstance(value, int) else list(value)
        out, status = self.call(x, weight, pair(stride), pair(padding))
        self.seen.append(
            (
                f"{list(x.shape)} by {list(weight.shape)}, stride {pair(stride)[0]}",
                "forced" if status == 0 else f"status {status}",
            )
        )
        if out is None:
            return _original(x, weight, bias, stride, padding, dilation, groups)
        return out if bias is None else out + bias[:, None, None]


def forced(algorithm):
    @contextlib.contextmanager
    def entered():
        torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = torch.backends.cudnn.benchmark = False
        torch.backends.cudnn.enabled = True
        convolution = Convolution(algorithm)
        with mock.patch.object(F, "conv2d", convolution.conv2d):
            yield convolution.seen
    return entered
