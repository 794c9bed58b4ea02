/** The operator's clock is set: an hour forward, an hour back, at every stage of a life. Nothing comes of it. */
import { expect } from 'vitest';
import { type Clock, systemClock } from '../../../src/lib/clock.ts';
import { playedJobs } from '../../node-simulator/index.ts';
import { faultTest, undisturbedLife } from './fault-test.ts';

const HOUR = 3_600_000;

/** A wall clock that can be set; time passes as it does. */
class SettableClock implements Clock {
  set = 0;
  now(): number {
    return systemClock.now() + this.set;
  }
  monotonic(): number {
    return systemClock.monotonic();
  }
  setTimer(delayMs: number, callback: () => void): () => void {
    return systemClock.setTimer(delayMs, callback);
  }
}

for (const [how, hour] of [
  ['forward', HOUR],
  ['back', -HOUR],
] as const) {
  const clock = new SettableClock();
  faultTest(
    `a clock that is set an hour ${how} in the middle of a life changes nothing of it`,
    async (world) => {
      await world.apply({ upgrade: { mode: 'Savepoint' } });
      await world.until('Starting', ({ phase }) => phase === 'Starting' || phase === 'Running');
      clock.set = hour;
      await world.runs(1);
      clock.set = 0;
      await world.apply({ args: ['second'] });
      await world.when(
        'a stop under way',
        async () => (await world.ledger()).attempts?.some(({ stopping }) => stopping !== undefined) === true,
      );
      clock.set = hour;
      await world.runs(2);
      expect(await world.end()).toEqual((await undisturbedLife()).end);
      expect(world.told).not.toContain('RestoreFallback');
      expect(world.told).not.toContain('Rollback');
      clock.set = 0;
      await world.delete();
      clock.set = hour;
      await world.gone(10_000);
      expect(world.told).not.toContain('CleanupFailed');
    },
    { clock, played: playedJobs({ savepointMs: 400 }) },
  );
}
