/** Reconcilers: what to do with resources, decided from facts. */
export { type Decision, decide, type ExecutionEnd, type JobFacts, judge, type Verdict } from './flinkjob/index.ts';
