/** The figures of all points that have been drawn, group by group: fixtures/evaluation/results.json. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { realLetters } from '../../src/cli/evaluate.ts';
import { loadLetterClassifier } from '../../src/cli/evaluation-job.ts';
import { shippedLetters } from '../../src/cli/shipped.ts';
import {
  measure,
  measureDifference,
  measureRecord,
  referenceOf,
  type Measurement,
  type Reference,
} from '../../src/evaluation/measure.ts';
import { joinRecords, keepNumbers, readRecord, type EvaluationRecord, type Seen } from '../../src/evaluation/record.ts';
import { chooseRows, tableSize } from '../../src/evaluation/rows.ts';
import { parseSafetensors } from '../../src/formats/safetensors.ts';
import { simdBackend } from '../../src/kernels/simd/index.ts';
import { groups, type Group, type Row, type Section } from './groups.ts';
import { points, recordName, type Point } from './points.ts';

/** A row with its figures. */
export interface MeasuredRow extends Row {
  readonly figures: Measurement;
  /** Against the first row of the section. */
  readonly change?: Measurement;
}

/** A section, all its rows measured with equally many pictures. */
export interface MeasuredSection {
  readonly title: string;
  /** As many pictures of each point are compared. */
  readonly pictures: number;
  readonly rows: readonly MeasuredRow[];
}

/** A group, as far as it has been drawn. */
export interface MeasuredGroup {
  readonly name: string;
  readonly sections: readonly MeasuredSection[];
}

/** A point, all its pictures measured. */
export interface MeasuredPoint {
  readonly name: string;
  readonly options: string;
  readonly pictures: number;
  readonly figures: Measurement;
}

/** What results.json holds. */
export interface Results {
  readonly steps: number;
  /** Real letters measured as if they were drawn: one half of the held-out ones against the other. */
  readonly real: { readonly pictures: number; readonly figures: Measurement };
  readonly points: readonly MeasuredPoint[];
  readonly groups: readonly MeasuredGroup[];
}

/** With fewer pictures a point says too little to be compared. */
const fewest = 52;
const rounds = { rounds: 200 };

/** Measures the records that sweep.ts has left in a folder. Throws an InputError for files that are none. */
export async function measureAll(folder: string): Promise<Results> {
  const classifier = await loadLetterClassifier();
  const letters = await realLetters(shippedLetters, classifier, simdBackend());
  const records = new Map(
    points.flatMap((point) => {
      const record = recordOf(folder, point);
      return record && record.numbers.length >= fewest ? [[point.name, record] as const] : [];
    }),
  );
  const ruler = rulerOf(records, referenceOf(letters));
  const [pictures] = tableSize(letters.features);
  const half = Math.floor(pictures / 2);
  return {
    steps: 10,
    real: {
      pictures: half,
      figures: measure(rowsFrom(letters, 0, half), [], referenceOf(rowsFrom(letters, half, half)), rounds),
    },
    points: points
      .map(({ name, options }) => ({ name, options: options.join(' '), pictures: ruler.pictures(name) }))
      .filter((point) => point.pictures > 0)
      .map((point) => ({ ...point, figures: ruler.figures(point.name, point.pictures) })),
    groups: groups.flatMap((group) => measureGroup(group, ruler)),
  };
}

/** What has been drawn of a point, in one file or in shards. */
function recordOf(folder: string, point: Point): EvaluationRecord | undefined {
  const name = recordName(point);
  const files = readdirSync(folder).filter(
    (file) => file.startsWith(`${name}.`) && /^(\d+-of-\d+\.)?safetensors$/.test(file.slice(name.length + 1)),
  );
  const parts = files.map((file) =>
    readRecord(parseSafetensors(new Uint8Array(readFileSync(join(folder, file))), file)),
  );
  return parts.length > 0 ? joinRecords(parts, files) : undefined;
}

/** Measures the first pictures of points, each choice once. */
interface Ruler {
  /** 0 for a point that has not been drawn. */
  pictures(point: string): number;
  figures(point: string, pictures: number): Measurement;
  change(point: string, baseline: string, pictures: number): Measurement;
}

function rulerOf(records: ReadonlyMap<string, EvaluationRecord>, real: Reference): Ruler {
  const known = new Map<string, Measurement>();
  const once = (key: string, measureIt: () => Measurement): Measurement => {
    const found = known.get(key) ?? measureIt();
    known.set(key, found);
    return found;
  };
  const first = (point: string, pictures: number): EvaluationRecord => {
    const record = records.get(point);
    if (!record) throw new Error(`"${point}" has not been drawn`);
    return keepNumbers(record, record.numbers.slice(0, pictures));
  };
  return {
    pictures: (point) => records.get(point)?.numbers.length ?? 0,
    figures: (point, pictures) =>
      once(`${point} ${pictures}`, () => measureRecord(first(point, pictures), real, rounds)),
    change: (point, baseline, pictures) =>
      once(`${point} ${baseline} ${pictures}`, () =>
        measureDifference(first(point, pictures), first(baseline, pictures), real, rounds),
      ),
  };
}

/**
 * What of a group has been drawn. A section without its first row or with nothing to compare is left out, and so is a
 * group of one section where there should be two.
 */
function measureGroup(group: Group, ruler: Ruler): readonly MeasuredGroup[] {
  const fewestRows = group.sections.length > 1 ? 2 : 3;
  const drawn = group.sections.flatMap((section) => {
    // A curve is not cut down to the few pictures of a point that has only been glanced at.
    const most = Math.max(...section.rows.map(({ point }) => ruler.pictures(point)));
    const enough = group.chart === 'curves' ? Math.max(1, most / 2) : 1;
    const rows = section.rows.filter(({ point }) => ruler.pictures(point) >= enough);
    return rows.length >= fewestRows && rows[0] === section.rows[0] ? [{ ...section, rows }] : [];
  });
  if (drawn.length < Math.min(2, group.sections.length)) return [];
  const fewestOf = ({ rows }: Section): number => Math.min(...rows.map(({ point }) => ruler.pictures(point)));
  // Curves are looked at side by side, changes each against its own first row.
  const common = Math.min(...drawn.map(fewestOf));
  const sections = drawn.map((section) =>
    measureSection(section, group.chart === 'curves' ? common : fewestOf(section), ruler),
  );
  return [{ name: group.name, sections }];
}

/** Equally many pictures of each point are compared: a Fréchet distance depends on their number. */
function measureSection({ title, rows }: Section, pictures: number, ruler: Ruler): MeasuredSection {
  const [first] = rows;
  return {
    title,
    pictures,
    rows: rows.map((row) => ({
      ...row,
      figures: ruler.figures(row.point, pictures),
      ...(first && row !== first && { change: ruler.change(row.point, first.point, pictures) }),
    })),
  };
}

function rowsFrom({ features, probabilities }: Seen, from: number, count: number): Seen {
  const rows = Array.from({ length: count }, (_, i) => from + i);
  return { features: chooseRows(features, rows), probabilities: chooseRows(probabilities, rows) };
}
