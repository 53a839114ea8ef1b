/** How the figures are computed elsewhere: commands of the repository that give the same bits, and what they read. */
import { writeSafetensors } from '../../formats/safetensors.ts';
import { referenceKernels } from '../../kernels/plain/index.ts';
import { tensor, type Tensor } from '../../tensor/tensor.ts';
import { present } from '../checked.ts';
import type { Page, Reproduction, ReproductionOf } from '../page.ts';
import type { RunRequest } from '../protocol.ts';
import { cfgScale, freeCfg, freeRun, letterRun, middleOf, pictureAt, studiedIndex, usualScale } from '../requests.ts';
import { letterOf } from '../state.ts';
import { caseName, heroPictures, noLetter, runCaseName } from '../study.ts';
import { isInNetwork } from '../work/faults.ts';
import { tastedPictures, tastedScales } from '../work/tasting.ts';
import {
  cfgOptions,
  forwardCommand,
  freeCommand,
  letterCommand,
  pagOptions,
  promptCommand,
  trainedCommand,
  wordCommand,
} from './commands.ts';

/** Where a figure is no run of the model, or one that no command can begin. */
const without =
  (reason: string): ReproductionOf =>
  () => ({ note: `No command: ${reason}.`, commands: [] });

/** The rows of pictures that nobody asked for. */
export const ofHero: ReproductionOf = ({ state }) => ({
  note: 'Row by row.',
  commands: [
    freeCommand(state(), heroPictures, '', 'free-alone.safetensors'),
    freeCommand(state(), heroPictures, pagOptions(state().heroScale), 'free-pag.safetensors'),
    freeCommand(state(), heroPictures, cfgOptions(freeCfg.scale), 'free-cfg.safetensors'),
  ],
});

/** Both looks at them at a step. */
export const ofTrio: ReproductionOf = (page) => {
  const run = freeRun(page.state(), { kind: 'none' });
  return {
    note: 'Reads the noisy pictures of this step, and writes ε as "sample" and ε̂ as "perturbed".',
    commands: [forwardCommand('free.safetensors', middleOf(page.model.layers))],
    input: inputOf(page, 'free.safetensors', run, run.labels),
  };
};

/** The rows of the word. */
export const ofWord: ReproductionOf = ({ state }) => ({
  note: 'Row by row.',
  commands: [
    wordCommand(state(), '', 'word-alone.safetensors'),
    wordCommand(state(), pagOptions(usualScale), 'word-pag.safetensors'),
  ],
});

/** The run that is scrubbed through. */
export const ofNoise: ReproductionOf = ({ state }) => ({
  note: `The last of its pictures is the ${letterOf(state())}; step.0 and so on are x_t after each step.`,
  commands: [letterCommand(state(), true, state().guided ? pagOptions(usualScale) : '', 'letter.safetensors')],
});

/** What is seen inside one layer. */
export const ofAttention: ReproductionOf = (page) => {
  const layer = present(page.model.layers[page.state().layer], 'attention layer');
  return {
    note: 'Reads the noisy picture of this step; the identity first in this layer, then in all of them.',
    commands: [forwardCommand(letterFile, [layer], [`${layer}.map`, `${layer}.to_v`]), everywhere],
    input: letterInput(page),
  };
};

/** The picture that is brushed over, and the limit. */
export const ofBrush: ReproductionOf = (page) => ({
  note: 'Reads the noisy picture of this step. Only this page brushes; the command goes to the limit.',
  commands: [everywhere],
  input: letterInput(page),
});

/** The predictions that span the plane. */
export const ofDirection: ReproductionOf = (page) => ({
  note:
    'Reads the noisy picture of this step twice, with the letter and with none: "sample" is ε and ε(∅), and ' +
    '"perturbed" begins with ε̂.',
  commands: [forwardCommand('both.safetensors', middleOf(page.model.layers))],
  input: letterInput(page, 'both.safetensors', [noLetter]),
});

/** The world of two numbers. */
export const ofWhy = without('it is computed in closed form, in src/walkthrough/work/toy.ts');

