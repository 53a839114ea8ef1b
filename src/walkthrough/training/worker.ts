/** The thread that learns. It is started when the reader asks for it, and not before. */
import { simdBackend, simdSupported } from '../../kernels/simd/index.ts';
import { InputError } from '../../tensor/errors.ts';
import type { WorkerScope } from '../start-worker.ts';
import { createClassroom, type Opened } from './classroom.ts';
import type { Lesson } from './lesson.ts';
import { lettersLesson } from './letters.ts';
import { pointsLesson } from './points.ts';
import type { FromTrainer, Task, ToTrainer } from './protocol.ts';

const scope = globalThis as unknown as WorkerScope<ToTrainer, FromTrainer>;
const hear = createClassroom(open, (message) => scope.postMessage(message));
scope.onmessage = ({ data }) => hear(data);

/** @throws InputError where learning would take too long */
function open(task: Task): Opened {
  if (!simdSupported())
    throw new InputError(
      'This browser has no WebAssembly SIMD, or may not compile it here; without it learning would take half an hour.',
    );
  return { lesson: lessonOf(task), backend: simdBackend() };
}

function lessonOf(task: Task): Lesson {
  return task.kind === 'points' ? pointsLesson(task.shape, task.seed) : lettersLesson(task.letters, task.seed);
}
