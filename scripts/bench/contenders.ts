/** Who is compared: how a process of each is started, with a task as its first argument. */
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { SimdOptions } from '../../src/kernels/simd/index.ts';

/** The programs that run the processes. */
export interface Tools {
  readonly node: string;
  readonly python: string;
}

/** A library, or one of its ways to compute. */
export interface Contender {
  readonly name: string;
  /** One of our kernels' ways. */
  readonly ours: boolean;
  /** Whether it is run without being asked for by name. */
  readonly usual: boolean;
  command(tools: Tools, task: string): readonly string[];
}

const script = (name: string): string => join(fileURLToPath(new URL('processes', import.meta.url)), name);

function ours(name: string, options: SimdOptions, usual = true): Contender {
  const flags = options.wide ? ['--experimental-wasm-revectorize'] : [];
  const given = [script('ours.ts'), JSON.stringify(options)] as const;
  return {
    ...{ name, ours: true, usual },
    command: ({ node }, task) => [node, ...flags, '--import', 'tsx', given[0], task, given[1]],
  };
}

function inNode(name: string, file: string, way: string, usual = true): Contender {
  const command: Contender['command'] = ({ node }, task) => [node, '--import', 'tsx', script(file), task, way];
  return { name, ours: false, usual, command };
}

function inPython(name: string, file: string): Contender {
  return { name, ours: false, usual: true, command: ({ python }, task) => [python, script(file), task] };
}

/** What holds libraries to vectors of 256 bits. ONNX Runtime has no such switch. */
const narrow = [
  ...['ATEN_CPU_CAPABILITY=avx2', 'MKL_ENABLE_INSTRUCTIONS=AVX2'],
  ...['ONEDNN_MAX_CPU_ISA=AVX2', 'OV_CPU_MAX_ISA=AVX2'],
];

/** The same, with vectors as wide as ours. It is run when it is asked for. */
function narrowed({ name, ours, command }: Contender): Contender {
  const held: Contender['command'] = (tools, task) => ['env', ...narrow, ...command(tools, task)];
  return { name: `${name} avx2`, ours, usual: false, command: held };
}

const openvino = inPython('OpenVINO', 'openvino_cpu.py');
const pytorch = inPython('PyTorch', 'pytorch.py');

/** In the order of their turns. */
export const contenders: readonly Contender[] = [
  ours('simd', {}),
  ours('simd fast', { order: 'fast' }),
  ours('simd-wide', { wide: true }),
  ours('simd-wide fast', { wide: true, order: 'fast' }),
  ours('simd-fma', { fma: true }, false),
  inNode('onnxruntime-web', 'onnxruntime.ts', 'web'),
  inNode('onnxruntime-node', 'onnxruntime.ts', 'node'),
  openvino,
  pytorch,
  narrowed(openvino),
  narrowed(pytorch),
  inNode('tfjs wasm', 'tfjs.ts', 'wasm', false),
  inNode('tfjs cpu', 'tfjs.ts', 'cpu', false),
];
