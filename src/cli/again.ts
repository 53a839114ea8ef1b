/** `pag again`: draws a picture again from what it carries of its run, and says whether it is the same. */
import { readBytes } from '../formats/node-files.ts';
import { decodePng } from '../formats/png-reader.ts';
import { InputError } from '../tensor/errors.ts';
import type { Command } from './command.ts';
import { classifiersThatShip } from './guiding-classifier.ts';
import { printResult, warn } from './messages.ts';
import { readOptions, type OptionKinds, type ParsedOptions } from './options.ts';
import { chooseOutFiles, isStdout } from './out-files.ts';
import { fileOptions, isRecorded, modelOptions, readRecordOf, type RunRecord } from './run-record.ts';
import { drawSamples, sampleKinds } from './sample.ts';
import { version } from './version.ts';

const kinds: OptionKinds = {
  out: 'text',
  threads: 'number',
  lora: 'text',
  ...Object.fromEntries([...modelOptions, ...fileOptions].map((name) => [name, 'text' as const])),
};

const help = `pag again PICTURE.png --out NEW.png [options]

Draws again what pag sample --out has drawn, from what the picture carries: seed, labels, guidance, scheduler, and the
SHA-256 of the model's weights and of each file that it was drawn with. Files and models are not in it; they are named
again, and must be the same.

  --out NEW.png                   where it goes
  --model DIR, --weak-model DIR, --noise-classifier DIR, --clean-classifier FILE, --lora FILE[:SCALE][,...]
                                  the models (the letters model that ships)
  --init, --inpaint, --noise, --scheduler-config FILE
                                  what the run was given
  --threads N                     threads of the simd kernels (the same bits)

Status 0: the same picture, bit for bit. 1: another one.`;

/** The command `pag again`. */
export const againCommand: Command = { help, options: kinds, run };

async function run(args: readonly string[]): Promise<number> {
  const options = readOptions(args, kinds, ['PICTURE.png']);
  const [file] = options.positionals;
  const out = options.required('out');
  if (isStdout(out)) throw new InputError('the picture is compared when it is there: --out must be a file');
  chooseOutFiles(options, { out: 'PNG' });
  const bytes = await readBytes(file);
  const old = decodePng(bytes, file);
  const record = readRecordOf(bytes, file);
  if (record.version !== version())
    warn([`${file} was drawn by version ${record.version}; this is ${version()}, whose numbers may be others`]);
  const drawn = await drawSamples(readOptions(argumentsOf(record, options, file), sampleKinds), {
    check: (again) => checkSame(record, again, file),
    ...(record.picture !== undefined && { only: record.picture }),
  });
  const now = decodePng(await readBytes(out), out);
  const isSame = now.width === old.width && now.height === old.height && samePixels(now.pixels, old.pixels);
  printResult(options, {
    text: `${out} is ${isSame ? 'the same picture as' : 'another picture than'} ${file}: ${drawn.title}`,
    json: { schema: 1, same: isSame, picture: file, out, run: drawn.title },
  });
  return isSame ? 0 : 1;
}

/** The run's arguments, as `pag sample` would have them. @throws InputError for those that no run has */
function argumentsOf(record: RunRecord, options: ParsedOptions, file: string): readonly string[] {
  const unknown = Object.keys(record.options).find((name) => !Object.hasOwn(sampleKinds, name) || !isRecorded(name));
  if (unknown !== undefined) throw new InputError(`${file}: a run has no --${unknown}, or carries none`);
  const own = Object.entries(record.options).flatMap(([name, values]) =>
    values.map((value) => (sampleKinds[name] === 'flag' ? `--${name}` : `--${name}=${value}`)),
  );
  for (const name of [...modelOptions, ...fileOptions]) {
    const isGiven = options.has(name);
    // What ships with the letters model is found again without a name; that it is the same is seen by its SHA-256.
    const ships = name === 'model' || (Object.hasOwn(classifiersThatShip, name) && !isGiven && !options.has('model'));
    if (!ships && isGiven !== Object.hasOwn(record.files, name))
      throw new InputError(
        isGiven
          ? `${file} was drawn without --${name}; leave it out`
          : `${file} was drawn with --${name}; give it again`,
      );
  }
  const given = Object.entries(options.given()).filter(([name]) => Object.hasOwn(kinds, name));
  return [...own, ...given.map(([name, [value = '']]) => `--${name}=${value}`)];
}

/** @throws InputError when the models or files are not those that the picture was drawn with */
function checkSame(record: RunRecord, again: RunRecord, file: string): void {
  for (const [name, hash] of Object.entries(record.files)) {
    if (again.files[name] === hash) continue;
    throw new InputError(
      `${file} was drawn with another --${name}: its SHA-256 is ${hash}, but that of what is given is ` +
        `${again.files[name] ?? 'none'}`,
    );
  }
}

function samePixels(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((value, i) => value === b[i]);
}