/** The letter at the scale of the knob. */
export const ofKnob: ReproductionOf = ({ state }) => {
  const { scale, asked } = state();
  return {
    note: 'The last of its pictures is what the knob is at.',
    commands: [
      letterCommand(state(), asked, pagOptions(scale), 'knob-pag.safetensors'),
      letterCommand(state(), asked, cfgOptions(cfgScale(scale)), 'knob-cfg.safetensors'),
    ],
  };
};

/** The reader's own letter. */
export const ofOwn = without('it begins with what you have drawn, which no file of a picture holds to the bit');

/** All pictures with all scales: nobody learns from it which is which. */
export const ofTasting: ReproductionOf = ({ state }) => ({
  note: 'Without guidance, and with every scale; the pairs are among the last of the pictures.',
  commands: [
    freeCommand(state(), tastedPictures, '', 'tasted-0.safetensors'),
    ...tastedScales.map((s) => freeCommand(state(), tastedPictures, pagOptions(s), `tasted-${s}.safetensors`)),
  ],
});

/** The letter, guided away from the chosen layers. */
export const ofLayers: ReproductionOf = ({ state, model }) => {
  const chosen = model.layers.filter((_, place) => state().layers.includes(place));
  if (chosen.length === 0) return { note: 'No layer is chosen, so nothing is guided.', commands: [] };
  return {
    note: 'The last of its pictures is the guided one. Only this page draws with maps flipped throughout.',
    commands: [letterCommand(state(), true, pagOptions(state().layersScale, chosen), 'layers.safetensors')],
  };
};

/** The prompt. */
export const ofWords: ReproductionOf = ({ state }) => ({
  note: 'The guided row; the other one has scales of 1 and 0.',
  commands: [promptCommand(state())],
});

/** The model of points. */
export const ofTrain = without('the model learns in src/walkthrough/training, in Node with the same bits');

/** The model of letters that the reader has trained. */
export const ofLetters: ReproductionOf = ({ state }) => ({
  note: 'Draws with the model that you have trained and saved, with PAG as it is set.',
  commands: [trainedCommand(state())],
});

/** The plain loops beside the fast kernels. */
export const ofHood: ReproductionOf = () => ({
  note: 'Plain loops and fast kernels, in all engines of your machine, over whole runs.',
  commands: ['npm run bits'],
});

/** What the oracle asks. */
export const ofOracle: ReproductionOf = ({ state }) => {
  const name = isInNetwork(state().fault) ? caseName : runCaseName;
  return {
    note: 'Writes the case for a port, and checks what the port has made of it.',
    commands: [`npm run -s pag -- export ${name} case`, `npm run -s pag -- check ${name} THEIRS.safetensors`],
  };
};

const letterFile = 'letter.safetensors';
/** The identity in all layers. */
const everywhere = forwardCommand(letterFile, ['re:attentions']);

/** The letter under study. @param others labels of further samples, all of the same x_t */
function letterInput(page: Page, file = letterFile, others: readonly number[] = []): Input {
  const run = letterRun(page.state(), { kind: 'none' });
  return inputOf(page, file, run, [...run.labels, ...others]);
}

type Input = NonNullable<Reproduction['input']>;

/**
 * What `pag forward` reads: x_t at the step under study.
 * @param run that leads there
 * @param labels of the samples: more than the run has, where its pictures are read more than once
 */
function inputOf(page: Page, name: string, run: RunRequest, labels: readonly number[]): Input {
  return () => {
    const { client, model } = page;
    const index = studiedIndex(page);
    const picture = pictureAt(run, client.run(run), index);
    if (!picture) return undefined;
    const copies = labels.length / run.labels.length;
    const bytes = writeSafetensors({
      sample: referenceKernels.concatBatch(Array.from({ length: copies }, () => picture)),
      timestep: row([present(model.scheduler.timesteps[index], 'timestep')]),
      class_labels: row(labels),
    });
    return { name, bytes };
  };
}

function row(numbers: readonly number[]): Tensor {
  return tensor('f32', [numbers.length], Float32Array.from(numbers));
}
