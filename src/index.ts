/**
 * What a program imports from `pag-reference`: everything that runs in Node and in a browser alike, room by room. A
 * name that says too little outside of its room has another one here.
 */

// tensor
export {
  absQuantile,
  add,
  addScaled,
  clamp,
  combine,
  divide,
  divideBy,
  dot,
  lerp,
  mapElements,
  mean,
  multiply,
  norm,
  scale,
  shift,
  std,
  subtract,
  type PerSample,
} from './tensor/arithmetic.ts';
export { InputError } from './tensor/errors.ts';
export { permutation } from './tensor/permutation.ts';
export { manualSeed, type Generator } from './tensor/random.ts';
export { cast } from './tensor/rounding.ts';
export type { Signal } from './tensor/signal.ts';
export {
  extentOf,
  reshape,
  sameShape,
  shapeText,
  sizeOf,
  tensor,
  zeros,
  type DType,
  type FloatArray,
  type Tensor,
} from './tensor/tensor.ts';

// kernels
export { definitionBackend, definitionKernels } from './kernels/definition/index.ts';
export { gradient, gradientName, type GradientOptions } from './kernels/gradients/gradient.ts';
export {
  constantOf,
  type ConstantPart,
  type Graph,
  type Node as GraphNode,
  type Value as GraphValue,
} from './kernels/graph.ts';
export {
  activations,
  type Activation,
  type EntmaxAlpha,
  type Backend,
  type Kernels,
  type Padding,
  type Program,
  type Tensors,
  type WinogradWidth,
} from './kernels/kernels.ts';
export {
  applyOperation,
  checked as checkedKernels,
  kernelsFrom,
  kinds as operationKinds,
  operations,
  productsOf,
  shapeOf,
  type Attributes,
  type Call,
  type HeadAttributes,
  type KernelAttributes,
  type Kind as OperationKind,
  type NoAttributes,
  type Operation,
  type OperationOf,
  type PlaceAttributes,
  type Row as OperationRow,
  type Rows as OperationRows,
  type Runner as OperationRunner,
  type Shape,
  type SizeAttributes,
  type SliceAttributes,
} from './kernels/operations/index.ts';
export { orders, type Order, type OrderOptions } from './kernels/order.ts';
export { referenceBackend, referenceKernels } from './kernels/plain/index.ts';
export {
  fastestBackend,
  fmaSupported,
  joinsVectors,
  leanBackend,
  openThreads,
  simdBackend,
  simdRefusal,
  simdSupported,
  type AnyWorker,
  type FastestOptions,
  type LeanOptions,
  type SimdOptions,
  type StepTime,
} from './kernels/simd/index.ts';
export { traceProgram } from './kernels/trace.ts';

// nn
export {
  attentionBlock,
  attentionBlockParameters,
  type AttentionBlockOptions,
} from './nn/attention-block.ts';
export {
  attention,
  attentionParameters,
  maskedAttention,
  softmaxAttention,
  type AttentionInput,
  type AttentionMixer,
  type AttentionParameterOptions,
  type Grid,
  type Mix,
  type OtherTokens,
  type MixingMixer,
} from './nn/attention.ts';
export {
  additiveNoise,
  identity,
  offDiagonalMask,
  queryBlur,
  randomMask,
  skip as skipAttention,
  softIdentity,
  tokenShuffle,
  normalizedAttention,
  sparseAttention,
  uniform as uniformAttention,
  type AdditiveNoiseOptions,
  type NormalizedAttentionOptions,
  type SparseAttentionOptions,
  type RandomMaskOptions,
} from './nn/attention-perturbations/index.ts';
export { weight, type Context } from './nn/context.ts';
export {
  fourierFeatures,
  lookUp,
  numberEmbeddings,
  sinusoid,
  timestepEmbedding,
  timestepEmbeddingParameters,
  type FourierOptions,
  type NumberEmbeddings,
  type TimestepEmbeddingOptions,
} from './nn/embeddings.ts';
export { feedForward, feedForwardParameters } from './nn/feed-forward.ts';
export { joinedConv2d, seamAfterNorm } from './nn/joined.ts';
export { conv2d, evenPadding, groupNorm, layerNorm, linear, upsampleConv2d } from './nn/layers.ts';
export {
  convolutionParameters,
  embeddingParameters,
  linearParameters,
  normParameters,
  type Parameter,
} from './nn/parameters.ts';
export { downsample, resamplingParameters, upsample, type PictureSize } from './nn/resampling.ts';
export { rescale, resnetBlock, resnetParameters, type ResnetChannels, type ResnetOptions } from './nn/resnet.ts';
export { tokenPooling, tokenPoolingParameters } from './nn/token-pooling.ts';

