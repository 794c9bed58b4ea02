import { expect, test } from 'vitest';
import type { FlinkJobStatus } from '../../../src/api/index.ts';
import type { FlinkJobFacts } from '../../../src/reconcilers/flinkjob/facts.ts';
import { jobFigures } from '../../../src/reconcilers/flinkjob/job-figures.ts';

const AT = Date.parse('2026-11-21T12:00:00Z');

/** Facts of a job of which nothing is known; figures read no others. */
function aFact(more: object = {}): FlinkJobFacts {
  const nothing = {
    object: { namespace: 'flights', name: 'delays' },
    desired: { is: 'valid', settings: {} },
    rest: { is: 'notAsked' },
    revisions: new Map(),
    pods: [],
  };
  return { ...nothing, ...more } as unknown as FlinkJobFacts;
}

const aStatus = (status: Partial<FlinkJobStatus> = {}): FlinkJobStatus => ({ observedGeneration: 1, ...status });

test('a job of which nothing is known yet is pending, and has no figures', () => {
  expect(jobFigures(aFact(), aStatus())).toEqual({
    namespace: 'flights',
    name: 'delays',
    runtime: 'typescript',
    phase: 'Pending',
    restarts: 0,
    failedCheckpoints: 0,
    unhealthyPods: {},
    savepoints: [],
  });
});

test('what the job answered last counts for its newest checkpoint, before what its status says', () => {
  const latest = { id: 1, uri: 'file:///a', bytes: 10, completed: '2026-11-21T12:00:00Z' };
  const status = aStatus({ checkpoint: { latest, failed: 2 } });
  expect(jobFigures(aFact(), status)).toMatchObject({
    lastCheckpoint: { completedAt: AT, bytes: 10 },
    failedCheckpoints: 2,
  });
  const rest = { is: 'answered', checkpoint: { id: 9, uri: 'file:///b', bytes: 20, tookMs: 1, at: AT + 5_000 } };
  expect(jobFigures(aFact({ rest }), status).lastCheckpoint).toEqual({ completedAt: AT + 5_000, bytes: 20 });
});

test('the version is that of Flink, or the image of the revision that runs', () => {
  const revisions = new Map([['delays-1', { image: 'example.org/delays:1.4' }]]);
  const status = aStatus({ revision: 'delays-1' });
  expect(jobFigures(aFact({ revisions }), status).version).toBe('example.org/delays:1.4');
  const desired = { is: 'valid', settings: { flink: { version: '2.1' } } };
  expect(jobFigures(aFact({ revisions, desired }), status).version).toBe('2.1');
});

test('pods that are not well are counted by reason, and those that ran out of memory', () => {
  const pods = [
    { trouble: { reason: 'ImagePullBackOff', message: '' } },
    { trouble: { reason: 'ImagePullBackOff', message: '' } },
    { end: { signal: 'OOMKilled' } },
    { end: { signal: 'SIGKILL' } },
    {},
  ];
  expect(jobFigures(aFact({ pods }), aStatus()).unhealthyPods).toEqual({ ImagePullBackOff: 2, OOMKilled: 1 });
});

test('savepoints are told when they have come to an end', () => {
  const savepoints: FlinkJobStatus['savepoints'] = [
    { trigger: 3, state: 'Triggered' },
    { trigger: 2, state: 'Failed', cause: 'no space' },
    { trigger: 1, state: 'Completed', uri: 'file:///s' },
  ];
  expect(jobFigures(aFact(), aStatus({ savepoints })).savepoints).toEqual([
    { id: '2', outcome: 'failed' },
    { id: '1', outcome: 'completed' },
  ]);
});
