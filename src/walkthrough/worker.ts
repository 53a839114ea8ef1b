/**
 * The thread that computes, so that the page never waits. It loads the model, takes work, and streams what comes out.
 */
import type { ReadFile } from '../formats/diffusers.ts';
import { InputError } from '../tensor/errors.ts';
import type { Case } from '../oracle/case.ts';
import { readCase } from '../oracle/read-case.ts';
import type { CheckRequest, FromWorker, ToWorker } from './protocol.ts';
import { caseName } from './study.ts';
import { chooseEngine } from './work/engine.ts';
import { loadModel, type Model } from './work/model.ts';
import { checkPage } from './work/oracle.ts';
import { passes } from './work/passes.ts';
import { createQueue, type Job } from './work/queue.ts';
import { trace } from './work/trace.ts';

/** The part of a worker's global scope that is used here. */
interface WorkerScope {
  onmessage: ((event: MessageEvent<ToWorker>) => void) | null;
  postMessage(message: FromWorker): void;
}
const scope = globalThis as unknown as WorkerScope;

const queue = createQueue();
const seconds = new Map<number, number>();
const waiting: Extract<ToWorker, { kind: 'ask' }>[] = [];
let model: Model | undefined;
/** Jobs that wait for the case of the oracle. */
const reading = new Set<number>();
let oracleCase: Promise<Case> | undefined;

scope.onmessage = ({ data: message }) => {
  switch (message.kind) {
    case 'open':
      void open(message.kernels);
      break;
    case 'focus':
      queue.focus(message.jobs);
      break;
    case 'ask':
      if (model) begin(model, message);
      else waiting.push(message);
      break;
    case 'cancel': {
      queue.cancel(message.job);
      reading.delete(message.job);
      const early = waiting.findIndex(({ job }) => job === message.job);
      if (early >= 0) waiting.splice(early, 1);
      break;
    }
  }
};

async function open(kernels: Extract<ToWorker, { kind: 'open' }>['kernels']): Promise<void> {
  try {
    const engine = await chooseEngine(kernels);
    const loaded = await loadModel(folderOf('model'), engine.backend);
    model = loaded;
    scope.postMessage({ kind: 'ready', engine: engine.report });
    waiting.splice(0).forEach((message) => begin(loaded, message));
  } catch (problem) {
    scope.postMessage({ kind: 'failed', problem: explain(problem) });
  }
}

/** Reads the files of a folder that lies beside the page. */
const folderOf =
  (folder: string): ReadFile =>
  async (path) => {
    const response = await fetch(new URL(`${folder}/${path}`, location.href));
    if (response.status === 404) return undefined;
    if (!response.ok) throw new InputError(`the server answers ${response.status} for ${folder}/${path}`);
    return new Uint8Array(await response.arrayBuffer());
  };

function begin(ready: Model, { job: id, work, request }: Extract<ToWorker, { kind: 'ask' }>): void {
  switch (work) {
    case 'trace':
      queue.add({ id, size: request.labels.length, steps: trace(ready, request) });
      break;
    case 'passes':
      queue.add({ id, size: 1, steps: passes(ready, request) });
      break;
    case 'check':
      void beginCheck(ready, id, request);
      break;
  }
  wake();
}

async function beginCheck(ready: Model, id: number, request: CheckRequest): Promise<void> {
  reading.add(id);
  try {
    oracleCase ??= readCase(folderOf(`oracle/${caseName}`), caseName, (name) => folderOf(`oracle/${name}`));
    const one = await oracleCase;
    // One of its turns takes a second or two; but it is asked only when the reader comes near.
    if (reading.has(id)) queue.add({ id, size: 1, steps: checkPage(ready, one, request) });
    wake();
  } catch (problem) {
    if (reading.has(id)) scope.postMessage({ kind: 'failed', job: id, problem: explain(problem) });
  }
  reading.delete(id);
}

// A message to oneself waits behind the messages of the page: so those are heard between two turns.
const { port1, port2 } = new MessageChannel();
let awake = false;
port1.onmessage = () => {
  awake = false;
  const job = queue.next();
  if (!job) return;
  takeTurn(job);
  wake();
};

function wake(): void {
  if (awake) return;
  awake = true;
  port2.postMessage(undefined);
}

function takeTurn({ id, steps }: Job): void {
  const started = performance.now();
  const end = (message: FromWorker): void => {
    queue.cancel(id);
    seconds.delete(id);
    scope.postMessage(message);
  };
  try {
    const { done, value } = steps.next();
    const spent = (seconds.get(id) ?? 0) + (performance.now() - started) / 1000;
    seconds.set(id, spent);
    if (done) end({ kind: 'done', job: id, seconds: spent });
    else scope.postMessage({ kind: 'result', job: id, result: value });
  } catch (problem) {
    end({ kind: 'failed', job: id, problem: explain(problem) });
  }
}

function explain(problem: unknown): string {
  const text = problem instanceof Error ? problem.message : String(problem);
  if (/allocation failed|invalid (typed )?array (buffer )?length|out of memory|could not allocate/i.test(text)) {
    return `This browser has too little memory left (${text}). Closing other pages may help.`;
  }
  return text;
}
