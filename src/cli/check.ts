/** `pag check`: are a port's numbers right, where do they first go wrong, and which mistake is it? */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { InputError, printable } from '../tensor/errors.ts';
import { counted } from '../tensor/shown.ts';
import type { SafetensorsFile } from '../formats/safetensors.ts';
import { check, type Checked } from '../oracle/check.ts';
import { findingsOf, type Findings } from '../oracle/findings.ts';
import { formatNames, formats } from '../oracle/honest/format.ts';
import { storageFinding } from '../oracle/precision.ts';
import { residualFindings } from '../oracle/residual.ts';
import { htmlOfAll, htmlReport } from '../oracle/report/html.ts';
import { jsonOfAll, jsonReport } from '../oracle/report/json.ts';
import { junitOfAll } from '../oracle/report/junit.ts';
import type { Result, Unchanged } from '../oracle/report/result.ts';
import { verdict } from '../oracle/report/sentences.ts';
import { textReport } from '../oracle/report/terminal.ts';
import { hashOf, readRecord, writeRecord, type CheckRecord, type Remembered } from './check-record.ts';
import type { Command } from './command.ts';
import { printResult, warn } from './messages.ts';
import { openSafetensors } from './model.ts';
import { kitCases, openBands, openCase } from './oracle-files.ts';
import { readOptions, refuseIdle, type OptionKinds } from './options.ts';
import { chooseOutFiles, writeOut } from './out-files.ts';
import { createProgress } from './progress.ts';
import { writtenFiles } from './watch.ts';
import { inCommandWords, withCommandWords } from './words.ts';

const kinds: OptionKinds = {
  dtype: 'text',
  only: 'text',
  junit: 'text',
  html: 'text',
  all: 'flag',
  'no-diagnosis': 'flag',
  watch: 'flag',
  record: 'text',
  fresh: 'flag',
};

const help = `pag check CASE THEIRS.safetensors [options]
pag check KIT THEIRS [options]

Compares what a port computed with a case of the golden oracle (a name that "pag cases" lists, or a folder that
"pag export" wrote). Tolerances follow from how far honest computations of the same precision lie apart. Says which tap
is the first to be wrong although its input is right, and which known mistake gives just these numbers.

KIT is a folder of cases as "pag export --all" writes it, THEIRS one with files of their names, unets/tiny.safetensors
and so on: all that there are are checked, and reported together. What was within budget and has not changed since, of
the case, of THEIRS, of this version and of the options, is not checked again; THEIRS/.pag-check.json remembers it.

  --dtype ${formatNames.join('|')}     the precision in which the port computes (f32)
${formatNames.map((name) => `      ${name.padEnd(6)} ${formats[name].summary}`).join('\n')}
  --only GLOB[,GLOB...]           the port has these taps only; otherwise a tap that is missing is a failure
  --all                           shows every tap, not only those around what is wrong
  --no-diagnosis                  does not look for the mistake
  --watch                         checks again whatever is written anew, until Ctrl-C
  --record FILE                   remembers in this file what of KIT need not be checked again
  --fresh                         checks all of KIT
  --junit FILE.xml, --html FILE.html
                                  writes it as JUnit XML, or as one page with heat maps

Status 0: everything is within budget. 1: something is not. 2: the input is unusable.`;

/** The command `pag check`. */
export const checkCommand: Command = { help, options: kinds, run };

/** Weights. Cases of larger models take minutes to diagnose; the same mistakes show in the small ones. */
const largest = 1e6;
const tooLarge =
  'This model is too large to try all mistakes on; ' +
  'the small cases name them: pag check unets/tiny, pag check runs/pag.';

async function run(args: readonly string[]): Promise<number> {
  const options = readOptions(args, kinds, ['CASE', 'THEIRS.safetensors']);
  chooseOutFiles(options, { junit: 'XML', html: 'HTML', record: 'JSON' });
  if (options.text('record') === '-') throw new InputError('--record names a file to be read and written; - is none');
  const [name, file] = options.positionals;
  const job = await jobOf(name, file);
  if (!job.isKit || options.has('watch'))
    refuseIdle(options, ['record', 'fresh'], job.isKit ? 'with --watch' : 'without a kit');
  if (options.has('watch')) return watch(job, options);
  return job.isKit ? checkKit(job, file, options) : reported(job, [await checkOne(name, file, options)], options);
}

