/** What a program imports from `pag-reference`: everything that runs in Node and in a browser alike. */
export { InputError } from './tensor/errors.ts';
export { manualSeed, type Generator } from './tensor/random.ts';
export { cast } from './tensor/rounding.ts';
export { reshape, tensor, zeros, type DType, type FloatArray, type Tensor } from './tensor/tensor.ts';

export { definitionBackend, definitionKernels } from './kernels/definition/index.ts';
export type { Backend, Kernels, Program, Tensors } from './kernels/kernels.ts';
export { referenceBackend, referenceKernels } from './kernels/plain/index.ts';
export {
  fmaSupported,
  joinsVectors,
  openThreads,
  simdBackend,
  simdSupported,
  type SimdOptions,
} from './kernels/simd/index.ts';

export { softmaxAttention, type AttentionInput, type AttentionMixer } from './nn/attention.ts';
export { identity } from './nn/attention-perturbations/index.ts';

export { classConditions, type Condition, type Conditions } from './models/condition.ts';
export { guidedCost, passCost, type GuidedCost } from './models/cost.ts';
export { createModel, type Architecture, type Model, type ModelInput, type Weights } from './models/model.ts';
export { runModel, traceModel, type PassOptions, type PassOutput, type Watcher } from './models/passes.ts';
export { selectLayers } from './models/selectors.ts';
export {
  parametersOf,
  unperturbed,
  type AttentionSite,
  type Perturbation,
  type Stage,
  type StageKind,
} from './models/stage.ts';
export { parseUNetConfig, type UNetConfig } from './models/unet2d/config.ts';
export { initialWeights } from './models/unet2d/initialise.ts';
export type { UNetState } from './models/unet2d/state.ts';
export { createUNet, unetArchitecture, type UNet, type UNetArchitecture } from './models/unet2d/unet.ts';

export {
  createScheduler,
  schedulerDefaults,
  schedulerNames,
  schedulers,
  type SchedulerChoices,
  type SchedulerEntry,
} from './schedulers/registry.ts';
export type { NoiseSource, Scheduler, StepInput, StepResult } from './schedulers/scheduler.ts';

export { cfg } from './guidance/cfg.ts';
export type { Guidance, GuidanceStep, Pass } from './guidance/guidance.ts';
export { none } from './guidance/none.ts';
export { cfgPag, pag, type PagOptions } from './guidance/pag.ts';
export { rescaled } from './guidance/rescale.ts';

export {
  denoiserOf,
  unetDenoiser,
  type Denoiser,
  type DenoiserOptions,
  type Models,
  type Prediction,
} from './sampling/denoiser.ts';
export { sampleSteps, sampleToEnd, type SamplingRun, type SamplingStep } from './sampling/sample.ts';

export { loadModelFolder, type ModelFolder, type ReadFile } from './formats/diffusers.ts';
export { grid, type GridRow } from './formats/grid.ts';
export {
  parseSafetensors,
  readTensor,
  readTensors,
  writeSafetensors,
  type SafetensorsFile,
} from './formats/safetensors.ts';

export { bootstrap, type BootstrapOptions, type Estimate } from './evaluation/bootstrap.ts';
export { classify, createClassifier, type Classification, type Classifier } from './evaluation/classifier.ts';
export { fitGaussian, frechetDistance, type Gaussian } from './evaluation/frechet.ts';
export { inceptionScore } from './evaluation/inception-score.ts';
export { precisionRecall, type PrecisionRecall } from './evaluation/precision-recall.ts';

export type { Case } from './oracle/case.ts';
export { check, type Checked, type Report, type TapReport } from './oracle/check.ts';
export { diagnose, faultyTraces, type Diagnosis } from './oracle/diagnosis.ts';
export { bank as faultBank } from './oracle/faults/bank.ts';
export type { Fault } from './oracle/faults/fault.ts';
export { formats, type Format, type FormatName } from './oracle/honest/format.ts';
export { reference as referenceImplementation, type Implementation } from './oracle/implementation.ts';
export { readCase } from './oracle/read-case.ts';
export { traceCase } from './oracle/trace.ts';
