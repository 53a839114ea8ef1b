/** The worker's side: it has one model, and computes a step when it is asked for one. */
import type { Backend } from '../kernels/kernels.ts';
import { createUNet, type UNet } from '../models/unet2d/unet.ts';
import type { SamplingStep } from '../sampling/sample.ts';
import { InputError, messageOf } from '../tensor/errors.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { backendFor } from './backend.ts';
import { drawRequest } from './draw.ts';
import type { Kind, Port, Problem, Question, Questions } from './protocol.ts';
import type { ModelValues } from './request.ts';

interface Opened {
  readonly unet: UNet;
  readonly backend: Backend;
  readonly model: ModelValues;
}

type Answers = { readonly [K in Kind]: (question: Questions[K]['ask']) => Promise<Questions[K]['answer']> };

/** Answers all questions that arrive at this end of a line, one after the other. */
export function serve(port: Port): void {
  let opened: Opened | undefined;
  const runs = new Map<number, Generator<SamplingStep, Tensor, void>>();
  const answers: Answers = {
    async open({ model, threads, order }) {
      let fallback: string | undefined;
      const onFallback = (reason: string): void => {
        fallback = reason;
      };
      const unet = createUNet(model.config, model.weights);
      const backend = await backendFor(unet, { threads, order, onFallback });
      opened = { model, backend, unet };
      return { kernels: backend.name, ...(fallback !== undefined && { fallback }) };
    },
    async start({ run, request }) {
      if (!opened) throw new Error('no model is open');
      runs.set(run, await drawRequest(opened.unet, opened.model.schedulerConfig, opened.backend, request));
      return undefined;
    },
    async next({ run }) {
      const steps = runs.get(run);
      if (!steps) throw new Error(`there is no run ${run}`);
      return steps.next();
    },
    async end({ run }) {
      runs.delete(run);
      return undefined;
    },
  };
  port.listen((message) => {
    const { id, kind, ...ask } = message as Question;
    // Each kind is asked with what is its own.
    const answer = answers[kind] as (ask: unknown) => Promise<unknown>;
    answer(ask).then(
      (value) => port.postMessage({ id, value }),
      (error: unknown) => port.postMessage({ id, problem: problemOf(error) }),
    );
  });
}

function problemOf(error: unknown): Problem {
  return { isInput: error instanceof InputError, message: messageOf(error) };
}
