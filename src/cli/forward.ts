/** `pag forward`: one forward pass, with every inner value that one wants to see. */
import { passLoad } from '../models/cost.ts';
import { runModel } from '../models/passes.ts';
import { type Perturbation, unperturbed } from '../models/stage.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { writeSafetensors } from '../formats/safetensors.ts';
import { identity } from '../nn/attention-perturbations/index.ts';
import { selectLayers } from '../models/selectors.ts';
import { backendHelp, backendOptions, chooseBackend } from './backend.ts';
import type { Command } from './command.ts';
import { tryExpressions } from './expressions.ts';
import { loadWithLora, loraHelp, loraOptions } from './lora.ts';
import { printResult } from './messages.ts';
import { modelHelp, openSafetensors } from './model.ts';
import { readModelInput } from './model-input.ts';
import { readOptions, type OptionKinds } from './options.ts';
import { chooseOutFiles, isStdout, writeOut } from './out-files.ts';
import { announceWork } from './work.ts';

const kinds: OptionKinds = {
  model: 'text',
  variant: 'text',
  input: 'text',
  out: 'text',
  perturb: 'text',
  taps: 'text',
  ...loraOptions,
  ...backendOptions,
};

const help = `pag forward --input IN.safetensors --out OUT.safetensors [options]

Runs the model once on what IN holds: sample [B, C, H, W], timestep (one, or one per sample), and class_labels
if the model wants them. OUT gets sample, and what the options ask for.

${modelHelp}
  --variant NAME                  of the weights, as fp16: diffusion_pytorch_model.fp16.safetensors
${loraHelp}
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
  const { unet } = await loadWithLora(options, dtype);
  const input = await openSafetensors(inputFile);

  const selectors = options.list('perturb');
  const passes: Perturbation[] = [unperturbed];
  tryExpressions(selectors ?? [], unet.attentionLayers);
  if (selectors) passes.push(new Map(selectLayers(selectors, unet.attentionLayers).map((layer) => [layer, identity])));
  const patterns = options.list('taps') ?? [];

  const given = readModelInput(input, unet);
  unet.check(given);
  const { products, numbers } = passLoad(unet, given, passes);
  announceWork({ products, bytes: numbers * (dtype === 'f64' ? 8 : 4) });
  const started = performance.now();
  const { predictions, taps } = runModel(unet, backend, given, {
    passes,
    taps: selectors ? patterns.flatMap((pattern) => [pattern, `1:${pattern}`]) : patterns,
  });
  const seconds = (performance.now() - started) / 1000;
  backend.dispose();

  const outputs: Readonly<Record<string, Tensor>> = Object.fromEntries([
    ...predictions.map((prediction, pass) => [pass === 0 ? 'sample' : 'perturbed', prediction] as const),
    ...Object.entries(taps).map(([path, value]) => [tapName(path), value] as const),
  ]);
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
