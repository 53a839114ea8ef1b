"""Files as PyTorch's side writes them, for the readers of src/formats: fixtures/goldens/formats/

dtypes.safetensors, dtypes.json    a tensor of every dtype, scalars and empty ones, and the values that they hold (as
                                   texts where JSON has no number for them)
sharded/, old-names/               the model of initialisation/pipeline.json: in shards, and with its attention
                                   weights named as before diffusers 0.15. diffusers loads both.

Run: pip install -r scripts/goldens/requirements.txt && python scripts/goldens/formats.py
"""
import json
import math

import torch
from diffusers import UNet2DModel
from safetensors.torch import load_file, save_file

import initialisation
import store

SEED = 0

FLOATS = [0.0, -0.0, 1.0, -1.5, 1 / 3, 65504.0, 2.0**-14, 2.0**-24, -(2.0**-15), 3e38, math.inf, -math.inf, math.nan]
INTEGERS = [0, 1, -1, 127, -128]


def dtypes():
    tensors = {name: torch.tensor(FLOATS, dtype=dtype) for name, dtype in
               {"F64": torch.float64, "F32": torch.float32, "F16": torch.float16, "BF16": torch.bfloat16}.items()}
    tensors["F64"] = torch.cat([tensors["F64"], torch.tensor([5e-324, 1e308, 0.1], dtype=torch.float64)])
    tensors |= {name: torch.tensor(INTEGERS, dtype=dtype) for name, dtype in
                {"I64": torch.int64, "I32": torch.int32, "I16": torch.int16, "I8": torch.int8}.items()}
    tensors["I64"] = torch.cat([tensors["I64"], torch.tensor([2**53 - 1, -(2**53 - 1)])])
    tensors |= {"U8": torch.tensor([0, 1, 255], dtype=torch.uint8), "BOOL": torch.tensor([True, False])}
    tensors |= {"scalar": torch.tensor(2.5), "empty": torch.zeros(0, 4), "matrix": torch.arange(6.0).reshape(2, 3)}
    return tensors


def shown(value):
    return (
        value
        if isinstance(value, bool) or math.isfinite(value) and not (value == 0 and math.copysign(1, value) < 0)
        else str(value)
    )


def old_names(weights):
    renamed = {}
    for name, value in weights.items():
        for new, old in {"to_q": "query", "to_k": "key", "to_v": "value", "to_out.0": "proj_attn"}.items():
            if ".attentions." in name and f".{new}." in name:
                name = name.replace(f".{new}.", f".{old}.")
        renamed[name] = value
    return renamed


def make():
    folder = store.fresh_folder("formats")
    tensors = dtypes()
    save_file(tensors, folder / "dtypes.safetensors", metadata={"note": "every dtype, ä, \"quoted\""})
    store.save_json(
        folder / "dtypes.json",
        {
            name: {"shape": list(t.shape), "values": [shown(v) for v in t.flatten().tolist()]}
            for name, t in tensors.items()
        },
    )

    torch.manual_seed(SEED)
    model = UNet2DModel(**initialisation.MODELS["pipeline"])
    model.save_pretrained(folder / "sharded", max_shard_size="30KB")
    model.save_pretrained(folder / "old-names")
    file = folder / "old-names" / "diffusion_pytorch_model.safetensors"
    save_file(old_names(load_file(file)), file, metadata={"format": "pt"})
    for name in ("sharded", "old-names"):
        loaded = UNet2DModel.from_pretrained(folder / name).state_dict()
        assert all(torch.equal(loaded[key], value) for key, value in model.state_dict().items()), name
    store.write_provenance(folder, SEED)
    provenance = json.loads((folder / "provenance.json").read_text())
    store.save_json(folder / "provenance.json", provenance | {"command": "python scripts/goldens/formats.py"})


if __name__ == "__main__":
    make()
