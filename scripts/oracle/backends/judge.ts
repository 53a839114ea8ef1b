/**
 * Judges the taps that a backend's script wrote (OUT/backend.json, OUT/<mode>/<case>.safetensors) by `pag check`, and
 * writes fixtures/oracle/conformance/<name>.json and .md.
 *
 *     npx tsx scripts/oracle/backends/judge.ts NAME OUT [--seconds 240]
 *
 * NAME.notes.md beside this script, if there is one, becomes the end of the table's page.
 * Verdicts are kept as they come: stopped at any moment, the same command goes on. Modes that give the same bits are
 * judged once.
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { closeSync, existsSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

interface Mode {
  readonly title: string;
  readonly check: string;
  readonly cases: readonly string[];
  readonly failed: Readonly<Record<string, string>>;
  readonly convolutions?: Readonly<Record<string, Readonly<Record<string, string>>>>;
}

interface Backend {
  readonly versions: Readonly<Record<string, string | number>>;
  readonly modes: Readonly<Record<string, Mode>>;
}

/** What `pag check` said of one mode and case; `worst` is the largest share of a budget, 1 being all of it. */
interface Verdict {
  readonly passes: boolean;
  /** null: not finite. */
  readonly worst: number | null;
  readonly at: string;
  readonly off: number;
  readonly taps: number;
  readonly first: string | null;
  readonly named: string | null;
  readonly says: string;
  /** SHA-256 of the taps, by which modes with the same bits are seen. */
  readonly sha256: string;
}

interface Report {
  readonly passes: boolean;
  readonly first: string | null;
  readonly diagnoses: readonly { readonly about: string | null; readonly faults: readonly string[] }[];
  readonly residual: readonly string[];
  readonly taps: readonly {
    readonly name: string;
    readonly status: string;
    readonly chained: { readonly share: number | string } | null;
    readonly local: { readonly share: number | string } | null;
  }[];
}

const root = new URL('../../..', import.meta.url).pathname;
const folder = join(root, 'fixtures', 'oracle', 'conformance');

function main(): void {
  const [name, out] = process.argv.slice(2);
  if (name === undefined || out === undefined) throw new Error('judge.ts NAME OUT [--seconds S]');
  const limit = process.argv.includes('--seconds') ? Number(process.argv[process.argv.indexOf('--seconds') + 1]) : 1e9;
  const backend = JSON.parse(readFileSync(join(out, 'backend.json'), 'utf8')) as Backend;
  mkdirSync(folder, { recursive: true });
  const record = join(folder, `${name}.json`);
  const verdicts: Record<string, Record<string, Verdict>> = existsSync(record)
    ? JSON.parse(readFileSync(record, 'utf8')).verdicts
    : {};
  const began = Date.now();
  for (const { mode, oneCase } of order(backend)) {
    if (verdicts[mode]?.[oneCase] !== undefined || Date.now() - began > 1000 * limit) continue;
    const check = backend.modes[mode]?.check;
    if (check === undefined) throw new Error(`backend.json has no mode ${mode}`);
    const file = join(out, mode, `${oneCase.replace('/', '+')}.safetensors`);
    const sha256 = createHash('sha256').update(readFileSync(file)).digest('hex');
    const alike = Object.entries(verdicts)
      .filter(([other]) => backend.modes[other]?.check === check)
      .map(([, ofMode]) => ofMode[oneCase])
      .find((known) => known?.sha256 === sha256);
    const verdict = alike ?? judge(oneCase, file, check, sha256);
    verdicts[mode] = { ...verdicts[mode], [oneCase]: verdict };
    console.log(`${mode} ${oneCase}: ${verdict.passes ? 'passes' : 'off'}, ${share(verdict.worst)} at ${verdict.at}`);
    writeFileSync(record, `${JSON.stringify(recordOf(backend, verdicts), null, 1)}\n`);
  }
  const notes = new URL(`${name}.notes.md`, import.meta.url);
  const end = existsSync(notes) ? readFileSync(notes, 'utf8') : '';
  writeFileSync(join(folder, `${name}.md`), `# ${name}\n\n${table(backend, verdicts)}${end}`);
}

