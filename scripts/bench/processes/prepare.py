"""Makes what a case of the bench is run with: its inputs, its weights where there is no folder of them, the module as
ONNX, and what PyTorch finds in float32 and in float64, by which all contenders are judged.

Argument: as JSON the subject, its key (the name of the files), their folder, and how many samples.
"""
import json
import sys
from pathlib import Path

import torch
from safetensors.torch import save_file

from modules import bare, load, prefix_of

sys.path.append(str(Path(__file__).parents[2] / "goldens"))
from truth import truth  # noqa: E402


def inputs_of(subject, module, batch):
    """The inputs by name, in the order of the module's arguments."""
    match subject["kind"]:
        case "unet":
            config = module.unet.config
            size = config.sample_size
            sample = torch.randn(batch, config.in_channels, size, size)
            timestep = torch.tensor([20 + 930 * i // batch for i in range(batch)])
            labels = {"class_labels": torch.arange(batch)} if config.num_class_embeds else {}
            return {"sample": sample, "timestep": timestep, **labels}
        case "attention":
            return {"x": torch.randn(batch, subject["tokens"], subject["heads"] * subject["headSize"])}
        case "convolution":
            return {"x": torch.randn(batch, subject["channels"], subject["size"], subject["size"])}
        case "linear":
            return {"x": torch.randn(subject["size"], subject["size"])}


def in_double(inputs):
    return [value.double() if value.is_floating_point() else value for value in inputs.values()]


def main():
    asked = json.loads(sys.argv[1])
    subject, stem = asked["subject"], str(Path(asked["folder"]) / asked["key"])
    if subject["kind"] != "unet":
        torch.manual_seed(1)
        weights = bare(subject).state_dict()
        save_file({prefix_of(subject) + name: weight for name, weight in weights.items()}, subject["weights"])
    module = load(subject)
    torch.manual_seed(2)
    inputs = inputs_of(subject, module, asked["batch"])
    with torch.inference_mode():
        single = module(*inputs.values())
    with torch.no_grad():
        torch.onnx.export(
            module, tuple(inputs.values()), f"{stem}.onnx", dynamo=False, opset_version=17,
            input_names=list(inputs), output_names=["y"],
        )
    with torch.inference_mode(), truth():
        double = module.double()(*in_double(inputs))
    save_file({name: value.float() for name, value in inputs.items()}, f"{stem}.inputs.safetensors")
    # The last, for where it is all else is.
    save_file({"y/f32": single.clone(), "y/f64": double}, f"{stem}.golden.safetensors")


if __name__ == "__main__":
    main()
