import { expect, test } from 'vitest';
import { LABELS } from '../../../src/api/index.ts';
import type { ContainerEnd, Pod } from '../../../src/kube/index.ts';
import { encodeTerminationRecord } from '../../../src/lib/exit-codes.ts';
import { encodeStorageAnswer } from '../../../src/lib/storage-work.ts';
import { numbersInName, podSeen, storagePodSeen } from '../../../src/reconcilers/flinkjob/pod-seen.ts';
import { MAIN_CONTAINER, STORAGE_COMPONENT } from '../../../src/resources/index.ts';
import { aRecord, T0 } from '../../builders/flinkjob-facts.ts';

type Status = NonNullable<Pod['status']>;
type Metadata = NonNullable<Pod['metadata']>;

const LABELLED = { [LABELS.attempt]: '3', [LABELS.jobUid]: 'job' };
const OWNER = { apiVersion: 'flinkjob.dev/v1alpha1', kind: 'FlinkJob', name: 'flights', uid: 'job' };
const aPod = (status: Status = {}, metadata: Metadata = {}): Pod => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: 'flights-3-1', uid: 'u', labels: LABELLED, ownerReferences: [OWNER], ...metadata },
  spec: { nodeName: 'node-1' } as NonNullable<Pod['spec']>,
  status,
});
const ended = (terminated: ContainerEnd, more: Status = {}): Pod =>
  aPod({ phase: 'Failed', containerStatuses: [{ name: MAIN_CONTAINER, state: { terminated } }], ...more });
const seen = (pod: Pod) => podSeen(pod, T0);

test('a pod that is up', () => {
  expect(seen(aPod({ phase: 'Running', podIP: '10.0.0.1', conditions: [{ type: 'Ready', status: 'True' }] }))).toEqual({
    name: 'flights-3-1',
    uid: 'u',
    attempt: 3,
    index: 1,
    ip: '10.0.0.1',
    node: 'node-1',
    isReady: true,
    isDeleting: false,
    isForced: false,
    goneBy: undefined,
    end: undefined,
    trouble: undefined,
  });
});

test('a pod that no operator has made is not seen', () => {
  expect(seen(aPod({}, { name: 'flights' }))).toBeUndefined();
  expect(seen(aPod({}, { name: 'flights-x-1' }))).toBeUndefined();
  expect(podSeen({ apiVersion: 'v1', kind: 'Pod' }, T0)).toBeUndefined();
  expect(numbersInName('flights-3-12')).toEqual({ attempt: 3, index: 12 });
  expect(numbersInName('flights-3-99999999999')).toBeUndefined();
});

test.each([
  ['another attempt', { ...LABELLED, [LABELS.attempt]: '7' }],
  ['no number', { ...LABELLED, [LABELS.attempt]: 'x' }],
  ['no attempt', { [LABELS.jobUid]: 'job' }],
  ['another job', { ...LABELLED, [LABELS.jobUid]: 'another' }],
])('a pod is of the attempt in its name, whoever labels it with %s', (_, labels) => {
  expect(seen(aPod({}, { labels }))).toMatchObject({ attempt: 3, index: 1, isMislabelled: true });
});

test('a pod that is being deleted is gone a little after its grace period, if its node answers', () => {
  const deleting = { deletionTimestamp: '2026-11-21T10:00:30Z', deletionGracePeriodSeconds: 30 };
  expect(seen(aPod({}, deleting))).toMatchObject({ isDeleting: true, isForced: false, goneBy: T0 + 40_000 });
  expect(seen(aPod({}, { ...deleting, deletionGracePeriodSeconds: 0 }))).toMatchObject({ isForced: true });
});

test.each([
  ['a cause that is no text', { cause: 5 }],
  ['a savepoint that is no text', { savepoint: ['s3://a'] }],
  ['an outcome that there is none of', { outcome: 'bored' }],
])('what no job process writes is not read: %s', (_, nonsense) => {
  const message = JSON.stringify({ ...aRecord('failed', { attempt: 3 }), ...nonsense });
  expect(seen(ended({ exitCode: 10, message }))?.end).toMatchObject({ exitCode: 10, record: undefined });
});

test('what the process wrote when it ended is read', () => {
  const record = aRecord('failed', { attempt: 3, cause: 'the map threw' });
  const pod = ended({ exitCode: 10, message: encodeTerminationRecord(record), finishedAt: '2026-11-21T09:59:00Z' });
  expect(seen(pod)?.end).toEqual({
    takenFromOutside: false,
    exitCode: 10,
    signal: undefined,
    record,
    at: T0 - 60_000,
  });
  expect(seen(ended({ exitCode: 10, message: 'segfault' }))?.end?.record).toBeUndefined();
});

