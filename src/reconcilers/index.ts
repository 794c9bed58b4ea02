/**
 * Reconcilers: what to do with resources, decided from facts. The controller of FlinkJobs has a door of its own,
 * flinkjob/controller.ts: it brings the Kubernetes client with it, which `flinkjob run` does without.
 */
export {
  type Decision,
  decide,
  type EventName,
  type ExecutionEnd,
  type JobFacts,
  judge,
  type Verdict,
} from './flinkjob/index.ts';
