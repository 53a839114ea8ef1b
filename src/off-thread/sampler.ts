/** Drawing off the main thread: the program stays free, sees every step, and may stop at any. */
import { anOrder, type Order } from '../kernels/order.ts';
import { mostThreads } from '../kernels/simd/index.ts';
import type { SamplingStep } from '../sampling/sample.ts';
import { aFunction, anObject, checkOptions, optional, whole, withParts, type Checks } from '../tensor/checks.ts';
import { InputError, messageOf } from '../tensor/errors.ts';
import { aSignal, throwIfAborted, type Signal } from '../tensor/signal.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { lineTo, type Line, type WorkerLike } from './line.ts';
import { checkRequest, type ModelValues, type SampleRequest } from './request.ts';
import { sameThread, startWorker } from './start.ts';

/** How far the work is. */
export interface SamplingProgress {
  /**
   * `loading`: the model goes to the worker. `compiling`: the first step, for which the kernels are made. `drawing`:
   * the others.
   */
  readonly phase: 'loading' | 'compiling' | 'drawing';
  /** Of `total` steps; of the other phases 0 or 1 of 1. */
  readonly done: number;
  readonly total: number;
}

/** What may be wanted while something is drawn. */
export interface Following {
  /** Stops the run: within one step nothing is computed for it any more, and its memory is free. */
  readonly signal?: Signal;
  /** Is told of each step. */
  readonly onStep?: (step: SamplingStep) => void;
  /** Is told how far the work is. */
  readonly onProgress?: (progress: SamplingProgress) => void;
}

/** How a sampler computes. */
export interface SamplerOptions {
  /** Threads in the worker, 1 unless given. In browsers they need a page that is cross-origin isolated. */
  readonly threads?: number;
  /** In which order convolutions add up: `direct` unless given. `fast` has bits of its own. */
  readonly order?: Order;
  /** Starts a worker that runs `pag-reference/worker`, where the library does not find its own: after some bundlers. */
  readonly worker?: () => WorkerLike;
  /** Is told, once, why what computes is slow, or computes in this thread. `console.warn`, unless given. */
  readonly onFallback?: (reason: string) => void;
}

/** A model in a worker, ready to draw. */
export interface Sampler {
  /** The name of the backend that computes. */
  readonly kernels: string;
  /** Whether it computes off this thread. */
  readonly offThread: boolean;
  /**
   * Draws, and gives the pictures, [B,C,H,W].
   * @throws InputError as `sampleSteps`; the signal's reason, when it stops the run
   */
  sample(request: SampleRequest, following?: Following): Promise<Tensor>;
  /**
   * Draws step by step: one is computed when it is asked for. Who leaves the loop ends the run.
   * @throws as `sample`
   */
  steps(request: SampleRequest, following?: Following): AsyncGenerator<SamplingStep, Tensor, void>;
  /** Ends the worker, with all its memory. */
  close(): void;
}

const samplerChecks: Checks<SamplerOptions> = {
  threads: optional(whole(1, mostThreads)),
  order: optional(anOrder),
  worker: optional(aFunction('a function that starts a worker')),
  onFallback: optional(aFunction('a function that is told why')),
};
const followingChecks: Checks<Following> = {
  signal: optional(aSignal),
  onStep: optional(aFunction('a function that is told of each step')),
  onProgress: optional(aFunction('a function that is told how far the work is')),
};
const aRun = anObject('an object, as { model, labels: [0] }');
const aModelOfValues = withParts<ModelValues>('a model, as await loadModelFolder(…) gives it', 'config', 'weights');

/**
 * A sampler for a model. It draws with the bits of `sampleSteps`, in a worker; where there can be none, in this thread,
 * which is then free between two steps.
 * @param model what `loadModelFolder` gives
 * @throws InputError for a model or options that are none; the worker's error, when the model cannot be had there
 */
