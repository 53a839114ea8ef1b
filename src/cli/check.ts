/** `pag check`: are a port's numbers right, where do they first go wrong, and which mistake is it? */
import type { SafetensorsFile } from '../formats/safetensors.ts';
import { checkWritable, writeWhole } from '../formats/node-files.ts';
import { check, type Checked } from '../oracle/check.ts';
import { findingsOf, type Findings } from '../oracle/findings.ts';
import { formatNames, formats } from '../oracle/honest/format.ts';
import { storageFinding } from '../oracle/precision.ts';
import { residualFindings } from '../oracle/residual.ts';
import { htmlReport } from '../oracle/report/html.ts';
import { jsonReport } from '../oracle/report/json.ts';
import { junitReport } from '../oracle/report/junit.ts';
import { textReport } from '../oracle/report/terminal.ts';
import type { Command } from './command.ts';
import { openSafetensors } from './model.ts';
import { openCase } from './oracle-files.ts';
import { readOptions, type OptionKinds } from './options.ts';
import { createProgress } from './progress.ts';

const kinds: OptionKinds = {
  dtype: 'text',
  only: 'text',
  json: 'flag',
  junit: 'text',
  html: 'text',
  all: 'flag',
  'no-diagnosis': 'flag',
};

const help = `pag check CASE THEIRS.safetensors [options]

Compares what a port computed with a case of the golden oracle (a name that "pag cases" lists, or a folder that
"pag export" wrote). Tolerances follow from how far honest computations of the same precision lie apart. Says which tap
is the first to be wrong although its input is right, and which known mistake gives just these numbers.

  --dtype ${formatNames.join('|')}     the precision in which the port computes (f32)
${formatNames.map((name) => `      ${name.padEnd(6)} ${formats[name].summary}`).join('\n')}
  --only GLOB[,GLOB...]           the port has these taps only; otherwise a tap that is missing is a failure
  --all                           shows every tap, not only those around what is wrong
  --no-diagnosis                  does not look for the mistake
  --json                          prints the report as JSON
  --junit FILE.xml, --html FILE.html
                                  writes it as JUnit XML, or as one page with heat maps

Status 0: everything is within budget. 1: something is not. 2: the input is unusable.`;

/** The command `pag check`. */
export const checkCommand: Command = { summary: 'checks what a port computed, and names its mistake', help, run };

/** Weights. Cases of larger models take minutes to diagnose; the same mistakes show in the small ones. */
const largest = 1e6;
const tooLarge =
  'This model is too large to try all mistakes on; ' +
  'the small cases name them: pag check unets/tiny, pag check runs/pag.';

async function run(args: readonly string[]): Promise<number> {
  const options = readOptions(args, kinds, ['CASE', 'THEIRS.safetensors']);
  const [name, file] = options.positionals;
  const [junit, html] = [options.text('junit'), options.text('html')];
  for (const path of [junit, html]) if (path !== undefined) checkWritable(path);
  const format = formats[options.choice('dtype', formatNames) ?? 'f32'];
  const one = await openCase(name);
  const theirs = await openSafetensors(file);
  const only = options.text('only');
  const checked = check(one, theirs, format, only === undefined ? undefined : [only]);
  const { report } = checked;

  const isTooLarge = [...one.weights.values()].reduce((sum, { data }) => sum + data.length, 0) > largest;
  const { diagnoses, sentences } = findings(checked, theirs, options.has('no-diagnosis'), isTooLarge);

  if (junit !== undefined) writeWhole(junit, new TextEncoder().encode(junitReport(report, diagnoses, sentences)));
  if (html !== undefined) writeWhole(html, new TextEncoder().encode(htmlReport(report, diagnoses, sentences)));
  console.log(
    options.has('json')
      ? jsonReport(report, diagnoses, sentences)
      : textReport(report, diagnoses, sentences, { colour: process.stdout.isTTY === true, all: options.has('all') }),
  );
  return report.passes ? 0 : 1;
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