// models
export type { Autoencoder, PictureInput, PictureModel } from './models/autoencoder.ts';
export type { Json, ReadConfig } from './models/config-keys.ts';
export { classConditions, type Condition, type Conditions } from './models/condition.ts';
export { guidedCost, passCost, passLoad, type GuidedCost, type PassLoad } from './models/cost.ts';
export {
  checkWeights,
  createModel,
  type Architecture,
  type EmbeddingName,
  type Learning,
  type LookedUp,
  type Model,
  type ModelInput,
  type Weights,
} from './models/model.ts';
export { mergeLora, type LoraUpdate, type MergedLora, type ScaledLora } from './models/lora.ts';
export {
  lossGradient,
  lossGradientProgram,
  type LossArchitecture,
  type LossGradient,
  type LossGradientOptions,
} from './models/loss-gradient.ts';
export { classGradient, type ClassGradient, type ClassGradientOptions } from './models/class-gradient.ts';
export type { LossProgramOptions } from './models/given-weights.ts';
export type { PictureState } from './models/picture-stages.ts';
export { runModel, traceModel, type PassOptions, type PassOutput, type Watcher } from './models/passes.ts';
export { modelSlope, pictureSlope, type ModelSlope, type Slope } from './models/slope.ts';
export { selectCrossLayers, selectLayers } from './models/selectors.ts';
export {
  parametersOf,
  sitesOf,
  unperturbed,
  type AttentionSite,
  type Perturbation,
  type Stage,
  type StageKind,
} from './models/stage.ts';
export {
  downBlockTypes,
  parseUNetConfig,
  readUNetConfig,
  upBlockTypes,
  type DownBlockType,
  type UNetConfig,
  type UpBlockType,
} from './models/unet2d/config.ts';
export { initialWeights } from './models/unet2d/initialise.ts';
export type { UNetState } from './models/unet2d/state.ts';
export {
  parseUNetClassifierConfig,
  readUNetClassifierConfig,
  type UNetClassifierConfig,
} from './models/unet2d-classifier/config.ts';
export {
  createUNetClassifier,
  initialClassifierWeights,
  unetClassifierArchitecture,
  type UNetClassifier,
  type UNetClassifierArchitecture,
} from './models/unet2d-classifier/unet-classifier.ts';
export { createUNet, unetArchitecture, type UNet, type UNetArchitecture } from './models/unet2d/unet.ts';
export {
  conditionDownBlockTypes,
  conditionMidBlockTypes,
  conditionUpBlockTypes,
  parseUNetConditionConfig,
  type ConditionDownBlockType,
  type ConditionMidBlockType,
  type ConditionUpBlockType,
  type UNetConditionConfig,
} from './models/unet2d-condition/config.ts';
export type { EmbeddingConfig } from './models/unet2d-condition/embedding-config.ts';
export type { TransformerLayers } from './models/unet2d-condition/per-block.ts';
export type { UNetConditionState } from './models/unet2d-condition/state.ts';
export {
  createUNetCondition,
  unetConditionArchitecture,
  type UNetCondition,
  type UNetConditionArchitecture,
} from './models/unet2d-condition/unet-condition.ts';
export {
  clipTextArchitecture,
  createClipText,
  encodeText,
  type ClipText,
  type ClipTextArchitecture,
  type ClipTextInput,
  type EncodedText,
} from './models/clip-text/clip-text.ts';
export { parseClipTextConfig, type ClipTextConfig } from './models/clip-text/config.ts';
export type { ClipTextState } from './models/clip-text/state.ts';
export {
  createAutoencoderKL,
  decodeLatents,
  decoderKLArchitecture,
  encodePicture,
  encoderKLArchitecture,
  scaledLatents,
  unscaledLatents,
  type AutoencoderKL,
  type AutoencoderKLArchitecture,
  type LatentDistribution,
} from './models/autoencoder-kl/autoencoder-kl.ts';
export {
  decoderBlockTypes,
  encoderBlockTypes,
  parseAutoencoderKLConfig,
  type AutoencoderKLConfig,
  type DecoderBlockType,
  type EncoderBlockType,
} from './models/autoencoder-kl/config.ts';
export {
  createAutoencoderTiny,
  decodeLatentsTiny,
  encodePictureTiny,
  tinyDecoderArchitecture,
  tinyEncoderArchitecture,
  type AutoencoderTiny,
  type AutoencoderTinyArchitecture,
} from './models/autoencoder-tiny/autoencoder-tiny.ts';
export { parseAutoencoderTinyConfig, type AutoencoderTinyConfig } from './models/autoencoder-tiny/config.ts';