/** Checks what of a kit has changed since it was within budget. */
async function checkKit(job: Job, theirs: string, options: Options): Promise<number> {
  const path = options.text('record') ?? join(theirs, '.pag-check.json');
  const before: CheckRecord = options.has('fresh') ? new Map() : await readRecord(path);
  const settings = ['dtype', 'only'].map((key) => `${key} ${options.text(key) ?? ''}`);
  const record = new Map<string, Remembered>();
  const [results, unchanged]: [Result[], Unchanged[]] = [[], []];
  for (const { case: name, name: folder, file } of pairsOf(job)) {
    const hash = await hashOf(folder, file, settings);
    const known = before.get(name);
    if (known?.hash === hash) {
      unchanged.push(known);
      record.set(name, known);
      continue;
    }
    const result = await checkOne(folder, file, options);
    results.push(result);
    if (result.report.passes) record.set(name, { case: name, verdict: verdict(result.report), hash });
  }
  writeRecord(path, record);
  return reported(job, results, options, unchanged);
}

/** What is to be checked. */
interface Job {
  readonly isKit: boolean;
  /** Cases, and the files that may be there for them. */
  readonly pairs: readonly Pair[];
  /** What is said where there is none. */
  readonly expected: string;
}

interface Pair {
  /** The case in its kit, as `unets/tiny`. */
  readonly case: string;
  /** Its name or its folder. */
  readonly name: string;
  readonly file: string;
}

/** A case and a file, or a kit and a folder. */
async function jobOf(name: string, theirs: string): Promise<Job> {
  const kit = await kitCases(name);
  if (kit.length === 0) return { isKit: false, pairs: [{ case: name, name, file: theirs }], expected: '' };
  const pairs = kit.map((one) => ({ case: one, name: join(name, one), file: join(theirs, `${one}.safetensors`) }));
  const expected = `${theirs} holds no file for a case of ${name}; expected are ${pairs[0]?.file ?? ''} and so on`;
  return { isKit: true, pairs, expected };
}

/** Those for which there is a file; of a single case it is asked later whether it can be read. */
function pairsOf({ isKit, pairs, expected }: Job): readonly Pair[] {
  const there = isKit ? pairs.filter(({ file }) => existsSync(file)) : pairs;
  if (there.length === 0) throw new InputError(expected);
  return there;
}

/** Prints and writes what was found; the exit status. */
function reported(
  job: Job,
  results: readonly Result[],
  options: Options,
  unchanged: readonly Unchanged[] = [],
): number {
  writeReports(options, results, unchanged);
  const [first] = results;
  if (job.isKit || !first) printKit(job, results, options, unchanged);
  else
    printResult(options, {
      text: textReport(first.report, first.diagnoses, first.sentences, styleOf(options)),
      json: jsonReport(first.report, first.diagnoses, first.sentences),
      painted: true,
      aside: toStdout(options),
    });
  return results.every(({ report }) => report.passes) ? 0 : 1;
}

/** The text of cases that are off, then one line for each. */
function printKit({ pairs }: Job, results: readonly Result[], options: Options, unchanged: readonly Unchanged[]): void {
  const off = results.filter(({ report }) => !report.passes);
  const texts = off.map(({ report, diagnoses, sentences }) =>
    textReport(report, diagnoses, sentences, styleOf(options)),
  );
  const lines = [
    ...results.map(({ report }) => `${report.passes ? '✓' : '✗'} ${report.case.name}: ${verdict(report)}`),
    ...unchanged.map(({ case: name, verdict: said }) => `✓ ${name}: unchanged; ${said}`),
  ];
  const missing = pairs.length - results.length - unchanged.length;
  const summary = [
    `${counted(results.length, 'case')} checked`,
    ...(unchanged.length > 0 ? [`${unchanged.length} unchanged`] : []),
    `${off.length} off`,
    `${missing} without a file`,
  ].join(', ');
  printResult(options, {
    text: [...texts, lines.map(printable).join('\n'), summary].join('\n\n'),
    json: jsonOfAll(results, unchanged),
    painted: true,
    aside: toStdout(options),
  });
}

