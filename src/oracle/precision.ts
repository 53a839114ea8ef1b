/**
 * Whether a port computes in another precision than it is checked in: what is off everywhere by the roundings of that
 * precision is no mistake of a formula.
 */
import type { SafetensorsFile } from '../formats/safetensors.ts';
import { roundTo } from '../tensor/rounding.ts';
import type { DType, Tensor } from '../tensor/tensor.ts';
import { check, type Checked } from './check.ts';
import { formats, type FormatName } from './honest/format.ts';
import { reference } from './implementation.ts';
import { deviation, shareOf } from './tolerance.ts';
import { traceCase } from './trace.ts';

/**
 * What is seen at a glance: that they hold numbers of a narrower storage only, or that inputs and weights have not been
 * rounded to the storage. Undefined where neither is so.
 */
export function storageFinding(checked: Checked): string | undefined {
  const { storage } = checked.report.format;
  if (storage === 'f32') return storages.find(({ dtype }) => isStoredAs(checked, dtype))?.says;
  return unrounded(checked) ? notRounded(storage) : undefined;
}

/** The precision whose errors theirs have, as a sentence: what is tried where no mistake explains them. */
export function formatFinding(checked: Checked, file: SafetensorsFile): string | undefined {
  if (checked.report.format.storage !== 'f32') return undefined;
  return otherFormats.find(({ name }) => looksLike(checked, file, name))?.says;
}

const storages: readonly { readonly dtype: DType; readonly says: string }[] = [
  {
    dtype: 'bf16',
    says:
      'Every number of yours is one that bfloat16 has, so the relative error is up to 2⁻⁹ everywhere: ' +
      'this looks like bfloat16; try formats.bf16.',
  },
  {
    dtype: 'f16',
    says:
      'Every number of yours is one that float16 has, so the relative error is up to 2⁻¹² everywhere: ' +
      'this looks like float16; try formats.mixed (sums in float32) or formats.f16.',
  },
];

/** So many numbers that another storage does not have by chance. */
const many = 16;

/** Whether they hold nothing but numbers of a narrower storage, where the truth has others. */
function isStoredAs({ theirs, bands }: Checked, dtype: DType): boolean {
  const isHeld = (value: number): boolean => !Number.isFinite(value) || roundTo(dtype, value) === value;
  let telling = 0;
  for (const [name, { data }] of theirs) {
    if (!data.every(isHeld)) return false;
    for (const value of bands.get(name)?.truth.data ?? []) telling += Number(!isHeld(value));
  }
  return telling >= many;
}

/** From the finest to the coarsest. */
const otherFormats: readonly { readonly name: FormatName; readonly says: string }[] = [
  {
    name: 'tf32',
    says:
      'Your tensors are within the budgets of TF32, and use them: products of numbers that were rounded to 11 bits; ' +
      'this looks like TF32; switch it off, or try formats.tf32.',
  },
  {
    name: 'mixed',
    says:
      'Your tensors are within the budgets of float16 with sums in float32, and use them; ' +
      'this looks like float16 inside; try formats.mixed.',
  },
  {
    name: 'bf16',
    says:
      'Your tensors are within the budgets of bfloat16, and use them; ' +
      'this looks like bfloat16 inside; try formats.bf16.',
  },
];

/** A step errs by more in another precision where its errors are so many times as large. */
const coarser = 8;
/** What errs as a precision does uses at least this share of some budget of it. */
const inUse = 0.05;
/** Of the taps that a precision would make wrong at least so many are. */
const most = 1 / 3;
/** An honest port of it errs by no more than so many times the worst of ours. */
const likeOurs = 1.5;

/**
 * Whether a port passes in another precision, and errs as that does: of the steps that it makes coarser most are wrong
 * by themselves, not here and there one; and none of them errs by much more than honest ports of that precision, as
 * what merely fits into its wide budgets does.
 */
function looksLike({ report }: Checked, file: SafetensorsFile, name: FormatName): boolean {
  const here = new Map(report.taps.map((tap) => [tap.name, tap]));
  const { taps } = check(report.case, file, formats[name], [...here.keys()]).report;
  if (taps.some(({ status }) => status !== 'ok') || taps.every(({ chained }) => chained.share < inUse)) return false;
  const own = taps.flatMap((tap) => {
    const other = here.get(tap.name);
    return other && other.local.deviation.rms >= coarser * tap.local.deviation.rms ? [other] : [];
  });
  const wrong = own.filter(({ status }) => status === 'wrong');
  const fits = taps.every(({ local: { deviation, honest } }) => deviation.rms <= likeOurs * honest[1]);
  return fits && 2 * wrong.length > own.length && wrong.length >= most * taps.length;
}

function notRounded(storage: DType): string {
  const name = storage === 'bf16' ? 'bfloat16' : 'float16';
  return (
    `Your tensors are what comes of inputs and weights as they are, in float32. In ${name} they are rounded to ` +
    `${name} first; pag export --dtype ${storage} writes them so.`
  );
}

/** Whether they are right for inputs and weights that were not rounded to the storage first. */
function unrounded({ report: { case: one }, theirs, bands }: Checked): boolean {
  const truth = traceCase(one, reference, { storage: 'f32', compute: 'f64' }, { names: new Set(bands.keys()) });
  return [...bands].every(([name, band]) => {
    const [found, expected]: readonly (Tensor | undefined)[] = [theirs.get(name), truth.get(name)];
    return found && expected && shareOf(deviation(found, expected, band.scale), band) <= 1;
  });
}
