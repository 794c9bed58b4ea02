/** `spec.restart`: when a failed job runs again. The strategies, options and defaults of Apache Flink 1.19 and later. */
import * as z from 'zod';
import { UNLIMITED } from './checkpoints.ts';
import { celIsDuration, duration, durationMs, type FieldDoc, integer } from './fields.ts';
import { exactlyOneOf, type Rule, withRules } from './rules.ts';

/** Any number of attempts. */
export const INFINITE = 'Infinite';

function attempts(min: number, doc: FieldDoc & { example: number | string }) {
  const must = `must be an integer from ${min} to ${UNLIMITED}, or ${INFINITE}`;
  return withRules(z.union([z.int(), z.string().max(16)]).meta({ ...doc, must, intOrString: { maxLength: 16 } }), {
    code: 'ATTEMPTS',
    must,
    remedy: `Write e.g. ${doc.example}`,
    reads: [],
    cel: `type(self) == int ? self >= ${min} && self <= ${UNLIMITED} : self == '${INFINITE}'`,
    holds: (self) => (typeof self === 'number' ? self >= min && self <= UNLIMITED : self === INFINITE),
  });
}

const initialNotAboveMax: Rule<{ initial: string; max: string }> = {
  code: 'INITIAL_ABOVE_MAX',
  must: 'must be at most max: the initial backoff cannot be higher than the maximum backoff',
  remedy: 'Write e.g. initial: 1s and max: 1m',
  reads: ['initial', 'max'],
  blames: 'initial',
  cel: `!(${celIsDuration('self.initial')}) || !(${celIsDuration('self.max')}) || duration(self.initial) <= duration(self.max)`,
  holds: (self) => (durationMs(self.initial) ?? 0) <= (durationMs(self.max) ?? Number.POSITIVE_INFINITY),
};

const exponentialDelay = withRules(
  z
    .strictObject({
      initial: duration({ atLeast: '1ms' }, { description: 'First delay.', example: '1s' }).default('1s'),
      max: duration({ atLeast: '1ms' }, { description: 'Longest delay.', example: '1m' }).default('1m'),
      multiplier: z
        .number()
        .gt(1)
        .max(1000)
        .meta({ description: 'Each delay is the one before, times this.', example: 1.5 })
        .default(1.5),
      resetAfter: duration(
        { atLeast: '1ms' },
        {
          description: 'Running so long without a failure starts again from `initial` and gives back all attempts.',
          example: '1h',
        },
      ).default('1h'),
      jitter: z
        .number()
        .min(0)
        .max(1)
        .meta({ description: 'Random share by which a delay is shortened or lengthened.', example: 0.1 })
        .default(0.1),
      attempts: attempts(1, {
        description: 'Restarts before the job is given up: a number, or `Infinite`.',
        example: INFINITE,
      }).default(INFINITE),
    })
    .meta({
      description: 'Waits longer after each failure. What a job without any setting gets.',
      example: { initial: '1s', max: '1m' },
    }),
  initialNotAboveMax,
);

const fixedDelay = z
  .strictObject({
    attempts: attempts(0, {
      description: 'Restarts before the job is given up: a number, or `Infinite`.',
      example: 3,
    }).default(1),
    delay: duration({ atLeast: '0s' }, { description: 'Time before each restart.', example: '10s' }).default('1s'),
  })
  .meta({
    description: 'Waits the same time before each restart, a fixed number of times.',
    example: { attempts: 3, delay: '10s' },
  });

const failureRate = z
  .strictObject({
    maxFailures: integer(1, UNLIMITED, { description: 'Failures tolerated within `interval`.', example: 3 }).default(1),
    interval: duration(
      { atLeast: '1ms' },
      { description: 'Time over which failures are counted.', example: '5m' },
    ).default('1m'),
    delay: duration({ atLeast: '0s' }, { description: 'Time before each restart.', example: '10s' }).default('1s'),
  })
  .meta({
    description: 'Restarts until failures come too fast.',
    example: { maxFailures: 3, interval: '5m', delay: '10s' },
  });

/** `spec.restart`. */
export const restartSchema = withRules(
  z
    .strictObject({
      exponentialDelay: exponentialDelay.optional(),
      fixedDelay: fixedDelay.optional(),
      failureRate: failureRate.optional(),
      none: z.strictObject({}).meta({ description: 'A failed job is not restarted.', example: {} }).optional(),
    })
    .meta({
      description:
        'When a failed job runs again; exactly one strategy. Absent: what the code of the job asks for, else the default of the operator or of `flinkjob run`, else exponentialDelay.',
      example: { fixedDelay: { attempts: 3, delay: '10s' } },
    }),
  exactlyOneOf(
    'ONE_RESTART_STRATEGY',
    ['exponentialDelay', 'fixedDelay', 'failureRate', 'none'],
    'Write e.g. fixedDelay: { attempts: 3, delay: 10s }',
  ),
);
