/**
 * The queue against a model that is plain and slow: lists that are searched from end to end, and the definition of urgency
 * written out. Random commands; after each, queue and model have to agree on everything that can be seen.
 */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { WorkQueue } from '../../src/controller/workqueue.ts';
import { TestClock } from '../../src/stream/testing/test-clock.ts';
import { MemoryMetrics } from './builders.ts';

interface Waiting {
  readonly key: string;
  priority: number;
  readonly since: number;
}

/** What the queue has to do, by its definition. */
class Model {
  now = 0;
  /** In the order in which keys became dirty. */
  dirty: Waiting[] = [];
  working: string[] = [];
  later: { readonly key: string; readonly at: number }[] = [];
  failures = new Map<string, number>();
  takers = 0;
  readonly given: (string | undefined)[] = [];
  tokens = 3;
  filledAt: number | undefined;
  isShut = false;

  add(key: string, priority: number): void {
    if (this.isShut) return;
    const waiting = this.dirty.find((each) => each.key === key);
    if (waiting === undefined) this.dirty.push({ key, priority, since: this.now });
    else waiting.priority = Math.max(waiting.priority, priority);
    this.give();
  }

  addAfter(key: string, ms: number): void {
    if (this.isShut) return;
    if (ms <= 0) this.add(key, 0);
    else this.later.push({ key, at: this.now + ms });
  }

  fail(key: string): void {
    const failures = this.failures.get(key) ?? 0;
    this.failures.set(key, failures + 1);
    const own = Math.min(1_000, 10 * 2 ** failures) / 2;
    this.tokens = Math.min(3, this.tokens + ((this.now - (this.filledAt ?? this.now)) * 10) / 1000) - 1;
    this.filledAt = this.now;
    this.addAfter(key, Math.max(own, this.tokens < 0 ? -this.tokens * 100 : 0));
  }

  advance(ms: number): void {
    const end = this.now + ms;
    for (;;) {
      const next = this.later.reduce((earliest, { at }) => Math.min(earliest, at), Number.POSITIVE_INFINITY);
      if (next > end) break;
      this.now = Math.max(this.now, next);
      // Of several times for one key only the earliest was ever meant.
      const due = [...new Set(this.later.filter(({ at }) => at === next).map(({ key }) => key))];
      this.later = this.later.filter(({ key }) => !due.includes(key));
      for (const key of due) this.add(key, 0);
    }
    this.now = end;
  }

  give(): void {
    while (this.takers > 0) {
      const free = this.dirty.filter(({ key }) => !this.working.includes(key));
      if (this.isShut || free.length === 0) break;
      // Of equal urgency the one that became dirty first.
      const urgency = ({ priority, since }: Waiting) => priority + (this.now - since) / 100;
      const best = free.reduce((first, each) => (urgency(each) > urgency(first) + 1e-9 ? each : first));
      this.dirty = this.dirty.filter((each) => each !== best);
      this.working.push(best.key);
      this.takers -= 1;
      this.given.push(best.key);
    }
  }

  shutDown(): void {
    this.isShut = true;
    this.later = [];
    for (; this.takers > 0; this.takers -= 1) this.given.push(undefined);
  }
}

class Real {
  readonly clock = new TestClock();
  readonly metrics = new MemoryMetrics();
  readonly queue = new WorkQueue({
    name: 'jobs',
    clock: this.clock,
    random: () => 0.5,
    metrics: this.metrics,
    limits: { firstDelayMs: 10, longestDelayMs: 1_000, perSecond: 10, burst: 3 },
  });
  readonly given: (string | undefined)[] = [];
  drained = false;
}

type Command = fc.AsyncCommand<Model, Real>;

const KEYS = ['a', 'b', 'c', 'd'] as const;
const key = fc.constantFrom(...KEYS);

async function agree(model: Model, real: Real): Promise<void> {
  for (let turn = 0; turn < 4; turn += 1) await Promise.resolve();
  expect(real.given).toEqual(model.given);
  const waiting = model.dirty.filter((each) => !model.working.includes(each.key));
  if (!model.isShut) expect(real.metrics.read('workqueue_depth', { name: 'jobs' })).toBe(waiting.length);
  for (const each of KEYS) expect(real.queue.failuresOf(each)).toBe(model.failures.get(each) ?? 0);
  expect(real.drained).toBe(model.isShut && model.working.length === 0);
  // A timer too many would keep the process awake; one too few would lose a key.
  const next = model.later.reduce((earliest, { at }) => Math.min(earliest, at), Number.POSITIVE_INFINITY);
  expect(real.clock.nextTimerAt).toBeCloseTo(next, 6);
}

