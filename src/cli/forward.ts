/** `pag forward`: one forward pass, with every inner value that one wants to see. */
import { passLoad } from '../models/cost.ts';
import { runModel } from '../models/passes.ts';
import { type Perturbation, unperturbed } from '../models/stage.ts';
import { matchesAny } from '../models/taps.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { writeSafetensors } from '../formats/safetensors.ts';
import { identity } from '../nn/attention-perturbations/index.ts';
import { selectLayers } from '../models/selectors.ts';
import { backendHelp, backendOptions, chooseBackend } from './backend.ts';
import type { Command } from './command.ts';
import { loadComponent } from './component.ts';
import { tryExpressions } from './expressions.ts';
import { loraHelp, loraOptions } from './lora.ts';
import { printResult } from './messages.ts';
import { modelHelp } from './model.ts';
import { readOptions, type OptionKinds } from './options.ts';
import { chooseOutFiles, isStdout, writeOut } from './out-files.ts';
import { announceWork } from './work.ts';

const kinds: OptionKinds = {
  model: 'text',
  variant: 'text',
  component: 'text',
  input: 'text',
  out: 'text',
  perturb: 'text',
  taps: 'text',
  ...loraOptions,
  ...backendOptions,
};

const help = `pag forward --input IN.safetensors --out OUT.safetensors [options]

Runs a model once on what IN holds. OUT gets its results, and what the options ask for.

${modelHelp}
  --variant NAME                  of the weights, as fp16: diffusion_pytorch_model.fp16.safetensors
${loraHelp}
  --component NAME                which model of a pipeline, by what IN and OUT hold (unet):
      unet                        sample [B, C, H, W], timestep (one, or one per sample), class_labels, and of a text's
                                  UNet encoder_hidden_states, text_embeds, time_ids, ... -> sample
      text_encoder, text_encoder_2
                                  input_ids [B, N] -> last_hidden_state, pooled or text_embeds, hidden.0 (the
                                  embeddings), hidden.1, ...
      vae.encoder                 sample [B, C, H, W], from -1 to 1 -> mean, logvar (of AutoencoderTiny latents)
      vae.decoder                 sample, latents as the encoder gives them -> sample
  --perturb SEL[,SEL...]          a second pass with the identity in place of the attention maps of these layers:
                                  OUT gets perturbed
  --taps GLOB[,GLOB...]           inner values by module path: OUT gets tap.<module path>, and
                                  perturbed.tap.<module path> from the layer on where the second pass begins;
                                  <attention layer>.map is the attention map
${backendHelp}`;

/** The command `pag forward`. */
export const forwardCommand: Command = { help, options: kinds, run };

async function run(args: readonly string[]): Promise<number> {
  const options = readOptions(args, kinds);
  const [inputFile, out] = [options.required('input'), options.required('out')];
  chooseOutFiles(options, { out: 'safetensors' });
  const { dtype, backend } = chooseBackend(options);
  const component = await loadComponent(options, inputFile, dtype);
  const { model, input } = component;

  const selectors = options.list('perturb');
  const passes: Perturbation[] = [unperturbed];
  tryExpressions(selectors ?? [], model.attentionLayers);
  if (selectors) passes.push(new Map(selectLayers(selectors, model.attentionLayers).map((at) => [at, identity])));
  const patterns = options.list('taps') ?? [];

  model.check(input);
  const { products, numbers } = passLoad(model, input, passes);
  announceWork({ products, bytes: numbers * (dtype === 'f64' ? 8 : 4) });
  const started = performance.now();
  const shown = selectors ? patterns.flatMap((pattern) => [pattern, `1:${pattern}`]) : patterns;
  const output = runModel(model, backend, input, { passes, taps: [...shown, ...component.needs] });
  const seconds = (performance.now() - started) / 1000;
  backend.dispose();

  const [, perturbed] = output.predictions;
  const taps = Object.entries(output.taps).filter(([path]) => matchesAny(shown, path));
  const outputs: Readonly<Record<string, Tensor>> = {
    ...component.results(output),
    ...(perturbed && { perturbed }),
    ...Object.fromEntries(taps.map(([path, value]) => [tapName(path), value])),
  };
  writeOut(out, writeSafetensors(outputs));
  const names = Object.keys(outputs);
  printResult(options, {
    text: `${names.length} tensors, ${dtype} on ${backend.name}, in ${seconds.toFixed(2)} s: ${out}`,
    json: { schema: 1, out, tensors: names, dtype, kernels: backend.name, seconds },
    aside: isStdout(out),
  });
  return 0;
}

/** The name under which a tap is written: `1:` leads the paths of the perturbed pass. */
function tapName(path: string): string {
  return path.startsWith('1:') ? `perturbed.tap.${path.slice(2)}` : `tap.${path}`;
}
