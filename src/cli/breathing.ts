/** Long work in steps, with the process free between them. */

/**
 * Runs all steps. Lets the process breathe between two of them, so that Ctrl-C is heard.
 * @param onStep is told of each
 * @returns what comes of them
 */
export async function runBreathing<Step, Result>(
  steps: Generator<Step, Result, void>,
  onStep: (step: Step) => void = () => {},
): Promise<Result> {
  for (;;) {
    const { done, value } = steps.next();
    if (done) return value;
    onStep(value);
    await new Promise((resolve) => setImmediate(resolve));
  }
}
