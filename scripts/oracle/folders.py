"""Writing cases."""
import hashlib
import json
import shutil
import sys
from pathlib import Path

import diffusers
import numpy
import safetensors
import torch
from safetensors.torch import save_file

ORACLE = Path(__file__).resolve().parents[2] / "fixtures" / "oracle"
TRUTH = f"PyTorch {torch.__version__.split('+')[0]} and diffusers {diffusers.__version__}, the same code in float64"


def begin(groups):
    """Removes the cases of some groups; what else lies beside them stays."""
    for group in groups:
        shutil.rmtree(ORACLE / group, ignore_errors=True)


def sha256(tensor):
    return hashlib.sha256(tensor.numpy().tobytes()).hexdigest()


def write(name, title, subject, inputs, weights, expected, model=None, truth=TRUTH):
    """One case. `expected` maps a tap to (float32 or None, float64). `model`: another case, or a model that ships,
    whose weights it has."""
    folder = ORACLE / name
    folder.mkdir(parents=True)
    results = {f"f64/{tap}": double for tap, (_, double) in expected.items()}
    results |= {f"f32/{tap}": single for tap, (single, _) in expected.items() if single is not None}
    files = {"inputs": inputs, "weights": weights, "expected": results}
    sums = {}
    for file, tensors in files.items():
        if not tensors:
            continue
        tensors = {key: value.detach().clone(memory_format=torch.contiguous_format) for key, value in tensors.items()}
        save_file(tensors, folder / f"{file}.safetensors")
        sums[file] = {key: sha256(value) for key, value in sorted(tensors.items())}
    case = {"schema": 1, "name": name, "title": title, "truth": truth, "subject": subject, "sha256": sums}
    if model:
        case["model"] = model
    (folder / "case.json").write_text(json.dumps(case, indent=1) + "\n")
    (folder / "README.md").write_text(readme(name, title, truth, subject, inputs, weights, expected, model))


HOW = {
    "operation": "Each probe of case.json is one call of the operation: its tensors are `<probe>/0`, `<probe>/1` … of "
    "inputs.safetensors, its further arguments stand in case.json. Write the result of a probe under the probe's name.",
    "embedding": "Each probe of case.json is one embedding of its timesteps. Write the result under the probe's name.",
    "stages": "Run the modules that case.json lists as `stages`, one after another, on `hidden` (and `temb`, the "
    "embedded time; `skips.0` … are what the way down left for the way up, the latest last; `encoder_hidden_states` is "
    "the text). attn1, attn2 and ff of a transformer block stand for the norm before them, too, and for the sum after "
    "them. If `perturbed` is true, run them once more with the identity in place of the attention map, and write those "
    "taps as `perturbed.<module path>`.",
    "unet": "Run the UNet of `config` on `sample` at `timesteps` (and `labels`, or the input `class_embedding`). If "
    "`perturbed` lists attention layers, run it once more with the identity in place of the attention maps of exactly "
    "these, and write those taps as `perturbed.<module path>`.",
    "unet-condition": "Run the UNet2DConditionModel of `config` on `sample` at `timesteps`, with "
    "`encoder_hidden_states` (the text) and, as far as they are among the inputs, `text_embeds` and `time_ids` of "
    "added_cond_kwargs. If `perturbed` lists attention layers, run it once more with the identity in place of the "
    "attention maps of exactly these, and write those taps as `perturbed.<module path>`; attention to the text (attn2) "
    "is never perturbed.",
    "text-encoder": "Run the text encoder of `config` on `input_ids`. Module paths are without `text_model.`; "
    "`encoder.layers.<i>` is hidden_states[i + 1], `final_layer_norm` the last hidden state, `pooled` what of it "
    "stands at the end of the text: at the first token `eos_token_id`, or, where the config has the legacy "
    "`eos_token_id: 2`, at the highest token id.",
    "autoencoder": "`way` encode: run the encoder of `config` on the picture `sample` (then quant_conv, unless "
    "use_quant_conv is false); its channels are `mean` and `logvar` (clamped to [−30, 20]), and `latents` = (mean − "
    "shift_factor) · scaling_factor. `way` decode: `decoder_input` = latents / scaling_factor + shift_factor, then "
    "post_quant_conv and the decoder, which give `sample`.",
    "text-to-image": "From tokens to pictures, as StableDiffusionPAGPipeline and StableDiffusionXLPAGPipeline go. 1. "
    "Run the text encoders on `input_ids`, and on `negative_input_ids` for passes without the prompt (all zeros if "
    "`zero_negative`). What the UNet is told, `encoder_hidden_states`, is the last hidden state (`hidden_state: "
    "last`), or of each encoder hidden_states[-2], without final_layer_norm, side by side (`penultimate`). With "
    "`sizes` it is also told `text_embeds` of the last encoder, and time_ids = [original height, original width, crop "
    "top, crop left, target height, target width]. 2. Draw latents from `noise` with the UNet, the scheduler and the "
    "guidance of case.json: ε̃ = ε(∅) + g (ε(c) − ε(∅)) + s (ε(c) − ε̂(c)), g guidance_scale, s pag_scale, ε̂ with the "
    "identity in the self-attention layers `pag_layers` and with the prompt. 3. `vae.decoder_input` = latents / "
    "scaling_factor + shift_factor, `vae.sample` its picture, `image` = vae.sample / 2 + 1/2, clamped to [0, 1]. "
    "Weights have the part before their names: `text_encoder.`, `text_encoder_2.`, `unet.`, `vae.`. Any module's "
    "output is welcome: `text_encoder.<path>`, `step.<i>.<path>`, `step.<i>.unconditional.<path>`, "
    "`step.<i>.perturbed.<path>`, `vae.<path>`.",
    "derivative": "Each probe of case.json is one call of the operation, whose tensors are `<probe>/0`, `<probe>/1` … "
    "of inputs.safetensors, and of whose result the gradient is `<probe>/gradient`. Write the gradient of tensor i "
    "under `<probe>/grad.<i>`.",
    "gradient": "Run the UNet2DModel of `config` on `sample` at `timesteps` with the class `labels` (tap "
    "`prediction`); `loss`, [1], is the mean of (prediction − target)² over all samples and channels. Write its "
    "gradient for each parameter under `grad.<parameter>`, that of the sample under `grad.sample`; those of "
    "`to_k.bias` are zero in theory, and not asked for.",
    "optimiser": "`steps` steps of AdamW on `parameters`, which begin as the inputs of their names; their gradients at "
    "step i are `step.<i>.gradient.<parameter>`. First all gradients of a step are clipped together: g · min(1, "
    "max_grad_norm / (√Σ g² + 1e-6)) (taps `step.<i>.clipped.<parameter>`). Then θ ← (1 − γλ) θ; m ← β₁ m + (1 − β₁) "
    "g; v ← β₂ v + (1 − β₂) g²; θ ← θ − γ m / (1 − β₁ᵗ) / (√(v / (1 − β₂ᵗ)) + ε), t = i + 1 (taps "
    "`step.<i>.<parameter>`). Then average ← average − (1 − ema_decay)(average − θ), which begins as θ (taps "
    "`step.<i>.average.<parameter>`).",
    "scheduler": "Start from `noise` times the scheduler's initial σ (tap `start`); at step i the model's output is "
    "`step.<i>.output` and fresh noise, where the scheduler wants any, `step.<i>.noise`. `timesteps` is the table of "
    "timesteps; `noised` is `original` brought to the noise level of step `noised_at` with `noise`.",
    "guidance": "Combine the predictions `conditional` ε(c), `unconditional` ε(∅), `perturbed` ε̂(c) into the tap "
    "`guided`, at `timestep`.",
    "run": "Draw from `noise` with the model of `config`, the scheduler and the guidance of case.json; fresh noise, "
    "where the scheduler wants any, is `step.<i>.noise`. Write for each step `step.<i>.prediction`, "
    "`step.<i>.unconditional.prediction`, `step.<i>.perturbed.prediction` (as far as the guidance has these passes), "
    "`step.<i>.guided` and `step.<i>.sample` (after the step). Any module's output is welcome, too: `step.<i>.<module "
    "path>`.",
}


