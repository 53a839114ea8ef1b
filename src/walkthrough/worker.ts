/**
 * The thread that computes, so that the page never waits. It loads the model, takes work, and streams what comes out.
 */
import type { ReadFile } from '../formats/read-file.ts';
import { urlReader } from '../formats/url-reader.ts';
import type { Case } from '../oracle/case.ts';
import { readCase } from '../oracle/read-case.ts';
import type { FromWorker, KernelChoice, ToWorker } from './protocol.ts';
import { caseName, wordsPictures } from './study.ts';
import { chooseEngine } from './work/engine.ts';
import { film } from './work/film.ts';
import { judge, loadClassifier } from './work/judge.ts';
import { createLater } from './work/later.ts';
import { loadModel, type Model } from './work/model.ts';
import { checkPage } from './work/oracle.ts';
import { passes } from './work/passes.ts';
import { sampleRun } from './work/run.ts';
import { countBytes, expecting, type Loaded, type PromisedFiles } from './work/promised.ts';
import { createTurns, explain, type Turns } from './work/turns.ts';
import { drawWords, loadWords } from './work/words.ts';

/** The part of a worker's global scope that is used here. */
interface WorkerScope {
  onmessage: ((event: MessageEvent<ToWorker>) => void) | null;
  postMessage(message: FromWorker): void;
}
type Ask = Extract<ToWorker, { kind: 'ask' }>;

/** The files of the models, by the folders beside the page that hold them. */
declare const MODELS: Readonly<Record<'model' | 'judge' | 'words', PromisedFiles>>;

serve(globalThis as unknown as WorkerScope);

/** Answers the messages of the page. */
function serve(scope: WorkerScope): void {
  const post = (message: FromWorker): void => scope.postMessage(message);
  const work = createWork(post);
  /** What is asked before the model is there. */
  const waiting = new Map<number, Ask>();
  let model: Model | undefined;

  const open = async (kernels: KernelChoice): Promise<void> => {
    const engine = await chooseEngine(kernels);
    const folder = modelFolder('model', (loaded) => post({ kind: 'loading', loaded }));
    const loaded = await loadModel(folder, engine.backend);
    model = loaded;
    post({ kind: 'ready', engine: engine.report });
    for (const message of waiting.values()) work.begin(loaded, message);
    waiting.clear();
  };

  scope.onmessage = ({ data: message }) => {
    switch (message.kind) {
      case 'open':
        open(message.kernels).catch((problem: unknown) => post({ kind: 'failed', problem: explain(problem) }));
        break;
      case 'focus':
        work.focus(message.jobs);
        break;
      case 'ask':
        if (model) work.begin(model, message);
        else waiting.set(message.job, message);
        break;
      case 'cancel':
        work.cancel(message.job);
        waiting.delete(message.job);
        break;
    }
  };
}

/** Work of all kinds. */
interface Work extends Pick<Turns, 'cancel' | 'focus'> {
  begin(model: Model, message: Ask): void;
}

/** What some kinds of it need besides the model is loaded when they are first asked for. */
function createWork(post: (message: FromWorker) => void): Work {
  const turns = createTurns(post);
  const checks = createLater(readOracle, turns, post);
  const judges = createLater((signal) => loadClassifier(modelFolder('judge', () => {}, signal)), turns, post);
  const words = createLater(
    (signal, tell) => loadWords(modelFolder('words', (loaded) => tell({ kind: 'loading', ...loaded }), signal)),
    turns,
    post,
  );
  return {
    focus: turns.focus,
    cancel(id) {
      for (const jobs of [turns, checks, judges, words]) jobs.cancel(id);
    },
    begin(model, { job: id, work, request }) {
      switch (work) {
        case 'run':
          turns.add({ id, size: request.labels.length, steps: sampleRun(model, request) });
          break;
        case 'passes':
          turns.add({ id, size: 1, steps: passes(model, request) });
          break;
        case 'check':
          // One of its turns takes a second or two; but it is asked only when the reader comes near.
          checks.begin(id, (one) => checkPage(model, one, request), 1);
          break;
        case 'judge':
          judges.begin(id, (classifier) => judge(classifier, model.backend, request), 1);
          break;
        case 'film':
          turns.add({ id, size: 1, steps: film(request) });
          break;
        case 'words':
          words.begin(id, (pipeline) => drawWords(pipeline, model.backend, request), wordsPictures);
          break;
      }
    },
  };
}

/** Reads a model that lies beside the page. */
function modelFolder(name: keyof typeof MODELS, tell: (loaded: Loaded) => void, signal?: AbortSignal): ReadFile {
  const files = MODELS[name];
  const reader = urlReader(new URL(name, location.href), {
    onProgress: countBytes(files, tell),
    ...(signal && { signal }),
  });
  return expecting(reader, files);
}

function readOracle(): Promise<Case> {
  const folder = (name: string): ReadFile => urlReader(new URL(`oracle/${name}`, location.href));
  return readCase(folder(caseName), caseName, folder);
}
