import { expect, test } from 'vitest';
import { type PhaseFacts, phaseOf } from '../../../src/cli/local-job/job-phase.ts';
import {
  closeAttempt,
  EMPTY_LEDGER,
  giveUp,
  type Ledger,
  openAttempt,
  recordFailure,
  reportFailure,
} from '../../../src/ha/index.ts';

const opened = (ledger: Ledger = EMPTY_LEDGER): Ledger => openAttempt(ledger, { at: 1, epoch: 1 });
const ended = (how: 'finished' | 'failed' | 'replaced' | 'crashed', cause = 'why'): Ledger =>
  closeAttempt(opened(), { how, at: 2, cause });
const waiting: Ledger = recordFailure(ended('failed'), {
  time: 2,
  cause: 'why',
  isNew: true,
  delayMs: 1_000,
  nextAt: 1_002,
  counters: null,
});

const reported = (suppressRestarts: boolean): Ledger =>
  reportFailure(opened(), 1, { at: 2, epoch: 1, cause: 'why', suppressRestarts });

/** Nobody runs the job, unless the row says so. */
const facts = (changes: Partial<PhaseFacts>): PhaseFacts => ({
  ledger: EMPTY_LEDGER,
  isSupervised: false,
  running: undefined,
  result: undefined,
  ended: undefined,
  ...changes,
});

test.each<[string, Partial<PhaseFacts>, object]>([
  ['a job nobody ever started', {}, { phase: 'Stopped', reason: 'it never started' }],
  ['a supervisor that has only begun', { isSupervised: true }, { phase: 'Starting' }],
  [
    'a first attempt whose process does not answer yet',
    { isSupervised: true, ledger: opened() },
    { phase: 'Starting' },
  ],
  ['a process that restores', { running: 'INITIALIZING', ledger: opened() }, { phase: 'Starting' }],
  ['an attempt after a failure', { isSupervised: true, ledger: opened(waiting) }, { phase: 'Restarting' }],
  ['a running process', { running: 'RUNNING', isSupervised: true, ledger: opened() }, { phase: 'Running' }],
  ['a running process after a failure', { running: 'RUNNING', ledger: opened(waiting) }, { phase: 'Running' }],
  [
    'a process that is failing',
    { running: 'FAILING', ledger: opened() },
    { phase: 'Restarting', reason: 'the attempt is failing' },
  ],
  ['the time between two attempts', { isSupervised: true, ledger: waiting }, { phase: 'Restarting', nextAt: 1_002 }],
  ['that time, when the supervisor is gone', { ledger: waiting }, { phase: 'Stopped' }],
  ['an open attempt that nobody runs', { ledger: opened() }, { phase: 'Stopped' }],
  [
    'a job that was given up',
    { ledger: giveUp(ended('failed'), { at: 3, reason: 'no restarts' }) },
    { phase: 'Failed', reason: 'no restarts' },
  ],
  [
    'a job that was given up, in plain words',
    { ledger: giveUp(ended('failed'), { at: 3, reason: 'Flink’s' }), gaveUp: 'gave up after 5 restarts' },
    { phase: 'Failed', reason: 'gave up after 5 restarts' },
  ],
  ['a job that ended', { ledger: ended('finished') }, { phase: 'Finished' }],
  [
    'a cancelled job',
    { ledger: ended('finished'), result: 'CANCELED' },
    { phase: 'Finished', reason: 'it was cancelled' },
  ],
  [
    'a job stopped with a savepoint',
    { ledger: ended('replaced', 'stopped with savepoint x') },
    { phase: 'Suspended', reason: 'stopped with savepoint x' },
  ],
  ['a process that ended but still answers', { running: 'FINISHED', ledger: ended('finished') }, { phase: 'Finished' }],
  [
    'a process that has ended but not said how yet',
    { running: 'FINISHED', isSupervised: true, ledger: opened() },
    { phase: 'Running', reason: 'it is ending' },
  ],
  [
    'a result that the supervisor has not seen yet',
    { isSupervised: true, ledger: opened(waiting), result: 'SUCCEEDED' },
    { phase: 'Finished' },
  ],
  ['a result that no supervisor will see', { ledger: opened(), result: 'SUCCEEDED' }, { phase: 'Finished' }],
  [
    'a stop with savepoint that the supervisor has not seen yet',
    { isSupervised: true, ledger: opened(), ended: { outcome: 'stoppedWithSavepoint', savepoint: 'file:///s' } },
    { phase: 'Suspended', reason: 'stopped with savepoint file:///s' },
  ],
  [
    'a failure that the supervisor has not seen yet',
    { isSupervised: true, ledger: reported(false) },
    { phase: 'Restarting', reason: 'the attempt has failed' },
  ],
  [
    'a failure that no restart mends',
    { isSupervised: true, ledger: reported(true) },
    { phase: 'Failed', reason: 'why' },
  ],
  ['a failure without a supervisor', { ledger: reported(false) }, { phase: 'Stopped' }],
])('%s', (_what, changes, expected) => {
  expect(phaseOf(facts(changes))).toMatchObject(expected);
});
