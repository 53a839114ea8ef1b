/** Writing a case as the files of its folder: what read-case.ts reads. */
import { jsonText } from '../formats/json.ts';
import { writeSafetensors } from '../formats/safetensors.ts';
import { sha256 } from '../tensor/bytes.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { bandsFileName, belongingOf, writeBands } from './bands-file.ts';
import { schemaVersion, type Case, type GuidanceSetting, type RunSubject, type TextToImageSubject } from './case.ts';
import type { FormatName } from './honest/format.ts';
import type { Band } from './tolerance.ts';

/** A case of a kind that a model of one's own can be made a case of. */
export interface RunCase extends Case {
  readonly subject: RunSubject | TextToImageSubject;
}

/** The files by their names. @param bands of the expected taps, in a precision */
export async function caseFiles(
  one: RunCase,
  bands: ReadonlyMap<string, Band>,
  dtype: FormatName,
): Promise<ReadonlyMap<string, Uint8Array>> {
  const expected = [...one.expected].map(([tap, { f64 }]) => [`f64/${tap}`, f64] as const);
  const groups: readonly (readonly [string, ReadonlyMap<string, Tensor>])[] = [
    ['inputs', one.inputs],
    ['weights', one.weights],
    ['expected', new Map(expected)],
  ];
  const files = new Map<string, Uint8Array>();
  const sums: Record<string, unknown> = {};
  for (const [name, tensors] of groups) {
    files.set(`${name}.safetensors`, writeSafetensors(Object.fromEntries(tensors)));
    sums[name] = await sumsOf(tensors);
  }
  const { name, title, truth } = one;
  const json = { schema: schemaVersion, name, title, truth, subject: subjectJson(one.subject), sha256: sums };
  const bytes = new TextEncoder().encode(`${jsonText(json)}\n`);
  files.set('case.json', bytes);
  files.set(bandsFileName(dtype), writeBands(one, bands, await belongingOf(one, bytes, dtype)));
  return files;
}

/** The SHA-256 of each tensor's numbers, as files hold them. */
async function sumsOf(tensors: ReadonlyMap<string, Tensor>): Promise<Readonly<Record<string, string>>> {
  const sums: Record<string, string> = {};
  for (const [name, { data }] of tensors)
    sums[name] = await sha256(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
  return sums;
}

function subjectJson(subject: RunCase['subject']): Readonly<Record<string, unknown>> {
  const { kind, scheduler, steps, eta } = subject;
  const run = { scheduler, steps, eta, guidance: guidanceJson(subject.guidance) };
  if (kind === 'run') {
    const { config, labels = null, nullLabel = null } = subject;
    return { kind, config, ...run, labels, null_label: nullLabel };
  }
  const { textEncoders, hiddenState, zeroNegative, sizes = null, unet, vae } = subject;
  return {
    kind,
    text_encoders: textEncoders.map(({ config, inputIds, negativeInputIds }) => {
      return { config, input_ids: inputIds, negative_input_ids: negativeInputIds };
    }),
    hidden_state: hiddenState,
    zero_negative: zeroNegative,
    sizes,
    unet,
    vae,
    ...run,
  };
}

function guidanceJson(setting: GuidanceSetting): Readonly<Record<string, unknown>> {
  return {
    guidance_scale: setting.guidanceScale,
    pag_scale: setting.pagScale,
    pag_adaptive_scale: setting.pagAdaptiveScale,
    pag_layers: setting.pagLayers,
    guidance_rescale: setting.guidanceRescale,
  };
}
