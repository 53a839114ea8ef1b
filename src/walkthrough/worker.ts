/**
 * The thread that computes, so that the page never waits. It loads the model, takes work, and streams what comes out.
 */
import type { ReadFile } from '../formats/read-file.ts';
import { InputError } from '../tensor/errors.ts';
import type { Case } from '../oracle/case.ts';
import { readCase } from '../oracle/read-case.ts';
import type { CheckRequest, FromWorker, KernelChoice, ToWorker } from './protocol.ts';
import { caseName } from './study.ts';
import { chooseEngine } from './work/engine.ts';
import { loadModel, type Model } from './work/model.ts';
import { checkPage } from './work/oracle.ts';
import { passes } from './work/passes.ts';
import { sampleRun } from './work/run.ts';
import { expecting } from './work/promised.ts';
import { createTurns, explain, type Turns } from './work/turns.ts';

/** The part of a worker's global scope that is used here. */
interface WorkerScope {
  onmessage: ((event: MessageEvent<ToWorker>) => void) | null;
  postMessage(message: FromWorker): void;
}
type Ask = Extract<ToWorker, { kind: 'ask' }>;

/** Of the files of the model that ships with the page, by their paths. */
declare const MODEL_SHA256: Readonly<Record<string, string>>;

serve(globalThis as unknown as WorkerScope);

/** Answers the messages of the page. */
function serve(scope: WorkerScope): void {
  const post = (message: FromWorker): void => scope.postMessage(message);
  const turns = createTurns(post);
  const checks = createChecks(turns, post);
  /** What is asked before the model is there. */
  const waiting = new Map<number, Ask>();
  let model: Model | undefined;

  const begin = (ready: Model, { job: id, work, request }: Ask): void => {
    switch (work) {
      case 'run':
        turns.add({ id, size: request.labels.length, steps: sampleRun(ready, request) });
        break;
      case 'passes':
        turns.add({ id, size: 1, steps: passes(ready, request) });
        break;
      case 'check':
        checks.begin(ready, id, request);
        break;
    }
  };
  const open = async (kernels: KernelChoice): Promise<void> => {
    const engine = await chooseEngine(kernels);
    const loaded = await loadModel(expecting(folderOf('model'), MODEL_SHA256), engine.backend);
    model = loaded;
    post({ kind: 'ready', engine: engine.report });
    for (const message of waiting.values()) begin(loaded, message);
    waiting.clear();
  };

  scope.onmessage = ({ data: message }) => {
    switch (message.kind) {
      case 'open':
        open(message.kernels).catch((problem: unknown) => post({ kind: 'failed', problem: explain(problem) }));
        break;
      case 'focus':
        turns.focus(message.jobs);
        break;
      case 'ask':
        if (model) begin(model, message);
        else waiting.set(message.job, message);
        break;
      case 'cancel':
        turns.cancel(message.job);
        checks.cancel(message.job);
        waiting.delete(message.job);
        break;
    }
  };
}

/** Checks wait for the case of the oracle, which is read when the first of them is asked for. */
function createChecks(turns: Turns, post: (message: FromWorker) => void) {
  const reading = new Set<number>();
  let oracleCase: Promise<Case> | undefined;
  const read = async (model: Model, id: number, request: CheckRequest): Promise<void> => {
    oracleCase ??= readCase(folderOf(`oracle/${caseName}`), caseName, (name) => folderOf(`oracle/${name}`));
    const one = await oracleCase.catch((problem: unknown) => {
      // What failed may succeed when it is tried again.
      oracleCase = undefined;
      throw problem;
    });
    // One of its turns takes a second or two; but it is asked only when the reader comes near.
    if (reading.delete(id)) turns.add({ id, size: 1, steps: checkPage(model, one, request) });
  };
  return {
    begin(model: Model, id: number, request: CheckRequest): void {
      reading.add(id);
      read(model, id, request).catch((problem: unknown) => {
        if (reading.delete(id)) post({ kind: 'failed', job: id, problem: explain(problem) });
      });
    },
    cancel: (id: number): boolean => reading.delete(id),
  };
}

/** Reads the files of a folder that lies beside the page. */
function folderOf(folder: string): ReadFile {
  return async (path) => {
    const response = await fetch(new URL(`${folder}/${path}`, location.href));
    if (response.status === 404) return undefined;
    if (!response.ok) throw new InputError(`the server answers ${response.status} for ${folder}/${path}`);
    return new Uint8Array(await response.arrayBuffer());
  };
}
