import { expect, test } from 'vitest';
import { jobEvents } from '../../../src/cli/cluster-job/event-report.ts';
import { keepersOfSpec, putBackWarning, specChangedAt } from '../../../src/cli/cluster-job/gitops.ts';
import { podReports, podTroubles } from '../../../src/cli/cluster-job/pod-report.ts';
import { choosePods } from '../../../src/cli/cluster-job/show-logs.ts';
import { ago, aJobObject, anEndedPod, aPod, aWaitingPod, managed, NOW } from './builders.ts';

const ATTEMPT = { number: 3, leader: 'flights-3-1' };

test('the leader comes first, then who stands by, then what has ended', () => {
  const pods = [aPod('flights-2-0'), anEndedPod('flights-3-10', 1, 'Error'), aPod('flights-3-2'), aPod('flights-3-1')];
  expect(podReports(pods, ATTEMPT).map(({ name, role }) => [name, role])).toEqual([
    ['flights-3-1', 'leader'],
    ['flights-3-2', 'standby'],
    ['flights-3-10', 'ended'],
    ['flights-2-0', 'old'],
  ]);
});

test.each([
  ['ImagePullBackOff', 'ImagePullBackOff'],
  ['InvalidImageName', 'ErrImagePull'],
  ['CreateContainerConfigError', 'CreateContainerConfigError'],
  ['CreateContainerError', 'RunContainerError'],
  ['CrashLoopBackOff', 'CrashLoopBackOff'],
])('a container that waits with %s is explained by %s', (waits, reason) => {
  expect(podTroubles([aWaitingPod('flights-3-0', waits, 'because')], ATTEMPT)).toMatchObject([
    { reason, pod: 'flights-3-0', detail: 'because', image: 'example.org/flights:1.4.2', memory: '512Mi' },
  ]);
});

test('a container that is being made is no trouble, unless a volume cannot be mounted', () => {
  const pod = aWaitingPod('flights-3-0', 'ContainerCreating');
  expect(podTroubles([pod], ATTEMPT)).toEqual([]);
  const event = {
    at: ago(1),
    type: 'Warning',
    reason: 'FailedMount',
    object: 'Pod/flights-3-0',
    note: 'no such claim',
    count: 1,
  };
  expect(podTroubles([pod], ATTEMPT, [event])).toMatchObject([{ reason: 'FailedMount', detail: 'no such claim' }]);
});

test('a pod that no node takes says what the scheduler said', () => {
  const conditions = [{ type: 'PodScheduled', status: 'False', reason: 'Unschedulable', message: '0/3 nodes' }];
  expect(podTroubles([aPod('flights-3-0', { phase: 'Pending', conditions })], ATTEMPT)).toMatchObject([
    { reason: 'Unschedulable', detail: '0/3 nodes' },
  ]);
});

test('pods of earlier attempts, and words that the table does not have, explain nothing', () => {
  expect(podTroubles([anEndedPod('flights-2-0', 137, 'OOMKilled')], ATTEMPT)).toEqual([]);
  expect(podTroubles([anEndedPod('flights-3-0', 1, 'Error')], ATTEMPT)).toEqual([]);
});

test('logs are those of the leader, or of whoever is there', () => {
  const job = aJobObject({ attempt: { number: 3, leader: 'flights-3-1' } });
  const pods = podReports(
    [aPod('flights-2-0'), aPod('flights-2-1'), aPod('flights-3-0'), aPod('flights-3-1')],
    ATTEMPT,
  );
  expect(choosePods(pods, job, {})).toEqual(['flights-3-1']);
  expect(choosePods(pods, job, { previous: true })).toEqual(['flights-2-1']);
  const ended = podReports(
    [aPod('flights-2-0'), anEndedPod('flights-3-1', 1, 'Error'), anEndedPod('flights-3-0', 1, 'Error')],
    {
      number: 3,
    },
  );
  expect(choosePods(ended, job, { previous: true })).toEqual(['flights-3-1']);
  expect(choosePods(pods, job, { standbys: true })).toEqual(['flights-3-1', 'flights-3-0']);
  expect(choosePods(pods, job, { pod: 'any' })).toEqual(['any']);
  expect(choosePods(pods.slice(2), job, {})).toEqual(['flights-2-1']);
  expect(choosePods([], job, {})).toEqual([]);
  expect(choosePods([], job, { previous: true })).toEqual([]);
});

test('events are sorted by when they were seen last, whoever wrote them', () => {
  const regarding = { kind: 'FlinkJob', name: 'flights' };
  const events = jobEvents(
    [
      { regarding, reason: 'New', eventTime: ago(50), series: { count: 4, lastObservedTime: ago(10) } },
      { regarding, reason: 'Old', deprecatedLastTimestamp: ago(20), deprecatedCount: 2, eventTime: null },
      { regarding, reason: 'Made', metadata: { creationTimestamp: ago(30) } },
    ],
    'flights',
  );
  expect(events.map(({ reason, count }) => [reason, count])).toEqual([
    ['Made', 1],
    ['Old', 2],
    ['New', 4],
  ]);
});

test('a tool that keeps a field is told from one that keeps another', () => {
  const fields = [
    managed('argocd-controller', { 'f:spec': { 'f:image': {} } }),
    managed('kubectl-edit', { 'f:spec': { 'f:state': {} } }),
  ];
  expect(putBackWarning(fields, ['spec', 'state'])).toBeUndefined();
  expect(putBackWarning(fields, ['spec', 'image'])).toContain('Argo CD');
  expect(keepersOfSpec(fields)).toEqual([{ tool: 'Argo CD', manager: 'argocd-controller' }]);
});

test('what a status writer owns is no spec', () => {
  const fields = [managed('argocd-controller', { 'f:spec': {} }, { subresource: 'status' })];
  expect([keepersOfSpec(fields), specChangedAt(fields)]).toEqual([[], undefined]);
});

test('managed fields that make no sense are nobody’s', () => {
  for (const nonsense of [undefined, 'x', [null, 3, {}], [{ manager: 'helm', fieldsV1: 'x' }]]) {
    expect([keepersOfSpec(nonsense), specChangedAt(nonsense)]).toEqual([[], undefined]);
  }
});

test('the spec was changed when the newest of its writers wrote', () => {
  const fields = [
    managed('a', { 'f:spec': {} }, { time: ago(60) }),
    managed('b', { 'f:spec': {} }),
    managed('c', { 'f:metadata': {} }, { time: ago(0) }),
  ];
  expect(specChangedAt(fields)).toBe(NOW - 5_000);
});

test('the exit code of a process of a job is said in words, that of a crash is not', () => {
  const detailOf = (code: number) => podReports([anEndedPod('flights-3-0', code, 'Error')], { number: 3 })[0]?.detail;
  expect([10, 11, 12, 13, 14, 139].map(detailOf)).toEqual([
    'exit code 10: the job failed',
    'exit code 11: the job failed, and a restart cannot help',
    'exit code 12: it lost the leadership',
    'exit code 13: the job is not valid',
    'exit code 14: stopped on request',
    'exit code 139',
  ]);
});
