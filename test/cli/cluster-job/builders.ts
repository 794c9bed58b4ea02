/** FlinkJobs, pods and events as an API server has them, with only what matters. */
import type { FlinkJobStatus } from '../../../src/api/index.ts';
import type { FlinkJobObject, Pod } from '../../../src/kube/index.ts';

export const NOW = Date.parse('2026-01-02T03:04:05Z');

/** So many seconds before NOW. */
export const ago = (seconds: number): string => new Date(NOW - seconds * 1_000).toISOString();

export const condition = (type: string, status: 'True' | 'False', reason: string, message = '', seconds = 134) => ({
  type,
  status,
  reason,
  message,
  lastTransitionTime: ago(seconds),
});

/** `null`: nobody has looked at it yet. */
export function aJobObject(
  status: Partial<FlinkJobStatus> | null = {},
  { spec = {}, metadata = {} }: { spec?: object; metadata?: object } = {},
): FlinkJobObject {
  return {
    metadata: { name: 'flights', namespace: 'team-a', generation: 7, creationTimestamp: ago(90_000), ...metadata },
    spec: { state: 'Running', parallelism: 2, image: 'example.org/flights:1.4.2', ...spec },
    ...(status === null ? {} : { status: { observedGeneration: 7, ...status } }),
  };
}

export function aPod(
  name: string,
  status: Pod['status'] = { phase: 'Running', conditions: [{ type: 'Ready', status: 'True' }] },
): Pod {
  return {
    metadata: { name, labels: { 'flinkjob.dev/attempt': name.split('-')[1] ?? '' }, creationTimestamp: ago(260) },
    spec: {
      nodeName: 'node-1',
      containers: [{ name: 'job', image: 'example.org/flights:1.4.2', resources: { limits: { memory: '512Mi' } } }],
    },
    ...(status === undefined ? {} : { status }),
  };
}

/** A pod whose container waits. */
export const aWaitingPod = (name: string, reason: string, message = ''): Pod =>
  aPod(name, {
    phase: 'Pending',
    containerStatuses: [{ name: 'job', restartCount: 0, state: { waiting: { reason, message } } }],
  });

/** A pod whose container ended. */
export const anEndedPod = (name: string, exitCode: number, reason: string): Pod =>
  aPod(name, {
    phase: 'Failed',
    containerStatuses: [{ name: 'job', restartCount: 0, state: { terminated: { exitCode, reason } } }],
  });

/** An entry of managedFields of somebody who owns these fields. */
export const managed = (manager: string, fieldsV1: object, more: object = {}) => ({
  manager,
  operation: 'Apply',
  time: ago(5),
  fieldsV1,
  ...more,
});