def readme(name, title, truth, subject, inputs, weights, expected, model):
    def table(tensors):
        return "\n".join(f"| `{key}` | {list(value.shape)} |" for key, value in tensors.items())

    parts = [f"# {name}: {title}", HOW[subject["kind"]]]
    if inputs:
        parts.append(
            "Inputs (`inputs.safetensors`, float32, row-major):\n\n| tensor | shape |\n| --- | --- |\n" + table(inputs)
        )
    if weights:
        parts.append(f"Weights: {len(weights)} tensors in `weights.safetensors`, named as diffusers names them.")
    if model:
        parts.append(f"Weights: those of `{model}`; `pag export` writes them here as `weights.safetensors`.")
    doubles = {tap: double for tap, (_, double) in expected.items()}
    parts.append(
        "Taps that are expected (`expected.safetensors`: `f64/<tap>`, the truth, and `f32/<tap>`, PyTorch's float32):"
        "\n\n| tap | shape |\n| --- | --- |\n" + table(doubles)
    )
    parts.append(
        f"Truth: {truth}. Write your tensors under the taps' names into one safetensors file, then "
        f"`pag check {name} yours.safetensors`."
    )
    return "\n\n".join(parts) + "\n"


def finish(script, **versions):
    """Says what the groups of a script were made with, and which cases there are."""
    file = ORACLE / "provenance.json"
    known = json.loads(file.read_text()) if file.exists() else {}
    made = known.get("made", {}) | {script: {
        "command": f"python {script}",
        "threads": 1,
        "python": sys.version.split()[0],
        "torch": torch.__version__,
        "cpu_capability": torch.backends.cpu.get_cpu_capability(),
        "diffusers": diffusers.__version__,
        "numpy": numpy.__version__,
        "safetensors": safetensors.__version__,
    } | versions}
    cases = sorted(str(path.parent.relative_to(ORACLE)) for path in ORACLE.rglob("case.json"))
    file.write_text(json.dumps({"made": made, "cases": cases}, indent=1) + "\n")
