/** What the page has asked its worker, and the answers as far as they have come. */
import type { JobNews, WorkKind, Works } from './protocol.ts';

/** An answer as far as it has come. */
export interface Answer<Result> {
  readonly results: readonly Result[];
  /** Whether nothing more will come. */
  readonly done: boolean;
  /** The worker's time for it, once it is done. */
  readonly seconds?: number;
  /** Why there is no answer, if so. */
  readonly problem?: string;
}

/** An answer of any kind of work. */
export type AnyAnswer = Answer<Works[WorkKind]['result']>;

/** Questions by their keys. Each is a job of the worker. */
export interface Questions {
  /** The answer so far; `ask` is told the number of the job when the question is a new one. */
  answerTo(key: string, ask: (job: number) => void): AnyAnswer;
  /** Takes down what the worker says about a job. */
  hear(message: JobNews): void;
  /**
   * Forgets questions that nobody wants any more, but for the latest that have an answer.
   * @returns the jobs that the worker need not go on with
   */
  forget(isWanted: (key: string) => boolean): readonly number[];
  /** The jobs of these questions that have no whole answer yet. */
  open(keys: Iterable<string>): readonly number[];
  /** Forgets all of them. No job has the number of an earlier one. */
  clear(): void;
}

/** Answers that are kept though no section wants them at present. */
const mostKept = 40;

interface Question {
  readonly job: number;
  answer: AnyAnswer;
}

/** Questions, none yet. */
export function createQuestions(): Questions {
  const asked = new Map<string, Question>();
  let jobs = 0;
  return {
    answerTo(key, ask) {
      const known = asked.get(key);
      if (known) return known.answer;
      const question = { job: jobs, answer: { results: [], done: false } };
      jobs += 1;
      asked.set(key, question);
      ask(question.job);
      return question.answer;
    },
    hear(message) {
      const question = [...asked.values()].find(({ job }) => job === message.job);
      if (question) question.answer = extended(question.answer, message);
    },
    forget(isWanted) {
      const idle = [...asked].filter(([key]) => !isWanted(key));
      const finished = idle.filter(([, { answer }]) => answer.done);
      const unfinished = idle.filter(([, { answer }]) => !answer.done);
      const old = finished.slice(0, Math.max(0, finished.length - mostKept));
      for (const [key] of [...unfinished, ...old]) asked.delete(key);
      return unfinished.map(([, { job }]) => job);
    },
    open: (keys) =>
      [...keys].flatMap((key) => asked.get(key) ?? []).flatMap(({ job, answer }) => (answer.done ? [] : [job])),
    clear: () => asked.clear(),
  };
}

/** The answer after one more message. */
function extended(answer: AnyAnswer, message: JobNews): AnyAnswer {
  switch (message.kind) {
    case 'result':
      return { ...answer, results: [...answer.results, message.result] };
    case 'done':
      return { ...answer, done: true, seconds: message.seconds };
    case 'failed':
      return { ...answer, done: true, problem: message.problem };
  }
}
