/** The command line from within: what it prints, and how it refuses. */
import { afterEach, beforeAll, beforeEach, expect, vi } from 'vitest';
import { explain, runCommand } from '../../src/cli/commands.ts';

/** What is printed during a test, line by line, or in what is run before it; silent. */
export function capturePrinted(): string[] {
  const printed: string[] = [];
  const capture = (): void => {
    printed.length = 0;
    vi.spyOn(console, 'log').mockImplementation((text: string) => {
      printed.push(text);
    });
  };
  beforeAll(capture);
  beforeEach(capture);
  afterEach(() => {
    vi.restoreAllMocks();
  });
  return printed;
}

/** The one line with which unusable input ends; status 2. */
export async function refusal(...args: string[]): Promise<string> {
  const error: unknown = await runCommand(args).then(
    () => expect.fail('it ran'),
    (thrown: unknown) => thrown,
  );
  const { status, message } = explain(error);
  if (status !== 2) throw error;
  expect(message).not.toMatch(/\n/);
  return message;
}