// schedulers
export type { ChoicesOfClass, SchedulerChoices } from './schedulers/choices.ts';
export { churned, type Churn } from './schedulers/churn.ts';
export {
  CMStochasticIterativeScheduler,
  consistencyStep,
  consistentAt,
  type ConsistencyRange,
} from './schedulers/cm-stochastic-iterative.ts';
export { CosineDPMSolverMultistepScheduler } from './schedulers/cosine-dpm-multistep.ts';
export { createSchedulerOf } from './schedulers/create.ts';
export { loadScheduler } from './schedulers/load.ts';
export { DDIMScheduler, ddimStep } from './schedulers/ddim.ts';
export { DDIMInverseScheduler } from './schedulers/ddim-inverse.ts';
export { DDPMScheduler, ddpmStep } from './schedulers/ddpm.ts';
export { DEISMultistepScheduler, deisStep } from './schedulers/deis.ts';
export { DPMSolverMultistepScheduler } from './schedulers/dpm-multistep.ts';
export { DPMSolverMultistepInverseScheduler } from './schedulers/dpm-multistep-inverse.ts';
export { DPMSolverSDEScheduler, dpmSdeStep } from './schedulers/dpm-sde.ts';
export { DPMSolverSinglestepScheduler, singlestepStep } from './schedulers/dpm-singlestep.ts';
export { EDMDPMSolverMultistepScheduler } from './schedulers/edm-dpm-multistep.ts';
export { EDMEulerScheduler } from './schedulers/edm-euler.ts';
export type { ModelKind, SchedulerEntry } from './schedulers/entry.ts';
export { EulerDiscreteScheduler, eulerStep } from './schedulers/euler.ts';
export { EulerAncestralDiscreteScheduler } from './schedulers/euler-ancestral.ts';
export {
  algorithmTypes,
  solverStep,
  solverTypes,
  type AlgorithmType,
  type SolverRule,
  type SolverType,
} from './schedulers/exponential-integrator.ts';
export { FlowMatchEulerDiscreteScheduler } from './schedulers/flow-match-euler.ts';
export { FlowMatchHeunDiscreteScheduler } from './schedulers/flow-match-heun.ts';
export { FlowMatchLCMScheduler } from './schedulers/flow-match-lcm.ts';
export { HeunDiscreteScheduler, heunStep } from './schedulers/heun.ts';
export { IPNDMScheduler, ipndmStep } from './schedulers/ipndm.ts';
export { KDPM2DiscreteScheduler } from './schedulers/kdpm2.ts';
export { KDPM2AncestralDiscreteScheduler } from './schedulers/kdpm2-ancestral.ts';
export { LCMScheduler, consistent } from './schedulers/lcm.ts';
export type { ForwardProcess, NoiseLevel } from './schedulers/level.ts';
export { LMSDiscreteScheduler, lmsStep } from './schedulers/lms.ts';
export type { NoiseSeed } from './schedulers/motion.ts';
export { multistepStep } from './schedulers/multistep.ts';
export type { NoiseSchedule } from './schedulers/noise-schedule.ts';
export type { Config as SchedulerConfig } from './schedulers/options.ts';
export type { OwnSteps } from './schedulers/own-steps.ts';
export { PNDMScheduler, adamsBashforth, transfer } from './schedulers/pndm.ts';
export { predictionTypes, type PredictionType } from './schedulers/prediction.ts';
export {
  createScheduler,
  schedulerDefaults,
  schedulerNames,
  schedulers,
} from './schedulers/registry.ts';
export { SASolverScheduler, saSolverStep, type SaSolverNode, type SaSolverRule } from './schedulers/sa-solver.ts';
export type { NoiseSource, Scheduler, StepInput, StepResult } from './schedulers/scheduler.ts';
export { ScoreSdeVeScheduler, langevinStep, reverseDiffusionStep } from './schedulers/score-sde-ve.ts';
export type { SolverLevel } from './schedulers/solver-table.ts';
export { TCDScheduler, tcdStep } from './schedulers/tcd.ts';
export { UniPCMultistepScheduler, unipcStep, type UnipcRule } from './schedulers/unipc.ts';
export { ancestralSplit, ancestralStep, type AncestralSplit } from './schedulers/variance-exploding.ts';

