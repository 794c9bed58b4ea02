/** Every restart strategy against every way in which a pod ends: from the pod as the API server has it to what is done. */
import { expect, test } from 'vitest';
import { LABELS } from '../../../src/api/index.ts';
import type { Ledger } from '../../../src/ha/index.ts';
import type { Pod } from '../../../src/kube/index.ts';
import { encodeTerminationRecord } from '../../../src/lib/exit-codes.ts';
import { nextStep } from '../../../src/reconcilers/flinkjob/next-step.ts';
import { podSeen } from '../../../src/reconcilers/flinkjob/pod-seen.ts';
import type { Step } from '../../../src/reconcilers/flinkjob/step.ts';
import { MAIN_CONTAINER } from '../../../src/resources/index.ts';
import { aJob, aRecord, T0 } from '../../builders/flinkjob-facts.ts';

const podOf = (status: NonNullable<Pod['status']>, more: NonNullable<Pod['metadata']> = {}): Pod => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: 'flights-1-0', uid: 'uid-of-flights-1-0', labels: { [LABELS.attempt]: '1' }, ...more },
  status,
});
const exited = (exitCode: number, more: { reason?: string; message?: string } = {}): Pod =>
  podOf({
    phase: exitCode === 0 ? 'Succeeded' : 'Failed',
    containerStatuses: [
      {
        name: MAIN_CONTAINER,
        state: { terminated: { exitCode, finishedAt: '2026-11-21T10:00:00Z', ...more } },
      },
    ],
  });
const disrupted = (reason: string): Pod =>
  podOf({ phase: 'Failed', reason, conditions: [{ type: 'DisruptionTarget', status: 'True' }] });

const STRATEGIES = {
  none: { none: {} },
  fixedDelay: { fixedDelay: { attempts: 2, delay: '10s' } },
  failureRate: { failureRate: { maxFailures: 2, interval: '5m', delay: '5s' } },
  exponentialDelay: {
    exponentialDelay: { initial: '1s', max: '1m', multiplier: 2, resetAfter: '1h', jitter: 0, attempts: 2 },
  },
} as const;
type Strategy = keyof typeof STRATEGIES;

/** Milliseconds until the next attempt; undefined: given up. */
const COUNTED: Record<Strategy, number | undefined> = {
  none: undefined,
  fixedDelay: 10_000,
  failureRate: 5_000,
  exponentialDelay: 1_000,
};

type Outcome = 'finished' | 'counted' | 'given up' | 'made again' | 'waits';

const ENDS: readonly (readonly [string, Pod, Outcome])[] = [
  [
    'exit 0, and says that it finished',
    exited(0, { message: encodeTerminationRecord(aRecord('finished')) }),
    'finished',
  ],
  ['exit 0, and says nothing', exited(0), 'counted'],
  ['exit 1', exited(1), 'counted'],
  ['exit 10', exited(10), 'counted'],
  ['exit 11', exited(11), 'given up'],
  ['exit 12', exited(12), 'made again'],
  ['exit 13', exited(13), 'given up'],
  ['exit 14', exited(14), 'made again'],
  ['exit 137', exited(137), 'counted'],
  ['OOMKilled', exited(137, { reason: 'OOMKilled' }), 'counted'],
  ['evicted', podOf({ phase: 'Failed', reason: 'Evicted' }), 'made again'],
  ['node lost', podOf({ phase: 'Failed', reason: 'NodeLost' }), 'made again'],
  ['preempted', disrupted('Preempting'), 'made again'],
  [
    'image pull',
    podOf({
      phase: 'Pending',
      containerStatuses: [
        { name: MAIN_CONTAINER, state: { waiting: { reason: 'ImagePullBackOff', message: 'no such image' } } },
      ],
    }),
    'waits',
  ],
];

const cells = (Object.keys(STRATEGIES) as Strategy[]).flatMap((strategy) =>
  ENDS.map(([end, pod, outcome]) => [strategy, end, pod, outcome] as const),
);

