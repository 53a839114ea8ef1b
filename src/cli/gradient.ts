/** `pag gradient`: how the error of a model changes with its sample and with each of its parameters. */
import { writeSafetensors } from '../formats/safetensors.ts';
import { passLoad } from '../models/cost.ts';
import { lossGradient } from '../models/loss-gradient.ts';
import { unperturbed } from '../models/stage.ts';
import { backendHelp, backendOptions, chooseBackend } from './backend.ts';
import type { Command } from './command.ts';
import { printResult } from './messages.ts';
import { loadUNet } from './component.ts';
import { finiteTensor, modelHelp, openSafetensors } from './model.ts';
import { inputNames } from './model-input.ts';
import { readOptions, type OptionKinds } from './options.ts';
import { chooseOutFiles, isStdout, writeOut } from './out-files.ts';
import { announceWork } from './work.ts';

const kinds: OptionKinds = {
  model: 'text',
  variant: 'text',
  input: 'text',
  out: 'text',
  checkpointing: 'flag',
  ...backendOptions,
};

const help = `pag gradient --input IN.safetensors --out OUT.safetensors [options]

Runs the model on what IN holds: sample [B, C, H, W], timestep (one, or one per sample), and class_labels if the
model wants them; for a UNet2DConditionModel encoder_hidden_states and what else it takes, as pag forward.
The loss is the mean of (prediction - target)^2 with IN's target [B, C, H, W]; of a prediction with a learned variance
the channels of the picture alone. OUT gets loss [1], grad.sample, grad.encoder_hidden_states and grad.text_embeds if IN
has these, and grad.<parameter> for each that is learned: all but the frequencies of a Fourier time embedding.

${modelHelp}
  --variant NAME                  of the weights, as fp16: diffusion_pytorch_model.fp16.safetensors
  --checkpointing                 keeps less for the way back and computes it again: less memory, the same bits
${backendHelp}`;

/** The command `pag gradient`. */
export const gradientCommand: Command = { help, options: kinds, run };

async function run(args: readonly string[]): Promise<number> {
  const options = readOptions(args, kinds);
  const [inputFile, out] = [options.required('input'), options.required('out')];
  chooseOutFiles(options, { out: 'safetensors' });
  const { dtype, backend } = chooseBackend(options);
  const file = await openSafetensors(inputFile);
  const { model: unet, input } = await loadUNet(options, file, dtype);
  const target = finiteTensor(file, 'target', dtype, 'B,C,H,W');
  unet.check(input);
  const { products, numbers } = passLoad(unet, input, [unperturbed]);
  // On the way back there are two products for each.
  announceWork({ products: 3 * products, bytes: numbers * (dtype === 'f64' ? 8 : 4) });
  const started = performance.now();
  const { loss, sample, parameters, embeddings } = lossGradient(unet, backend, input, target, {
    checkpointing: options.has('checkpointing'),
  });
  const seconds = (performance.now() - started) / 1000;
  backend.dispose();
  const told = [...embeddings].map(([name, value]) => [inputNames[name], value] as const);
  const gradients = [['sample', sample] as const, ...told, ...parameters].map(
    ([name, value]) => [`grad.${name}`, value] as const,
  );
  writeOut(out, writeSafetensors({ loss, ...Object.fromEntries(gradients) }));
  const text = `the loss ${loss.data[0]} and ${gradients.length} gradients, ${dtype} on ${backend.name}`;
  printResult(options, {
    text: `${text}, in ${seconds.toFixed(2)} s: ${out}`,
    json: {
      schema: 1,
      out,
      loss: loss.data[0],
      gradients: gradients.length,
      dtype,
      kernels: backend.name,
      seconds,
    },
    aside: isStdout(out),
  });
  return 0;
}
