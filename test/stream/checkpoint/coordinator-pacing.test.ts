import { expect, test } from 'vitest';
import { type CheckpointRequest, enqueue } from '../../../src/stream/checkpoint/checkpoint-requests.ts';
import { type CheckpointSettings, completeSettings } from '../../../src/stream/checkpoint/coordinator-settings.ts';
import type { CheckpointKind } from '../../../src/stream/exchange/channel.ts';
import { Play } from './machine-play.ts';

test('nothing is triggered before all tasks run', () => {
  const play = new Play({ intervalMs: 100 }, false).pass(1_000).request(1);
  expect(play.take()).toEqual(['refuse 1: NOT_ALL_REQUIRED_TASKS_RUNNING']);
});

test.each([
  [0, 20],
  [0.5, 60],
  [0.999999, 100],
])('the first periodic trigger comes between the pause and the interval: random %f after %i ms', (random, afterMs) => {
  const play = new Play({ intervalMs: 100, minPauseMs: 20 }, false).tell({ type: 'tasksRunning', random });
  expect(play.machine.nextTickAt()).toBe(1_000 + afterMs);
  play.pass(afterMs);
  expect(play.take()).toEqual(['take id', 'trigger 1 checkpoint']);
});

test('periodic triggers keep a fixed rate, and missed ones are left out', () => {
  const play = new Play({ intervalMs: 100 }).pass(100).complete(1);
  expect(play.triggered()).toEqual([1]);
  play.pass(100).complete(2);
  expect(play.triggered()).toEqual([2]);
  play.now += 250;
  play.tell({ type: 'tick' }).complete(3);
  expect(play.triggered()).toEqual([3]);
  expect(play.machine.nextTickAt()).toBe(1_500);
});

test.each([1, 2, 5])('at most %i checkpoints run at once; the next begins when one ends', (maxConcurrent) => {
  const play = new Play({ maxConcurrent });
  for (let token = 1; token <= maxConcurrent + 2; token++) play.request(token);
  expect(play.triggered()).toEqual(Array.from({ length: maxConcurrent }, (_, index) => index + 1));
  play.complete(1);
  expect(play.triggered()).toEqual([maxConcurrent + 1]);
});

test('one triggering at a time', () => {
  const play = new Play({ maxConcurrent: 5 });
  play.answersIds = false;
  play.request(1).request(2);
  expect(play.take()).toEqual(['take id']);
  play.tell({ type: 'idTaken', token: 1, checkpointId: 1, directory: 'chk-1' });
  expect(play.take()).toEqual(['trigger 1 checkpoint', 'take id']);
});

test('the pause is counted from the end of the last completed checkpoint', () => {
  const play = new Play({ intervalMs: 100, minPauseMs: 80 }).pass(100);
  expect(play.triggered()).toEqual([1]);
  play.pass(70).complete(1).pass(30);
  expect(play.triggered()).toEqual([]);
  play.pass(49);
  expect(play.triggered()).toEqual([]);
  play.pass(1);
  expect(play.triggered()).toEqual([2]);
});

test('a failed checkpoint begins no pause', () => {
  const play = new Play({ intervalMs: 100, minPauseMs: 80, tolerableFailures: 9 }).pass(100).decline(1);
  play.triggered();
  play.pass(100);
  expect(play.triggered()).toEqual([2]);
});

test('requests of people ignore interval and pause', () => {
  const play = new Play({ intervalMs: 10_000, minPauseMs: 10_000 }).request(1).complete(1).request(2);
  expect(play.triggered()).toEqual([1, 2]);
});

test('savepoints run at once, beside as many checkpoints as there are', () => {
  const play = new Play({ maxConcurrent: 1 }).request(1).request(2, 'savepoint').request(3, 'savepoint').request(4);
  expect(play.triggered()).toEqual([1, 2, 3]);
});

test('waiting requests begin in order: savepoint, then a person, then the clock; older first', () => {
  const request = (token: number, kind: CheckpointKind, periodic = false) => ({ token, kind, periodic });
  const waiting = [
    request(-1, 'checkpoint', true),
    request(4, 'checkpoint'),
    request(3, 'checkpoint'),
    request(6, 'savepoint'),
    request(5, 'stop-with-savepoint'),
  ];
  const queue = waiting.reduce<readonly CheckpointRequest[]>((sorted, each) => enqueue(sorted, each).queue, []);
  expect(queue.map(({ token }) => token)).toEqual([5, 6, 3, 4, -1]);
});

test('the first in the queue begins when the one before has its id', () => {
  const play = new Play({ maxConcurrent: 5 });
  play.answersIds = false;
  play.request(1).request(2).request(3, 'savepoint');
  play.take();
  play.tell({ type: 'idTaken', token: 1, checkpointId: 1, directory: 'chk-1' });
  expect(play.decided.at(-1)).toMatchObject({ do: 'takeId', request: { token: 3 } });
});

test('the queue holds 1 000 requests; the lowest one is dropped', () => {
  const play = new Play();
  play.request(0);
  for (let token = 1; token <= 1_000; token++) play.request(token);
  play.take();
  play.request(1_001);
  expect(play.take()).toEqual(['refuse 1001: TOO_MANY_CHECKPOINT_REQUESTS']);
});

test('a full queue gives the place of a periodic request to a person', () => {
  const play = new Play({ intervalMs: 100 }).request(0);
  play.pass(100);
  for (let token = 1; token < 1_000; token++) play.request(token);
  play.take();
  play.request(1_000);
  expect(play.take()).toEqual([]);
  play.request(1_001);
  expect(play.take()).toEqual(['refuse 1001: TOO_MANY_CHECKPOINT_REQUESTS']);
});

test('periodic requests do not pile up behind a slow checkpoint', () => {
  const play = new Play({ intervalMs: 100 }).pass(1_000);
  play.triggered();
  play.complete(1);
  expect(play.triggered()).toEqual([2]);
  play.complete(2);
  expect(play.triggered()).toEqual([]);
});

test('while too many failed checkpoints are being cleaned up, none begins', () => {
  const play = new Play({ tolerableFailures: 9 });
  for (let token = 1; token <= 2; token++) play.request(token).decline(token);
  play.take();
  play.request(3);
  expect(play.take()).toEqual([]);
  play.tell({ type: 'cleaned' });
  expect(play.take()).toEqual(['take id', 'trigger 3 checkpoint']);
});

test('an id that cannot be taken fails the request', () => {
  const play = new Play({ tolerableFailures: 1 });
  play.answersIds = false;
  play.request(1).tell({ type: 'idFailed', token: 1, cause: new Error('no leadership') });
  expect(play.take()).toEqual(['take id', 'refuse 1: IO_EXCEPTION']);
});

// Tolerated failures

test.each<[CheckpointSettings, string]>([
  [{ intervalMs: 9 }, 'the checkpoint interval must be at least 10 ms, not 9.'],
  [{ timeoutMs: 9 }, 'the checkpoint timeout must be at least 10 ms, not 9.'],
  [{ minPauseMs: 366 * 24 * 3_600_000 }, 'the pause between checkpoints must be 0 to 1 year'],
  [{ maxConcurrent: 0 }, 'the number of concurrent checkpoints must be at least 1, not 0.'],
])('settings out of range are refused: %j', (settings, message) => {
  expect(() => completeSettings(settings)).toThrow(message);
});

test('the interval is raised to the pause, and 0 means none', () => {
  expect(completeSettings({ intervalMs: 10, minPauseMs: 50 }).intervalMs).toBe(50);
  expect(completeSettings({ intervalMs: 0 }).intervalMs).toBeUndefined();
});
