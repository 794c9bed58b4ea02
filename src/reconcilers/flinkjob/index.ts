/**
 * What to do with a FlinkJob, decided from facts: observe → decide → act. The decisions are shared by the operator and
 * by `flinkjob run`; who acts on them differs (pods there, child processes here).
 */
export { type Decision, decide, type JobFacts } from './decide.ts';
export { type ExecutionEnd, judge, type Verdict } from './judge.ts';
export type { EventName } from './step.ts';