const afterEnd = (strategy: Strategy, pod: Pod) => {
  const seen = podSeen(pod, T0);
  if (seen === undefined) throw new TypeError('no pod of a job');
  return aJob({ restart: STRATEGIES[strategy] }).opened().led('flights-1-0').checkpointed().pods(seen);
};

const ledgerOf = (step: Step): Ledger => {
  if (step.do !== 'writeLedger') throw new TypeError(`${step.do} writes no ledger`);
  return step.ledger;
};

test.each(cells)('%s, %s', (strategy, _end, pod, outcome) => {
  const story = afterEnd(strategy, pod);
  const step = nextStep(story.facts());
  const delayMs = COUNTED[strategy];
  switch (outcome) {
    case 'finished':
      expect(ledgerOf(step)).toMatchObject({ restarts: 0, attempts: [{ end: { how: 'finished' } }] });
      break;
    case 'counted':
      if (delayMs === undefined) {
        expect(ledgerOf(step).gaveUp?.reason).toContain('NoRestartBackoffTimeStrategy');
        break;
      }
      expect(ledgerOf(step)).toMatchObject({
        restarts: 1,
        attempts: [{ failures: [{ nextAt: T0 + delayMs, delayMs }] }],
      });
      // Another operator, which has only what is written, waits as long.
      expect(nextStep(story.did(step).facts())).toEqual({ do: 'rest', untilMs: T0 + delayMs });
      expect(nextStep(story.did(step).after(delayMs).facts())).toMatchObject({ why: 'open attempt 2' });
      break;
    case 'given up':
      expect(ledgerOf(step)).toMatchObject({ restarts: 0, gaveUp: { reason: 'The failure is not recoverable' } });
      expect(nextStep(story.did(step).after(3_600_000).facts())).toEqual({ do: 'rest' });
      break;
    case 'made again': {
      expect(step).toMatchObject({ do: 'freeLease', attempt: 1 });
      const freed = story.sees({ leaseFreedOf: '1/uid-of-flights-1-0' });
      expect(nextStep(freed.facts())).toEqual({ do: 'rest', untilMs: T0 + 1_000 });
      expect(nextStep(freed.after(1_000).facts())).toEqual({ do: 'makePods', attempt: 1, indexes: [1] });
      break;
    }
    case 'waits':
      expect(step).toEqual({ do: 'rest' });
      break;
  }
});

test.each([
  ['fixedDelay', 2],
  ['failureRate', 2],
  ['exponentialDelay', 2],
] as const)('%s allows so many restarts and no more: %i', (strategy, allowed) => {
  let story = afterEnd(strategy, exited(10));
  for (let failures = 1; failures <= allowed; failures++) {
    const step = nextStep(story.facts());
    expect(ledgerOf(step)).toMatchObject({ restarts: failures });
    const nextAt = ledgerOf(step).attempts.at(-1)?.failures.at(-1)?.nextAt ?? 0;
    story = story
      .did(step)
      .after(nextAt - story.facts().now + 1)
      .opened();
    const attempt = failures + 1;
    const name = `flights-${attempt}-0`;
    const labels = { [LABELS.attempt]: String(attempt) };
    const pod = podSeen({ ...exited(10), metadata: { name, uid: `uid-of-${name}`, labels } }, T0);
    story = story.led(name).pods(...(pod === undefined ? [] : [pod]));
  }
  expect(ledgerOf(nextStep(story.facts())).gaveUp).toBeDefined();
});

test('a pod that crashed before it led counts for nothing: nobody knows that the job was the cause', () => {
  const seen = podSeen(exited(137), T0);
  const story = aJob({ restart: STRATEGIES.none })
    .opened()
    .pods(...(seen === undefined ? [] : [seen]));
  expect(nextStep(story.facts())).toMatchObject({ do: 'freeLease' });
});
