import { expect, test } from 'vitest';
import type { FlinkJobFacts, PodSeen } from '../../../src/reconcilers/flinkjob/facts.ts';
import { JobMemories, JobMemory, LastResult } from '../../../src/reconcilers/flinkjob/memory.ts';
import { nextStep } from '../../../src/reconcilers/flinkjob/next-step.ts';
import { aJob, anEnd, aPod, T0, UID } from '../../builders/flinkjob-facts.ts';

/** A pod that was evicted before its container ran: nothing says when, so each look takes the time of its own. */
const evictedAt = (at: number): PodSeen => aPod({ end: anEnd({ takenFromOutside: true, at }) });

test('a pod of which nobody says when it ended is made again all the same', () => {
  const memory = new JobMemory(UID);
  const look = (at: number): FlinkJobFacts => {
    const pods = memory.withEnds([evictedAt(at)], at);
    return {
      ...aJob()
        .opened()
        .pods(...pods)
        .facts(),
      now: at,
      leaseFreedOf: '1/uid-of-flights-1-0',
    };
  };
  expect(nextStep(look(T0))).toEqual({ do: 'rest', untilMs: T0 + 1_000 });
  expect(nextStep(look(T0 + 1_000))).toEqual({ do: 'makePods', attempt: 1, indexes: [1] });
});

test('neither a node whose clock is ahead nor one of ours that is set back keeps a pod from being made again', () => {
  const memory = new JobMemory(UID);
  const endOf = (now: number) => memory.withEnds([evictedAt(T0 + 3_600_000)], now)[0]?.end?.at;
  expect(endOf(T0)).toBe(T0);
  expect(endOf(T0 + 500)).toBe(T0);
  expect(endOf(T0 - 60_000)).toBe(T0 - 60_000);
  expect(endOf(T0)).toBe(T0 - 60_000);
});

test('neither a server whose clock is ahead nor one of ours that is set back gives a deletion more time', () => {
  const memory = new JobMemory(UID);
  expect(memory.deletingFrom(T0 + 3_600_000, T0)).toBe(T0);
  expect(memory.deletingFrom(T0 + 3_600_000, T0 + 500)).toBe(T0);
  expect(new JobMemory(UID).deletingFrom(T0, T0 + 90_000)).toBe(T0);
});

test('what is known of a pod is forgotten with it', () => {
  const memory = new JobMemory(UID);
  memory.withEnds([evictedAt(T0)], T0);
  memory.withEnds([aPod()], T0);
  expect(memory.withEnds([evictedAt(T0 + 9)], T0 + 9)[0]?.end?.at).toBe(T0 + 9);
});

test('an index is known as long as its attempt, also of a pod that is gone or not seen yet', () => {
  const memory = new JobMemory(UID);
  expect(memory.highestIndex(1, [])).toBe(-1);
  expect(memory.highestIndex(1, [aPod({ index: 2 }), aPod({ attempt: 2, index: 9 }), aPod()])).toBe(2);
  expect(memory.highestIndex(1, [])).toBe(2);
  memory.madePod(1, 1);
  expect(memory.highestIndex(1, [])).toBe(2);
  memory.madePod(1, 3);
  expect(memory.highestIndex(1, [])).toBe(3);
  memory.madePod(2, 0);
  expect(memory.highestIndex(2, [])).toBe(0);
  expect(memory.highestIndex(3, [])).toBe(-1);
});

test('a job made anew under an old name is remembered as nothing', () => {
  const memories = new JobMemories();
  const first = memories.of('default/flights', 'a');
  expect(memories.of('default/flights', 'a')).toBe(first);
  expect(memories.get('default/flights')).toBe(first);
  expect(memories.of('default/flights', 'b')).not.toBe(first);
  memories.forget('default/flights');
  expect(memories.get('default/flights')).toBeUndefined();
});

test('what is computed of the same is computed once, and anew when it is another', () => {
  const last = new LastResult<number>();
  let computed = 0;
  const compute = () => ++computed;
  expect([last.get('a', compute), last.get('a', compute)]).toEqual([1, 1]);
  expect([last.get('b', compute), last.get('a', compute)]).toEqual([2, 3]);
});