export async function openSampler(model: ModelValues, options: SamplerOptions = {}): Promise<Sampler> {
  aModelOfValues('the model', model);
  checkOptions('openSampler', options, samplerChecks);
  const { threads = 1, order = 'direct', worker = startWorker, onFallback = console.warn } = options;
  const { line, offThread } = await openLine(worker, onFallback);
  const values = { config: model.config, weights: model.weights, schedulerConfig: model.schedulerConfig };
  const { kernels, fallback } = await line.ask('open', { model: values, threads, order }).catch((error: unknown) => {
    line.close();
    throw error;
  });
  if (fallback !== undefined) onFallback(fallback);

  let runs = 0;
  const steps = (request: SampleRequest, following: Following = {}): AsyncGenerator<SamplingStep, Tensor, void> => {
    checkRequest(request);
    checkOptions('what follows a run', following, followingChecks);
    return follow(line, runs++, request, following);
  };
  return {
    kernels,
    offThread,
    steps,
    async sample(request, following) {
      const run = steps(request, following);
      for (;;) {
        const { done, value } = await run.next();
        if (done) return value;
      }
    },
    close: line.close,
  };
}

async function openLine(
  worker: () => WorkerLike,
  onFallback: (reason: string) => void,
): Promise<{ readonly line: Line; readonly offThread: boolean }> {
  try {
    return { line: await lineTo(worker), offThread: true };
  } catch (problem) {
    const reason = messageOf(problem);
    onFallback(
      `there is no worker here (${reason}), so this thread computes; openSampler takes one: { worker: () => … }`,
    );
    return { line: await lineTo(sameThread), offThread: false };
  }
}

async function* follow(
  line: Line,
  run: number,
  request: SampleRequest,
  { signal, onStep, onProgress }: Following,
): AsyncGenerator<SamplingStep, Tensor, void> {
  const heard = <T>(answer: Promise<T>): Promise<T> => (signal ? untilAborted(answer, signal) : answer);
  try {
    await heard(line.ask('start', { run, request }));
    onProgress?.({ phase: 'compiling', done: 0, total: 1 });
    for (;;) {
      const { done, value } = await heard(line.ask('next', { run }));
      if (done) return value;
      onProgress?.({ phase: 'drawing', done: value.index + 1, total: value.count });
      onStep?.(value);
      yield value;
    }
  } finally {
    // Who closed the sampler needs no answer.
    line.ask('end', { run }).catch(() => {});
  }
}

/** The answer, or a rejection with the signal's reason as soon as it is aborted. */
function untilAborted<T>(answer: Promise<T>, signal: Signal): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    const stop = (): void => reject(signal.reason);
    if (signal.aborted) stop();
    signal.addEventListener('abort', stop);
    answer.then(resolve, reject).finally(() => signal.removeEventListener('abort', stop));
  });
}

/** A run on its own. */
export interface SampleOptions extends SampleRequest, Following, SamplerOptions {
  /** What `loadModelFolder` gives. */
  readonly model: ModelValues;
}

/**
 * Draws pictures, [B,C,H,W], in a worker of its own, which ends with the run; whoever draws more than once opens a
 * sampler. Where the signal stops it, the worker ends at once.
 * @param others none: what follows the run stands beside the model, otherwise than in a sampler's `sample`
 * @throws as `openSampler` and `sample`
 */
export async function sample(options: SampleOptions, ...others: readonly never[]): Promise<Tensor> {
  aRun('what is to be drawn', options);
  if (others.length > 0)
    throw new InputError('sample takes one object: { model, signal, … }; its second argument would do nothing');
  const { model, threads, order, worker, onFallback, signal, onStep, onProgress, ...request } = options;
  checkRequest(request);
  const following: Following = {
    ...(signal !== undefined && { signal }),
    ...(onStep !== undefined && { onStep }),
    ...(onProgress !== undefined && { onProgress }),
  };
  checkOptions('what follows a run', following, followingChecks);
  throwIfAborted(signal);
  onProgress?.({ phase: 'loading', done: 0, total: 1 });
  const sampler = await openSampler(model, {
    ...(threads !== undefined && { threads }),
    ...(order && { order }),
    ...(worker && { worker }),
    ...(onFallback && { onFallback }),
  });
  try {
    onProgress?.({ phase: 'loading', done: 1, total: 1 });
    return await sampler.sample(request, following);
  } finally {
    sampler.close();
  }
}
