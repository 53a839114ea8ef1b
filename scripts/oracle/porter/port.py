"""A port of the UNet with PAG, and of a DDIM run with it, that knows nothing but NumPy: the porter's trial of the
golden oracle.

    pag export unets/tiny work/tiny
    python port.py work/tiny theirs.safetensors
    pag check work/tiny theirs.safetensors

It does what the case's README asks for, in float32, in the order in which NumPy adds. `--plant NAME` makes a mistake
on purpose:
`scale` (attention without 1/√d), `residual` (the perturbed layers lose their input), `guide` (g = s + 1 where s is
meant).
"""
import json
import sys
from pathlib import Path

import numpy as np

f32 = np.float32


def load(path):
    """A safetensors file: eight bytes with the length of a JSON header, the header, the data."""
    raw = Path(path).read_bytes()
    length = int.from_bytes(raw[:8], "little")
    header = json.loads(raw[8 : 8 + length])
    header.pop("__metadata__", None)
    start = 8 + length
    return {
        name: np.frombuffer(raw[start + entry["data_offsets"][0] : start + entry["data_offsets"][1]], f32).reshape(
            entry["shape"]
        )
        for name, entry in header.items()
    }


def save(path, tensors):
    header, parts, at = {}, [], 0
    for name, value in tensors.items():
        part = np.ascontiguousarray(value, f32).tobytes()
        header[name] = {"dtype": "F32", "shape": list(value.shape), "data_offsets": [at, at + len(part)]}
        parts.append(part)
        at += len(part)
    text = json.dumps(header).encode()
    Path(path).write_bytes(len(text).to_bytes(8, "little") + text + b"".join(parts))


