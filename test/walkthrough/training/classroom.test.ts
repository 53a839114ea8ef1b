import { describe, expect, it } from 'vitest';
import { referenceBackend } from '../../../src/kernels/plain/index.ts';
import { createModel } from '../../../src/models/model.ts';
import { initialValues } from '../../../src/models/unet2d/initialise.ts';
import { manualSeed } from '../../../src/tensor/random.ts';
import { parseTrainingConfig } from '../../../src/training/config.ts';
import { denoisingLearner } from '../../../src/training/training.ts';
import { createClassroom, type Opened } from '../../../src/walkthrough/training/classroom.ts';
import { planeArchitecture } from '../../../src/walkthrough/training/plane-model.ts';
import type { FromTrainer, Task, ToTrainer } from '../../../src/walkthrough/training/protocol.ts';
import { pointsFrom, shapes } from '../../../src/walkthrough/training/shapes.ts';

const steps = 25;
const task: Task = { kind: 'points', shape: shapes.moons, seed: 0 };

/** A tiny training of 25 steps, with drawings every 20. */
function open(): Opened {
  const architecture = planeArchitecture({ channels: 4, blocks: 1, heads: 1 });
  const model = createModel(architecture, initialValues(architecture.stages, manualSeed(0)));
  const schedulerConfig = { _class_name: 'DDIMScheduler', clip_sample: false };
  const { shape, data } = pointsFrom(shapes.moons, 32, manualSeed(1));
  const lesson = {
    learner: denoisingLearner(parseTrainingConfig({ model: {}, steps }), model, schedulerConfig),
    pictures: { shape, data: Float32Array.from(data) },
    batches: { size: 4, labelDropout: 0, nullLabel: undefined, offsetNoise: 0, stratified: true },
    schedulerConfig,
    drawingSteps: 3,
    noise: manualSeed(2).randn([5, 1, 1, 2]),
    layers: model.attentionLayers,
    every: 20,
  };
  return { lesson, backend: referenceBackend() };
}

/** A classroom whose turns are taken when the test says so. */
function setUp(opens = open) {
  const said: FromTrainer[] = [];
  let action = (): void => undefined;
  let awake = false;
  const hear = createClassroom(
    opens,
    (message) => said.push(message),
    (turn) => {
      action = turn;
      return () => (awake = true);
    },
  );
  return {
    hear: (message: ToTrainer) => hear(message),
    /** Takes so many turns, or all that there are, and gives what was said since the last time. */
    turns(most = 1000): readonly FromTrainer[] {
      for (let i = 0; i < most && awake; i++) {
        awake = false;
        action();
      }
      return said.splice(0);
    },
  };
}

const kinds = (said: readonly FromTrainer[]): string =>
  said
    .map((one) => {
      if (one.kind === 'drawn') return `drawn ${one.drawing.step} s=${one.drawing.scale}`;
      return one.kind === 'learned' ? `learned ${one.losses.length}` : one.kind;
    })
    .join(', ');
const whole = 'begun, drawn 0 s=1, learned 10, learned 10, drawn 20 s=1, learned 5, drawn 25 s=1';

describe('the worker that learns', () => {
  it('draws at once, learns, draws on the way and in the end, and rests', () => {
    const room = setUp();
    room.hear({ kind: 'learn', task, scale: 1 });
    expect(kinds(room.turns())).toBe(whole);
    expect(room.turns()).toEqual([]);
  });

  it('pauses where it is and draws that, goes on, and ends with the same bits', () => {
    const [room, other] = [setUp(), setUp()];
    other.hear({ kind: 'learn', task, scale: 1 });
    room.hear({ kind: 'learn', task, scale: 1 });
    room.turns(8); // a drawing and seven steps
    room.hear({ kind: 'pause' });
    expect(kinds(room.turns())).toBe('drawn 7 s=1');
    room.hear({ kind: 'go on' });
    const [last, expected] = [room.turns().at(-1), other.turns().at(-1)];
    expect(last).toEqual(expected);
    expect(kinds([last!])).toBe('drawn 25 s=1');
  });

  it('draws with another scale at once: while it learns, where it rests, and when it is done', () => {
    const room = setUp();
    room.hear({ kind: 'learn', task, scale: 0 });
    room.turns(6);
    room.hear({ kind: 'guide', scale: 2 });
    expect(kinds(room.turns(1))).toBe('drawn 5 s=2');
    room.hear({ kind: 'pause' });
    room.hear({ kind: 'guide', scale: 3 });
    expect(kinds(room.turns())).toBe('drawn 5 s=3');
    room.hear({ kind: 'go on' });
    room.turns();
    room.hear({ kind: 'guide', scale: 0 });
    const [again] = room.turns();
    expect(again.kind === 'drawn' && again.drawing.guided).toEqual(again.kind === 'drawn' && again.drawing.alone);
  });

  it('gives away no model that others do not know', () => {
    const room = setUp();
    room.hear({ kind: 'take' });
    room.hear({ kind: 'learn', task, scale: 0 });
    room.turns();
    room.hear({ kind: 'take' });
    expect(room.turns()).toEqual([]);
  });

  it('says why it cannot begin, and does nothing more', () => {
    const room = setUp(() => {
      throw new Error('no SIMD');
    });
    room.hear({ kind: 'learn', task, scale: 1 });
    room.hear({ kind: 'go on' });
    expect(room.turns()).toEqual([{ kind: 'failed', problem: 'no SIMD' }]);
  });

  it('says why it cannot go on', () => {
    const room = setUp(() => {
      const { lesson, backend } = open();
      return {
        lesson,
        backend: {
          ...backend,
          run: () => {
            throw new RangeError('out of memory');
          },
        },
      };
    });
    room.hear({ kind: 'learn', task, scale: 1 });
    const said = room.turns();
    expect(kinds(said)).toBe('begun, failed');
    expect(said.at(-1)).toMatchObject({ problem: expect.stringContaining('too little memory') as string });
  });
});