// guidance
export { apg, pagApg, type ApgOptions, type PagApgOptions, type ProjectionOptions } from './guidance/apg.ts';
export { autoGuidance, type AutoGuidanceOptions } from './guidance/auto-guidance.ts';
export { awayFrom, type AwayOptions } from './guidance/away.ts';
export { cfgZeroStar, type CfgZeroStarOptions } from './guidance/cfg-zero-star.ts';
export { cfg } from './guidance/cfg.ts';
export { classSlope } from './guidance/class-slope.ts';
export {
  classifier,
  classifierPag,
  universal,
  universalPag,
  type ClassifierForm,
  type ClassifierOptions,
  type SlopeAt,
  type UniversalOptions,
} from './guidance/classifier.ts';
export { during, type Interval } from './guidance/during.ts';
export { onEveryPass, type EveryPass } from './guidance/every-pass.ts';
export { fdg } from './guidance/fdg.ts';
export {
  conditional,
  perturbed,
  predictOne,
  unconditional,
  weakModel,
  type Guidance,
  type GuidanceStep,
  type MeanShift,
  type MixerChoice,
  type Pass,
} from './guidance/guidance.ts';
export { mamboG, type MamboGOptions } from './guidance/mambo-g.ts';
export { nag, type NagOptions } from './guidance/nag.ts';
export { none } from './guidance/none.ts';
export { throughModel, type OriginalSlope } from './guidance/original-slope.ts';
export { momentumGuidance, type MomentumGuidanceOptions } from './guidance/momentum.ts';
export { cfgPag, pag, pagScaleAt, type AdaptiveRule, type PagOptions } from './guidance/pag.ts';
export type { Parameter as GuidanceParameter, ParameterValue, ParameterValues } from './guidance/parameters.ts';
export { createGuidanceOf } from './guidance/registry/create.ts';
export { loadGuidance } from './guidance/registry/load.ts';
export {
  commonParameters as commonGuidanceParameters,
  createGuidance,
  guidanceNames,
  guidances,
  parametersOf as guidanceParameters,
  type ClassifierKind,
  type GuidanceContext,
  type GuidanceEntry,
  type Values as GuidanceValues,
} from './guidance/registry/index.ts';
export { pladis, type PladisOptions } from './guidance/pladis.ts';
export { rescaled } from './guidance/rescale.ts';
export { samePass } from './guidance/same-pass.ts';
export { sag, type SagOptions } from './guidance/sag.ts';
export { extrapolate, push } from './guidance/scales.ts';
export { seg, type SegOptions } from './guidance/seg.ts';
export { slg, type SlgOptions } from './guidance/slg.ts';
export { smcCfg, type SmcCfgOptions, type Switching } from './guidance/smc-cfg.ts';
export { snf, type SnfOptions } from './guidance/snf.ts';
export { softPag, type HeadLambda, type SoftPagOptions } from './guidance/soft-pag.ts';
export { swg, type SwgOptions } from './guidance/swg.ts';
export { tcfg } from './guidance/tcfg.ts';
export { tpg, type TpgOptions } from './guidance/tpg.ts';
export { velocityOf, velocityScale } from './guidance/velocity.ts';

