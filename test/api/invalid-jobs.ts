/**
 * Jobs that must be refused, each with every message that must be given, and no other. The numbers are those of
 * docs/reference/validation.md. Three judges see them: the command line, the definition as the tests read it, and the real
 * API server.
 */
import { INVALID_CODE_AND_NAMES } from './invalid-code-and-names.ts';
import { INVALID_LIFE_AND_PODS } from './invalid-life-and-pods.ts';
import { INVALID_METADATA_AND_BOUNDS } from './invalid-metadata-and-bounds.ts';
import { INVALID_STATE } from './invalid-state.ts';
import type { Manifest } from './manifest.ts';

export type InvalidJob = readonly [what: string, job: Manifest, messages: readonly string[]];

export const INVALID_JOBS: readonly InvalidJob[] = [
  ...INVALID_CODE_AND_NAMES,
  ...INVALID_STATE,
  ...INVALID_LIFE_AND_PODS,
  ...INVALID_METADATA_AND_BOUNDS,
];
