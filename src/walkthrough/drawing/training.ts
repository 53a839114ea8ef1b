/** What every training shows: its buttons, the scale of PAG, its loss on the way, and how far it is. */
import { mostLessonScale } from '../state.ts';
import type { Progress, Trainer } from '../training/trainer.ts';
import { button, scaleSlider, type Slider } from './controls.ts';
import { showDigest } from './digest.ts';
import { element, setAttributes, setText } from './dom.ts';
import { captioned, secondsText } from './figure.ts';
import { shareChart } from './share-chart.ts';

/** The loss is shown as means over so many parts of the training. */
const lossParts = 60;

/**
 * Buttons that begin, rest, and go on.
 * @param begin what is to be done to begin, or to begin anew
 */
export function trainingButtons(trainer: Trainer, begin: () => void) {
  const train = button('train', 'train', begin);
  const pause = button('pause', 'pause', trainer.pause);
  const goOn = button('go on', 'go-on', trainer.goOn);
  return {
    all: [train, pause, goOn],
    /** @param ready whether there is something to learn */
    show({ phase }: Progress, ready: boolean): void {
      setText(train, phase === 'none' ? 'train' : 'start again');
      setAttributes(train, { disabled: !ready });
      setAttributes(pause, { hidden: phase !== 'learning' });
      setAttributes(goOn, { hidden: phase !== 'paused' });
    },
  };
}

/** The s of PAG with which the model draws. @param name of the input, for scripts and tests */
export function trainedScale(name: string, changed: (scale: number) => void): Slider {
  return scaleSlider({ label: 's of PAG', name, most: mostLessonScale }, changed);
}

/** Says of a section, for scripts and tests, what the latest drawing is of, and its fingerprint. */
export function showDrawn(root: HTMLElement, { drawing }: Progress): void {
  setAttributes(root, { 'data-step': drawing?.step, 'data-scale': drawing?.scale });
  showDigest(root, drawing?.guided.at(-1));
}

/** The loss from the first step to the last. @param what it measures */
export function lossChart(what: string) {
  const chart = shareChart({
    most: 1,
    text: (loss) => loss.toFixed(1),
    count: lossParts,
    right: 30,
    below: [
      [0, 'first step', 'start'],
      [lossParts - 1, 'last step', 'end'],
    ],
  });
  return {
    root: captioned(chart.root, `the loss on the way: ${what}`),
    show({ losses, steps }: Progress): void {
      const means = meansOf(losses, steps / lossParts);
      const said = means.map((loss) => loss.toFixed(2)).join(', ');
      chart.show(means, undefined, `the loss: ${said === '' ? 'nothing yet' : said}`);
    },
  };
}

/** The means of so many numbers each; what is left over counts for nothing. */
function meansOf(values: readonly number[], size: number): readonly number[] {
  if (size === 0) return [];
  return Array.from({ length: Math.floor(values.length / size) }, (_, i) => {
    const part = values.slice(i * size, (i + 1) * size);
    return part.reduce((sum, value) => sum + value, 0) / part.length;
  });
}

/** The line below a training. */
export function trainingStatus() {
  const root = element('p', { class: 'status', role: 'status' });
  return {
    root,
    /** @param before what is said while nobody has asked for it */
    show(progress: Progress, before: string): void {
      setText(root, statusText(progress, before));
      setAttributes(root, { 'data-state': progress.phase });
      root.style.setProperty('--progress', String(progress.losses.length / Math.max(1, progress.steps)));
    },
  };
}

function statusText({ phase, losses, steps, seconds, problem }: Progress, before: string): string {
  switch (phase) {
    case 'none':
      return before;
    case 'starting':
      return 'starting';
    case 'failed':
      return problem ?? '';
    case 'done':
      return `${steps.toLocaleString('en')} steps: learned here in ${secondsText(seconds)}`;
    case 'learning':
    case 'paused':
      return `${phase}: ${losses.length} of ${steps.toLocaleString('en')} steps, ${secondsText(seconds)}`;
  }
}