// sampling
export {
  denoiserOf,
  groupingDenoiser,
  unetDenoiser,
  type Denoiser,
  type DenoiserOptions,
  type Models,
  type PassRunner,
  type Prediction,
} from './sampling/denoiser.ts';
export { forEachSample, noisedPicture, stepsLeftOut } from './sampling/from-picture.ts';
export { replacing, type Inpainting } from './sampling/inpaint.ts';
export { noiseFrom } from './sampling/noise.ts';
export { renoiseStep, repaintCalls, repainting, type Jumps } from './sampling/repaint.ts';
export { sampleSteps, sampleToEnd, type SamplingRun, type SamplingStep } from './sampling/sample.ts';
export { sharedPredictions } from './sampling/shared-predictions.ts';
export { leastWork, type PlannedRun, type Work } from './sampling/work.ts';

// restoration
export { measure, measureBack, type Measurement, type Size } from './restoration/measurement.ts';
export {
  everything,
  gaussianBlur,
  inpainting,
  motionBlur,
  superResolution,
} from './restoration/measurements.ts';
export { restoring, type InverseProblem } from './restoration/posterior.ts';
export { restoringLatents, type LatentProblem, type LatentSlopes } from './restoration/psld.ts';

// off-thread
export type { WorkerLike } from './off-thread/line.ts';
export type { GuidanceChoice, ModelValues, SampleRequest } from './off-thread/request.ts';
export {
  openSampler,
  sample,
  type Following,
  type SampleOptions,
  type Sampler,
  type SamplerOptions,
  type SamplingProgress,
} from './off-thread/sampler.ts';

// formats
export { componentKinds } from './formats/components.ts';
export { loadModelFiles, type ComponentKind, type ModelFiles } from './formats/model-files.ts';
export { loadClassifierFolder } from './formats/classifier-folder.ts';
export { loadModelFolder, type FolderChoices, type FolderOf, type ModelFolder } from './formats/diffusers.ts';
export { fileReader, type FileLike, type Picked } from './formats/file-reader.ts';
export { encodeGif } from './formats/gif.ts';
export { grid, type GridRow } from './formats/grid.ts';
export { toImageData, type ImageDataLike } from './formats/image-data.ts';
export { maskTensor, pictureTensor, toGrey } from './formats/picture-tensor.ts';
export type { Frame } from './formats/animation.ts';
export type { Picture } from './formats/picture.ts';
export { resized } from './formats/resize.ts';
export { loadLora, loraParts, readLora, type Lora, type LoraPart } from './formats/lora.ts';
export type { FilePart, OpenFile, ReadFile } from './formats/read-file.ts';
export {
  parseSafetensors,
  readSafetensors,
  readTensor,
  readTensors,
  writeSafetensors,
  type IntegerTensor,
  type SafetensorsEntry,
  type SafetensorsFile,
} from './formats/safetensors.ts';
export {
  cacheStorage,
  folderStorage,
  type BlobLike,
  type ByteStorage,
  type DirectoryLike,
  type FileHandleLike,
  type WritableLike,
} from './formats/storage.ts';
export {
  urlReader,
  type BodyLike,
  type BodyReader,
  type Fetch,
  type HeadersLike,
  type LoadingProgress,
  type ResponseLike,
  type UrlReaderOptions,
} from './formats/url-reader.ts';

