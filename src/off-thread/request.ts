/** What is to be drawn, as values: they can be sent to another thread, where functions cannot. */
import type { ParameterValue } from '../guidance/parameters.ts';
import { areLabels } from '../models/condition.ts';
import type { UNetConfig } from '../models/unet2d/config.ts';
import type { Config } from '../schedulers/options.ts';
import { anObject, checkOptions, finite, isTensor, mustBe, optional, whole, type Checks } from '../tensor/checks.ts';
import type { Tensor } from '../tensor/tensor.ts';

/** A model as it can be sent: what `loadModelFolder` gives. */
export interface ModelValues {
  readonly config: UNetConfig;
  readonly weights: ReadonlyMap<string, Tensor>;
  readonly schedulerConfig?: Config | undefined;
}

/** A guidance of the registry by its name, and its parameters: `{ name: 'pag', pagScale: 2, pagLayers: ['mid'] }`. */
export interface GuidanceChoice {
  readonly name: string;
  readonly [parameter: string]: ParameterValue | undefined;
}

/** What is to be drawn. What is left out has the default that stands beside it. */
export interface SampleRequest {
  /** One class label per picture; of a model without classes, none. */
  readonly labels?: readonly number[];
  /** The label that means "no class", for guidances that ask for it. */
  readonly nullLabel?: number;
  /** No guidance. */
  readonly guidance?: GuidanceChoice;
  /** A config as `{ _class_name: 'EulerDiscreteScheduler', … }`: the model's own, or else DDIM. */
  readonly scheduler?: Config;
  /** 20. */
  readonly steps?: number;
  /** How many pictures: as many as there are labels, or 1. */
  readonly count?: number;
  /** The noise is that of `torch.manual_seed(seed)` on a CPU: 0. */
  readonly seed?: number | bigint;
  /** The first noise, [B,C,H,W], in place of that of the seed. */
  readonly noise?: Tensor;
}

const checks: Checks<SampleRequest> = {
  labels: optional(areLabels),
  nullLabel: optional(finite()),
  guidance: optional(
    mustBe("a guidance by its name, as { name: 'pag', pagScale: 2 }", (value) => typeof nameIn(value) === 'string'),
  ),
  scheduler: optional(anObject("a config, as { _class_name: 'DDIMScheduler' }")),
  steps: optional(whole(1)),
  count: optional(whole(1)),
  seed: optional(mustBe('a whole number', (value) => typeof value === 'bigint' || Number.isSafeInteger(value))),
  noise: optional(mustBe('a tensor [B,C,H,W]', isTensor)),
};

function nameIn(value: unknown): unknown {
  return (Object(value) as { readonly name?: unknown }).name;
}

/** @throws InputError for what no request may have */
export function checkRequest(request: SampleRequest): void {
  checkOptions('what is to be drawn', request, checks);
}
