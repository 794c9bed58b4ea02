/** A status that has every field. */

const TIME = '2026-01-02T03:04:05Z';

export const A_FULL_STATUS = {
  observedGeneration: 3,
  phase: 'Running',
  conditions: [
    {
      type: 'Ready',
      status: 'True',
      reason: 'Succeeded',
      message: 'All tasks run.',
      lastTransitionTime: TIME,
      observedGeneration: 3,
    },
  ],
  runtime: 'flink',
  jobId: '9f0c1a2b3c4d5e6f708192a3b4c5d6e7',
  jobState: 'RUNNING',
  startTime: TIME,
  tasks: { running: 8, total: 8 },
  parallelism: 4,
  maxParallelism: 128,
  taskManagers: 2,
  slots: 4,
  selector: 'flinkjob.dev/job=flight-delays',
  attempt: {
    number: 3,
    started: TIME,
    leader: 'flight-delays-3-0',
    epoch: 5,
    restoredFrom: 's3://bucket/jobs/chk-811',
    restoredAt: TIME,
  },
  restarts: { count: 2, lastCause: 'the pod was evicted', nextAt: TIME },
  checkpoint: {
    latest: { id: 812, uri: 's3://bucket/jobs/chk-812', bytes: 4096, tookMs: 12, completed: TIME },
    failed: 0,
  },
  savepoints: [
    {
      trigger: 2,
      requested: TIME,
      uri: 's3://bucket/jobs/flight-delays/savepoint-2',
      completed: TIME,
      state: 'Completed',
      cause: 'none',
    },
  ],
  restoredFrom: 's3://bucket/jobs/savepoint-1',
  handledTriggers: { savepoint: 2, restart: 1, restore: 0 },
  upgrade: { step: 'Stabilizing', started: TIME, deadline: TIME },
  revision: 'flight-delays-6c7f',
  desiredRevision: 'flight-delays-7d80',
  pendingChange: 'Restart',
  configHash: '6c7f',
  lastHandledReconcileAt: TIME,
  lastError: { code: 'API_REQUEST', message: 'the API server did not answer', retryable: true, at: TIME },
  rootException: 'java.lang.IllegalStateException: full',
};
