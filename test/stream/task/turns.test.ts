import { expect, test } from 'vitest';
import type { StepResult } from '../../../src/stream/task/subtask.ts';
import { RECORDS_PER_STEP, type Steppable, Turns } from '../../../src/stream/task/turns.ts';

/** Time that passes only with steps. */
class Time {
  now = 0;
}

/** A subtask with so many steps of work, each of which takes a while. */
class Worker implements Steppable {
  readonly budgets: number[] = [];
  flushes = 0;
  left: number;
  readonly #name: string;
  readonly #log: string[];
  readonly #step: (left: number) => StepResult;

  constructor(name: string, log: string[], left: number, step: (left: number) => StepResult) {
    this.#name = name;
    this.#log = log;
    this.left = left;
    this.#step = step;
  }

  step(maxRecords: number): StepResult {
    this.#log.push(this.#name);
    this.budgets.push(maxRecords);
    const result = this.left === 0 ? 'idle' : this.#step(this.left);
    if (result === 'more') this.left--;
    return result;
  }

  flush(): void {
    this.flushes++;
  }
}

function workers(time: Time, log: string[], work: Record<string, number>, stepMs = 1): Worker[] {
  return Object.entries(work).map(
    ([name, left]) =>
      new Worker(name, log, left, () => {
        time.now += stepMs;
        return 'more';
      }),
  );
}

function turnsOf(subtasks: readonly Steppable[], time: Time, receive: () => boolean = () => false): Turns {
  return new Turns(subtasks, receive, () => time.now);
}

test('all have steps in a circle until all in a row have nothing to do', () => {
  const [time, log] = [new Time(), [] as string[]];
  expect(turnsOf(workers(time, log, { a: 2, b: 0, c: 1 }), time).run(100)).toBe(false);
  expect(log.join('')).toBe('abcabca'.slice(0, 4) + 'bca'.slice(0, 3));
});

test('a turn that is over goes on at the next subtask, so that nobody is passed over', () => {
  const [time, log] = [new Time(), [] as string[]];
  const turns = turnsOf(workers(time, log, { a: 9, b: 9, c: 9 }), time);
  const ends = [turns.run(4), turns.run(4), turns.run(4)];
  expect(log.join('')).toBe('abcabcabcabc');
  expect(ends).toEqual([true, true, true]);
});

test('a subtask with much to do has no more steps than one with little', () => {
  const [time, log] = [new Time(), [] as string[]];
  const subtasks = workers(
    time,
    log,
    Object.fromEntries(Array.from({ length: 50 }, (_, index) => [`s${index}`, 1000])),
  );
  const turns = turnsOf(subtasks, time);
  for (let turn = 0; turn < 100; turn++) turns.run(7);
  const steps = subtasks.map(({ left }) => 1000 - left);
  expect(Math.max(...steps) - Math.min(...steps)).toBeLessThanOrEqual(1);
});

test('a step is at most one turn late behind a slow subtask on the same thread', () => {
  const [time, log] = [new Time(), [] as string[]];
  const slow = new Worker('slow', log, 1_000, () => {
    time.now += 50;
    return 'more';
  });
  const [quick] = workers(time, log, { quick: 1_000 });
  const turns = turnsOf([slow, quick!], time);
  for (let turn = 0; turn < 20; turn++) turns.run(4);
  expect(log.filter((name) => name === 'quick').length).toBeGreaterThanOrEqual(10);
});

test('a subtask that is blocked goes on in the same turn once another has made room', () => {
  const [time, log] = [new Time(), [] as string[]];
  let room = 0;
  const producer = new Worker('producer', log, 5, () => {
    if (room === 0) return 'blocked';
    room--;
    return 'more';
  });
  const consumer = new Worker('consumer', log, 5, () => {
    room++;
    return 'more';
  });
  expect(turnsOf([producer, consumer], time).run(1_000)).toBe(false);
  expect([producer.left, consumer.left]).toEqual([0, 0]);
});

test('all subtasks blocked is nothing to do: the thread may sleep', () => {
  const [time, log] = [new Time(), [] as string[]];
  const blocked = ['a', 'b'].map((name) => new Worker(name, log, 1, () => 'blocked'));
  expect(turnsOf(blocked, time).run(1_000)).toBe(false);
  expect(log).toEqual(['a', 'b']);
});

test('what other threads sent is taken in before each round, and those asked before are asked again', () => {
  const [time, log] = [new Time(), [] as string[]];
  const subtasks = workers(time, log, { a: 0, b: 2 });
  let rounds = 0;
  const turns = turnsOf(subtasks, time, () => {
    rounds++;
    if (rounds !== 3) return false;
    (subtasks[0] as Worker).left = 1;
    return true;
  });
  expect(turns.run(100)).toBe(false);
  expect(subtasks.map(({ left }) => left)).toEqual([0, 0]);
});

test('everything emitted in a turn is visible after it', () => {
  const [time, log] = [new Time(), [] as string[]];
  const subtasks = workers(time, log, { a: 1, b: 0 });
  turnsOf(subtasks, time).run(100);
  expect(subtasks.map(({ flushes }) => flushes)).toEqual([1, 1]);
});

test('long steps get fewer records, down to one, and more again when they are quick', () => {
  const [time, log] = [new Time(), [] as string[]];
  let stepMs = 20;
  const subtask = new Worker('a', log, 100, () => {
    time.now += stepMs;
    return 'more';
  });
  const turns = turnsOf([subtask], time);
  for (let turn = 0; turn < 12; turn++) turns.run(1);
  expect(subtask.budgets[0]).toBe(RECORDS_PER_STEP);
  expect(subtask.budgets.at(-1)).toBe(1);
  stepMs = 0.5;
  turns.run(20);
  expect(subtask.budgets.at(-1)).toBe(RECORDS_PER_STEP);
});
