"""One pass of a folder's UNet in PyTorch's eager mode: `python torch_pass.py DIR [--threads 1] [--passes 2]
[--height 64] [--width 64] [--out FILE]`.

One line of JSON as `measure.ts` prints it: largest resident set in GB, processor seconds to load and of each pass. Its
numbers are those of `measure.ts`, too: `--out` gets the last prediction, as float32.
"""

import argparse
import json
import os
import resource
import time

parser = argparse.ArgumentParser()
parser.add_argument("folder")
parser.add_argument("--threads", type=int, default=1)
parser.add_argument("--passes", type=int, default=2)
parser.add_argument("--height", type=int)
parser.add_argument("--width", type=int)
parser.add_argument("--out")
args = parser.parse_args()
os.environ["OMP_NUM_THREADS"] = str(args.threads)

import torch  # noqa: E402
from diffusers import UNet2DConditionModel, UNet2DModel  # noqa: E402

torch.set_num_threads(args.threads)
is_pipeline = os.path.isdir(os.path.join(args.folder, "unet"))
begun = time.process_time()
kind = UNet2DConditionModel if is_pipeline else UNet2DModel
where = {"subfolder": "unet"} if is_pipeline else {}
unet = kind.from_pretrained(args.folder, torch_dtype=torch.float32, low_cpu_mem_usage=True, **where).eval()
loaded = time.process_time() - begun

torch.manual_seed(1)
size = unet.config.sample_size
sample = torch.randn(1, unet.config.in_channels, args.height or size, args.width or size)
given = {}
if is_pipeline:
    given["encoder_hidden_states"] = torch.randn(1, 77, unet.config.cross_attention_dim)
    if unet.config.addition_embed_type == "text_time":
        given["added_cond_kwargs"] = {"text_embeds": torch.randn(1, 1280), "time_ids": torch.randn(1, 6)}
elif unet.config.num_class_embeds:
    given["class_labels"] = torch.tensor([0])

passes = []
with torch.no_grad():
    for _ in range(args.passes):
        before, start = time.process_time(), time.perf_counter()
        prediction = unet(sample, 500, **given).sample
        passes.append({"processor": time.process_time() - before, "wall": time.perf_counter() - start})
if args.out:
    prediction.numpy().tofile(args.out)

largest = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e9
print(json.dumps({
    "folder": args.folder,
    "kernels": f"PyTorch {torch.__version__} eager, {torch.backends.cpu.get_cpu_capability()}",
    "threads": args.threads,
    "largestResidentGB": round(largest, 3),
    "load": round(loaded, 3),
    "passes": [{name: round(value, 3) for name, value in one.items()} for one in passes],
}))
