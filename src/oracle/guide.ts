/** What a porter is told beside the files of a case. */
import { shapeText } from '../tensor/tensor.ts';
import { formulaOf } from './formulas.ts';
import type { Case, Subject } from './case.ts';

/** The text that stands beside the files of a case in `folder`. */
export function guideOf(one: Case, folder: string): string {
  const { name, title, subject, inputs, weights, expected } = one;
  const listed = (entries: readonly (readonly [string, readonly number[]])[]): string =>
    entries
      .slice(0, 8)
      .map(([key, shape]) => `     ${key} ${shapeText(shape)}`)
      .join('\n') + (entries.length > 8 ? `\n     … ${entries.length} in all` : '');
  const files = `inputs.safetensors${weights.size > 0 ? ' and weights.safetensors' : ''}`;
  return `${name}: ${title}
Written to ${folder}: README.md says what to compute, case.json has every setting.

1. Read ${files} with any safetensors library (float32, row by row):
${listed([...inputs].map(([key, value]) => [key, value.shape]))}
2. Compute. No random numbers are needed: all noise is data.
   ${formulaOf(one).join('\n   ')}
3. Write your tensors into one safetensors file, under the names of the taps, float32 or wider (or float16, bfloat16,
   see --dtype):
${listed([...expected].map(([tap, { f64 }]) => [tap, f64.shape]))}
   Pictures may be NCHW, NHWC or tokens; the check finds out and says so. Any other module's output is welcome under
   its path: the more taps, the nearer the first divergence.
   ${notesOf(subject.kind).join('\n   ')}
4. pag check ${folder} yours.safetensors
   --dtype tf32|bf16|f16|mixed   if you do not compute in float32
   --only 'mid_block.*'          if you have some of the taps only; otherwise a missing tap is a failure
   --html report.html            heat maps, budgets, and the diagnosis, in one file
   Status 0: all within budget. 1: something is off. 2: the input is unusable.`;
}

/** What is easily got wrong, by the kind of case. */
function notesOf(kind: Subject['kind']): readonly string[] {
  const sixteen = [
    'In bfloat16 and float16 inputs and weights are rounded first (pag export --dtype bf16 writes them so), then every',
    "tap. What is inside of a module's output (logits, moments, what a bias is added to) you may store or not.",
  ];
  const time = [
    'The truth embeds time as diffusers does, with exponent, frequency and angle in float32; between that and the',
    'exact formula lie 5e-6 to 3e-5. Budgets cover both.',
  ];
  const embeds = ['embedding', 'unet', 'unet-condition', 'run', 'text-to-image'].includes(kind);
  return embeds ? [...sixteen, ...time] : sixteen;
}
