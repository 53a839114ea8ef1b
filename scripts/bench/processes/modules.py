"""The modules that are compared, in PyTorch: each takes its inputs by name."""
import torch
from diffusers import UNet2DModel
from diffusers.models.attention_processor import Attention
from safetensors.torch import load_file


class UNet(torch.nn.Module):
    """A UNet with plain tensors as arguments and result."""

    def __init__(self, unet):
        super().__init__()
        self.unet = unet

    def forward(self, sample, timestep, class_labels=None):
        return self.unet(sample, timestep, class_labels, return_dict=False)[0]


def bare(subject):
    """The module of a subject that is no UNet, with random weights."""
    match subject["kind"]:
        case "attention":
            heads, size = subject["heads"], subject["headSize"]
            return Attention(query_dim=heads * size, heads=heads, dim_head=size)
        case "convolution":
            return torch.nn.Conv2d(subject["channels"], subject["outChannels"], 3, padding=1, bias=False)
        case "linear":
            return torch.nn.Linear(subject["size"], subject["size"], bias=False)


def prefix_of(subject):
    """What stands before the names of its weights."""
    return "attention." if subject["kind"] == "attention" else ""


class Bare(torch.nn.Module):
    """The same, with one input, x."""

    def __init__(self, module):
        super().__init__()
        self.module = module

    def forward(self, x):
        return self.module(x)


def load(subject):
    """A module with its weights, in float32."""
    if subject["kind"] == "unet":
        return UNet(UNet2DModel.from_pretrained(subject["folder"], local_files_only=True)).eval()
    module = bare(subject)
    prefix = prefix_of(subject)
    weights = load_file(subject["weights"])
    module.load_state_dict({name.removeprefix(prefix): weight for name, weight in weights.items()})
    return Bare(module).eval()
