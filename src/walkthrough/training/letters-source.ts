/** Where the letters to learn from come from: they are loaded once, when they are first asked for. */
import { explain } from '../explained.ts';
import type { Pictures } from '../../training/pictures.ts';

/** How far the letters are. */
export interface LettersState {
  readonly letters?: Pictures;
  readonly isLoading: boolean;
  /** Why they did not come, if so. */
  readonly problem?: string;
}

/** Letters that are there when somebody has asked for them. */
export interface LettersSource {
  state(): LettersState;
  /** Calls `then` with the letters: at once where they are there, else when they have come. */
  ask(then: (letters: Pictures) => void): void;
}

/**
 * A source that has loaded nothing.
 * @param load loads the letters
 * @param changed called when the state is another
 */
export function lettersSource(load: () => Promise<Pictures>, changed: () => void): LettersSource {
  let state: LettersState = { isLoading: false };
  const turn = (next: LettersState): void => {
    state = next;
    changed();
  };
  return {
    state: () => state,
    ask(then) {
      if (state.letters) return then(state.letters);
      if (state.isLoading) return;
      turn({ isLoading: true });
      load().then(
        (letters) => {
          turn({ letters, isLoading: false });
          then(letters);
        },
        (problem: unknown) => turn({ isLoading: false, problem: explain(problem) }),
      );
    },
  };
}