// pipelines
export {
  clipTokenizer,
  type ClipVocabulary,
  type SpecialTokens,
  type Tokenizer,
  type Tokens,
} from './pipelines/clip-tokenizer.ts';
export { inpaintingUNet } from './pipelines/inpainting-unet.ts';
export { latentSlopes } from './pipelines/latent-slopes.ts';
export { latentRun, type LatentNoise, type LatentPicture, type LatentRun } from './pipelines/latent-start.ts';
export { latentsOf, picturesOf, pixelsPerLatent, type LatentOptions } from './pipelines/latents.ts';
export {
  embedPrompts,
  promptConditions,
  type PictureSizes,
  type PromptRequest,
  type TextCondition,
} from './pipelines/prompts.ts';
export { loadStableDiffusion, type StableDiffusion, type TextPart } from './pipelines/stable-diffusion.ts';
export { loadTokenizer } from './pipelines/tokenizer-folder.ts';

// training
export { adamwStep, type AdamWOptions, type Moments } from './training/adamw.ts';
export { batchAt, batchOptionsOf, type Batch, type BatchOptions } from './training/batches.ts';
export { checkpointBytes, readCheckpoint, type Checkpoint, type TrainingSettings } from './training/checkpoint.ts';
export { clipped as clippedGradients, globalNorm } from './training/clip.ts';
export {
  parseTrainingConfig,
  type TrainingConfig,
  type TrainingSections,
  type ValueOfKey,
} from './training/config.ts';
export type { Key as ConfigKey } from './training/keys.ts';
export { averaged as averagedWeight, constantDecay, exponentOfWidth, powerFunctionDecay } from './training/ema.ts';
export { learningRateShare, type LearningRateSchedule } from './training/learning-rate.ts';
export { modelFiles, type ModelDescription } from './training/model-files.ts';
export { checkPictures, type Pictures } from './training/pictures.ts';
export { readReplay } from './training/replay.ts';
export { initialState, trainingStep, type StepReport, type TrainingState } from './training/step.ts';
export { levelsAt, minSnrWeight, noised, targetOf } from './training/targets.ts';
export {
  createClassifierTraining,
  createTraining,
  denoisingLearner,
  type BatchGradient,
  type DenoisingLearner,
  type Learner,
  type Training,
} from './training/training.ts';

// oracle
export type {
  AutoencoderSubject,
  Case,
  ConditionUNetSubject,
  DerivativeSubject,
  EmbeddingProbe,
  EmbeddingSubject,
  EncoderSetting,
  Expected,
  GradientSubject,
  GuidanceSetting,
  GuidanceSubject,
  OperationSubject,
  OptimiserSubject,
  Probe,
  RunSubject,
  SchedulerSubject,
  StagesSubject,
  Subject,
  TextEncoderSubject,
  TextToImageSubject,
  ToldSizes,
  UNetSubject,
} from './oracle/case.ts';
export { check, type Checked, type Judgement, type Report, type Status, type TapReport } from './oracle/check.ts';
export {
  diagnose,
  faultyTraces,
  type Diagnosis,
  type Explanation,
  type FaultyTraces,
} from './oracle/diagnosis.ts';
export { diagnosesOf, findingsOf, type Findings } from './oracle/findings.ts';
export { bank as faultBank } from './oracle/faults/bank.ts';
export type { Fault } from './oracle/faults/fault.ts';
export { formatNames, formats, type Format, type FormatName } from './oracle/honest/format.ts';
export { reference as referenceImplementation, type Implementation } from './oracle/implementation.ts';
export type { Heat, Measures } from './oracle/measures.ts';
export { readCase, type ReadModel } from './oracle/read-case.ts';
export type { Band, Deviation } from './oracle/tolerance.ts';
export { traceCase, type Precision, type Prepared, type Trace, type TraceOptions } from './oracle/trace.ts';

// evaluation
export { bootstrap, type BootstrapOptions, type Estimate } from './evaluation/bootstrap.ts';
export { classify, createClassifier, type Classification, type Classifier } from './evaluation/classifier.ts';
export { fitGaussian, frechetDistance, type Gaussian } from './evaluation/frechet.ts';
export { inceptionScore } from './evaluation/inception-score.ts';
export { letterSlope } from './evaluation/letter-slope.ts';
export { precisionRecall, type PrecisionRecall } from './evaluation/precision-recall.ts';
