/**
 * The page's side of the work. A section says, each time it draws, what it would like to know; what is not known yet is
 * asked of the worker, and what nobody wants any more is cancelled. So a knob that is turned fast starts little and
 * blocks nothing.
 */
import type { SamplingStep } from '../sampling/sample.ts';
import type {
  CheckRequest,
  CheckResult,
  EngineReport,
  FromWorker,
  KernelChoice,
  PassesRequest,
  PassesResult,
  ToWorker,
  TraceRequest,
  WorkKind,
  Works,
} from './protocol.ts';

export interface Answer<Result> {
  readonly results: readonly Result[];
  readonly done: boolean;
  /** The worker's time for it, once it is done. */
  readonly seconds?: number;
  readonly problem?: string;
}

export interface Lab {
  /** Calls `draw`; what it asks for is what this section wants from now on. */
  update(section: string, draw: () => void): void;
  trace(request: TraceRequest): Answer<SamplingStep>;
  /** @param of names the picture that the request holds */
  passes(request: PassesRequest, of: string): Answer<PassesResult>;
  check(request: CheckRequest): Answer<CheckResult>;
  focus(section: string): void;
  /** Starts anew with other kernels. All that was known is forgotten. */
  open(kernels: KernelChoice): void;
  /** What computes; undefined while it is being loaded. */
  engine(): EngineReport | undefined;
  /** Why nothing can be computed, if so. */
  problem(): string | undefined;
}

/** Answers that are kept though no section wants them at present. */
const mostKept = 40;

type AnyAnswer = Answer<Works[WorkKind]['result']>;

interface Asked {
  readonly job: number;
  answer: AnyAnswer;
}

/** The answer after one more message. */
function extended(answer: AnyAnswer, message: Exclude<FromWorker, { kind: 'ready' }>): AnyAnswer {
  switch (message.kind) {
    case 'result':
      return { ...answer, results: [...answer.results, message.result] };
    case 'done':
      return { ...answer, done: true, seconds: message.seconds };
    case 'failed':
      return { ...answer, done: true, problem: message.problem };
  }
}

/** @param changed called when there is something new to draw */
export function createLab(changed: () => void): Lab {
  const asked = new Map<string, Asked>();
  const wanted = new Map<string, ReadonlySet<string>>();
  let wants = new Set<string>();
  let focused = '';
  let first: readonly number[] = [];
  let jobs = 0;
  let worker: Worker | undefined;
  let engine: EngineReport | undefined;
  let problem: string | undefined;
  const send = (message: ToWorker): void => worker?.postMessage(message);

  const hear = (message: FromWorker): void => {
    if (message.kind === 'ready') engine = message.engine;
    else if (message.kind === 'failed' && message.job === undefined) problem = message.problem;
    else {
      const found = [...asked.values()].find(({ job }) => job === message.job);
      if (found) found.answer = extended(found.answer, message);
    }
    changed();
  };

  const ask = <K extends WorkKind>(work: K, request: Works[K]['request'], key: string): Answer<Works[K]['result']> => {
    wants.add(key);
    const known = asked.get(key);
    if (known) return known.answer as Answer<Works[K]['result']>;
    const answer = { results: [], done: false };
    asked.set(key, { job: jobs, answer });
    send({ kind: 'ask', job: jobs++, work, request } as ToWorker);
    return answer;
  };

  const tidy = (): void => {
    const isWanted = (key: string): boolean => [...wanted.values()].some((keys) => keys.has(key));
    const idle = [...asked].filter(([key]) => !isWanted(key));
    for (const [key, { job, answer }] of idle) {
      if (answer.done) continue;
      send({ kind: 'cancel', job });
      asked.delete(key);
    }
    const finished = idle.filter(([, { answer }]) => answer.done);
    for (const [key] of finished.slice(0, Math.max(0, finished.length - mostKept))) asked.delete(key);
  };

  /** What the section needs that the reader looks at goes first. */
  const sendFocus = (): void => {
    const keys = [...(wanted.get(focused) ?? [])];
    const needed = keys
      .flatMap((key) => asked.get(key) ?? [])
      .filter(({ answer }) => !answer.done)
      .map(({ job }) => job);
    if (needed.join() === first.join()) return;
    first = needed;
    send({ kind: 'focus', jobs: needed });
  };

  return {
    update(section, draw) {
      wants = new Set();
      draw();
      wanted.set(section, wants);
      tidy();
      sendFocus();
    },
    trace: (request) => ask('trace', request, `trace ${JSON.stringify(request)}`),
    passes: (request, of) =>
      ask('passes', request, `passes ${of} ${JSON.stringify({ ...request, sample: undefined })}`),
    check: (request) => ask('check', request, `check ${JSON.stringify(request)}`),
    focus(section) {
      focused = section;
      sendFocus();
    },
    open(kernels) {
      worker?.terminate();
      asked.clear();
      [engine, problem, first] = [undefined, undefined, []];
      worker = new Worker(new URL('worker.js', document.baseURI), { type: 'module' });
      worker.onmessage = ({ data }: MessageEvent<FromWorker>) => hear(data);
      worker.onerror = (event) => {
        problem = event.message || 'The worker could not be started.';
        changed();
      };
      send({ kind: 'open', kernels });
      changed();
    },
    engine: () => engine,
    problem: () => problem,
  };
}
