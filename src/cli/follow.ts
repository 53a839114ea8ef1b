/** Runs all steps of a run, showing how far it is. */
import { sampleSteps, type SamplingRun, type SamplingStep } from '../sampling/sample.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { runBreathing } from './breathing.ts';
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
  progress.update(0, run.scheduler.timesteps.length);
  const sample = await runBreathing(sampleSteps(run), (step) => {
    if (keepSteps) steps.push(step.sample);
    watch?.(step);
    show?.(step.denoised ?? step.sample);
    progress.update(step.index + 1, step.count, `timestep ${step.timestep}`);
  });
  progress.end();
  return { sample, steps };
}
