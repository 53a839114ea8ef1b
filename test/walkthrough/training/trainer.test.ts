import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { notLoaded } from '../../../src/walkthrough/explained.ts';
import type { FromTrainer, Taken, Task, ToTrainer } from '../../../src/walkthrough/training/protocol.ts';
import { createTrainer, heard, nothingLearned, type Trainer } from '../../../src/walkthrough/training/trainer.ts';
import { fakeWorkers, type FakeWorker } from '../fake-workers.ts';

let workers: readonly FakeWorker<ToTrainer, FromTrainer>[] = [];
let changes = 0;
let trainer: Trainer;
const task: Task = { kind: 'points', shape: [], seed: 3 };
const say = (message: FromTrainer): void => workers.at(-1)!.onmessage!({ data: message });

beforeEach(() => {
  [workers, changes] = [fakeWorkers(), 0];
  trainer = createTrainer(() => (changes += 1));
});
afterEach(() => vi.unstubAllGlobals());

describe('the page and its trainer', () => {
  it('starts no worker before it is asked, and another one for each training', () => {
    expect([workers.length, trainer.progress(), trainer.task()]).toEqual([0, nothingLearned, undefined]);
    trainer.guide(2);
    trainer.learn(task, 2);
    trainer.learn(task, 1);
    expect(workers.map(({ terminated }) => terminated)).toEqual([true, false]);
    expect(workers[1].heard).toEqual([{ kind: 'learn', task, scale: 1 }]);
    expect(trainer.task()).toBe(task);
    trainer.stop();
    expect([workers[1].terminated, trainer.progress(), trainer.task()]).toEqual([true, nothingLearned, undefined]);
  });

  it('tells the worker of another s, once', () => {
    trainer.learn(task, 1);
    for (const scale of [1, 2, 2, 0]) trainer.guide(scale);
    expect(workers[0].heard.slice(1)).toEqual([
      { kind: 'guide', scale: 2 },
      { kind: 'guide', scale: 0 },
    ]);
  });

  it('hands on the model that was asked for, and is where it was', () => {
    const models: Taken[] = [];
    trainer = createTrainer(
      () => (changes += 1),
      (model) => models.push(model),
    );
    trainer.learn(task, 1);
    const before = [trainer.progress(), changes];
    trainer.take();
    expect(workers[0].heard.at(-1)).toEqual({ kind: 'take' });
    const model: Taken = { kind: 'taken', files: new Map([['config.json', Uint8Array.of(123)]]) };
    say(model);
    expect(models).toEqual([model]);
    expect([trainer.progress(), changes]).toEqual(before);
  });

  it('follows a training to its end', () => {
    trainer.learn(task, 1);
    say({ kind: 'begun', steps: 3 });
    say({ kind: 'learned', losses: [1, 0.5], seconds: 2 });
    expect(trainer.progress()).toMatchObject({ phase: 'learning', losses: [1, 0.5], seconds: 2, steps: 3 });
    trainer.pause();
    expect(trainer.progress().phase).toBe('paused');
    trainer.goOn();
    say({ kind: 'learned', losses: [0.25], seconds: 3 });
    expect(trainer.progress()).toMatchObject({ phase: 'done', losses: [1, 0.5, 0.25] });
    expect(workers[0].heard.map(({ kind }) => kind)).toEqual(['learn', 'pause', 'go on']);
    expect(changes).toBe(6);
  });

  it('is told of a pause before the worker has begun, and keeps it', () => {
    const paused = { ...nothingLearned, phase: 'paused' } as const;
    expect(heard(paused, { kind: 'begun', steps: 9 }).phase).toBe('paused');
  });

  it('knows why a training has failed, also where the worker does not come', () => {
    trainer.learn(task, 1);
    say({ kind: 'failed', problem: 'no SIMD' });
    expect(trainer.progress()).toMatchObject({ phase: 'failed', problem: 'no SIMD' });
    trainer.learn(task, 1);
    workers[1].onerror!({ message: '' });
    expect(trainer.progress().problem).toBe(notLoaded);
  });
});
