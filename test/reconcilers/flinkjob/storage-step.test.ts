import { expect, test } from 'vitest';
import { jobIdBegunWith } from '../../../src/lib/derived-id.ts';
import { deletionStep } from '../../../src/reconcilers/flinkjob/deletion-step.ts';
import type { StoragePodEnd, StoragePodSeen, StorageWorkSeen } from '../../../src/reconcilers/flinkjob/facts.ts';
import { aJob, JOB_ID, type JobStory, T0, UID } from '../../builders/flinkjob-facts.ts';

const TIMEOUT_MS = 120_000;
const step = (story: JobStory) => deletionStep(story.facts());
const spec = { deletion: { mode: 'Cancel', storage: 'Delete' } };
const status = { jobId: JOB_ID, startTime: '2026-11-21T10:00:00Z', attempt: { number: 3 } };

/** Its pods and its pointers are gone. */
const left = aJob(spec).running().status(status).deleted().pods().withoutHandles();
const work = (seen: Partial<StorageWorkSeen>, story = left) =>
  story.sees({ storageWork: { pod: undefined, tries: undefined, origins: [], ...seen } });

const pod = (more: Partial<StoragePodSeen> = {}): StoragePodSeen => ({
  name: 'flights-storage-remove',
  uid: 'uid-of-it',
  isDeleting: false,
  end: undefined,
  trouble: undefined,
  ...more,
});
const ended = (end: Partial<StoragePodEnd>) =>
  pod({ end: { takenFromOutside: false, answer: undefined, how: 'exit code 1', ...end } });
const answer = { did: 'removeBytes', isWhole: true, files: 7, bytes: 4_096 } as const;
const whole = ended({ answer });

const gone = (note: string) => ({ do: 'removeFinalizer', say: [{ type: 'Normal', reason: 'Cleanup', note }] });
const stays = (because: string) => ({
  do: 'removeFinalizer',
  say: [
    {
      type: 'Warning',
      reason: 'CleanupFailed',
      note: expect.stringContaining(
        `stays, or some of it: ${because}. Look below s3://bucket/jobs/${JOB_ID}.`,
      ) as string,
    },
  ],
});

test('bytes go last, by a pod that has as long as the deletion', () => {
  expect(step(left.after(20_500))).toEqual({
    do: 'workInStorage',
    order: { do: 'removeBytes', uid: UID, attempts: 3, jobIds: [JOB_ID], keep: [] },
    revision: expect.objectContaining({ name: left.revision }) as unknown,
    life: { jobId: JOB_ID, since: '2026-11-21T10:00:00Z' },
    deadlineSeconds: 99,
  });
});

test('the pointers stay until status knows of which lives there are bytes', () => {
  const running = aJob(spec).running();
  const down = running.deleted().pods();
  expect(step(down)).toEqual({ do: 'rest', untilMs: T0 + 200 });
  expect(step(down.status({ ...status, attempt: { number: 0 } }))).toEqual({ do: 'rest', untilMs: T0 + 200 });
  expect(step(down.status(status))).toMatchObject({ do: 'deleteHandles' });
  expect(step(down.after(TIMEOUT_MS))).toMatchObject({ do: 'deleteHandles' });
  expect(
    step(
      aJob({ deletion: { mode: 'Cancel' } })
        .running()
        .deleted()
        .pods(),
    ),
  ).toMatchObject({ do: 'deleteHandles' });
});

test.each([
  ['they are to be retained', left.spec({ deletion: { mode: 'Cancel' } })],
  ['the spec is not valid: what is removed does not come back', left.invalid()],
  ['the job has never begun', left.status(undefined)],
])('no bytes are removed where %s', (_why, story) => {
  expect(step(story)).toEqual(gone('The job is removed.'));
});

test('a pod at work is waited for until the deadline, and no longer', () => {
  expect(step(work({ pod: pod() }))).toEqual({ do: 'rest', untilMs: T0 + TIMEOUT_MS });
  const late = work({ pod: pod({ trouble: { reason: 'ImagePullBackOff', message: 'no' } }) }).after(TIMEOUT_MS);
  expect(step(late)).toMatchObject({ do: 'endStorageWork' });
  const ending = pod({ isDeleting: true, trouble: { reason: 'ImagePullBackOff', message: 'no' } });
  expect(step(work({ pod: ending }).after(TIMEOUT_MS))).toEqual(
    stays('its time was up, with pod flights-storage-remove in ImagePullBackOff'),
  );
});

test('when it has answered the job is gone, and what is said is what it said', () => {
  expect(step(work({ pod: whole }))).toEqual(
    gone('The job is removed. 7 files of it, 4096 bytes, are removed from its storage.'),
  );
});

