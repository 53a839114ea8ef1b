/** What a program and its worker send one another. Each question has a number, and one answer with the same. */
import type { Order } from '../kernels/order.ts';
import type { SamplingStep } from '../sampling/sample.ts';
import type { Tensor } from '../tensor/tensor.ts';
import type { ModelValues, SampleRequest } from './request.ts';

/** The questions, by kind, and what each is answered with. */
export interface Questions {
  /** Takes a model, and gets ready to compute on so many threads. */
  open: {
    readonly ask: { readonly model: ModelValues; readonly threads: number; readonly order: Order };
    readonly answer: OpenedReport;
  };
  /** Begins a run; nothing is computed yet. */
  start: { readonly ask: { readonly run: number; readonly request: SampleRequest }; readonly answer: undefined };
  /** Computes one step of a run. */
  next: { readonly ask: { readonly run: number }; readonly answer: IteratorResult<SamplingStep, Tensor> };
  /** Forgets a run, be it at its end or not. */
  end: { readonly ask: { readonly run: number }; readonly answer: undefined };
}

/** The kinds of questions. */
export type Kind = keyof Questions;

/** What computes now. */
export interface OpenedReport {
  /** The name of the backend. */
  readonly kernels: string;
  /** Why it is a slow one, if it is. */
  readonly fallback?: string;
}

/** A question, as it is sent. */
export type Question = { readonly [K in Kind]: { readonly id: number; readonly kind: K } & Questions[K]['ask'] }[Kind];

/** An answer, as it is sent: a value, or what went wrong. */
export type Answer =
  | { readonly id: number; readonly value: Questions[Kind]['answer'] }
  | { readonly id: number; readonly problem: Problem };

/** An error, as values. */
export interface Problem {
  /** Whether it is an InputError. */
  readonly isInput: boolean;
  readonly message: string;
}

/** One end of a line over which messages go: a worker for the program, and for the worker the program. */
export interface Port {
  postMessage(message: unknown): void;
  /** Whoever is told of what arrives; one. */
  listen(receive: (message: unknown) => void): void;
}
