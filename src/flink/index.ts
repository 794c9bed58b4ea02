/** Flink's REST API: the JSON it speaks, and a client for it. See README.md. */
export type { StateAnswer, StateUnavailableReason } from './state-answer.ts';
