/**
 * Makes weights, tables and charts of the records that restoration.ts has left; shards are joined:
 *
 *     npx tsx scripts/evaluation/restoration-report.ts --weights TRIAL.json …
 *     npx tsx scripts/evaluation/restoration-report.ts RECORD.json … [--chromium /usr/bin/chromium]
 *
 * With --weights it writes to fixtures/evaluation/restoration-weights.json the weight of each task that restores best
 * without guidance; else restoration.json and .md, and a chart as SVG and as a PNG (which Chromium draws). A method
 * of which there is no record keeps its rows.
 */
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { realLetters } from '../../src/cli/evaluate.ts';
import { loadLetterClassifier } from '../../src/cli/evaluation-job.ts';
import { readOptions } from '../../src/cli/options.ts';
import { methods } from '../../src/cli/restoration-task.ts';
import { shippedLetters } from '../../src/cli/shipped.ts';
import { writeWhole } from '../../src/formats/node-files.ts';
import { simdBackend } from '../../src/kernels/simd/index.ts';
import { rasterise } from './rasterise.ts';
import { readWeights, writeWeights } from './restoration/choose.ts';
import { joinRecords, readRecord, type RestorationRecord } from './restoration/record.ts';
import { rowsOfRecord, statisticsTo, type RestorationResults } from './restoration/rows.ts';
import { chartOfMethod, tableOf } from './restoration/table.ts';
import { sixDigitJson } from './six-digits.ts';

const options = readOptions(process.argv.slice(2), { weights: 'flag', chromium: 'text' }, ['RECORD.json...']);
const records = methods.flatMap((method) => {
  const found = options.positionals.map(readRecord).filter(({ conditions }) => conditions.method === method);
  return found.length > 0 ? [found.reduce(joinRecords)] : [];
});
if (options.has('weights')) records.forEach(writeWeights);
else await report();

async function report(): Promise<void> {
  const folder = fileURLToPath(new URL('../../fixtures/evaluation/', import.meta.url));
  const file = `${folder}restoration.json`;
  const backend = simdBackend({ threads: 1 });
  const real = await realLetters(shippedLetters, await loadLetterClassifier(), backend);
  backend.dispose();
  const statistics = statisticsTo(real.features);
  const drawn = (record: RestorationRecord) => rowsOfRecord(record, readWeights(record.conditions.method), statistics);
  const found = added(readResults(file), {
    conditions: records.map(({ conditions }) => conditions),
    rows: records.flatMap(drawn),
  });
  const write = (name: string, text: string): void => writeWhole(folder + name, text);
  write('restoration.json', sixDigitJson(found));
  // As whoever reads the file draws them.
  const results = readResults(file);
  write('restoration.md', tableOf(results));
  for (const method of methods) {
    const chart = chartOfMethod(results, method);
    if (chart === undefined) continue;
    write(`restoration-${method}.svg`, chart);
    rasterise(folder, `restoration-${method}.svg`, options.text('chromium'));
  }
}

function readResults(path: string): RestorationResults {
  return existsSync(path)
    ? (JSON.parse(readFileSync(path, 'utf8')) as RestorationResults)
    : { conditions: [], rows: [] };
}

/** What is new, and what there was of other methods. */
function added(old: RestorationResults, { conditions, rows }: RestorationResults): RestorationResults {
  const stays = ({ method }: { readonly method: string }): boolean => conditions.every((one) => one.method !== method);
  return { conditions: [...conditions, ...old.conditions.filter(stays)], rows: [...rows, ...old.rows.filter(stays)] };
}
