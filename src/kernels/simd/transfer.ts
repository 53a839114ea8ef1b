/** What goes into the memory and comes out of it: inputs, outputs, and what the plain loops do in between. */
import { numbersOf } from '../../tensor/deferred.ts';
import { sizeOf, tensor, type Tensor } from '../../tensor/tensor.ts';
import type { Tensors } from '../kernels.ts';
import type { HostStep, HostTensor, Lowered, StoredValue, WriteStep } from './lower/steps.ts';
import { batchOf, isContiguous, type Place } from './memory/place.ts';

/** The memory, and the address in it of the arena whose buffers are meant. */
export interface ArenaMemory {
  readonly memory: WebAssembly.Memory;
  readonly arena: number;
}

/** Copies the inputs, which have been checked, to where the first steps read them. */
export function writeInputs(where: ArenaMemory, { inputs }: Lowered, tensors: Tensors): void {
  for (const input of inputs) view(where, input).set(numbersOf(tensors[input.name]));
}

/** Copies of the outputs, which belong to the caller. */
export function readOutputs(where: ArenaMemory, { outputs }: Lowered): Tensors {
  return Object.fromEntries(outputs.map((output) => [output.name, readOutput(where, output)]));
}

/** Does a step that is no kernel: one that is left to the plain loops, or bytes from elsewhere. */
export function runHostStep(where: ArenaMemory, step: HostStep | WriteStep): void {
  if (step.kind === 'write') {
    step.write(new Uint8Array(where.memory.buffer, addressOf(step.to, where.arena), step.bytes));
    return;
  }
  const { compute, inputs, output } = step;
  const tensors = inputs.map((input) => tensor('f32', input.shape, view(where, input)));
  view(where, output).set(compute(tensors).data);
}

/** The floats of a dense tensor without gaps, in the memory. Valid until the memory grows. */
function view({ memory, arena }: ArenaMemory, { shape, place }: HostTensor): Float32Array {
  return new Float32Array(memory.buffer, addressOf(place, arena), sizeOf(shape));
}

function addressOf({ buffer, offset }: Place, arena: number): number {
  return buffer ? arena + buffer.offset + offset : offset;
}

function readOutput(where: ArenaMemory, { shape, place, layout }: StoredValue): Tensor {
  if (layout === 'dense' && isContiguous(place, shape))
    return tensor('f32', shape, view(where, { shape, place }).slice());
  const batch = batchOf(shape);
  const size = sizeOf(shape) / batch;
  const data = new Float32Array(batch * size);
  for (let b = 0; b < batch; b++) {
    const offset = place.offset + b * place.batchStride;
    const sample = view(where, { shape: [size], place: { ...place, offset } });
    data.set(layout === 'dense' ? sample : tokensOf(sample, shape), b * size);
  }
  return tensor('f32', shape, data);
}

/** The tokens [N,C] of a sample that lie as planes [C,N]. */
function tokensOf(planes: Float32Array, [, tokens, channels]: readonly number[]): Float32Array {
  const sample = new Float32Array(planes.length);
  for (let c = 0; c < channels; c++) for (let n = 0; n < tokens; n++) sample[n * channels + c] = planes[c * tokens + n];
  return sample;
}
