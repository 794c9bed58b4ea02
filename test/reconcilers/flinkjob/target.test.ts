import { expect, test } from 'vitest';
import { closeAttempt, giveUp, noteHandled } from '../../../src/ha/index.ts';
import {
  isAsked,
  isRescale,
  isToBeDown,
  stopReason,
  targetRevision,
} from '../../../src/reconcilers/flinkjob/target.ts';
import { aJob, type JobStory } from '../../builders/flinkjob-facts.ts';

const good = aJob().running().stable();
const changed = good.spec({ args: ['other'] });
const running = (story: JobStory) =>
  story.noted((ledger, at) => closeAttempt(ledger, { how: 'replaced', at, cause: 'the spec has changed' })).opened();
const bad = changed.rolledBack(changed.revision);
const careful = aJob({ upgrade: { mode: 'Savepoint', fallback: false } }).running();
const ended = (how: 'failed' | 'crashed' | 'replaced') => (story: JobStory) =>
  story.noted((ledger, at) => closeAttempt(ledger, { how, at, cause: 'it ended' })).pods();
const owing = ended('failed')(careful.stable()).spec({ args: ['new'] });

test('the revision of the spec is what is to run', () => {
  expect(targetRevision(changed.facts(), changed.ledger)).toBe(changed.revision);
});

test('a revision that proved bad gives way to the last good one', () => {
  expect(targetRevision(bad.facts(), bad.ledger)).toBe(good.revision);
});

test('a bad revision is tried again where there is nothing to go back to', () => {
  const lost = bad.withoutRevision(good.revision);
  expect(targetRevision(lost.facts(), lost.ledger)).toBe(changed.revision);
});

test('a bad revision is tried again when triggers.restart asks for it', () => {
  const asked = bad.spec({ triggers: { restart: 1 } });
  expect(targetRevision(asked.facts(), asked.ledger)).toBe(changed.revision);
});

test.each([
  ['it failed', owing, good.revision],
  ['it crashed', ended('crashed')(careful.stable()).spec({ args: ['new'] }), good.revision],
  ['it may fall back', owing.spec({ upgrade: { mode: 'Savepoint', fallback: true } }), 'next'],
  ['it takes no savepoint', owing.spec({ upgrade: { mode: 'LastState', fallback: false } }), 'next'],
  ['it never was good', ended('failed')(careful).spec({ args: ['new'] }), 'next'],
  ['it was given up', owing.noted((ledger, at) => giveUp(ledger, { at, reason: 'used up' })), 'next'],
  ['it was brought down', ended('replaced')(careful.stable()).spec({ args: ['new'] }), 'next'],
  ['only the parallelism is another', ended('failed')(careful.stable()).spec({ parallelism: 2 }), 'next'],
  ['it is not on record', owing.withoutRevision(good.revision), 'next'],
] as const)(
  'a revision that fails before the savepoint that the next one needs is brought up again, unless: %s',
  (_what, story, target) => {
    expect(targetRevision(story.facts(), story.ledger)).toBe(target === 'next' ? story.revision : target);
  },
);

test('while the spec is invalid the last revision that ran is to run, unless that proved bad', () => {
  const invalid = changed.invalid();
  expect(targetRevision(invalid.facts(), invalid.ledger)).toBe(good.revision);
  const proved = good
    .rolledBack(good.revision)
    .stable(changed.revision)
    .spec({ args: ['other'] })
    .invalid();
  expect(targetRevision(proved.facts(), proved.ledger)).toBe(changed.revision);
});

test('a trigger asks until its number was handled, and never with a smaller one', () => {
  const asked = good.spec({ triggers: { restart: 2 } });
  expect(isAsked(asked.facts(), asked.ledger, 'restart')).toBe(true);
  expect(isAsked(asked.facts(), noteHandled(asked.ledger, { restart: 2 }), 'restart')).toBe(false);
  expect(isAsked(asked.facts(), noteHandled(asked.ledger, { restart: 3 }), 'restart')).toBe(false);
  expect(isAsked(asked.invalid().facts(), asked.ledger, 'restart')).toBe(false);
});

test('triggers.restore asks for nothing where restoreFrom names nothing', () => {
  const restoreFrom = 's3://bucket/jobs/savepoint-1';
  const asked = good.spec({ triggers: { restore: 1 }, restoreFrom });
  expect(isAsked(asked.facts(), asked.ledger, 'restore')).toBe(true);
  const facts = asked.facts();
  if (facts.desired.is === 'invalid') throw new TypeError('invalid');
  const { restoreFrom: _, ...settings } = facts.desired.settings;
  expect(isAsked({ desired: { ...facts.desired, settings } }, asked.ledger, 'restore')).toBe(false);
});

test.each([
  ['nothing is asked for', good, undefined],
  ['no attempt is open', aJob().withHandles(), undefined],
  ['the resource is deleted', good.deleted(), 'delete'],
  ['it is to be suspended', good.spec({ state: 'Suspended' }), 'suspend'],
  ['it was being suspended, and is wanted again', good.stopping('suspend'), 'suspend'],
  [
    'another point is to be restored',
    good.spec({ triggers: { restore: 1 }, restoreFrom: 's3://bucket/jobs/savepoint-1' }),
    'restore',
  ],
  ['the spec has changed', changed, 'upgrade'],
  ['it runs a revision that proved bad', running(changed).rolledBack(changed.revision), 'rollback'],
  ['it is to be restarted', good.spec({ triggers: { restart: 1 } }), 'restart'],
  ['the spec is invalid', changed.invalid(), undefined],
  ['the spec is invalid, and it was suspended', good.status({ phase: 'Suspended' }).invalid(), undefined],
] as const)('why an attempt is brought down: %s', (_when, story, reason) => {
  expect(stopReason(story.facts(), story.ledger)).toBe(reason);
});

test('no attempt is to be open of a job that is suspended, or was when its spec became invalid', () => {
  expect(isToBeDown(good.facts())).toBe(false);
  expect(isToBeDown(good.spec({ state: 'Suspended' }).facts())).toBe(true);
  expect(isToBeDown(good.invalid().facts())).toBe(false);
  expect(isToBeDown(good.status({ phase: 'Suspending' }).invalid().facts())).toBe(true);
  expect(isToBeDown(good.status({ phase: 'Suspended' }).invalid().facts())).toBe(true);
});

test('only another parallelism is a rescale', () => {
  const [one, two, three] = [{}, { parallelism: 3 }, { parallelism: 3, args: ['a'] }].map((spec) => {
    const { revisions } = aJob(spec).recorded().facts();
    return [...revisions.values()][0];
  });
  expect(isRescale(one, two)).toBe(true);
  expect(isRescale(two, three)).toBe(false);
  expect(isRescale(one, undefined)).toBe(false);
  expect(isRescale(undefined, one)).toBe(false);
  expect(isRescale(one, two && { ...two, image: 'another' })).toBe(false);
});