function command(text: string, apply: (model: Model, real: Real) => void, check = (_: Model) => true): Command {
  return {
    check,
    toString: () => text,
    async run(model, real) {
      apply(model, real);
      await agree(model, real);
    },
  };
}

const commands: fc.Arbitrary<Command>[] = [
  fc.tuple(key, fc.constantFrom(0, 0, 0, -100, -30, 20)).map(([name, priority]) =>
    command(`add ${name} ${priority}`, (model, real) => {
      model.add(name, priority);
      real.queue.add(name, priority);
    }),
  ),
  fc.tuple(key, fc.integer({ min: 0, max: 400 })).map(([name, ms]) =>
    command(`add ${name} after ${ms}`, (model, real) => {
      model.addAfter(name, ms);
      real.queue.addAfter(name, ms);
    }),
  ),
  key.map((name) =>
    command(`${name} failed`, (model, real) => {
      model.fail(name);
      real.queue.addRateLimited(name);
    }),
  ),
  key.map((name) =>
    command(`forget ${name}`, (model, real) => {
      model.failures.delete(name);
      real.queue.forget(name);
    }),
  ),
  key.map((name) =>
    command(`cancel ${name}`, (model, real) => {
      model.later = model.later.filter((each) => each.key !== name);
      real.queue.cancelDelayed(name);
    }),
  ),
  fc.constant(
    command('take', (model, real) => {
      real.queue.take().then((taken) => real.given.push(taken));
      model.takers += 1;
      if (model.isShut) model.shutDown();
      else model.give();
    }),
  ),
  fc.nat().map((choice) =>
    command(
      `done ${choice}`,
      (model, real) => {
        const name = model.working[choice % model.working.length]!;
        model.working = model.working.filter((each) => each !== name);
        real.queue.done(name);
        model.give();
      },
      ({ working }) => working.length > 0,
    ),
  ),
  fc.constantFrom(1, 10, 50, 100, 500, 5_000, 20_000).map((ms) =>
    command(`advance ${ms}`, (model, real) => {
      model.advance(ms);
      real.clock.advanceBy(ms);
    }),
  ),
];

const shutDown = command(
  'shut down',
  (model, real) => {
    model.shutDown();
    real.queue.shutDownWithDrain().then(() => {
      real.drained = true;
    });
  },
  ({ isShut }) => !isShut,
);

/** Once in a while: after it not much happens any more. */
const anyCommand = fc.oneof(...commands.map((arbitrary) => ({ arbitrary, weight: 10 })), {
  arbitrary: fc.constant(shutDown),
  weight: 1,
});

test('whatever is added, taken, done, failed and waited for, the queue does what the model does', async () => {
  await fc.assert(
    fc.asyncProperty(fc.commands([anyCommand], { maxCommands: 120, size: 'max' }), async (sequence) => {
      await fc.asyncModelRun(() => ({ model: new Model(), real: new Real() }), sequence);
    }),
    { numRuns: 200 },
  );
});

test('with workers who do what they get, every change is followed by a round that began after it, and no key is in two hands', async () => {
  const change = fc.record({ name: key, pauseMs: fc.integer({ min: 0, max: 30 }) });
  const scenario = fc.record({
    changes: fc.array(change, { minLength: 1, maxLength: 60 }),
    workMs: fc.integer({ min: 1, max: 60 }),
    workers: fc.integer({ min: 1, max: 4 }),
  });
  await fc.assert(
    fc.asyncProperty(scenario, async ({ changes, workMs, workers }) => {
      const { clock, queue } = new Real();
      const changedAt = new Map<string, number>();
      const seenAt = new Map<string, number>();
      const inHand = new Set<string>();
      let step = 0;
      const work = async () => {
        for (let taken = await queue.take(); taken !== undefined; taken = await queue.take()) {
          expect(inHand.has(taken)).toBe(false);
          inHand.add(taken);
          step += 1;
          seenAt.set(taken, step);
          await new Promise<void>((resolve) => clock.setTimer(workMs, resolve));
          inHand.delete(taken);
          queue.done(taken);
        }
      };
      const crew = Array.from({ length: workers }, work);
      const settle = async (ms: number) => {
        for (let passed = 0; passed <= ms; passed += 1) {
          clock.advanceBy(passed === 0 ? 0 : 1);
          for (let turn = 0; turn < 6; turn += 1) await Promise.resolve();
        }
      };
      for (const { name, pauseMs } of changes) {
        step += 1;
        changedAt.set(name, step);
        queue.add(name);
        await settle(pauseMs);
      }
      await settle(workMs * (KEYS.length + 1) * 2);
      for (const [name, at] of changedAt) expect(seenAt.get(name)).toBeGreaterThan(at);
      await queue.shutDownWithDrain();
      await Promise.all(crew);
    }),
    { numRuns: 100 },
  );
});
