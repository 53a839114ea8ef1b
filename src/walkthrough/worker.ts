/**
 * The thread that computes, so that the page never waits. It takes the model and work, and streams what comes out.
 */
import type { ReadFile } from '../formats/read-file.ts';
import { urlReader } from '../formats/url-reader.ts';
import { explain } from './explained.ts';
import type { FilmResult, FromWorker, KernelChoice, ToWorker } from './protocol.ts';
import type { WorkerScope } from './start-worker.ts';
import { modelFolder, unpacked, type Files } from './models.ts';
import { wordsPictures } from './study.ts';
import { chooseEngine } from './work/engine.ts';
import { film } from './work/film.ts';
import { createLater } from './work/later.ts';
import { loadModel, type Model } from './work/model.ts';
import { passes } from './work/passes.ts';
import { sampleRun } from './work/run.ts';
import { createTurns, type Turns } from './work/turns.ts';

type Ask = Extract<ToWorker, { kind: 'ask' }>;

serve(globalThis as unknown as WorkerScope<ToWorker, FromWorker>);

/** Answers the messages of the page. */
function serve(scope: WorkerScope<ToWorker, FromWorker>): void {
  const post = (message: FromWorker): void => scope.postMessage(message);
  const work = createWork(post);
  /** What is asked before the model is there. */
  const waiting = new Map<number, Ask>();
  let model: Model | undefined;
  let give: (files: Files) => void = () => {};
  const given = new Promise<Files>((resolve) => {
    give = resolve;
  });

  const open = async (kernels: KernelChoice): Promise<void> => {
    // The files are on their way meanwhile.
    const engine = await chooseEngine(kernels);
    const loaded = await loadModel(await unpacked(await given), engine.backend);
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
      case 'model':
        give(message.files);
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

/** What some kinds of it need besides the model, code too, is loaded when they are first asked for. */
function createWork(post: (message: FromWorker) => void): Work {
  const turns = createTurns(post);
  const checks = createLater(async () => (await import('./work/oracle.ts')).openOracle(oracleFolder), turns, post);
  const judges = createLater(
    async (signal) => (await import('./work/judge.ts')).openJudge(modelFolder('judge', () => {}, signal)),
    turns,
    post,
  );
  const words = createLater(
    async (signal, tell) => {
      const folder = modelFolder('words', (loaded) => tell({ kind: 'loading', ...loaded }), signal);
      return (await import('./work/words.ts')).openWords(folder);
    },
    turns,
    post,
  );
  /** What takes no turns, for it is waited for. */
  const answerOnce = (job: number, coming: Promise<FilmResult>): void => {
    const started = performance.now();
    coming.then(
      (result) => {
        post({ kind: 'result', job, result });
        post({ kind: 'done', job, seconds: (performance.now() - started) / 1000 });
      },
      (problem: unknown) => post({ kind: 'failed', job, problem: explain(problem) }),
    );
  };
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
          checks.begin(id, (check) => check(model, request), 1);
          break;
        case 'judge':
          judges.begin(id, (judge) => judge(model.backend, request), 1);
          break;
        case 'film':
          answerOnce(id, film(request));
          break;
        case 'words':
          words.begin(id, (draw) => draw(model.backend, request), wordsPictures);
          break;
      }
    },
  };
}

function oracleFolder(name: string): ReadFile {
  return urlReader(new URL(`oracle/${name}`, location.href));
}
