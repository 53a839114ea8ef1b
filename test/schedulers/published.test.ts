/** The numbers of diffusers' own tests: Σ|x| and mean |x| of the last sample of a run. */
import { describe, expect, it } from 'vitest';
import { scale } from '../../src/tensor/arithmetic.ts';
import { zeros } from '../../src/tensor/tensor.ts';
import { createScheduler } from '../../src/schedulers/registry.ts';
import {
  last,
  publishedModel,
  publishedNoise,
  publishedSample,
  seededNoise,
  sumOfSizes,
  walk,
  type Walk,
} from './support.ts';

interface Row {
  readonly config?: Record<string, unknown>;
  readonly steps?: number;
  readonly eta?: number;
  /** Starts at this call, from the sample with noise of its level… */
  readonly begin?: number;
  /** … but for this row, which starts from the sample itself. */
  readonly isClean?: boolean;
  readonly state?: unknown;
  readonly sum?: number;
  readonly mean?: number;
  /** For both, where it is not 1e-2 for the sum and 1e-3 for the mean. */
  readonly within?: number;
  /** For the sum alone. */
  readonly sumWithin?: number;
}

const v = { prediction_type: 'v_prediction' };
const linear = { num_train_timesteps: 1000, beta_start: 0.0001, beta_end: 0.02, beta_schedule: 'linear' };
const karrasFamily = { ...linear, num_train_timesteps: 1100 };
const consistency = { ...linear, beta_start: 0.00085, beta_end: 0.012, beta_schedule: 'scaled_linear' };
const karras = { use_karras_sigmas: true };
const none = zeros('f32', publishedSample.shape);

/** How the published tests drive a class. */
interface Family {
  readonly base: Record<string, unknown>;
  /** The run starts from x · initNoiseSigma. */
  readonly starts?: boolean;
  readonly keepsScaled?: boolean;
  /** The model is given the sample as it is. */
  readonly unscaled?: boolean;
  readonly steps?: number;
  readonly eta?: number;
  readonly rows: Readonly<Record<string, Row>>;
}

