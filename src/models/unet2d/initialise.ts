/**
 * The weights with which PyTorch begins: what `torch.manual_seed(seed)` and then diffusers' `UNet2DModel(**config)`
 * give. So a test can build a model that others have published numbers of, without a file.
 */
import { kaimingUniformBound, uniform, type Generator } from '../../tensor/random.ts';
import { scale } from '../../tensor/arithmetic.ts';
import { sizeOf, tensor, type Tensor } from '../../tensor/tensor.ts';
import { withMethods } from '../../tensor/checks.ts';
import { checkConfig, type UNetConfig } from './config.ts';
import type { Parameter } from '../../nn/parameters.ts';
import { parametersOf, type Stage } from '../stage.ts';
import { unetStages } from './stages.ts';

/**
 * All weights of the UNet that `config` describes, in float32, drawn in the order in which its modules are constructed.
 * Uniform weights have PyTorch's bits; the normal ones of embeddings differ by the units of the last place that
 * random.ts speaks of.
 * @param generator `manualSeed(seed)` draws as `torch.manual_seed(seed)` does; it is moved on
 */
export function initialWeights(config: UNetConfig, generator: Generator): ReadonlyMap<string, Tensor> {
  checkConfig(config);
  return initialValues(unetStages(config), generator);
}

/** The same for any stages that begin as those of a UNet2DModel. */
export function initialValues(stages: Stages, generator: Generator): ReadonlyMap<string, Tensor> {
  aGenerator('the generator', generator);
  const parameters = inOrder(stages);
  const shapes = new Map(parameters.map(({ name, shape }) => [name, shape]));
  return new Map(parameters.map((parameter) => [parameter.name, initialValue(parameter, shapes, generator)]));
}

/** Stages, so far as they have parameters. */
type Stages = readonly Pick<Stage<never>, 'path' | 'parameters'>[];

const aGenerator = withMethods<Generator>('a generator, as manualSeed(0)', 'rand', 'randn');

/** All parameters in the order in which diffusers constructs their modules. */
export function constructedParameters(config: UNetConfig): readonly Parameter[] {
  return inOrder(unetStages(config));
}

function inOrder(stages: Stages): readonly Parameter[] {
  // The first convolution is constructed before the embedding, which runs before it.
  const input = stages.filter(({ path }) => path === 'conv_in');
  return parametersOf([...input, ...stages.filter(({ path }) => path !== 'conv_in')]);
}

function initialValue(
  { name, shape, module }: Parameter,
  shapes: ReadonlyMap<string, readonly number[]>,
  generator: Generator,
): Tensor {
  const isBias = name.endsWith('.bias');
  switch (module) {
    case 'convolution':
    case 'linear': {
      // The bias of a layer is drawn by the number of inputs of its weight.
      const fanIn = sizeOf((shapes.get(name.replace(/\.bias$/, '.weight')) ?? []).slice(1));
      const bound = isBias ? 1 / Math.sqrt(fanIn) : kaimingUniformBound(fanIn);
      return uniform(generator, shape, -bound, bound);
    }
    case 'norm':
      return tensor('f32', shape, new Float32Array(sizeOf(shape)).fill(isBias ? 0 : 1));
    case 'position':
      // CLIP's positions: as long as the rows of a layer.
      return scale(generator.randn(shape), 1 / Math.sqrt(shape.at(-1) ?? 1));
    case 'embedding':
      return generator.randn(shape);
    case 'fourier':
      generator.randn(shape); // diffusers draws the frequencies twice and keeps the second ones
      return scale(generator.randn(shape), 16);
  }
}
