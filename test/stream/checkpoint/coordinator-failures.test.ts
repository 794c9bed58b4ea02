import { expect, test } from 'vitest';
import { Play } from './machine-play.ts';

test('one failure more than tolerated fails the job, savepoints not counted', () => {
  const play = new Play({ tolerableFailures: 1 }).request(1).decline(1).request(2, 'savepoint').decline(2);
  play.tell({ type: 'cleaned' }).tell({ type: 'cleaned' });
  expect(play.take().filter((word) => word.startsWith('fail'))).toEqual([]);
  play.request(3).decline(3);
  expect(play.take().at(-1)).toMatch(
    /^fail job: Exceeded checkpoint tolerable failure threshold\. The latest one: checkpoint 3 failed/,
  );
});

test('a success ends the row of failures', () => {
  const play = new Play({ tolerableFailures: 1 }).request(1).decline(1).request(2).complete(2).request(3).decline(3);
  expect(play.take().filter((word) => word.startsWith('fail'))).toEqual([]);
});

// Stopping

test.each(['stop-with-savepoint', 'stop-with-savepoint-drain'] as const)(
  '%s ends periodic checkpoints and is committed',
  (kind) => {
    const play = new Play({ intervalMs: 100 }).pass(100);
    play.complete(1);
    play.take();
    play.request(7, kind);
    expect(play.take()).toEqual(['take id', `trigger 2 ${kind}`]);
    play.pass(1_000);
    expect(play.take()).toEqual([]);
    play.complete(2);
    expect(play.take()).toEqual(['finalize 2', 'notifyComplete 2', 'answer 7: 2']);
    play.request(8);
    expect(play.take()).toEqual(['refuse 8: CHECKPOINT_COORDINATOR_SHUTDOWN']);
  },
);

test('a failing stop-with-savepoint fails the job, because tasks wait for it', () => {
  const play = new Play({ tolerableFailures: 9 }).request(1, 'stop-with-savepoint');
  play.take();
  play.decline(1);
  expect(play.take()).toEqual([
    'notifyAborted 1',
    'discard chk-1',
    'refuse 1: CHECKPOINT_DECLINED',
    expect.stringContaining('fail job: Stop-with-savepoint failed. checkpoint 1 failed'),
  ]);
});

test.each([
  ['savepoint', []],
  ['stop-with-savepoint', []],
  ['stop-with-savepoint-drain', [expect.stringContaining('fail job: Stop-with-savepoint failed.')]],
] as const)(
  'a %s has a timeout of its own, and only after a drain the job cannot go on without it',
  (kind, failure) => {
    const play = new Play({ timeoutMs: 100, savepointTimeoutMs: 5_000, intervalMs: 10_000 }).request(1, kind);
    play.ack(1, 0).pass(4_999);
    expect(play.take()).toEqual(['take id', `trigger 1 ${kind}`]);
    play.pass(1);
    const refused = play.decided.find((each) => each.do === 'refuse');
    expect(refused?.error.message).toContain('It took longer than 5s, which spec.savepoints.timeout allows.');
    expect(play.take()).toEqual(['notifyAborted 1', 'discard chk-1', 'refuse 1: CHECKPOINT_EXPIRED', ...failure]);
  },
);

test('checkpoints go on after a stop-with-savepoint that took too long', () => {
  const play = new Play({ savepointTimeoutMs: 500, intervalMs: 100 }).request(1, 'stop-with-savepoint').pass(500);
  play.tell({ type: 'cleaned' }).take();
  expect(play.pass(100).triggered()).toEqual([2]);
});

test('a savepoint without a timeout of its own has that of checkpoints', () => {
  const play = new Play({ timeoutMs: 100 }).request(1, 'savepoint').pass(100);
  expect(play.take().at(-1)).toBe('refuse 1: CHECKPOINT_EXPIRED');
});

test('a stop-with-savepoint that never began leaves the job running, with its checkpoints', () => {
  const play = new Play({ intervalMs: 100, tolerableFailures: 9 });
  play.pass(100).complete(1);
  play.answersIds = false;
  play.request(1, 'stop-with-savepoint').tell({ type: 'idFailed', token: 1, cause: new Error('no leadership') });
  expect(play.take().at(-1)).toBe('refuse 1: IO_EXCEPTION');
  play.answersIds = true;
  play.pass(100);
  expect(play.triggered()).toEqual([2]);
});

test('when the job ends, what waits is refused, what runs is given up, and what is being stored is let finish', () => {
  const play = new Play({ maxConcurrent: 2 }).request(1).request(2).request(3).ack(1, 0).ack(1, 1);
  play.take();
  play.tell({ type: 'stopped' });
  expect(play.take()).toEqual([
    'refuse 3: CHECKPOINT_COORDINATOR_SHUTDOWN',
    'notifyAborted 2',
    'discard chk-2',
    'refuse 2: CHECKPOINT_COORDINATOR_SHUTDOWN',
  ]);
  play.finalized(1);
  expect(play.take()).toEqual(['notifyComplete 1', 'answer 1: 1']);
});

test('an id that comes after the end is a gap', () => {
  const play = new Play();
  play.answersIds = false;
  play.request(1).tell({ type: 'stopped' }).tell({ type: 'idTaken', token: 1, checkpointId: 1, directory: 'chk-1' });
  expect(play.take()).toEqual(['take id', 'refuse 1: CHECKPOINT_COORDINATOR_SHUTDOWN']);
});

// Statistics