/** How often files are looked at, in milliseconds. */
const interval = 300;

/**
 * Checks what is written, and reports it together with what was checked before. Unusable input is said, and waited
 * with: a file may be half written.
 */
async function watch(job: Job, options: Options): Promise<number> {
  const known = new Map<string, Result>();
  const files = job.pairs.map(({ file }) => file);
  let status = 0;
  if (!files.some((file) => existsSync(file))) warn([`waiting for ${files[0] ?? ''}${job.isKit ? ' and so on' : ''}`]);
  for await (const written of writtenFiles(files, { interval })) {
    for (const { name, file } of job.pairs.filter((pair) => written.includes(pair.file))) {
      try {
        known.set(name, await withCommandWords(kinds, () => checkOne(name, file, options)));
      } catch (error) {
        if (!(error instanceof InputError)) throw error;
        known.delete(name);
        warn([error.message]);
      }
    }
    const results = job.pairs.flatMap(({ name }) => known.get(name) ?? []);
    if (results.length > 0) status = reported(job, results, options);
  }
  return status;
}

/** Whether stdout is taken by a report as a file. */
function toStdout(options: Pick<Options, 'text'>): boolean {
  return [options.text('junit'), options.text('html')].includes('-');
}

/** In colours on a terminal, unless NO_COLOR says otherwise (no-color.org). */
function styleOf(options: Pick<Options, 'has'>): { colour: boolean; all: boolean } {
  return { colour: process.stdout.isTTY === true && !process.env['NO_COLOR'], all: options.has('all') };
}

type Options = ReturnType<typeof readOptions>;

async function checkOne(
  name: string,
  file: string,
  options: Pick<Options, 'choice' | 'text' | 'has'>,
): Promise<Result> {
  const format = formats[options.choice('dtype', formatNames) ?? 'f32'];
  const one = await openCase(name);
  const theirs = await openSafetensors(file);
  const only = options.text('only');
  const bands = await openBands(name, one, format.name);
  const checked = check(one, theirs, format, only === undefined ? undefined : [only], bands);
  const isTooLarge = [...one.weights.values()].reduce((sum, { data }) => sum + data.length, 0) > largest;
  return inWords({ report: checked.report, ...findings(checked, theirs, options.has('no-diagnosis'), isTooLarge) });
}

/** What is said of a port names options. */
function inWords({ report, sentences, ...rest }: Result): Result {
  const problems = [...report.problems].map(([name, text]) => [name, inCommandWords(text, kinds)] as const);
  return {
    ...rest,
    report: { ...report, problems: new Map(problems) },
    sentences: sentences.map((sentence) => inCommandWords(sentence, kinds)),
  };
}

function writeReports(
  options: Pick<Options, 'text'>,
  results: readonly Result[],
  unchanged: readonly Unchanged[],
): void {
  const [junit, html] = [options.text('junit'), options.text('html')];
  const [first] = results;
  const page =
    results.length === 1 && first && unchanged.length === 0
      ? htmlReport(first.report, first.diagnoses, first.sentences)
      : htmlOfAll(results, unchanged);
  if (junit !== undefined) writeOut(junit, junitOfAll(results, unchanged));
  if (html !== undefined) writeOut(html, page);
}

function findings(checked: Checked, file: SafetensorsFile, isUnwanted: boolean, isTooLarge: boolean): Findings {
  if (isUnwanted) return { diagnoses: [], sentences: residualFindings(checked) };
  if (isTooLarge) {
    const storage = storageFinding(checked);
    const isOff = checked.report.taps.some(({ status }) => status !== 'ok');
    const seen = isOff && storage !== undefined ? [storage] : residualFindings(checked);
    return { diagnoses: [], sentences: isOff ? [...seen, tooLarge] : seen };
  }
  const progress = createProgress('trying mistakes');
  const found = findingsOf(checked, file, (done, total) => progress.update(done, total));
  progress.end();
  return found;
}
