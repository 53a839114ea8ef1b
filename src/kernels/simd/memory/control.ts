/**
 * The first page of the one WebAssembly memory: the words with which threads agree, and the numbers that kernels read.
 * After it come blocks given out by `heap`: packed weights, which stay, and one arena, which all plans use in turn for
 * their activations.
 */

/** The start of the memory, which is never given out: addresses in bytes. */
export const CONTROL = {
  // What one thread writes while others watch another word has a cache line of its own.
  /** Threads that sleep until a step is done, and must be woken. */
  SLEEPING: 0,
  /** Not zero: a thread has failed, and all stop. */
  FAILED: 64,
  /** Workers that take part in a run, or look whether there is one. */
  ACTIVE: 128,
  /** Counts the runs to which the workers are called. */
  CALL: 192,
  /** Not zero while a run goes on that workers may join; the next two words name it. */
  OPEN: 256,
  /** The number of the module to run. */
  MODULE: 260,
  ARENA: 264,
  /** Numbers that kernels read: those of exp, the table of erf, and those of gelu. */
  CONSTANTS: 512,
  ERF: 1024,
  GELU: 4160,
  /** Two counters of work for each step; zero before a run. */
  COUNTERS: 4608,
  /** Where what is given out begins. */
  BYTES: 65536,
} as const;