class UNet:
    def __init__(self, config, weights, planted):
        self.c, self.w, self.planted = config, weights, planted
        self.taps, self.prefix = {}, ""

    def tap(self, path, value):
        self.taps[self.prefix + path] = value
        return value

    def conv(self, path, x, stride=1, padding=1):
        w, b = self.w[path + ".weight"], self.w[path + ".bias"]
        x = np.pad(x, ((0, 0), (0, 0), (padding, padding), (padding, padding)))
        k = w.shape[2]
        patches = np.lib.stride_tricks.sliding_window_view(x, (k, k), axis=(2, 3))[:, :, ::stride, ::stride]
        return self.tap(path, np.einsum("bcyxij,ocij->boyx", patches, w, optimize=True) + b[:, None, None])

    def linear(self, path, x):
        return self.tap(path, x @ self.w[path + ".weight"].T + self.w[path + ".bias"])

    def norm(self, path, x):
        groups = x.reshape(x.shape[0], self.c["norm_num_groups"], -1)
        eps = f32(self.c.get("norm_eps", 1e-5))
        normed = (groups - groups.mean(-1, keepdims=True)) / np.sqrt(groups.var(-1, keepdims=True) + eps)
        return self.tap(
            path,
            normed.reshape(x.shape) * self.w[path + ".weight"][:, None, None] + self.w[path + ".bias"][:, None, None],
        )

    def resnet(self, path, x, temb):
        h = self.conv(path + ".conv1", self.silu(self.norm(path + ".norm1", x)))
        h = h + self.linear(path + ".time_emb_proj", self.silu(temb))[:, :, None, None]
        h = self.conv(path + ".conv2", self.silu(self.norm(path + ".norm2", h)))
        shortcut = self.conv(path + ".conv_shortcut", x, padding=0) if path + ".conv_shortcut.weight" in self.w else x
        return self.tap(path, shortcut + h)

    def attention(self, path, x, perturbed):
        batch, channels, height, width = x.shape
        tokens = self.norm(path + ".group_norm", x).reshape(batch, channels, -1).transpose(0, 2, 1)
        value = self.linear(path + ".to_v", tokens)
        if perturbed:
            mixed = value
        else:
            query, key = self.linear(path + ".to_q", tokens), self.linear(path + ".to_k", tokens)
            mixed = self.mix(path, query, key, value, channels // self.c["attention_head_dim"])
        out = self.linear(path + ".to_out.0", mixed).transpose(0, 2, 1).reshape(x.shape)
        return self.tap(path, out if perturbed and "residual" in self.planted else out + x)

    def mix(self, path, query, key, value, heads):
        batch, _, channels = query.shape
        split = lambda t: t.reshape(batch, -1, heads, channels // heads).transpose(0, 2, 1, 3)
        scale = f32(1) if "scale" in self.planted else f32((channels // heads) ** -0.5)
        logits = split(query) @ split(key).transpose(0, 1, 3, 2) * scale
        e = np.exp(logits - logits.max(-1, keepdims=True))
        attention_map = self.tap(path + ".map", e / e.sum(-1, keepdims=True))
        return (attention_map @ split(value)).transpose(0, 2, 1, 3).reshape(batch, -1, channels)

    def silu(self, x):
        return x / (1 + np.exp(-x))

    def sinusoid(self, timesteps):
        half = self.c["block_out_channels"][0] // 2
        frequencies = np.exp(-np.log(f32(10000)) * np.arange(half, dtype=f32) / f32(half))
        angles = np.asarray(timesteps, f32)[:, None] * frequencies
        return self.tap("time_proj", np.concatenate([np.cos(angles), np.sin(angles)], 1))

    def __call__(self, x, timesteps, labels, layers=(), prefix=""):
        self.prefix = prefix
        c = self.c
        temb = self.linear("time_embedding.linear_1", self.sinusoid(timesteps))
        temb = self.tap("time_embedding", self.linear("time_embedding.linear_2", self.silu(temb)))
        if labels is not None:
            temb = temb + self.w["class_embedding.weight"][labels]

        h = self.conv("conv_in", x)
        skips = [h]
        for i, kind in enumerate(c["down_block_types"]):
            path = f"down_blocks.{i}"
            h = self.resnet(f"{path}.resnets.0", h, temb)
            if kind.startswith("Attn"):
                h = self.attention(f"{path}.attentions.0", h, f"{path}.attentions.0" in layers)
            skips.append(h)
            if i < len(c["down_block_types"]) - 1:
                h = self.tap(f"{path}.downsamplers.0", self.conv(f"{path}.downsamplers.0.conv", h, stride=2))
                skips.append(h)
            self.tap(path, h)
        h = self.resnet("mid_block.resnets.0", h, temb)
        h = self.attention("mid_block.attentions.0", h, "mid_block.attentions.0" in layers)
        h = self.tap("mid_block", self.resnet("mid_block.resnets.1", h, temb))
        for i, kind in enumerate(c["up_block_types"]):
            path = f"up_blocks.{i}"
            for layer in range(2):
                h = self.resnet(f"{path}.resnets.{layer}", np.concatenate([h, skips.pop()], 1), temb)
                if kind.startswith("Attn"):
                    h = self.attention(f"{path}.attentions.{layer}", h, f"{path}.attentions.{layer}" in layers)
            if i < len(c["up_block_types"]) - 1:
                doubled = h.repeat(2, 2).repeat(2, 3)
                h = self.tap(f"{path}.upsamplers.0", self.conv(f"{path}.upsamplers.0.conv", doubled))
            self.tap(path, h)
        return self.tap("prediction", self.conv("conv_out", self.silu(self.norm("conv_norm_out", h))))


def run(unet, subject, inputs):
    """DDIM with PAG."""
    guidance, steps = subject["guidance"], subject["steps"]
    alphas = np.cumprod(1 - np.linspace(1e-4, 0.02, 1000, dtype=f32), dtype=f32)
    x = inputs["noise"]
    for i in range(steps):
        t = (steps - 1 - i) * (1000 // steps)
        plain = unet(x, [t] * len(x), subject["labels"], prefix=f"step.{i}.")
        perturbed = unet(x, [t] * len(x), subject["labels"], guidance["pag_layers"], f"step.{i}.perturbed.")
        s = f32(guidance["pag_scale"] + (1 if "guide" in unet.planted else 0))
        guided = plain + s * (plain - perturbed)
        a, following = alphas[t], alphas[t - 1000 // steps] if t >= 1000 // steps else f32(1)
        original = (x - np.sqrt(1 - a) * guided) / np.sqrt(a)
        x = np.sqrt(following) * original + np.sqrt(1 - following) * guided
        unet.taps |= {f"step.{i}.guided": guided, f"step.{i}.sample": x}


def main(folder, out, *options):
    planted = [name for name in options if name != "--plant"]
    case = json.loads(Path(folder, "case.json").read_text())
    subject, inputs = case["subject"], load(Path(folder, "inputs.safetensors"))
    unet = UNet(subject["config"], load(Path(folder, "weights.safetensors")), planted)
    if subject["kind"] == "run":
        run(unet, subject, inputs)
    else:
        unet(inputs["sample"], subject["timesteps"], subject["labels"])
        unet(inputs["sample"], subject["timesteps"], subject["labels"], subject["perturbed"], "perturbed.")
    save(out, unet.taps)
    print(f"{len(unet.taps)} tensors: {out}")


if __name__ == "__main__":
    main(*sys.argv[1:])