test.each([
  ['137', { exitCode: 137 }, 'SIGKILL'],
  ['143', { exitCode: 143 }, 'SIGTERM'],
  ['134', { exitCode: 134 }, 'SIGABRT'],
  ['139', { exitCode: 139 }, 'SIGSEGV'],
  ['a signal the runtime names', { exitCode: 0, signal: 9 }, 'SIGKILL'],
  ['out of memory', { exitCode: 137, reason: 'OOMKilled' }, 'OOMKilled'],
  ['1', { exitCode: 1, reason: 'Error' }, undefined],
] as const)('the signal behind an exit code: %s', (_code, terminated, signal) => {
  expect(seen(ended(terminated))?.end?.signal).toBe(signal);
});

test.each([
  ['deleted', ended({ exitCode: 143 }).status, { deletionTimestamp: '2026-11-21T10:00:00Z' }, true],
  ['a disruption', { phase: 'Failed', conditions: [{ type: 'DisruptionTarget', status: 'True' }] }, {}, true],
  ['no disruption', { phase: 'Failed', conditions: [{ type: 'DisruptionTarget', status: 'False' }] }, {}, false],
  ['evicted', { phase: 'Failed', reason: 'Evicted' }, {}, true],
  ['its node is lost', { phase: 'Failed', reason: 'NodeLost' }, {}, true],
  ['its node shuts down', { phase: 'Failed', reason: 'Terminated' }, {}, true],
  ['preempted', { phase: 'Failed', reason: 'Preempting' }, {}, true],
  ['its deadline', { phase: 'Failed', reason: 'DeadlineExceeded' }, {}, false],
  ['it succeeded', { phase: 'Succeeded' }, {}, false],
] as const)('whether a pod was taken from outside: %s', (_how, status, metadata, isTaken) => {
  expect(seen(aPod(status, metadata))?.end?.takenFromOutside).toBe(isTaken);
});

test('a pod of which nobody says when it ended has ended by now', () => {
  expect(seen(aPod({ phase: 'Failed', reason: 'Evicted' }))?.end).toMatchObject({ at: T0, signal: 'Evicted' });
});

test.each([
  [
    'the image',
    [{ waiting: { reason: 'ImagePullBackOff', message: 'no such image' } }],
    { reason: 'ImagePullBackOff', message: 'no such image' },
  ],
  ['no message', [{ waiting: { reason: 'ErrImagePull' } }], { reason: 'ErrImagePull', message: '' }],
  ['it only begins', [{ waiting: { reason: 'ContainerCreating' } }], undefined],
  ['it runs', [{ running: {} }], undefined],
] as const)('what keeps a pod from coming up: %s', (_what, states, trouble) => {
  const statuses = states.map((state) => ({ name: MAIN_CONTAINER, state }));
  expect(seen(aPod({ containerStatuses: statuses }))?.trouble).toEqual(trouble);
  expect(seen(aPod({ initContainerStatuses: statuses }))?.trouble).toEqual(trouble);
});

test('a pod that no node takes says so in the words of the scheduler', () => {
  const conditions = [
    { type: 'PodScheduled', status: 'False', reason: 'Unschedulable', message: '0/3 nodes' },
  ] as const;
  expect(seen(aPod({ conditions }))?.trouble).toEqual({ reason: 'Unschedulable', message: '0/3 nodes' });
  expect(seen(aPod({ conditions: [{ type: 'PodScheduled', status: 'False' }] }))?.trouble).toEqual({
    reason: 'Unschedulable',
    message: '',
  });
});

const storage = { name: 'flights-storage-remove', labels: { [LABELS.component]: STORAGE_COMPONENT } };

test('a pod that works in the storage is none of an attempt, and the other way round', () => {
  const template = { ...storage, name: 'flights-1-0', labels: { ...storage.labels, [LABELS.attempt]: '1' } };
  expect(seen(aPod({}, template))).toBeUndefined();
  expect(storagePodSeen(aPod())).toBeUndefined();
  expect(storagePodSeen(aPod({}, storage))).toEqual({
    name: 'flights-storage-remove',
    uid: 'u',
    isDeleting: false,
    end: undefined,
    trouble: undefined,
  });
});

test('what it answered is read, and how it ended where it left no answer', () => {
  const answer = { did: 'removeBytes', isWhole: true, files: 1, bytes: 2 } as const;
  const endOf = (terminated: ContainerEnd, more: Status = {}) =>
    storagePodSeen({ ...ended(terminated, more), metadata: storage })?.end;
  expect(endOf({ exitCode: 0, message: encodeStorageAnswer(answer) })).toMatchObject({ answer });
  expect(endOf({ exitCode: 1, message: 'Error: something' })).toEqual({
    takenFromOutside: false,
    answer: undefined,
    how: 'exit code 1',
  });
  expect(endOf({ exitCode: 137, reason: 'OOMKilled' })).toMatchObject({ how: 'OOMKilled' });
  expect(storagePodSeen(aPod({ phase: 'Failed', reason: 'Evicted' }, storage))?.end).toEqual({
    takenFromOutside: true,
    answer: undefined,
    how: 'Evicted',
  });
  expect(storagePodSeen(aPod({ phase: 'Failed', reason: 'DeadlineExceeded' }, storage))?.end).toMatchObject({
    takenFromOutside: false,
    how: 'DeadlineExceeded',
  });
});
