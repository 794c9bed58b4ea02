import { expect, test } from 'vitest';
import { closeAttempt, openAttemptOf, recordCrash } from '../../../src/ha/index.ts';
import { revisionStep, unprovenRevision } from '../../../src/reconcilers/flinkjob/revision-proof.ts';
import { aJob, aPod, type JobStory, SETTINGS, T0 } from '../../builders/flinkjob-facts.ts';

const { stabilityMs, upgradeDeadlineMs } = SETTINGS;
const step = (story: JobStory) => {
  const open = openAttemptOf(story.ledger);
  return open === undefined ? undefined : revisionStep(story.facts(), story.ledger, open);
};
const proved = (story: JobStory) => `revision ${story.revision} has proved itself`;
const isBad = (story: JobStory) => `revision ${story.revision} is bad`;

const first = aJob().running();
const replace = (story: JobStory): JobStory =>
  story.noted((ledger, at) => closeAttempt(ledger, { how: 'replaced', at, cause: 'the spec has changed' }));
/** The second revision is opened, and does not run yet. */
const next = replace(first.stable().spec({ args: ['new'] }))
  .opened()
  .sees({ rest: { is: 'notAsked' } });

test('the first revision proves itself by running for a while, and by a checkpoint', () => {
  expect(step(first)).toEqual({ do: 'rest', untilMs: T0 + stabilityMs });
  expect(step(first.after(stabilityMs))).toMatchObject({ why: proved(first) });
  expect(step(first.answers({ completed: 0 }).after(stabilityMs))).toBeUndefined();
});

test('a job without checkpoints proves itself by running', () => {
  const story = aJob({ checkpoints: { interval: '0s' } }).running({ completed: 0 });
  expect(step(story.after(stabilityMs))).toMatchObject({ why: proved(story) });
  expect(step(story.invalid().after(stabilityMs))).toMatchObject({ why: proved(story) });
});

test('a revision that has proved itself needs no more', () => {
  expect(step(first.stable().after(stabilityMs))).toBeUndefined();
});

test('where a revision does not run the first one is waited for, without an end', () => {
  expect(step(aJob().opened().after(3_600_000))).toBeUndefined();
});

test('an attempt without a revision, as after a loss, proves nothing', () => {
  const open = openAttemptOf(first.ledger);
  const { revision: _, ...nameless } = open ?? { number: 1, epoch: 1, startedAt: T0, failures: [] };
  expect(revisionStep(first.facts(), first.ledger, nameless)).toBeUndefined();
});

test('another revision that does not run in time is rolled back', () => {
  expect(step(next)).toEqual({ do: 'rest', untilMs: T0 + upgradeDeadlineMs });
  expect(step(next.after(upgradeDeadlineMs))).toMatchObject({
    why: isBad(next),
    ledger: { revisions: { bad: next.revision, badBecause: 'it was not stable within 600 s' } },
    say: [{ type: 'Warning', reason: 'Rollback' }],
  });
});

test('another revision that runs proves itself, if that comes first', () => {
  const late = next.after(upgradeDeadlineMs - 1_000).running();
  expect(step(late)).toEqual({ do: 'rest', untilMs: T0 + upgradeDeadlineMs - 1_000 + stabilityMs });
  const soon = next.running();
  expect(step(soon)).toEqual({ do: 'rest', untilMs: T0 + stabilityMs });
  expect(step(soon.after(stabilityMs))).toMatchObject({ why: proved(next) });
});

test('another revision that runs well at its deadline has the time that it takes to prove itself, however short the deadline', () => {
  const hasty = replace(first.stable().spec({ upgrade: { deadline: '1m' }, args: ['new'] })).opened();
  const runs = hasty.running().after(stabilityMs - 1);
  expect(step(runs)).toEqual({ do: 'rest', untilMs: T0 + stabilityMs });
  expect(step(runs.after(1))).toMatchObject({ why: proved(hasty) });
  expect(step(runs.answers({ tasksRunning: 3 }))).toMatchObject({ why: isBad(hasty) });
  expect(step(runs.answers({ completed: 0 }))).toMatchObject({ why: isBad(hasty) });
});

test('whoever is told of a rollback is told what the revision failed of, or what its pods wait for', () => {
  const cause = 'State "count" cannot be read';
  const failure = { cause, isNew: true, delayMs: 5, counters: 1 };
  const failed = next.noted((ledger, time) => recordCrash(ledger, { ...failure, time, nextAt: time + 5, pod: 'a' }));
  const because = (story: JobStory) => {
    const found = step(story.after(upgradeDeadlineMs));
    return found?.do === 'writeLedger' ? found.ledger.revisions?.badBecause : undefined;
  };
  expect(because(failed)).toBe(`it was not stable within 600 s, and failed last: ${cause}`);
  const waits = aPod({ attempt: 2, isReady: false, trouble: { reason: 'ImagePullBackOff', message: 'not found' } });
  expect(because(next.pods(waits))).toBe(
    'it was not stable within 600 s: pod flights-2-0 is in ImagePullBackOff: not found',
  );
  const long = next.noted((ledger, time) =>
    recordCrash(ledger, { ...failure, cause: 'x'.repeat(9_999), time, nextAt: time, pod: 'a' }),
  );
  expect(because(long)?.length).toBeLessThan(1_100);
});

test.each([
  ['its own deadline', { upgrade: { deadline: '1m' } }, 60_000],
  [
    'twice its interval and its timeout, where that is longer',
    { checkpoints: { interval: '10m', timeout: '5m' } },
    1_500_000,
  ],
] as const)('how long a revision has: %s', (_what, spec, ms) => {
  const story = replace(first.stable().spec({ ...spec, args: ['new'] }))
    .opened()
    .sees({ rest: { is: 'notAsked' } });
  expect(step(story)).toEqual({ do: 'rest', untilMs: T0 + ms });
});

test('attempts that follow a failure have no more time than the first of their revision', () => {
  const again = replace(next.after(60_000)).after(60_000).opened();
  expect(step(again)).toEqual({ do: 'rest', untilMs: T0 + upgradeDeadlineMs });
});

test('while the spec is invalid the times of the revision that runs count', () => {
  expect(step(next.invalid())).toEqual({ do: 'rest', untilMs: T0 + upgradeDeadlineMs });
});

test('a revision that is not asked for any more is forgiven', () => {
  const back = first.stable().rolledBack('flights-bad');
  expect(step(back)).toMatchObject({
    why: 'revision flights-bad is not asked for any more',
    ledger: { revisions: {} },
  });
  expect(step(back.invalid())).toBeUndefined();
  const insisting = first.stable().spec({ args: ['new'] });
  expect(step(insisting.rolledBack(insisting.revision))).toBeUndefined();
});

test('there is nothing to go back to where the good revision is not on record', () => {
  expect(unprovenRevision(next.facts(), next.ledger)).toBe(next.revision);
  const lost = next.withoutRevision(first.revision);
  expect(unprovenRevision(lost.facts(), lost.ledger)).toBeUndefined();
  expect(step(lost.after(upgradeDeadlineMs))).toBeUndefined();
  expect(unprovenRevision(first.facts(), first.ledger)).toBeUndefined();
});
