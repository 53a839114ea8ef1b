/** Workers, as the page starts them, and as they see themselves. */
import { notLoaded } from './explained.ts';

/** That a worker cannot go on. */
export interface WorkerFailed {
  readonly kind: 'failed';
  readonly problem: string;
}

/** The part of a worker's global scope that is used here. */
export interface WorkerScope<Heard, Said> {
  onmessage: ((event: MessageEvent<Heard>) => void) | null;
  postMessage(message: Said): void;
}

/**
 * Starts the worker of a file beside the page.
 * @param hear is told what the worker says, and why it could not be started, if so
 */
export function startWorker<Said>(file: string, hear: (message: Said | WorkerFailed) => void): Worker {
  const worker = new Worker(new URL(file, document.baseURI), { type: 'module' });
  worker.onmessage = ({ data }: MessageEvent<Said>) => hear(data);
  worker.onerror = ({ message }) => hear({ kind: 'failed', problem: message || notLoaded });
  return worker;
}