const families: Readonly<Record<string, Family>> = {
  DDPMScheduler: {
    base: { ...linear, variance_type: 'fixed_small', clip_sample: true },
    steps: 1000,
    rows: {
      epsilon: { sum: 258.9606, mean: 0.3372 },
      v: { config: v, sum: 202.0296, mean: 0.2631 },
      'with noise, from call 998': { begin: 998, sum: 387.9466, mean: 0.5051 },
    },
  },
  DDIMScheduler: {
    base: { ...linear, clip_sample: true },
    rows: {
      epsilon: { sum: 172.0067, mean: 0.223967 },
      v: { config: v, sum: 52.5302, mean: 0.0684 },
      'last α one': { config: { set_alpha_to_one: true, beta_start: 0.01 }, sum: 149.8295, mean: 0.1951 },
      'last α of the table': { config: { set_alpha_to_one: false, beta_start: 0.01 }, sum: 149.0784, mean: 0.1941 },
      'with noise, from call 8': { begin: 8, sum: 354.5418, mean: 0.4616 },
    },
  },
  DDIMInverseScheduler: {
    base: { ...linear, clip_sample: true },
    rows: {
      epsilon: { sum: 671.6816, mean: 0.8746 },
      v: { config: v, sum: 1394.2185, mean: 1.8154 },
      'first α one': { config: { set_alpha_to_one: true, beta_start: 0.01 }, sum: 539.9622, mean: 0.7031 },
      'first α of the table': { config: { set_alpha_to_one: false, beta_start: 0.01 }, sum: 542.6722, mean: 0.7066 },
    },
  },
  PNDMScheduler: {
    base: linear,
    rows: {
      epsilon: { sum: 198.1318, mean: 0.258 },
      v: { config: v, sum: 67.3986, mean: 0.0878 },
      'last α one': { config: { set_alpha_to_one: true, beta_start: 0.01 }, sum: 230.0399, mean: 0.2995 },
      'last α of the table': { config: { set_alpha_to_one: false, beta_start: 0.01 }, sum: 186.9482, mean: 0.2434 },
    },
  },
  EulerDiscreteScheduler: {
    base: karrasFamily,
    starts: true,
    keepsScaled: true,
    rows: {
      epsilon: { sum: 10.0807, mean: 0.0131 },
      v: { config: v, sum: 0.0002, mean: 2.2676e-6 },
      Karras: { config: karras, sum: 124.52299, mean: 0.162139 },
      'with noise, from call 8': { begin: 8, sum: 57062.9297, mean: 74.3007, sumWithin: 2e-6 * 57062.9297 },
    },
  },
  EulerAncestralDiscreteScheduler: {
    base: karrasFamily,
    starts: true,
    keepsScaled: true,
    rows: {
      epsilon: { sum: 152.3192, mean: 0.1983 },
      v: { config: v, sum: 108.4439, mean: 0.1412 },
      'with noise, from call 8': { begin: 8, sum: 56163.0508, mean: 73.129, sumWithin: 2e-6 * 56163.0508 },
    },
  },
  HeunDiscreteScheduler: {
    base: karrasFamily,
    starts: true,
    keepsScaled: true,
    rows: {
      epsilon: { sum: 0.1233, mean: 0.0002 },
      v: { config: v, sum: 4.6934e-7, mean: 6.1112e-10 },
      Karras: { config: karras, sum: 0.00015, mean: 1.9869554535034695e-7 },
      'with noise, from call 16': { begin: 16, sum: 75074.8906, mean: 97.7538, sumWithin: 2e-6 * 75074.8906 },
    },
  },
  LMSDiscreteScheduler: {
    base: karrasFamily,
    starts: true,
    keepsScaled: true,
    rows: {
      epsilon: { sum: 1006.388, mean: 1.31 },
      v: { config: v, sum: 0.0017, mean: 2.2676e-6 },
      Karras: { config: karras, sum: 3812.9927, mean: 4.9648, sumWithin: 2e-2 },
      // diffusers uses the weights of four slopes here, although it has one: as if the three before had been 0.
      'with noise, from call 8': {
        begin: 8,
        state: [none, none, none],
        sum: 27663.6895,
        mean: 36.0204,
        sumWithin: 2e-6 * 27663.6895,
      },
    },
  },
  KDPM2DiscreteScheduler: {
    base: karrasFamily,
    starts: true,
    keepsScaled: true,
    rows: {
      epsilon: { sum: 20.4125, mean: 0.0266 },
      'with noise, from call 16': { begin: 16, sum: 70408.4062, mean: 91.6776, sumWithin: 2e-6 * 70408.4062 },
    },
  },
  KDPM2AncestralDiscreteScheduler: {
    base: karrasFamily,
    starts: true,
    keepsScaled: true,
    rows: {
      epsilon: { sum: 13979.9433, mean: 18.203, within: 5e-3, sumWithin: 2e-6 * 13979.9433 },
      v: { config: v, sum: 331.8133, mean: 0.432 },
      'with noise, from call 16': {
        begin: 16,
        sum: 93087.3437,
        mean: 121.2074,
        within: 5e-3,
        sumWithin: 2e-6 * 93087.3437,
      },
    },
  },
  DPMSolverMultistepScheduler: {
    base: { ...linear, final_sigmas_type: 'sigma_min', lower_order_final: false },
    rows: {
      epsilon: { mean: 0.3301 },
      v: { config: v, mean: 0.2251 },
      'Karras and v': { config: { ...v, ...karras }, mean: 0.2096 },
      'Lu and v': { config: { ...v, use_lu_lambdas: true }, mean: 0.1554 },
      thresholding: {
        config: { thresholding: true, dynamic_thresholding_ratio: 0.87, sample_max_value: 0.5 },
        mean: 1.1364,
      },
      'with noise, from call 5': { begin: 5, sum: 318.4111, mean: 0.4146 },
    },
  },
  DPMSolverSinglestepScheduler: {
    base: { ...linear, final_sigmas_type: 'sigma_min' },
    rows: {
      epsilon: { mean: 0.2791 },
      Karras: { config: karras, mean: 0.2248 },
      v: { config: v, mean: 0.1453 },
      'Karras and v': { config: { ...v, ...karras }, mean: 0.0649 },
      '50 steps': { steps: 50, begin: 3, isClean: true, mean: 0.2574 },
      'with noise, from call 5': { begin: 5, sum: 269.2187, mean: 0.3505 },
    },
  },
  UniPCMultistepScheduler: {
    base: { ...linear, final_sigmas_type: 'sigma_min', solver_type: 'bh2' },
    rows: {
      epsilon: { mean: 0.2464 },
      Karras: { config: karras, mean: 0.2925 },
      v: { config: v, mean: 0.1014 },
      'Karras and v': { config: { ...v, ...karras }, mean: 0.1966 },
      'with noise, from call 8': { begin: 8, sum: 315.5757, mean: 0.4109 },
    },
  },
  DEISMultistepScheduler: {
    base: linear,
    rows: {
      epsilon: { mean: 0.23916 },
      v: { config: v, mean: 0.091 },
      'with noise, from call 8': { begin: 8, sum: 315.3016, mean: 0.41054 },
    },
  },
  LCMScheduler: {
    base: consistency,
    rows: {
      '1 step': { steps: 1, sum: 18.7097, mean: 0.0244, within: 1e-3 },
      '10 steps': { sum: 197.7616, mean: 0.2575, within: 1e-3 },
    },
  },
  TCDScheduler: {
    base: consistency,
    eta: 0,
    rows: {
      '1 step': { steps: 1, sum: 29.8715, mean: 0.0389, within: 1e-3 },
      '10 steps': { sum: 181.204, mean: 0.2359, within: 1e-3 },
    },
  },
  EDMEulerScheduler: {
    base: { num_train_timesteps: 256, sigma_min: 0.002, sigma_max: 80 },
    starts: true,
    rows: { epsilon: { sum: 34.1855, mean: 0.044, within: 1e-3 } },
  },
  EDMDPMSolverMultistepScheduler: {
    base: {
      num_train_timesteps: 256,
      sigma_min: 0.002,
      sigma_max: 80,
      sigma_data: 0.5,
      final_sigmas_type: 'sigma_min',
      lower_order_final: false,
    },
    unscaled: true,
    rows: {
      epsilon: { mean: 0.0001 },
      v: { config: v, mean: 0.0092 },
      thresholding: {
        config: { thresholding: true, dynamic_thresholding_ratio: 0.87, sample_max_value: 0.5 },
        mean: 0.008,
      },
      'with noise, from call 5': { begin: 5, sum: 8.1661, mean: 0.0106 },
    },
  },
};

