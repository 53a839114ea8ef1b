"""PAG's identity perturbation of diffusers' attention layers.

diffusers has PAG pipelines for other models only; their processors expect the perturbed samples in the second half of
the batch. This one perturbs every sample; layers.py asserts that the two agree.
"""
from contextlib import contextmanager

from diffusers.models.attention_processor import Attention


class Identity:
    """out = to_out(to_v(group_norm(x))): the attention map is the identity matrix, query and key are never computed."""

    def __call__(self, attn, hidden_states, encoder_hidden_states=None, attention_mask=None, temb=None):
        residual = hidden_states
        tokens = hidden_states.flatten(2)
        if attn.group_norm is not None:
            tokens = attn.group_norm(tokens)
        out = attn.to_out[0](attn.to_v(tokens.transpose(1, 2)))
        out = out.transpose(1, 2).reshape(residual.shape)
        if attn.residual_connection:
            out = out + residual
        return out / attn.rescale_output_factor


class IdentityOfTokens:
    """out = to_out(to_v(x)): the same in a transformer block, whose tokens come as they are."""

    def __call__(self, attn, hidden_states, encoder_hidden_states=None, attention_mask=None, temb=None):
        assert encoder_hidden_states is None
        return attn.to_out[0](attn.to_v(hidden_states))


def attention_layers(model):
    """The paths of the self-attention layers."""
    return [path for path, module in model.named_modules() if isinstance(module, Attention)]


@contextmanager
def perturbed(model, layers, identity=Identity):
    """Within it, the attention layers with these paths are perturbed."""
    modules = [model.get_submodule(path) for path in layers]
    kept = [module.processor for module in modules]
    for module in modules:
        module.processor = identity()
    yield
    for module, processor in zip(modules, kept):
        module.processor = processor
