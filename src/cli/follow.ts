/** Runs all steps of a run, showing how far it is. */
import { sampleSteps, type SamplingRun, type SamplingStep } from '../sampling/sample.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { messagesNow } from './messages.ts';
import { createPreview } from './preview.ts';
import { createProgress } from './progress.ts';

/**
 * Runs all steps, showing progress. Lets the process breathe between two steps, so that Ctrl-C is heard.
 * @param title what is being done
 * @param watch is told of each step
 * @throws InputError as `sampleSteps`
 */
export async function follow(
  run: SamplingRun,
  title: string,
  keepSteps: boolean,
  preview: boolean,
  watch?: (step: SamplingStep) => void,
): Promise<{ sample: Tensor; steps: readonly Tensor[] }> {
  const progress = createProgress(title);
  const show = preview && process.stderr.isTTY && !messagesNow().quiet ? createPreview() : undefined;
  const steps: Tensor[] = [];
  const iterator = sampleSteps(run);
  progress.update(0, run.scheduler.timesteps.length);
  for (;;) {
    const { done, value } = iterator.next();
    if (done) {
      progress.end();
      return { sample: value, steps };
    }
    if (keepSteps) steps.push(value.sample);
    watch?.(value);
    show?.(value.denoised ?? value.sample);
    progress.update(value.index + 1, value.count, `timestep ${value.timestep}`);
    await new Promise((resolve) => setImmediate(resolve));
  }
}
