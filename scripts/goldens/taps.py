"""What goes on inside a model: the output of every module, by its path."""
import re
from contextlib import contextmanager

import torch
from diffusers.models.attention_processor import Attention
from diffusers.models.downsampling import Downsample2D
from diffusers.models.upsampling import Upsample2D


def is_shown(path, module):
    """
    Every module with parameters but the lists. Not: activations, dropout, the resampling without weights inside a
    ResNet block, and the convolution of a resampling layer, whose output is that of the layer.
    """
    if re.search(r"samplers\.\d+\.conv$", path):
        return False
    if isinstance(module, (Downsample2D, Upsample2D)) and not module.use_conv:
        return False
    return not isinstance(module, torch.nn.ModuleList) and any(True for _ in module.parameters())


@contextmanager
def tapped(model, mask=None):
    """Gives a dictionary that a forward pass within it fills: path → tensor.

    Of modules that return a tuple, the first. The group norm of an attention layer sees [B,C,N]; its tap is given the
    picture's shape. Attention maps, which the fused kernel never holds, are computed from the taps of query and key:
    `<path>.map`. `mask` [B,M], of 0 and 1, is that of the second attention of transformer blocks, if the pass is
    given one.
    """
    seen, hooks = {}, []

    def remember(path):
        def hook(module, inputs, output):
            # The first call counts: a class embedding of the kind `timestep` calls time_proj again.
            seen.setdefault(path, (output[0] if isinstance(output, tuple) else output).clone())
        return hook

    def attention_hook(path):
        def hook(module, inputs, output):
            norm = f"{path}.group_norm"
            if norm in seen:
                seen[norm] = seen[norm].reshape(output.shape)
            cross = f"{path}.norm_cross"
            if cross in seen and seen[cross].shape[1] == module.norm_cross.weight.shape[0]:
                seen[cross] = seen[cross].unsqueeze(2)
            # Where text and pixels are asked at once, neither tap has all keys.
            if f"{path}.to_q" in seen and module.added_kv_proj_dim is None:
                heads = lambda x: x.unflatten(2, (module.heads, -1)).transpose(1, 2)
                q, k = heads(seen[f"{path}.to_q"]), heads(seen[f"{path}.to_k"])
                scores = q @ k.transpose(-1, -2) * q.shape[-1] ** -0.5
                if mask is not None and path.endswith("attn2"):
                    scores = scores + ((1 - mask.to(scores.dtype)) * -10000)[:, None, None, :]
                seen[f"{path}.map"] = torch.softmax(scores, dim=-1)
        return hook

    for path, module in model.named_modules():
        # The sinusoid has no parameters but is where the trouble starts.
        if path and (is_shown(path, module) or path in ("time_proj", "class_embedding")):
            hooks.append(module.register_forward_hook(remember(path)))
        if isinstance(module, Attention):
            hooks.append(module.register_forward_hook(attention_hook(path)))
    try:
        yield seen
    finally:
        for hook in hooks:
            hook.remove()
