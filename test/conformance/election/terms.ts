import { describe, expect, test } from 'vitest';
import type { LeaseTimes } from '../../../src/ha/index.ts';
import { type Clock, systemClock } from '../../../src/lib/clock.ts';
import { eventually } from '../../builders/eventually.ts';
import type { ElectionWorld } from './index.ts';
import { patch } from './processes.ts';

/** Who leads and for how long: one at a time, each under an epoch of its own, none when its time is over. */
export function termsConformance(name: string, setUp: () => Promise<ElectionWorld>, times: LeaseTimes): void {
  describe(`election: ${name}`, () => {
    test('of three that contend one leads, and when it stops another one does, with a higher epoch', async () => {
      const { process } = await setUp();
      const candidates = [process(), process(), process()];
      const contenders = candidates.map((candidate) => candidate.contend('job'));
      const epochs: number[] = [];
      for (let round = 0; round < 3; round += 1) {
        await eventually(() => contenders.some(({ isLeading }) => isLeading));
        expect(contenders.filter(({ isLeading }) => isLeading)).toHaveLength(1);
        const leader = contenders.findIndex(({ isLeading }) => isLeading);
        epochs.push(contenders[leader]?.session?.epoch ?? 0);
        await candidates[leader]?.stop();
        expect(contenders[leader]?.isLeading).toBe(false);
      }
      expect(epochs).toEqual([1, 2, 3]);
    });

    test('a released lease is taken at once, not after it would have run out', async () => {
      const { process } = await setUp();
      const first = process();
      const leading = first.contend('job');
      await eventually(() => leading.isLeading);
      const waiting = process().contend('job');
      const startedAt = performance.now();
      await first.stop();
      await eventually(() => waiting.isLeading);
      expect(performance.now() - startedAt).toBeLessThan(times.durationMs);
    });

    test('a lease that is emptied from outside ends the term for good, and another takes over', async () => {
      const { fixture, process } = await setUp();
      const first = process();
      const leading = first.contend('job');
      await eventually(() => leading.isLeading);
      const waiting = process().contend('job');
      await fixture.emptyLease();
      await eventually(() => waiting.isLeading);
      await eventually(() => leading.revocations.length === 1);
      expect(first.writer.epoch).toBeUndefined();
      expect(await first.write('late')).toMatchObject({ outcome: 'notDone', reason: 'notLeader' });
      expect(leading.grants).toHaveLength(1);
    });

    test('a lease that nobody renews is taken after its whole duration, by the clock of who waits', async () => {
      const { fixture, process } = await setUp();
      await fixture.abandonLease('gone');
      const startedAt = performance.now();
      const waiting = process().contend('job');
      await eventually(() => waiting.isLeading);
      expect(performance.now() - startedAt).toBeGreaterThanOrEqual(times.durationMs);
    });

    test('a leader that is renewed in time keeps leading', async () => {
      const { process } = await setUp();
      const leading = process().contend('job');
      await eventually(() => leading.isLeading);
      const waiting = process().contend('job');
      const end = performance.now() + 2 * times.durationMs;
      await eventually(() => performance.now() > end);
      expect(leading.isLeading).toBe(true);
      expect(waiting.grants).toEqual([]);
    });

    test('a leader whose clock jumps past its deadline writes nothing more, before anyone has told it', async () => {
      const { process } = await setUp();
      let ahead = 0;
      const jumping: Clock = { ...systemClock, monotonic: () => performance.now() + ahead };
      const stopped = process(jumping);
      const leading = stopped.contend('job');
      await eventually(() => leading.isLeading);
      ahead = times.renewDeadlineMs + 1;
      expect(leading.election.hasLeadership(leading.session?.sessionId ?? '')).toBe(false);
      expect(await stopped.write('late')).toMatchObject({ outcome: 'notDone', reason: 'notLeader' });
      await eventually(() => leading.revocations.length === 1);
    });

    test('an old leader that still believes it leads is refused by the epoch', async () => {
      const { fixture, process, handles } = await setUp();
      // Its clock stands still, so its deadline never comes; its timers too, so it never looks at the lease.
      const frozen: Clock = { now: Date.now, monotonic: () => 0, setTimer: () => () => {} };
      const old = process(frozen);
      const leading = old.contend('job');
      await eventually(() => leading.isLeading);
      expect(await old.write('first')).toEqual({ outcome: 'done' });
      await fixture.abandonLease('frozen');
      const next = process();
      const taking = next.contend('job');
      await eventually(() => taking.isLeading);
      expect(await old.write('late')).toMatchObject({ outcome: 'notDone', reason: 'notLeader' });
      expect(await next.write('second')).toEqual({ outcome: 'done' });
      expect((await handles.read())?.entries.get('value')).toBe('second');
      await eventually(() => leading.revocations.length === 1);
    });

    test('a process of an attempt that is not open does not lead, and says why', async () => {
      const { process, handles } = await setUp();
      await patch(handles, {}, { attempt: 2, epoch: 1 });
      const contender = process(systemClock, 1).contend('job');
      await eventually(() => contender.errors.length === 1);
      expect(contender.errors[0]?.message).toContain('attempt 1 is not the open one');
      const right = process(systemClock, 2).contend('job');
      await eventually(() => right.isLeading);
      expect(contender.grants).toEqual([]);
    });

    test('a leader learns of a later epoch without writing', async () => {
      const { process, handles } = await setUp();
      const leading = process().contend('job');
      await eventually(() => leading.isLeading);
      await patch(handles, {}, { epoch: 50, attempt: 4 });
      await eventually(() => leading.revocations.length === 1);
      expect(leading.revocations[0]?.message).toContain('epoch 50');
    });

    test('starting and stopping at once leaves no lease behind', async () => {
      const { process } = await setUp();
      for (let i = 0; i < 5; i += 1) {
        const candidate = process();
        candidate.contend('job');
        await candidate.stop();
      }
      const startedAt = performance.now();
      const last = process().contend('job');
      await eventually(() => last.isLeading);
      expect(performance.now() - startedAt).toBeLessThan(times.durationMs);
    });

    test('after 20 terms every epoch was higher than the one before, and each leader wrote under its own', async () => {
      const { process, handles } = await setUp();
      const epochs: number[] = [];
      for (let term = 0; term < 20; term += 1) {
        const candidate = process();
        const contender = candidate.contend('job');
        await eventually(() => contender.isLeading);
        epochs.push(contender.session?.epoch ?? 0);
        expect(await candidate.write(`${term}`)).toEqual({ outcome: 'done' });
        expect(await handles.read()).toMatchObject({ epoch: contender.session?.epoch, leader: candidate.identity });
        await candidate.stop();
      }
      expect(epochs).toEqual([...new Set(epochs)].sort((a, b) => a - b));
    });
  });
}
