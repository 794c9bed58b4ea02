import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import type { RestartStrategy } from '../../src/restart/index.ts';
import { aFailingJob, exponential } from './failing-job.ts';

interface Step {
  advanceMs: number;
  newAttempt: boolean;
  canRestart: boolean;
  backoffMs?: number;
}

interface Trace {
  id: string;
  kind: 'none' | 'fixed-delay' | 'failure-rate' | 'failure-rate-1.12' | 'exponential-delay';
  params: Record<string, number>;
  steps: Step[];
}

const traces = (JSON.parse(readFileSync('test/fixtures/flink/restart-vectors.json', 'utf8')) as { vectors: Trace[] })
  .vectors;

function strategyOf({ kind, params }: Trace): RestartStrategy {
  const param = (name: string) => params[name]!;
  switch (kind) {
    case 'none':
      return { type: 'none' };
    case 'fixed-delay':
      return { type: 'fixedDelay', attempts: param('attempts'), delayMs: param('delay') };
    case 'exponential-delay':
      return exponential(param('initial'), param('max'), param('multiplier'), param('reset'), 0, param('attempts'));
    case 'failure-rate':
    case 'failure-rate-1.12':
      return {
        type: 'failureRate',
        maxFailures: param('max'),
        intervalMs: param('interval'),
        delayMs: param('delay'),
      };
  }
}

/** The rule of 1.9 to 1.12, which the product does not offer: the queue holds `max` and is full at `max`. */
function aJobOfFlink112({ params }: Trace) {
  const { max = 0, interval = 0, delay = 0 } = params;
  const times: number[] = [];
  let now = 0;
  return {
    wait(ms: number) {
      now += ms;
    },
    fail() {
      if (times.length >= max) times.shift();
      times.push(now);
      return { isNew: true };
    },
    canRestart: () => times.length < max || now - times[0]! > interval,
    backoffMs: () => delay,
  };
}

test('the fixture holds 33 traces of 201 failures', () => {
  expect(traces).toHaveLength(33);
  expect(traces.reduce((total, { steps }) => total + steps.length, 0)).toBe(201);
});

test.each(traces.map((trace) => [trace.id, trace] as const))("Flink's trace %s", (_id, trace) => {
  const job = trace.kind === 'failure-rate-1.12' ? aJobOfFlink112(trace) : aFailingJob(strategyOf(trace));
  const played = trace.steps.map(({ advanceMs, backoffMs }) => {
    job.wait(advanceMs);
    const { isNew: newAttempt } = job.fail();
    const answers = { advanceMs, newAttempt, canRestart: job.canRestart() };
    return backoffMs === undefined ? answers : { ...answers, backoffMs: job.backoffMs() };
  });
  expect(played).toEqual(trace.steps);
});
