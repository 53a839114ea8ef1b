/** What a UNet2DModel is given must fit its config. */
import { expectOnly } from '../condition.ts';
import { checkIsInput, checkLabels, checkSample, checkTimesteps, type ClassInput } from '../inputs.ts';
import type { ModelInput } from '../model.ts';
import type { UNetConfig } from './config.ts';

/** Fails unless the input has the shapes and numbers that the config asks for. Its pixels are not looked at. */
export function checkInput(config: UNetConfig, input: ModelInput): void {
  checkIsInput(input, 'an object { sample, timesteps, classLabels }');
  checkSample(input.sample, config.inChannels, 2 ** (config.blockOutChannels.length - 1));
  checkTimesteps(input, config.timeEmbeddingType === 'learned' ? config.numTrainTimesteps : undefined);
  checkLabels(input, classInputOf(config));
  expectOnly(input, ['classLabels']);
}

/** How it takes class labels. */
export function classInputOf({ classEmbedding, timeEmbeddingDim, numClassEmbeds }: UNetConfig): ClassInput {
  if (classEmbedding === 'none') return { kind: 'none' };
  if (classEmbedding === 'identity') return { kind: 'vectors', name: classEmbedding, size: timeEmbeddingDim };
  return { kind: 'numbers', rows: classEmbedding === 'lookup' ? numClassEmbeds : undefined };
}
