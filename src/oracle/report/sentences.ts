/** The findings of a check in sentences: the same in the terminal, in JSON, JUnit and HTML. */
import { counted, listed } from '../../tensor/shown.ts';
import type { Report, TapReport } from '../check.ts';
import type { Diagnosis } from '../diagnosis.ts';

/** The verdict in a line. */
export function verdict(report: Report): string {
  return report.passes ? success(report) : failures(report).join('; ') || 'nothing was compared';
}

function success({ taps }: Report): string {
  const usedBy = ({ chained, local }: TapReport): number => Math.max(chained.share, local.share);
  const [worst] = [...taps].sort((a, b) => usedBy(b) - usedBy(a));
  if (!worst) return 'nothing was compared';
  const share = percent(usedBy(worst));
  return taps.length === 1
    ? `${worst.name} is within budget: ${share} of it`
    : `all ${taps.length} taps are within budget; the closest is ${worst.name}, with ${share} of its budget`;
}

function failures({ taps, missing, problems, first }: Report): readonly string[] {
  const off = taps.filter(({ status }) => status !== 'ok').length;
  const firstOff = first ? `, first ${first.name}` : '';
  const found: string[] = [];
  if (off > 0) found.push(`${off} of ${counted(taps.length, 'tap')} ${off === 1 ? 'is' : 'are'} off${firstOff}`);
  if (missing.length > 0)
    found.push(`${counted(missing.length, 'tap')} ${missing.length === 1 ? 'is' : 'are'} missing`);
  if (problems.size > 0) found.push(`${counted(problems.size, 'tensor')} cannot be compared`);
  return found;
}

/** Where the numbers first go wrong, and whether by themselves; undefined where they do not. */
export function divergence(report: Report): string | undefined {
  const { first, lastGood, taps } = report;
  if (!first) return undefined;
  if (report.independent) return probesThatAreOff(taps);
  const at = `First divergence: ${first.name}`;
  const { notFinite, where } = first.measures;
  if (first.status === 'not finite' && notFinite) {
    const { count: broken, first: place } = notFinite;
    const before = lastGood ? `${lastGood.name} before it is right` : 'no tap before it is right';
    return (
      `${at} holds ${counted(broken, 'number')} that ${broken === 1 ? 'is' : 'are'} NaN or infinite, ` +
      `the first at [${place.join(', ')}]; ${before}.`
    );
  }
  if (first.status === 'inherited')
    return `${at}. It follows from your earlier taps, though, which are off less than shows by themselves.`;
  if (first === taps[0])
    return (
      `${at}. You supply no tap before it, so the mistake may be anywhere before it; ` +
      'supply more taps to narrow it down.'
    );
  const from = lastGood
    ? `The mistake is after ${lastGood.name}, which is right`
    : 'The mistake is after your first taps';
  return (
    `${at}. Computed from your own earlier taps it should be something else: this step is wrong, not its input. ` +
    `${from}.${where ? ` The bad elements are all in ${where}.` : ''}`
  );
}

function probesThatAreOff(taps: readonly TapReport[]): string {
  const off = taps.filter(({ status }) => status !== 'ok');
  const named = off.slice(0, 8).map(({ name, chained, measures: { notFinite } }) => {
    const how = notFinite
      ? `${counted(notFinite.count, 'number')} NaN or infinite`
      : `${percent(chained.share)} of its budget`;
    return `${name} (${how})`;
  });
  const more = off.length > named.length ? `, … (${off.length} in all)` : '';
  return `Off: ${named.join(', ')}${more}. No probe is computed from another: each is judged by itself.`;
}

/** Which mistake it is, and which others cannot be told from it. */
export function explanation({ best, equivalent, complete, taps, about }: Diagnosis): readonly string[] {
  const where = about ? `${about.slice(0, 6).join(', ')}${about.length > 6 ? ', …' : ''}: ` : '';
  if (!best) return [`${where}No mistake of the bank explains the difference.`];
  const named = listed(best.faults.map(({ name }) => `\`${name}\``));
  const says = best.faults.map((fault) => `you ${fault.says}`).join('; and ');
  const mistakes = best.faults.length === 1 ? 'mistake' : 'mistakes';
  const match = complete
    ? `${where}Your tensors match the ${mistakes} ${named}: ${says}.`
    : `Up to tap ${best.reaches} of ${taps} your tensors match the ${mistakes} ${named}: ${says}. ` +
      'What is off after that they do not explain: more is wrong, or rounding has grown into it.';
  if (equivalent.length === 0) return [match];
  const others = equivalent.slice(0, 4).map(({ name, says: theirs }) => `\`${name}\` (you ${theirs})`);
  const more = equivalent.length > 4 ? '; …' : '';
  return [match, `On this case these cannot be told from it: ${others.join('; ')}${more}.`];
}

/** How a tap's budget came about and where its value lies. */
export function budgetSentence({ chained, local }: TapReport): string {
  const one = ({ deviation, budget, honest: [best, worst], share }: TapReport['chained']): string =>
    `rms ${fixed(deviation.rms)} and at most ${fixed(deviation.max)} times the size of honest rounding errors there; ` +
    `honest ports have rms ${fixed(best)} to ${fixed(worst)}; ` +
    `the budget is ${fixed(budget.rms)} and ${fixed(budget.max)}; this is ${percent(share)} of it`;
  return `Against the truth: ${one(chained)}. Against what follows from your earlier taps: ${one(local)}.`;
}

/** The share of a whole in percent, with two digits below 10 %: `0`, `0.12 %`, `34 %`. */
export function part(share: number): string {
  if (share === 0) return '0';
  return `${share >= 0.1 ? Math.round(share * 100) : Number((share * 100).toPrecision(2))} %`;
}

/** The share of a budget: in percent up to ten times the budget, beyond that as `12×`. */
export function percent(share: number): string {
  if (!Number.isFinite(share)) return '∞';
  return share < 10 ? `${Math.round(share * 100)} %` : `${short(share)}×`;
}

/** Two decimals, or three digits from 1000 on. */
export function fixed(value: number): string {
  if (!Number.isFinite(value)) return '∞';
  return value < 1000 ? value.toFixed(2) : short(value);
}

/** Three digits, or two and a power of ten where the number is very small or large. */
export function short(value: number): string {
  if (Number.isNaN(value)) return 'NaN';
  if (value === 0) return '0';
  const size = Math.abs(value);
  return size >= 1e-3 && size < 1e5 ? String(Number(value.toPrecision(3))) : value.toExponential(1);
}
