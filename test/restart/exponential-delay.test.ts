import { expect, test } from 'vitest';
import {
  backoffMs,
  checkRestartStrategy,
  DEFAULT_EXPONENTIAL_DELAY,
  describe,
  type ExponentialDelayStrategy,
  InvalidRestartStrategyException,
  initialCounters,
  NoFailureYetException,
  notifyFailure,
  strategyViolations,
} from '../../src/restart/index.ts';
import { aFailingJob, exponential, seededRandom } from './failing-job.ts';

const MINUTE = 60_000;

test('1/3/1.2/10/0.25/13, one failure every 4 ms: 14 are new, and only the last is refused', () => {
  const job = aFailingJob(exponential(1, 3, 1.2, 10, 0.25, 13), seededRandom(1));
  const seen = Array.from({ length: 14 }, () => {
    const allowedBefore = job.canRestart();
    job.wait(4);
    return { allowedBefore, ...job.fail() };
  });
  expect(seen).toEqual(Array.from({ length: 14 }, () => ({ allowedBefore: true, isNew: true })));
  expect(job.canRestart()).toBe(false);
});

test('42/45/2/8/0: the first delay is the initial one', () => {
  const job = aFailingJob(exponential(42, 45, 2, 8, 0));
  job.fail();
  expect(job.backoffMs()).toBe(42);
});

test('1/6/2/8/0.25: ten failures never wait longer than the maximum', () => {
  const job = aFailingJob(exponential(1, 6, 2, 8, 0.25), seededRandom(2));
  for (let failure = 0; failure < 10; failure++) {
    job.fail();
    expect(job.backoffMs()).toBeLessThanOrEqual(6);
    job.wait(job.backoffMs() + 1);
  }
});

test.each([
  { after: 'reset - 1', early: 1, expected: 2 },
  { after: 'reset', early: 0, expected: 1 },
])('1/5/2/8/0.25: a failure $after ms after the restart waits $expected ms', ({ early, expected }) => {
  const job = aFailingJob(exponential(1, 5, 2, 8, 0.25), seededRandom(3));
  job.fail();
  job.wait(8 + job.backoffMs() - early);
  job.fail();
  expect(job.backoffMs()).toBe(expected);
});

test('4/300/2.3/without reset/0/10, every 301 ms: 4, 9, 21', () => {
  const job = aFailingJob(exponential(4, 300, 2.3, 2_147_483_647, 0, 10));
  const delays = [1, 2, 3].map(() => {
    job.fail();
    const delay = job.backoffMs();
    job.wait(301);
    return delay;
  });
  expect(delays).toEqual([4, 9, 21]);
});

/** Which delays the first, second, … failure drew over many jobs. */
function delaysDrawn(strategy: ExponentialDelayStrategy, failures: number, everyMs: number): number[][] {
  const random = seededRandom(4);
  const drawn = Array.from({ length: failures }, () => new Set<number>());
  for (let draw = 0; draw < 1_000; draw++) {
    const job = aFailingJob(strategy, random);
    for (const delays of drawn) {
      job.fail();
      delays.add(job.backoffMs());
      job.wait(everyMs);
    }
  }
  return drawn.map((delays) => [...delays].sort((a, b) => a - b));
}

test('2/7/2/without reset/0.25, 1 000 draws: jitter moves within a quarter and stays between initial and maximum', () => {
  const drawn = delaysDrawn(exponential(2, 7, 2, Number.POSITIVE_INFINITY, 0.25), 4, 8);
  expect(drawn).toEqual([[2], [3, 4, 5], [6, 7], [7]]);
});

test('1/7/2/without reset/1, 1 000 draws: full jitter reaches every delay from initial to maximum', () => {
  const drawn = delaysDrawn(exponential(1, 7, 2, Number.POSITIVE_INFINITY, 1), 3, 8);
  expect(drawn).toEqual([
    [1, 2],
    [1, 2, 3, 4],
    [1, 2, 3, 4, 5, 6, 7],
  ]);
});

test('1/9/2/80/0.25: each quiet time starts over', () => {
  const job = aFailingJob(exponential(1, 9, 2, 80, 0.25), seededRandom(5));
  const delays = [0, 81, 4, 90, 10].map((pause) => {
    job.wait(pause);
    job.fail();
    return job.backoffMs();
  });
  expect(delays).toEqual([1, 1, 2, 1, 2]);
});

test('2/6/2/80/0/3: of ten failures per ms up to the restart only the first is new, and the fourth new one is refused', () => {
  const job = aFailingJob(exponential(2, 6, 2, 80, 0, 3));
  for (const delay of [2, 4, 6]) {
    for (let elapsed = 0; elapsed <= delay; elapsed++) {
      for (let failure = 0; failure < 10; failure++) {
        expect(job.fail()).toEqual({ isNew: elapsed === 0 && failure === 0 });
        expect(job.canRestart()).toBe(true);
        expect(job.backoffMs()).toBe(delay - elapsed);
      }
      job.wait(1);
    }
  }
  expect(job.fail()).toEqual({ isNew: true });
  expect(job.canRestart()).toBe(false);
});

