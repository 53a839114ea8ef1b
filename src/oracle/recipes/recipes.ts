/** The recipe of every kind of case. */
import type { Subject } from '../case.ts';
import { autoencoderRecipe } from './autoencoder.ts';
import { conditionUNetRecipe } from './condition-unet.ts';
import { derivativeRecipe } from './derivative.ts';
import { embeddingRecipe } from './embedding.ts';
import { gradientRecipe } from './gradient.ts';
import { guidanceRecipe } from './guidance.ts';
import { operationRecipe } from './operation.ts';
import { optimiserRecipe } from './optimiser.ts';
import type { Recipe } from './recipe.ts';
import { runRecipe } from './run.ts';
import { schedulerRecipe } from './scheduler.ts';
import { stagesRecipe } from './stages.ts';
import { textEncoderRecipe } from './text-encoder.ts';
import { textToImageRecipe } from './text-to-image.ts';
import { unetRecipe } from './unet.ts';

/** How a subject is computed. */
export function recipeOf(subject: Subject): Recipe {
  switch (subject.kind) {
    case 'operation':
      return operationRecipe(subject);
    case 'embedding':
      return embeddingRecipe(subject);
    case 'stages':
      return stagesRecipe(subject);
    case 'unet':
      return unetRecipe(subject);
    case 'unet-condition':
      return conditionUNetRecipe(subject);
    case 'text-encoder':
      return textEncoderRecipe(subject);
    case 'autoencoder':
      return autoencoderRecipe(subject);
    case 'scheduler':
      return schedulerRecipe(subject);
    case 'guidance':
      return guidanceRecipe(subject);
    case 'run':
      return runRecipe(subject);
    case 'text-to-image':
      return textToImageRecipe(subject);
    case 'derivative':
      return derivativeRecipe(subject);
    case 'gradient':
      return gradientRecipe(subject);
    case 'optimiser':
      return optimiserRecipe(subject);
  }
}
