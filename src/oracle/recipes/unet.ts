/** A forward pass, plain and perturbed. The taps of the second pass are called `perturbed.<path>`. */
import type { DType, Tensor } from '../../tensor/tensor.ts';
import { identity } from '../../nn/attention-perturbations/index.ts';
import { conditional, perturbed as perturbedPass } from '../../guidance/guidance.ts';
import type { Config } from '../../schedulers/options.ts';
import { parseUNetConfig, type UNetConfig } from '../../models/unet2d/config.ts';
import { unetStages } from '../../models/unet2d/stages.ts';
import { traceUNet, type UNet } from '../../models/unet2d/unet.ts';
import type { UNetSubject, Weights } from '../case.ts';
import type { Implementation } from '../implementation.ts';
import { watcherOf } from '../trace.ts';
import { input, type Recipe } from './recipe.ts';

export function unetRecipe({ config, timesteps, labels, perturbed }: UNetSubject): Recipe {
  return (kitchen) => {
    const { implementation, weights, dtype, show, inputs } = kitchen;
    const unet = buildUNet(config, weights, dtype, implementation);
    const asked = perturbed.length === 0 ? [conditional] : [conditional, perturbedPass(perturbed, identity)];
    const passes = asked.map((pass) => implementation.pass(pass, unet.attentionLayers, asked).perturbation);
    const classLabels = labels ?? inputs.get('class_embedding');
    const prefixes = ['', 'perturbed.'];
    const predictions = traceUNet(
      unet,
      implementation.kernels,
      {
        sample: input(kitchen, 'sample'),
        timesteps: timesteps.map(implementation.timestep),
        ...(classLabels && { classLabels }),
      },
      passes,
      (pass) => watcherOf(kitchen, prefixes[pass]),
      embeddingOf(unet, implementation),
    );
    predictions.forEach((prediction, i) => show(`${prefixes[i]}prediction`, prediction));
  };
}

/** The UNet as an implementation builds it. The weights may be those of some of its modules only. */
export function buildUNet(config: Config, weights: Weights, dtype: DType, implementation: Implementation): UNet {
  const understood = implementation.config(parseUNetConfig(config, 'case.json'));
  const stages = implementation.stages(unetStages(understood));
  return {
    config: understood,
    dtype,
    weights: implementation.weights(weights),
    stages,
    attentionLayers: stages.filter((stage) => stage.kind === 'attention').map((stage) => stage.path),
    programs: new Map(),
  };
}

/** How the implementation embeds numbers; a table of learned vectors the model looks up itself. */
export function embeddingOf(
  { config, dtype, weights }: UNet,
  { sinusoid, fourierFeatures }: Implementation,
): ((numbers: readonly number[]) => Tensor) | undefined {
  if (config.timeEmbeddingType === 'learned') return undefined;
  if (config.timeEmbeddingType === 'fourier')
    return (numbers) => fourierFeatures(numbers, weights.get('time_proj.weight')!);
  return (numbers) => sinusoid(numbers, config.blockOutChannels[0], config.flipSinToCos, config.freqShift, dtype);
}

/** The two options of the sinusoid as the implementation reads them out of a config. */
export function withTimeOptions(
  { config }: Implementation,
  options: Pick<UNetConfig, 'flipSinToCos' | 'freqShift'>,
): Pick<UNetConfig, 'flipSinToCos' | 'freqShift'> {
  return config({ ...parseUNetConfig({}), ...options });
}
