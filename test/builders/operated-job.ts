/** One FlinkJob in a namespace of its own, an operator that looks after it, nodes for its pods; and what tests wait for of it. */
import type { FlinkJobStatus } from '../../src/api/index.ts';
import type { OperatorSettings } from '../../src/reconcilers/flinkjob/facts.ts';
import type { TestCluster } from '../cluster/index.ts';
import type { NodeSimulatorOptions, SimulatedPod } from '../node-simulator/index.ts';
import { AppliedJob, anOperator } from './flinkjob-operator.ts';
import { aNodeSimulator } from './node-simulator.ts';

/** What differs from test to test. */
export interface OperatedJobOptions {
  readonly settings?: Partial<OperatorSettings>;
  /** @default its pods run as processes */
  readonly played?: NodeSimulatorOptions['played'];
}

/** Nothing is applied yet. Operator and nodes stop after the test. */
export async function anOperatedJob(cluster: TestCluster, { settings, played }: OperatedJobOptions = {}) {
  const namespace = await cluster.namespace();
  // Before its nodes: what is begun last is ended first, and pods that run write into its directory.
  const job = new AppliedJob(cluster, namespace);
  const operator = await anOperator(cluster, { namespace, ...(settings === undefined ? {} : { settings }) });
  const simulator = await aNodeSimulator(cluster, {
    namespaces: [namespace],
    ...(played === undefined ? {} : { played }),
  });
  return { namespace, operator, simulator, job };
}

/** For `until` of a job: it runs in this attempt. */
export const runsIn =
  (number: number) =>
  ({ phase, attempt }: FlinkJobStatus): boolean =>
    phase === 'Running' && attempt?.number === number;

/** For `until` of a job: it runs in this attempt and has completed a checkpoint of its own. */
export const hasCheckpointed =
  (number: number) =>
  (status: FlinkJobStatus): boolean =>
    runsIn(number)(status) && status.checkpoint?.latest !== undefined;

/** What a leader wrote to its log about the state that it began with: `from` where, `checkpointId`. */
export function restoredBy({ log }: SimulatedPod): Readonly<Record<string, unknown>> | undefined {
  return log.find(({ message }) => message === 'restores a checkpoint');
}
