import { vi } from 'vitest';

/** A worker that writes down what it is told, and says what the test makes it say. */
export class FakeWorker<Heard, Said> {
  onmessage: ((event: { data: Said }) => void) | null = null;
  onerror: ((event: { message: string }) => void) | null = null;
  readonly heard: Heard[] = [];
  terminated = false;
  postMessage(message: Heard): void {
    this.heard.push(message);
  }
  terminate(): void {
    this.terminated = true;
  }
}

/** Lets the page start such workers until the globals are unstubbed. @returns those that it has started */
export function fakeWorkers<Heard, Said>(): readonly FakeWorker<Heard, Said>[] {
  const workers: FakeWorker<Heard, Said>[] = [];
  class Started extends FakeWorker<Heard, Said> {
    constructor() {
      super();
      workers.push(this);
    }
  }
  vi.stubGlobal('Worker', Started);
  vi.stubGlobal('document', { baseURI: 'http://localhost/' });
  return workers;
}
