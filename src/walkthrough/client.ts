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
  FilmRequest,
  FilmResult,
  FromWorker,
  JudgeRequest,
  JudgeResult,
  KernelChoice,
  PassesRequest,
  PassesResult,
  RunRequest,
  ToWorker,
  WordsRequest,
  WordsResult,
  WorkKind,
  Works,
} from './protocol.ts';
import { explain } from './explained.ts';
import type { Files } from './models.ts';
import { createQuestions, type Answer, type AnyAnswer } from './questions.ts';
import { startWorker } from './start-worker.ts';
import type { Loaded } from './work/promised.ts';

/** Asks the worker. What is asked while a section draws is what this section wants from now on. */
export interface Client {
  /** Calls `draw`; what it asks for is what this section wants from now on. */
  update(section: string, draw: () => void): void;
  run(request: RunRequest): Answer<SamplingStep>;
  /** @param of names the picture that the request holds */
  passes(request: PassesRequest, of: string): Answer<PassesResult>;
  check(request: CheckRequest): Answer<CheckResult>;
  /** @param of names the pictures that the request holds */
  judge(request: JudgeRequest, of: string): Answer<JudgeResult>;
  /** @param of names the pictures that the request holds */
  film(request: FilmRequest, of: string): Answer<FilmResult>;
  words(request: WordsRequest): Answer<WordsResult>;
  /** From now on what this section wants goes first. */
  focus(section: string): void;
  /** Starts anew with other kernels. All that was known is forgotten. */
  open(kernels: KernelChoice): void;
  /** What computes; undefined while it is being loaded. */
  engine(): EngineReport | undefined;
  /** How far the model has been loaded; undefined before its first bytes. */
  loaded(): Loaded | undefined;
  /** Why nothing can be computed, if so. */
  problem(): string | undefined;
}

/** The worker, and what is known of it. */
interface Connection {
  readonly worker?: Worker;
  readonly engine?: EngineReport;
  readonly loaded?: Loaded;
  readonly problem?: string;
  /** The jobs that it has been told to do first. */
  readonly first: readonly number[];
  /** Gives up what is being loaded for it. */
  readonly stop?: AbortController;
}

/** Loads the files of the model. @param tell is told how far they are */
export type ReadModel = (tell: (loaded: Loaded) => void, signal: AbortSignal) => Promise<Files>;

/**
 * A client that has no worker yet: see `open`.
 * @param changed called when there is something new to draw
 */
export function createClient(changed: () => void, readModel: ReadModel): Client {
  const questions = createQuestions();
  const wanted = new Map<string, ReadonlySet<string>>();
  let wants = new Set<string>();
  let focused = '';
  let connection: Connection = { first: [] };
  const send = (message: ToWorker): void => connection.worker?.postMessage(message);

  const hear = (message: FromWorker): void => {
    if (message.kind === 'ready') connection = { ...connection, engine: message.engine };
    else if (message.kind === 'failed' && message.job === undefined)
      connection = { ...connection, problem: message.problem };
    else questions.hear(message);
    changed();
  };

  /** Loads the model for the worker. Nothing of it is heard any more once there is another one. */
  const load = (signal: AbortSignal): void => {
    const unlessStopped = (action: () => void): void => {
      if (signal.aborted) return;
      action();
      changed();
    };
    const tell = (loaded: Loaded): void =>
      unlessStopped(() => {
        connection = { ...connection, loaded };
      });
    readModel(tell, signal).then(
      (files) => unlessStopped(() => send({ kind: 'model', files })),
      (problem: unknown) =>
        unlessStopped(() => {
          connection = { ...connection, problem: explain(problem) };
        }),
    );
  };

  const ask: Ask = <K extends WorkKind>(work: K, request: Works[K]['request'], about: string) => {
    const key = `${work} ${about}`;
    wants.add(key);
    const answer = questions.answerTo(key, (job) => send({ kind: 'ask', job, work, request } as ToWorker));
    return endedBy(connection.problem, answer) as Answer<Works[K]['result']>;
  };

  /** What the section needs that the reader looks at goes first. */
  const sendFocus = (): void => {
    const jobs = questions.open(wanted.get(focused) ?? []);
    if (jobs.join() === connection.first.join()) return;
    connection = { ...connection, first: jobs };
    send({ kind: 'focus', jobs });
  };

  return {
    update(section, draw) {
      wants = new Set();
      draw();
      wanted.set(section, wants);
      const isWanted = (key: string): boolean => [...wanted.values()].some((keys) => keys.has(key));
      for (const job of questions.forget(isWanted)) send({ kind: 'cancel', job });
      sendFocus();
    },
    ...asking(ask),
    focus(section) {
      focused = section;
      sendFocus();
    },
    open(kernels) {
      connection.worker?.terminate();
      connection.stop?.abort(new Error('another worker has taken its place'));
      questions.clear();
      const stop = new AbortController();
      connection = { worker: startWorker<FromWorker>('worker.js', hear), first: [], stop };
      send({ kind: 'open', kernels });
      load(stop.signal);
      changed();
    },
    engine: () => connection.engine,
    loaded: () => connection.loaded,
    problem: () => connection.problem,
  };
}

/** Where nothing can be computed any more, no answer is waited for: every figure says why. */
function endedBy(problem: string | undefined, answer: AnyAnswer): AnyAnswer {
  return problem === undefined || answer.done ? answer : { ...answer, done: true, problem };
}

type Ask = <K extends WorkKind>(work: K, request: Works[K]['request'], about: string) => Answer<Works[K]['result']>;

/** Questions of all kinds, and by what they are told apart. */
function asking(ask: Ask): Pick<Client, WorkKind> {
  return {
    run: (request) => ask('run', request, JSON.stringify(request)),
    passes: (request, of) => ask('passes', request, `${of} ${JSON.stringify({ ...request, sample: undefined })}`),
    check: (request) => ask('check', request, JSON.stringify(request)),
    judge: (request, of) => ask('judge', request, of),
    film: (request, of) => ask('film', request, of),
    words: (request) => ask('words', request, JSON.stringify(request)),
  };
}
