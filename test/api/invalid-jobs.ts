/** Jobs that must be refused, each with every message that must be given, and no other. */
import { INVALID_CODE_AND_NAMES } from './invalid-code-and-names.ts';
import { INVALID_LIFE_AND_PODS } from './invalid-life-and-pods.ts';
import { INVALID_STATE } from './invalid-state.ts';
import type { Manifest } from './manifest.ts';

export type InvalidJob = readonly [what: string, job: Manifest, messages: readonly string[]];

export const INVALID_JOBS: readonly InvalidJob[] = [
  ...INVALID_CODE_AND_NAMES,
  ...INVALID_STATE,
  ...INVALID_LIFE_AND_PODS,
];
