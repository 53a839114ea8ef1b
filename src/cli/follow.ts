/** Runs all steps of a run, showing how far it is. */
import { sampleSteps, type SamplingRun, type SamplingStep } from '../sampling/sample.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { runBreathing } from './breathing.ts';
import { messagesNow } from './messages.ts';
import { measured, type Meter } from './meter.ts';
import { createPreview } from './preview.ts';
import { createProgress } from './progress.ts';

/** What is to be seen, and kept, of a run. */
export interface Following {
  /** Whether the sample of each step is kept. */
  readonly keeps?: boolean;
  /** Whether the terminal shows what is being drawn. */
  readonly preview?: boolean;
  /** Is told of each step. */
  readonly watch?: (step: SamplingStep) => void;
  /** Steps that take long then show how far they are. */
  readonly metered?: MeteredWork;
}

/** What the kernels do, and how many multiply-adds of theirs some work takes. */
export interface MeteredWork {
  readonly meter: Meter;
  readonly products: number;
}

/** Does some work that takes long without a step, showing how far it is. */
export function whileMeasured<Result>(title: string, { meter, products }: MeteredWork, work: () => Result): Result {
  const progress = createProgress(title);
  const { end } = measured(meter, products, (part) => progress.update(part, 1));
  const result = work();
  end();
  progress.end();
  return result;
}

/**
 * Runs all steps, showing progress. Lets the process breathe between two steps, so that Ctrl-C is heard.
 * @param title what is being done
 * @throws InputError as `sampleSteps`
 */
export async function follow(
  run: SamplingRun,
  title: string,
  { keeps = false, preview = false, watch, metered }: Following = {},
): Promise<{ sample: Tensor; steps: readonly Tensor[] }> {
  const progress = createProgress(title);
  const show = preview && process.stderr.isTTY && !messagesNow().quiet ? createPreview() : undefined;
  const steps: Tensor[] = [];
  const count = run.scheduler.timesteps.length;
  let done = 0;
  const work =
    metered && measured(metered.meter, metered.products / count, (part) => progress.update(done + part, count));
  progress.update(0, count);
  const sample = await runBreathing(sampleSteps(run), (step) => {
    if (keeps) steps.push(step.sample);
    watch?.(step);
    show?.(step.denoised ?? step.sample);
    done = step.index + 1;
    progress.update(done, count, `timestep ${step.timestep}`);
    work?.again();
  });
  work?.end();
  progress.end();
  return { sample, steps };
}
