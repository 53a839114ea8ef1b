"""Goldens of CLIP's text encoders: fixtures/goldens/text/clip/<name>, a folder as save_pretrained writes it, with
golden.safetensors.

golden.safetensors holds `input_ids`, and `<module path>/f32` and `/f64` for the output of every module, the paths
without `text_model.`, and beside these `last_hidden_state`, `pooled`, and `hidden.N`, transformers' hidden_states.
"""
import torch
from safetensors.torch import load_file, save_file
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection

import store
from provenance import write_provenance

SEED = 59

TINY = dict(
    vocab_size=20, hidden_size=12, intermediate_size=20, num_hidden_layers=2, num_attention_heads=3,
    max_position_embeddings=9, bos_token_id=18, eos_token_id=19,
)
IDS = [[18, 4, 7, 19, 19, 19], [18, 3, 11, 2, 5, 19]]

# The class, its config, and what it is given.
MODELS = {
    "quick-gelu": (CLIPTextModel, TINY, IDS),
    # The pooled token is that of the highest number, whatever the config calls the end.
    "legacy-end": (
        CLIPTextModel, TINY | dict(eos_token_id=2, num_hidden_layers=1),
        [[18, 4, 19, 7, 2, 1, 1, 1, 1], [18, 2, 11, 5, 19, 19, 3, 3, 3]],
    ),
    "projection": (
        CLIPTextModelWithProjection,
        TINY | dict(hidden_act="gelu", projection_dim=8, layer_norm_eps=1e-3, num_attention_heads=1), IDS,
    ),
    # A text without an end is pooled at its first token.
    "no-end": (CLIPTextModel, TINY | dict(hidden_act="relu", num_hidden_layers=1), [[18, 4, 7]]),
}
# Saved with `text_model.` before the names, and the numbers of the positions, as old files are.
OLD_NAMES = "quick-gelu"


def vary(module, generator):
    """Weights begin so small that nothing shows; this moves every parameter to where a mistake does."""
    for name, parameter in module.named_parameters():
        if parameter.ndim == 1:
            parameter.add_(0.25 * torch.randn(parameter.shape, generator=generator))
        elif "embedding" in name:
            parameter.copy_(torch.randn(parameter.shape, generator=generator))
        else:
            parameter.copy_(torch.randn(parameter.shape, generator=generator) / parameter.shape[1] ** 0.5)


def forward(model, ids):
    """The output of every module by its path, and the model's own."""
    seen, hooks = {}, []

    def remember(name):
        def hook(module, inputs, output):
            seen.setdefault(name, (output[0] if isinstance(output, tuple) else output).clone())
        return hook

    for path, module in model.named_modules():
        shown = path and not isinstance(module, torch.nn.ModuleList) and any(True for _ in module.parameters())
        name = path.removeprefix("text_model").removeprefix(".")
        # The positions are the same for all samples; what runs the layers is no module of ours.
        if shown and name not in ("", "encoder", "embeddings.position_embedding"):
            hooks.append(module.register_forward_hook(remember(name)))
    out = model(input_ids=ids, output_hidden_states=True)
    for hook in hooks:
        hook.remove()
    pooled = model.text_model(input_ids=ids).pooler_output if hasattr(model, "text_model") else out.pooler_output
    hidden = {f"hidden.{i}": x for i, x in enumerate(out.hidden_states)}
    assert not hasattr(out, "text_embeds") or torch.equal(out.text_embeds, seen["text_projection"])
    return seen | hidden | {"last_hidden_state": out.last_hidden_state, "pooled": pooled}


def use_old_names(file):
    weights = load_file(file)
    assert not any(name.startswith("text_model.") for name in weights)
    old = {f"text_model.{name}": value for name, value in weights.items()}
    old["text_model.embeddings.position_ids"] = torch.arange(TINY["max_position_embeddings"]).unsqueeze(0)
    save_file(old, file, metadata={"format": "pt"})


def make():
    root = store.fresh_folder("text/clip")
    torch.manual_seed(SEED)
    generator = torch.Generator().manual_seed(SEED)
    for name, (kind, config, ids) in MODELS.items():
        folder = root / name
        model = kind(CLIPTextConfig(**config)).eval()
        vary(model, generator)
        model.save_pretrained(folder)
        if name == OLD_NAMES:
            use_old_names(folder / "model.safetensors")
        loaded = kind.from_pretrained(folder).state_dict()
        assert all(torch.equal(value, loaded[key]) for key, value in model.state_dict().items())
        double = kind(CLIPTextConfig(**config)).eval().double()
        double.load_state_dict(model.state_dict())
        ids = torch.tensor(ids)
        single, exact = forward(model, ids), forward(double, ids)
        tensors = {"input_ids": ids}
        for path in single:
            tensors |= store.both(path, single[path], exact[path])
        store.save(folder / "golden.safetensors", tensors)
    write_provenance(root, SEED)
