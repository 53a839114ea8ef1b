/** PyTorch's default initialisation, bit for bit where it is uniform. */
import { constructedParameters } from '../../../src/models/unet2d/initialise.ts';
import type { Parameter } from '../../../src/nn/parameters.ts';
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { readTensor } from '../../../src/formats/safetensors.ts';
import { scale } from '../../../src/tensor/arithmetic.ts';
import { manualSeed } from '../../../src/tensor/random.ts';
import { parseUNetConfig } from '../../../src/models/unet2d/config.ts';
import { initialValues, initialWeights } from '../../../src/models/unet2d/initialise.ts';
import { fixture, openGoldens } from '../../goldens.ts';

interface Construction {
  readonly seed: number;
  readonly config: Readonly<Record<string, unknown>>;
  readonly parameters: readonly (readonly [name: string, shape: readonly number[], module: Parameter['module']])[];
}

describe.each(['pipeline', 'scale-shift', 'learned-time'])('the model "%s"', (name) => {
  const construction = JSON.parse(readFileSync(fixture(`goldens/initialisation/${name}.json`), 'utf8')) as Construction;
  const file = openGoldens(`initialisation/${name}.safetensors`);
  const config = parseUNetConfig(construction.config);

  it('has the parameters that diffusers constructs, in its order', () => {
    expect(
      constructedParameters(config).map((parameter) => [parameter.name, parameter.shape, parameter.module]),
    ).toEqual(construction.parameters);
  });

  it('begins with the weights that torch.manual_seed gives', () => {
    const weights = initialWeights(config, manualSeed(construction.seed));
    expect([...weights.keys()]).toEqual(construction.parameters.map(([parameter]) => parameter));
    for (const [parameter, , module] of construction.parameters) {
      expect(weights.get(parameter), `${parameter}, ${module}`).toEqual(readTensor(file, parameter));
    }
  });
});

it('positions begin as CLIP has them: normal, as long as the rows of a layer', () => {
  const parameters: readonly Parameter[] = [{ name: 'pool.position', shape: [5, 16], module: 'position' }];
  const weights = initialValues([{ path: 'pool', parameters }], manualSeed(9));
  expect(weights.get('pool.position')).toEqual(scale(manualSeed(9).randn([5, 16]), 1 / 4));
});
