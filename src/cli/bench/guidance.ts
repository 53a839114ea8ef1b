/** What guidance costs. */
import { cfg } from '../../guidance/cfg.ts';
import type { Guidance } from '../../guidance/guidance.ts';
import { none } from '../../guidance/none.ts';
import { cfgPag, pag } from '../../guidance/pag.ts';
import type { Backend } from '../../kernels/kernels.ts';
import { selectLayers } from '../../models/selectors.ts';
import { unetDenoiser } from '../../sampling/denoiser.ts';
import { sampleSteps } from '../../sampling/sample.ts';
import { createScheduler } from '../../schedulers/registry.ts';
import { manualSeed } from '../../tensor/random.ts';
import type { BenchModel } from './model.ts';
import { medianTimes } from './times.ts';

/** What a step of each guidance takes. */
export interface GuidanceTimes {
  /** The paths of the layers that PAG perturbs. */
  readonly layers: readonly string[];
  /** By the names of the guidances. */
  readonly stepMilliseconds: Readonly<Record<string, number>>;
  readonly pagOverPlain: number;
  /** Of class-conditional models only. */
  readonly cfgPagOverCfg?: number;
}

/**
 * A step of each guidance, the whole of it: passes, combination, scheduler. PAG acts in the middle block, or, where
 * that has no attention, in the first layer that there is.
 */
export function measureGuidance(model: BenchModel, backend: Backend): GuidanceTimes {
  const { attentionLayers, config } = model.unet;
  const layers = attentionLayers.includes('mid_block.attentions.0')
    ? selectLayers(['mid'], attentionLayers)
    : attentionLayers.slice(0, 1);
  const conditional = config.classEmbedding !== 'none';
  const guidances: readonly Guidance[] = [
    none,
    pag({ pagScale: 1, layers }),
    ...(conditional ? [cfg(2), cfgPag(2, { pagScale: 1, layers })] : []),
  ];
  const subjects = guidances.map((guidance) => [guidance.name, stepper(model, backend, guidance)] as const);
  const times: Readonly<Record<string, number>> = medianTimes(Object.fromEntries(subjects), 4000);
  const time = (name: string): number => times[name] ?? NaN;
  return {
    layers,
    stepMilliseconds: times,
    pagOverPlain: time('pag') / time('none'),
    ...(conditional && { cfgPagOverCfg: time('cfg+pag') / time('cfg') }),
  };
}

/** Takes one step each time it is called; after the last one it begins again. */
function stepper({ unet, input }: BenchModel, backend: Backend, guidance: Guidance): () => void {
  const conditions = unet.config.classEmbedding === 'none' ? {} : { labels: [0], nullLabel: 1 };
  const start = () =>
    sampleSteps({
      denoiser: unetDenoiser(unet, backend, conditions),
      guidance,
      scheduler: createScheduler({ _class_name: 'DDIMScheduler' }, 1000),
      noise: input.sample,
      noiseSource: (shape) => manualSeed(0).randn(shape),
    });
  let steps = start();
  return () => {
    if (steps.next().done) steps = start();
  };
}