test('2/6/2/80/0/3 with pauses of 80 ms after the restart: never exhausted in ten rounds', () => {
  const job = aFailingJob(exponential(2, 6, 2, 80, 0, 3));
  for (let round = 0; round < 10; round++) {
    for (const delay of [2, 4, 6]) {
      expect(job.fail()).toEqual({ isNew: true });
      expect(job.canRestart()).toBe(true);
      expect(job.backoffMs()).toBe(delay);
      job.wait(delay + 1);
    }
    job.wait(80);
  }
});

test('200 failures with the defaults and jitter: exactly one minute from the twelfth on', () => {
  for (let seed = 0; seed < 20; seed++) {
    const job = aFailingJob(DEFAULT_EXPONENTIAL_DELAY, seededRandom(seed));
    const delays = Array.from({ length: 200 }, () => {
      job.fail();
      const delay = job.backoffMs();
      job.wait(delay + 1);
      return delay;
    });
    expect(delays.slice(11)).toEqual(Array.from({ length: 189 }, () => MINUTE));
  }
});

test('five thousand restarts neither wrap nor turn into NaN', () => {
  const job = aFailingJob(DEFAULT_EXPONENTIAL_DELAY, () => 0.999_999_999);
  for (let failure = 0; failure < 5_000; failure++) {
    job.fail();
    job.wait(job.backoffMs() + 1);
  }
  job.fail();
  expect(job.backoffMs()).toBe(MINUTE);
});

test('jitter is drawn once per restart, by the failure that asks for it', () => {
  let draws = 0;
  const job = aFailingJob(exponential(1_000, 60_000, 1.5, 3_600_000, 0.1), () => {
    draws++;
    return 0.25;
  });
  job.fail();
  job.wait(10);
  job.fail();
  expect(job.backoffMs()).toBe(job.backoffMs());
  expect(draws).toBe(1);
});

test('a clock that went back before the restart leaves the delay whole and merges the failure', () => {
  const job = aFailingJob(exponential(1_000, 60_000, 2, 3_600_000, 0));
  job.fail();
  job.wait(-5_000_000);
  expect(job.backoffMs()).toBe(1_000);
  expect(job.fail()).toEqual({ isNew: false });
  job.wait(400);
  expect(job.backoffMs()).toBe(600);
});

test('after a clock went back failures count again as soon as the delay has passed on the new time', () => {
  const job = aFailingJob(exponential(1_000, 60_000, 2, 3_600_000, 0));
  job.fail();
  job.wait(-5_000_000);
  job.fail();
  job.wait(1_001);
  expect(job.fail()).toEqual({ isNew: true });
  expect(job.backoffMs()).toBe(2_000);
});

test('before any failure there is no delay to tell', () => {
  const strategy = exponential(1, 2, 2, 1, 0);
  expect(() => backoffMs(strategy, initialCounters(strategy), 0)).toThrow(
    expect.objectContaining({ name: NoFailureYetException.name, message: 'Please call notifyFailure first.' }),
  );
});

test('exponential delay describes itself with its counters', () => {
  const strategy = exponential(1_000, 60_000, 2, 3_600_000, 0.1);
  const { counters } = notifyFailure(strategy, undefined, 5_000, () => 0.5);
  expect(describe(strategy, counters)).toBe(
    'ExponentialDelayRestartBackoffTimeStrategy(initialBackoffMS=1000, maxBackoffMS=60000, backoffMultiplier=2.0, ' +
      'resetBackoffThresholdMS=3600000, jitterFactor=0.1, attemptsBeforeResetBackoff=2147483647, ' +
      'currentRestartAttempt=1, nextRestartTimestamp=6000)',
  );
});

test.each([
  [exponential(0, 2, 2, 1, 0), 'Initial backoff must be at least 1.'],
  [exponential(3, 2, 2, 1, 0), 'Initial backoff cannot be higher than maximum backoff.'],
  [exponential(1, 2, 1, 1, 0), 'Backoff multiplier must be greater than 1.'],
  [exponential(1, 2, Number.NaN, 1, 0), 'Backoff multiplier must be greater than 1.'],
  [exponential(1, 2, 2, 0, 0), 'Threshold duration for exponential backoff reset must be at least 1.'],
  [exponential(1, 2, 2, 1, -0.1), 'Jitter factor must be >= 0 and <= 1.'],
  [exponential(1, 2, 2, 1, 1.1), 'Jitter factor must be >= 0 and <= 1.'],
  [exponential(1, 2, 2, 1, 0, 0), 'The attemptsBeforeResetBackoff must be at least 1.'],
])('%j is refused: %s', (strategy, text) => {
  expect(strategyViolations(strategy)).toEqual([text]);
  expect(() => checkRestartStrategy(strategy)).toThrow(
    expect.objectContaining({ name: InvalidRestartStrategyException.name, code: 'ILLEGAL_ARGUMENT', message: text }),
  );
});

test('a maximum below 1 is refused', () => {
  expect(strategyViolations(exponential(1, 0, 2, 1, 0))).toEqual([
    'Maximum backoff must be at least 1.',
    'Initial backoff cannot be higher than maximum backoff.',
  ]);
});
