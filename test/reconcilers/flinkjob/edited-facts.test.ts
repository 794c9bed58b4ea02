/**
 * Whatever somebody has written into the ledger or the status of a job, as far as it can be read at all: a decision is made, and
 * what it writes can be read again, by us and by the API server.
 */
import { expect, test } from 'vitest';
import type { FlinkJobStatus } from '../../../src/api/index.ts';
import { statusSchema } from '../../../src/api/status.ts';
import { decodeLedger, encodeLedger, LEDGER_KEY, ledgerViewOf } from '../../../src/ha/index.ts';
import type { FlinkJobFacts, Handles } from '../../../src/reconcilers/flinkjob/facts.ts';
import { newsOf } from '../../../src/reconcilers/flinkjob/news.ts';
import { nextStep } from '../../../src/reconcilers/flinkjob/next-step.ts';
import { isPutBack, knownPast } from '../../../src/reconcilers/flinkjob/put-back.ts';
import { statusOf } from '../../../src/reconcilers/flinkjob/status.ts';
import { aJob, aPod, EVICTED, FAILED, FINISHED, JOB_ID, KILLED, T0 } from '../../builders/flinkjob-facts.ts';
import { SeededRandom } from '../../builders/seeded-random.ts';

type Json = Record<string, unknown>;

const TRIALS = 3_000;
const STRANGE: readonly unknown[] = [
  ...[null, 0, -1, 1, 1.5, 1e15, Number.MAX_SAFE_INTEGER, 1e300, true, [], {}],
  ...['', 'x', '../..', 'flights-1-0', 'flights-999999999-9999999999', 'Running', 'Suspended', 'x'.repeat(2_000)],
  ...['2026-01-01T00:00:00Z', '0001-01-01T00:00:00Z', '9999-12-31T23:59:59Z'],
];

const running = aJob({ upgrade: { mode: 'Savepoint' } }).running();
const STORIES = [
  aJob(),
  running,
  running.stable().spec({ args: ['two'] }),
  running.stopping('upgrade'),
  running.spec({ state: 'Suspended' }),
  running.spec({ triggers: { savepoint: 3, restart: 2, restore: 0 } }),
  running.deleted(),
  running.deleted({ forced: true }),
  aJob({ deletion: { mode: 'Orphan' } })
    .running()
    .deleted(),
  aJob({ deletion: { storage: 'Delete' } })
    .running()
    .deleted(),
  running.invalid(),
];

const time = '2026-01-01T00:00:00Z';
const condition = { status: 'True', reason: 'X', message: 'm', lastTransitionTime: time };
const STATUS = {
  observedGeneration: 1,
  phase: 'Running',
  jobId: JOB_ID,
  startTime: time,
  attempt: { number: 1, started: time, leader: 'flights-1-0', epoch: 2, restoredFrom: 's3://a', restoredAt: time },
  restarts: { count: 1, nextAt: time, lastCause: 'x' },
  conditions: ['Ready', 'Reconciling'].map((type) => ({ type, ...condition })),
  checkpoint: { latest: { id: 1, uri: 's3://a', bytes: 1, tookMs: 1, completed: time }, failed: 0 },
  savepoints: [{ trigger: 3, requested: time, state: 'Requested' }],
  handledTriggers: { savepoint: 1, restart: 1, restore: 0 },
  upgrade: { step: 'Starting', started: time, deadline: time },
  revision: 'flights-1',
  desiredRevision: 'flights-2',
  lastError: { code: 'X', message: 'm', at: time },
};

/** A copy in which one value, anywhere, is another one, or is not there. */
function edited(random: SeededRandom, value: unknown): unknown {
  const copy: unknown = structuredClone(value);
  let at = copy as Json;
  for (;;) {
    const name = random.oneOf(Object.keys(at));
    const below = at[name];
    const isDeeper = typeof below === 'object' && below !== null && Object.keys(below).length > 0;
    if (isDeeper && random.chance(0.8)) {
      at = below as Json;
      continue;
    }
    if (random.chance(0.2)) delete at[name];
    else at[name] = random.oneOf(STRANGE);
    return copy;
  }
}

function editedStatus(random: SeededRandom): FlinkJobStatus | undefined {
  const status = edited(random, edited(random, STATUS));
  // The API server takes no other.
  return statusSchema.safeParse(status).success ? (status as FlinkJobStatus) : undefined;
}

function editedHandles(random: SeededRandom, handles: Handles): Handles {
  if (handles.is !== 'there') return handles;
  const { snapshot, ledger } = handles.view;
  const text = JSON.stringify(edited(random, JSON.parse(encodeLedger(ledger))));
  try {
    const entries = new Map([...snapshot.entries, [LEDGER_KEY, text]]);
    return { is: 'there', view: ledgerViewOf({ ...snapshot, entries }, 'the store') };
  } catch {
    return { is: 'corrupt', cause: 'somebody has edited it' };
  }
}

function factsOf(random: SeededRandom): FlinkJobFacts {
  const before = random.oneOf(STORIES).facts();
  const status = editedStatus(random) ?? before.status;
  const ends = [undefined, undefined, FAILED, FINISHED, KILLED, EVICTED];
  const pods = Array.from({ length: random.between(0, 3) }, (_, index) =>
    aPod({ attempt: random.between(1, 2), index, isDeleting: random.chance(0.3), end: random.oneOf(ends) }),
  );
  const handles = editedHandles(random, before.handles);
  const past = knownPast({ status, seen: undefined, pods });
  const isOld = handles.is === 'there' && isPutBack(handles.view, past);
  const now = random.oneOf([T0, T0 + 1_000, T0 + 700_000, T0 - 86_400_000]);
  return { ...before, now, status, pods, past, handles: isOld ? { ...handles, is: 'old' } : handles };
}

test('of whatever can be read a decision is made, and what it writes can be read again', () => {
  for (let seed = 1; seed <= TRIALS; seed++) {
    const facts = factsOf(new SeededRandom(seed));
    const step = nextStep(facts);
    if ('ledger' in step) expect(decodeLedger(encodeLedger(step.ledger), `seed ${seed}`)).toEqual(step.ledger);
    const status = statusOf(facts, { because: undefined, error: undefined }, 'newest');
    newsOf(facts, status);
    const { error } = statusSchema.safeParse(status);
    expect(error?.issues, `seed ${seed}`).toBeUndefined();
  }
});
