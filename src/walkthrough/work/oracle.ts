/**
 * The oracle asks this page, as `pag check` asks a port: a small network, computed by what draws the letters, every tap
 * within its budget?
 */
import { runModel } from '../../models/passes.ts';
import { unperturbed } from '../../models/stage.ts';
import { parseSafetensors, writeSafetensors } from '../../formats/safetensors.ts';
import { InputError } from '../../tensor/errors.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import type { Backend } from '../../kernels/kernels.ts';
import { identity } from '../../nn/attention-perturbations/index.ts';
import { parseUNetConfig } from '../../models/unet2d/config.ts';
import { createUNet } from '../../models/unet2d/unet.ts';
import type { ReadFile } from '../../formats/read-file.ts';
import type { Case } from '../../oracle/case.ts';
import { check, type Report } from '../../oracle/check.ts';
import { diagnose, faultyTraces } from '../../oracle/diagnosis.ts';
import { formats } from '../../oracle/honest/format.ts';
import { readCase } from '../../oracle/read-case.ts';
import { divergence, verdict } from '../../oracle/report/sentences.ts';
import { present } from '../checked.ts';
import type { CheckRequest, CheckResult } from '../protocol.ts';
import { caseName } from '../study.ts';
import { faultNamed } from './faults.ts';
import type { Model } from './model.ts';

/**
 * Loads what is asked.
 * @param folder reads the files of a case
 * @throws InputError when files are missing or wrong
 */
export async function openOracle(folder: (name: string) => ReadFile) {
  const one = await readCase(folder(caseName), caseName, folder);
  return (model: Model, request: CheckRequest) => checkPage(model, one, request);
}

/** The verdict; then, where it is not good, the same with the name of the mistake, which takes another second. */
export function* checkPage(model: Model, one: Case, { fault }: CheckRequest): Generator<CheckResult, void, void> {
  const change = fault && faultNamed(fault).kernels;
  const theirs = parseSafetensors(
    writeSafetensors(answerTo(one, change ? model.backendWith(change) : model.backend)),
    'this page',
  );
  const checked = check(one, theirs, formats.f32);
  const result = resultOf(checked.report);
  yield result;
  if (result.passes) return;
  const { best } = diagnose(
    checked.bands,
    checked.theirs,
    formats.f32,
    faultyTraces(one, formats.f32, new Set(checked.bands.keys())),
  );
  yield { ...result, named: best?.faults.map(({ name }) => name) ?? [] };
}

function resultOf(report: Report): CheckResult {
  const where = divergence(report);
  return {
    taps: report.taps.length,
    within: report.taps.filter(({ status }) => status === 'ok').length,
    passes: report.passes,
    verdict: verdict(report),
    ...(where !== undefined && { where }),
  };
}

/** What a port writes: each tap of both passes, under the names of the oracle. */
function answerTo({ name, subject, inputs, weights }: Case, backend: Backend): Readonly<Record<string, Tensor>> {
  if (subject.kind !== 'unet')
    throw new InputError(`${name} is of the kind "${subject.kind}"; this page answers cases of a UNet`);
  const { predictions, taps } = runModel(
    createUNet(parseUNetConfig(subject.config), weights),
    backend,
    {
      sample: present(inputs.get('sample'), `input "sample" of ${name}`),
      timesteps: subject.timesteps,
      ...(subject.labels && { classLabels: subject.labels }),
    },
    { passes: [unperturbed, new Map(subject.perturbed.map((layer) => [layer, identity]))], taps: ['*'] },
  );
  return Object.fromEntries([
    ...Object.entries(taps).map(([path, value]) => [path.replace(/^1:/, 'perturbed.'), value] as const),
    ...predictions.map((value, pass) => [pass === 0 ? 'prediction' : 'perturbed.prediction', value] as const),
  ]);
}
