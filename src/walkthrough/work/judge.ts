/** What the letter classifier makes of pictures: how sure it is that it sees a letter, whichever. */
import { classify, createClassifier, type Classifier } from '../../evaluation/classifier.ts';
import { confidences } from '../../evaluation/recognition.ts';
import type { ReadFile } from '../../formats/read-file.ts';
import { parseSafetensors, readTensors } from '../../formats/safetensors.ts';
import type { Backend } from '../../kernels/kernels.ts';
import { cast } from '../../tensor/rounding.ts';
import { present } from '../checked.ts';
import type { JudgeRequest, JudgeResult } from '../protocol.ts';

/** The file of the classifier, in its folder. */
export const classifierFile = 'classifier.safetensors';

/** Loads the classifier. @throws InputError when the file is missing or wrong */
export async function openJudge(readFile: ReadFile) {
  const classifier = await loadClassifier(readFile);
  return (backend: Backend, request: JudgeRequest) => judge(classifier, backend, request);
}

async function loadClassifier(readFile: ReadFile): Promise<Classifier> {
  const bytes = present(await readFile(classifierFile), classifierFile);
  const stored = readTensors(parseSafetensors(bytes, classifierFile));
  return createClassifier(new Map([...stored].map(([name, weight]) => [name, cast(weight, 'f32')])));
}

/** All pictures of the request, in one result. */
function* judge(
  classifier: Classifier,
  backend: Backend,
  { pictures }: JudgeRequest,
): Generator<JudgeResult, void, void> {
  yield { confidences: confidences(classify(classifier, backend, pictures).probabilities) };
}
