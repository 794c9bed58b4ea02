import { expect, test } from 'vitest';
import { statusOf } from '../../../src/reconcilers/flinkjob/status.ts';
import { storageSeen } from '../../../src/reconcilers/flinkjob/storage-seen.ts';
import { aJob, anEnd, aPod, aRecord, type JobStory } from '../../builders/flinkjob-facts.ts';

const seen = (story: JobStory) => storageSeen(story.facts());

/** Stores into files of a volume of this kind. */
const onFiles = (volume?: object, mountPath = '/state'): JobStory => {
  const mounted = {
    volumes: [
      { name: 'tmp', emptyDir: {} },
      { name: 'state', ...volume },
    ],
    containers: [
      {
        name: 'job',
        volumeMounts: [
          { name: 'tmp', mountPath: '/' },
          { name: 'state', mountPath },
        ],
      },
    ],
  };
  const template = volume === undefined ? {} : { jobManager: { podTemplate: { spec: mounted } } };
  return aJob({ storage: { uri: 'file:///state/jobs' }, ...template }).opened();
};
const onNodes = (...nodes: readonly string[]) => nodes.map((node, index) => aPod({ index, node }));

test.each([
  ['no volume', undefined, /lies on no volume, and pods of the job run on 2 nodes/],
  [
    'a directory of the node',
    { hostPath: { path: '/data' } },
    /of the kind hostPath, and pods of the job run on 2 nodes/,
  ],
  ['a directory of the pod', { emptyDir: {} }, /of the kind emptyDir, of which each pod has its own/],
])('files on %s are not shared by pods of two nodes', (_, volume, why) => {
  const story = onFiles(volume).pods(...onNodes('one', 'two'));
  expect(seen(story)).toEqual({ is: 'apart', why: expect.stringMatching(why) });
});

test('files of one node are shared by its pods, those of a pod by none', () => {
  expect(seen(onFiles({ hostPath: { path: '/data' } }).pods(...onNodes('one', 'one')))).toBeUndefined();
  expect(seen(onFiles({ emptyDir: {} }).pods(...onNodes('one', 'one')))).toMatchObject({ is: 'apart' });
  expect(seen(onFiles({ emptyDir: {} }).pods(...onNodes('one')))).toBeUndefined();
});

test.each([
  ['a claim', { persistentVolumeClaim: { claimName: 'state' } }],
  ['a file server', { nfs: { server: 'files', path: '/' } }],
])('files on %s may be shared by nodes', (_, volume) => {
  expect(seen(onFiles(volume).pods(...onNodes('one', 'two')))).toBeUndefined();
});

test('the volume counts that is mounted deepest above the storage', () => {
  const claim = { persistentVolumeClaim: { claimName: 'state' } };
  expect(seen(onFiles(claim, '/state/jobs/').pods(...onNodes('one', 'two')))).toBeUndefined();
  expect(seen(onFiles(claim, '/state/jobs-of-others').pods(...onNodes('one', 'two')))).toMatchObject({
    why: expect.stringContaining('emptyDir'),
  });
});

test('a storage that is not files is not looked at so', () => {
  expect(
    seen(
      aJob()
        .opened()
        .pods(...onNodes('one', 'two')),
    ),
  ).toBeUndefined();
});

const refused = aRecord('failed', { code: 'STORAGE_ACCESS', cause: 'cannot write chk-1: permission denied' });

test('a process that ended for want of its storage says so, until a checkpoint is completed', () => {
  const story = aJob().opened();
  const failed = story.pods(aPod({ end: anEnd({ exitCode: 10, record: refused }) }));
  expect(seen(failed)).toEqual({ is: 'unreachable', why: 'cannot write chk-1: permission denied' });
  expect(
    seen(story.pods(aPod({ end: anEnd({ exitCode: 10, record: { ...refused, code: 'OTHER' } }) }))),
  ).toBeUndefined();
});

const conditionsOf = (story: JobStory) => {
  const { conditions = [] } = statusOf(story.facts(), { because: undefined, error: undefined });
  return conditions
    .filter(({ type }) => type === 'StorageReachable')
    .map(({ status, reason }) => `${status} ${reason}`);
};

test('the condition is there while it cannot be reached, and says when it can be again', () => {
  const failed = aJob()
    .opened()
    .pods(aPod({ end: anEnd({ exitCode: 10, record: refused }) }));
  expect(conditionsOf(failed)).toEqual(['False StorageUnreachable']);
  expect(conditionsOf(onFiles().pods(...onNodes('one', 'two')))).toEqual(['False StorageNotShared']);
  const stored = aJob().running();
  expect(conditionsOf(stored)).toEqual([]);
  const known = statusOf(failed.facts(), { because: undefined, error: undefined });
  expect(conditionsOf(stored.status(known))).toEqual(['True Succeeded']);
});