test('a checkpoint that was removed is not named as the newest state, a savepoint is', () => {
  const done = work({ pod: whole });
  const noteOf = (newestPoint: string) => {
    const last = step(done.sees({ newestPoint }));
    return last.do === 'removeFinalizer' ? last.say[0]?.note : undefined;
  };
  expect(noteOf(`s3://bucket/jobs/${JOB_ID}/chk-7-2-aa`)).not.toContain('newest state');
  expect(noteOf('s3://bucket/jobs/savepoint-aaaaaa-auto1234')).not.toContain('newest state');
  expect(noteOf('s3://bucket/jobs/savepoint-aaaaaa-1234')).toContain('savepoint-aaaaaa-1234');
});

test('a pod that was taken away makes room for another one', () => {
  const evicted = ended({ takenFromOutside: true, how: 'Evicted' });
  expect(step(work({ pod: evicted }))).toEqual({ do: 'endStorageWork', pod: evicted });
  expect(step(work({ pod: { ...evicted, isDeleting: true } }))).toEqual({ do: 'rest', untilMs: T0 + TIMEOUT_MS });
});

test('what it could not remove stays, and the first reason is told', () => {
  const failed = ended({ answer: { ...answer, isWhole: false, error: 'no rights on the bucket' } });
  expect(step(work({ pod: failed }))).toEqual(stays('no rights on the bucket'));
  const killed = ended({ how: 'OOMKilled' });
  expect(step(work({ pod: killed }))).toEqual(stays('pod flights-storage-remove left no answer (OOMKilled)'));
});

test('a try that came to nothing is not the last word, four are', () => {
  const tried = (times: number, refused?: string) =>
    work({ tries: { times, at: T0, ...(refused === undefined ? {} : { refused }) } });
  expect(step(tried(1))).toEqual({ do: 'rest', untilMs: T0 + 2_000 });
  expect(step(tried(3).after(2_000))).toMatchObject({ do: 'workInStorage' });
  expect(step(tried(4, 'exceeded quota').after(2_000))).toEqual(stays('exceeded quota'));
  expect(step(tried(4).after(2_000))).toEqual(stays('the pods that were to remove it were taken away'));
  expect(step(tried(1, 'exceeded quota').after(TIMEOUT_MS))).toMatchObject({
    say: [{ note: expect.stringContaining('exceeded quota') as string }],
  });
  // By a clock that was set back the pause is not longer.
  expect(step(work({ tries: { times: 1, at: T0 + 50_000 } }))).toEqual({ do: 'rest', untilMs: T0 + 2_000 });
});

test('the last of the pods that are tried has all the time there is', () => {
  const tries = { times: 4, at: T0 };
  expect(step(work({ tries, pod: pod() }))).toEqual({ do: 'rest', untilMs: T0 + TIMEOUT_MS });
  expect(step(work({ tries, pod: whole }))).toMatchObject({ say: [{ reason: 'Cleanup' }] });
});

test.each([
  ['deletion is forced', 'deletion was forced', left.object({ isDeletionForced: true })],
  ['the time is up', 'its time was up', left.after(TIMEOUT_MS)],
  [
    'the namespace goes too',
    'its namespace is being removed, and no pod can be made there',
    left.sees({ isNamespaceTerminating: true }),
  ],
  [
    'nothing says what its pods are made from',
    'no revision of it is on record, so no pod can be made',
    left.withoutRevision(left.revision),
  ],
])('bytes stay, and it is said where, when %s', (_when, because, story) => {
  const last = step(story);
  expect(last).toMatchObject({ do: 'removeFinalizer', say: [{ type: 'Warning', reason: 'CleanupFailed' }] });
  expect(JSON.stringify(last)).toContain(because);
  expect(JSON.stringify(last)).toContain(`s3://bucket/jobs/${JOB_ID}`);
});

test('what another job began from stays: a life of the state, or a savepoint that was taken by itself', () => {
  const own = jobIdBegunWith(UID, 2);
  const automatic = `savepoint-${own.slice(0, 6)}-auto123456`;
  const origins = [
    `s3://bucket/jobs/${own}/chk-7-2-aa/`,
    `s3://bucket/jobs/${automatic}/_metadata`,
    's3://bucket/jobs/savepoint-bbbbbb-auto1',
    `s3://bucket/jobs/${'c'.repeat(32)}/chk-1-1-aa`,
    `s3://another/jobs/${own}/chk-7-2-aa`,
  ];
  expect(step(work({ origins }))).toMatchObject({ order: { keep: [own, automatic] } });
  expect(step(work({ origins, pod: whole }))).toEqual(
    gone(
      `The job is removed. 7 files of it, 4096 bytes, are removed from its storage. Other jobs began from ${own}, ${automatic}, which stays.`,
    ),
  );
});
