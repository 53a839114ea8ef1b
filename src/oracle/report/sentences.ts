/** The findings of a check in sentences: the same in the terminal, in JSON, JUnit and HTML. */
import type { Report, TapReport } from '../check.ts';
import type { Diagnosis } from '../diagnosis.ts';

/** The verdict in a line. */
export function verdict({ taps, missing, problems, passes, first }: Report): string {
  if (passes) {
    const worst = [...taps].sort(
      (a, b) => Math.max(b.chained.share, b.local.share) - Math.max(a.chained.share, a.local.share),
    )[0];
    const share = percent(Math.max(worst.chained.share, worst.local.share));
    return taps.length === 1
      ? `${worst.name} is within budget: ${share} of it`
      : `all ${taps.length} taps are within budget; the closest to it is ${worst.name} with ${share}`;
  }
  const off = taps.filter(({ status }) => status !== 'ok').length;
  const parts = [
    ...(off > 0
      ? [
          `${off} of ${count(taps.length, 'tap')} ${off === 1 ? 'is' : 'are'} off${first ? `, first ${first.name}` : ''}`,
        ]
      : []),
    ...(missing.length > 0 ? [`${count(missing.length, 'tap')} ${missing.length === 1 ? 'is' : 'are'} missing`] : []),
    ...(problems.size > 0 ? [`${count(problems.size, 'tensor')} cannot be compared`] : []),
  ];
  return parts.length > 0 ? parts.join('; ') : 'nothing was compared';
}

/** Where the numbers first go wrong, and whether by themselves. */
export function divergence({ first, lastGood, taps }: Report): string | undefined {
  if (!first) return undefined;
  const at = `First divergence: ${first.name}`;
  if (first.status === 'not finite') {
    const { count: broken, first: place } = first.measures.notFinite!;
    return `${at} holds ${count(broken, 'number')} that ${broken === 1 ? 'is' : 'are'} NaN or infinite, the first at [${place.join(', ')}]; ${lastGood ? `${lastGood.name} before it is right` : 'no tap before it is right'}.`;
  }
  if (first.status === 'inherited')
    return `${at}. It follows from your earlier taps, though, which are off less than shows by themselves.`;
  if (first === taps[0])
    return `${at}. You supply no tap before it, so the mistake may be anywhere before it; supply more taps to narrow it down.`;
  const from = lastGood
    ? `The mistake is after ${lastGood.name}, which is right`
    : 'The mistake is after your first taps';
  const where = first.measures.where ? ` The bad elements are all in ${first.measures.where}.` : '';
  return `${at}. Computed from your own earlier taps it should be something else: this step is wrong, not its input. ${from}.${where}`;
}

/** Which mistake it is. */
export function explanation({ best, equivalent, complete, taps }: Diagnosis): readonly string[] {
  if (!best) return ['No mistake of the bank explains the difference.'];
  const named = listed(best.faults.map(({ name }) => `\`${name}\``));
  const says = best.faults.map((fault) => `you ${fault.says}`).join('; and ');
  const mistakes = best.faults.length === 1 ? 'mistake' : 'mistakes';
  const lines = complete
    ? [`Your tensors match the ${mistakes} ${named}: ${says}.`]
    : [
        `Up to tap ${best.reaches} of ${taps} your tensors match the ${mistakes} ${named}: ${says}. After that something else is wrong as well.`,
      ];
  if (equivalent.length > 0) {
    lines.push(
      `On this case these cannot be told from it: ${equivalent
        .slice(0, 4)
        .map((fault) => `\`${fault.name}\` (you ${fault.says})`)
        .join('; ')}${equivalent.length > 4 ? '; …' : ''}.`,
    );
  }
  return lines;
}

/** How a tap's budget came about and where its value lies. */
export function budgetSentence({ chained, local }: TapReport): string {
  const one = ({ deviation, budget, honest, share }: TapReport['chained']): string =>
    `rms ${fixed(deviation.rms)} and at most ${fixed(deviation.max)} times the size of honest rounding errors there; honest ports have rms ${fixed(honest[0])} to ${fixed(honest[1])}; ` +
    `the budget is ${fixed(budget.rms)} and ${fixed(budget.max)}; this is ${percent(share)} of it`;
  return `Against the truth: ${one(chained)}. Against what follows from your earlier taps: ${one(local)}.`;
}

/** `a`, `a and b`, `a, b and c`. */
function listed(parts: readonly string[]): string {
  return parts.length < 2 ? parts.join('') : `${parts.slice(0, -1).join(', ')} and ${parts.at(-1)!}`;
}

/** The share of a whole in percent. */
export function part(share: number): string {
  if (share === 0) return '0';
  return `${share >= 0.1 ? Math.round(share * 100) : Number((share * 100).toPrecision(2))} %`;
}

export function count(n: number, what: string): string {
  return `${n} ${what}${n === 1 ? '' : 's'}`;
}

export function percent(share: number): string {
  if (!Number.isFinite(share)) return '∞';
  return share < 10 ? `${Math.round(share * 100)} %` : `${short(share)}×`;
}

export function fixed(value: number): string {
  return Number.isFinite(value) ? (value < 1000 ? value.toFixed(2) : short(value)) : '∞';
}

/** Three digits. */
export function short(value: number): string {
  if (Number.isNaN(value)) return 'NaN';
  if (value === 0) return '0';
  const size = Math.abs(value);
  return size >= 1e-3 && size < 1e5 ? String(Number(value.toPrecision(3))) : value.toExponential(1);
}