describe.each(Object.entries(families))('%s', (name, family) => {
  it.each(Object.entries(family.rows))('%s', (_, row) => {
    const scheduler = createScheduler(
      { _class_name: name, ...family.base, ...row.config },
      row.steps ?? family.steps ?? 10,
      {
        ...(family.eta !== undefined && { eta: family.eta }),
      },
    );
    const clean = family.starts ? scale(publishedSample, scheduler.initNoiseSigma) : publishedSample;
    const begin = row.begin ?? 0;
    const run: Walk = {
      model: family.unscaled ? (_, t, __, sample) => publishedModel(sample, t) : publishedModel,
      sample: row.begin === undefined || row.isClean ? clean : scheduler.addNoise(clean, publishedNoise, begin),
      noise: seededNoise(0),
      begin,
      keepsScaled: family.keepsScaled ?? false,
      ...(row.state !== undefined && { state: row.state }),
    };
    const sum = sumOfSizes(last(walk(scheduler, run)));
    const mean = sum / publishedSample.data.length;
    if (row.sum !== undefined) expect(Math.abs(sum - row.sum)).toBeLessThan(row.sumWithin ?? row.within ?? 1e-2);
    if (row.mean !== undefined) expect(Math.abs(mean - row.mean)).toBeLessThan(row.within ?? 1e-3);
  });
});