/** Small cases first, so that a glance at everything comes before the minutes that the large one takes. */
function order(backend: Backend): { mode: string; oneCase: string }[] {
  const all = Object.entries(backend.modes).flatMap(([mode, { cases }]) =>
    cases.map((oneCase) => ({ mode, oneCase, late: oneCase === 'unets/letters' ? 1 : 0 })),
  );
  return all.sort((a, b) => a.late - b.late);
}

function judge(oneCase: string, file: string, dtype: string, sha256: string): Verdict {
  const scratch = mkdtempSync(join(tmpdir(), 'judge-'));
  try {
    const report = join(scratch, 'report.json');
    const target = openSync(report, 'w');
    const args = ['--import', 'tsx', join(root, 'src/cli/main.ts'), 'check', oneCase, file, '--dtype', dtype, '--json'];
    const { status, stderr } = spawnSync(process.execPath, args, { stdio: ['ignore', target, 'pipe'], cwd: root });
    closeSync(target);
    if (status !== 0 && status !== 1) throw new Error(`pag check ${oneCase} ${file}: ${String(stderr)}`);
    return verdictOf(JSON.parse(readFileSync(report, 'utf8')) as Report, sha256);
  } finally {
    rmSync(scratch, { recursive: true });
  }
}

function verdictOf(report: Report, sha256: string): Verdict {
  const shares = report.taps.map(({ name, status, chained, local }) => {
    // Of a tap that is off: against what follows from the port's own input, too.
    const share = Math.max(Number(chained?.share), status === 'ok' ? 0 : Number(local?.share ?? 0));
    return { name, share: Number.isNaN(share) ? Number.POSITIVE_INFINITY : share };
  });
  const worst = shares.reduce((a, b) => (b.share > a.share ? b : a), { name: '', share: 0 });
  return {
    passes: report.passes,
    worst: Number.isFinite(worst.share) ? Number(worst.share.toPrecision(3)) : null,
    at: worst.name,
    off: report.taps.filter(({ status }) => status !== 'ok').length,
    taps: report.taps.length,
    first: report.first,
    named: [...new Set(report.diagnoses.flatMap(({ faults }) => faults))].join(', ') || null,
    says: report.residual.join(' '),
    sha256,
  };
}

function recordOf(backend: Backend, verdicts: Record<string, Record<string, Verdict>>): object {
  const modes = Object.entries(backend.modes).map(([mode, { title, check, failed, convolutions }]) => [
    mode,
    { title, check, ...(Object.keys(failed).length > 0 && { failed }), ...(convolutions && { convolutions }) },
  ]);
  return { versions: backend.versions, modes: Object.fromEntries(modes), verdicts };
}

function share(value: number | null): string {
  if (value === null) return 'not finite';
  return value < 10 ? `${Math.round(100 * value)} %` : `${Number(value.toPrecision(2))}×`;
}

function table(backend: Backend, verdicts: Record<string, Record<string, Verdict>>): string {
  const rows = Object.entries(backend.modes).flatMap(([mode, { title, check, failed }]) => {
    const all = Object.entries(verdicts[mode] ?? {});
    const off = all.filter(([, { passes }]) => !passes);
    const closest = all.filter(([, { passes }]) => passes).sort(([, a], [, b]) => (b.worst ?? 0) - (a.worst ?? 0))[0];
    const refused = Object.entries(failed).map(([oneCase, reason]) => `${oneCase} (${reason})`);
    const details = off.map(
      ([oneCase, { worst, at, off: bad, taps, named }]) =>
        `${oneCase}: ${bad} of ${taps} taps, ${share(worst)} at ${at}${named === null ? '' : `, named \`${named}\``}`,
    );
    const near =
      closest && `nearest to its budget of those within: ${closest[0]}, ${share(closest[1].worst)} at ${closest[1].at}`;
    const words = [
      ...details,
      ...(near ? [near] : []),
      ...(refused.length > 0 ? [`not computed: ${refused.join('; ')}`] : []),
    ];
    return `| \`${mode}\` | ${title} | ${check} | ${all.length - off.length} of ${all.length} | ${words.join('. ')} |`;
  });
  const versions = Object.entries(backend.versions).map(([key, value]) => `${key} ${value}`);
  return `${versions.join(', ')}. Percentages are shares of a budget.

| mode | what | held to | cases within budget | |
| --- | --- | --- | --- | --- |
${rows.join('\n')}
`;
}

main();
