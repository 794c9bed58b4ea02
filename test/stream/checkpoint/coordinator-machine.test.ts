import { expect, test } from 'vitest';
import { Play, START, VERTEX } from './machine-play.ts';

// Life

test('a simple checkpoint: id, trigger, all acknowledge, store, tell the tasks', () => {
  const play = new Play();
  play.request(5);
  expect(play.take()).toEqual(['take id', 'trigger 1 checkpoint']);
  play.ack(1, 0);
  expect(play.take()).toEqual([]);
  play.ack(1, 1);
  expect(play.take()).toEqual(['finalize 1']);
  play.finalized(1);
  expect(play.take()).toEqual(['notifyComplete 1', 'answer 5: 1']);
});

test('the barrier carries the wall clock of the trigger', () => {
  const play = new Play().request(1);
  expect(play.decided.find((each) => each.do === 'trigger')).toMatchObject({ barrier: { timestamp: START + 1_000 } });
});

test('several checkpoints run at once, and the successful one subsumes older pending ones', () => {
  const play = new Play({ maxConcurrent: 3 }).request(1).request(2).request(3);
  expect(play.triggered()).toEqual([1, 2, 3]);
  play.complete(2);
  expect(play.take()).toEqual([
    'finalize 2',
    'notifyAborted 1',
    'discard chk-1',
    'refuse 1: CHECKPOINT_SUBSUMED',
    'notifyComplete 2',
    'answer 2: 2',
  ]);
  play.complete(3);
  expect(play.take()).toEqual(['finalize 3', 'notifyComplete 3', 'answer 3: 3']);
});

test('checkpoints are stored one at a time, in the order in which they became complete', () => {
  const play = new Play({ maxConcurrent: 2 }).request(1).request(2);
  play.take();
  play.ack(1, 0).ack(2, 0).ack(1, 1).ack(2, 1);
  expect(play.take()).toEqual(['finalize 1']);
  play.finalized(1);
  expect(play.take()).toEqual(['notifyComplete 1', 'answer 1: 1', 'finalize 2']);
});

test('an older checkpoint that became complete while a newer one was stored is subsumed', () => {
  const play = new Play({ maxConcurrent: 2 }).request(1).request(2);
  play.ack(2, 0).ack(2, 1).ack(1, 0).ack(1, 1);
  play.take();
  play.finalized(2);
  expect(play.take()).toEqual([
    'notifyAborted 1',
    'discard chk-1',
    'refuse 1: CHECKPOINT_SUBSUMED',
    'notifyComplete 2',
    'answer 2: 2',
  ]);
});

test('a decline gives the checkpoint up with the reason of the task', () => {
  const play = new Play({ tolerableFailures: 1 }).request(1);
  play.take();
  play.decline(1, 'CHECKPOINT_ASYNC_EXCEPTION');
  expect(play.take()).toEqual(['notifyAborted 1', 'discard chk-1', 'refuse 1: CHECKPOINT_ASYNC_EXCEPTION']);
});

test('a timeout ends only the checkpoint that is late', () => {
  const play = new Play({ maxConcurrent: 2, timeoutMs: 100, tolerableFailures: 1 }).request(1).pass(50).request(2);
  play.take();
  play.pass(50);
  expect(play.take()).toEqual(['notifyAborted 1', 'discard chk-1', 'refuse 1: CHECKPOINT_EXPIRED']);
  play.complete(2);
  expect(play.take()).toContain('notifyComplete 2');
});

test('a checkpoint that is being stored does not expire', () => {
  const play = new Play({ timeoutMs: 100 }).request(1).ack(1, 0).ack(1, 1);
  play.take();
  play.pass(1_000).tell({ type: 'tick' });
  expect(play.take()).toEqual([]);
  play.finalized(1);
  expect(play.take()).toContain('notifyComplete 1');
});

test('a decline that comes while the checkpoint is being stored changes nothing', () => {
  const play = new Play().request(1).ack(1, 0).ack(1, 1);
  play.take();
  play.decline(1);
  expect(play.take()).toEqual([]);
  play.finalized(1);
  expect(play.take()).toContain('notifyComplete 1');
});

test('a subtask at the end of its input answers, and is known to have finished', () => {
  const play = new Play().request(1).ack(1, 0, VERTEX, true);
  play.take();
  play.ack(1, 1);
  const [finalize] = play.decided;
  expect(finalize).toMatchObject({ do: 'finalize', checkpoint: { finished: new Set([`${VERTEX}/0`]) } });
});

test('late and unknown acknowledgements are dropped and their files deleted', () => {
  const play = new Play({ tolerableFailures: 1 }).request(1).decline(1);
  play.take();
  play.ack(1, 1);
  expect(play.take()).toEqual(['discard chk-1/1.state']);
  play.ack(77, 0);
  expect(play.take()).toEqual(['discard chk-77/0.state']);
});

test('an acknowledgement of a task that does not exist is dropped and its file deleted', () => {
  const play = new Play().request(1);
  play.take();
  play.ack(1, 9).ack(1, 0, 'unknown');
  expect(play.take()).toEqual(['discard chk-1/9.state', 'discard chk-1/0.state']);
});

test('a repeated acknowledgement never deletes a file in use', () => {
  const play = new Play().request(1).ack(1, 0).ack(1, 0);
  play.ack(1, 1).finalized(1);
  play.take();
  play.ack(1, 0);
  for (let token = 2; token < 30; token++) play.request(token).complete(token);
  play.take();
  play.ack(1, 0);
  expect(play.take()).toEqual([]);
});

test('a file written to another directory than the one given out makes no checkpoint', () => {
  const play = new Play({ tolerableFailures: 1 }).request(1);
  play.take();
  const result = {
    vertexId: VERTEX,
    subtaskIndex: 0,
    directory: '',
    file: { path: 'x', sizeBytes: 9, sha256: '' },
    operators: [],
  };
  const times = { syncMs: 0, asyncMs: 0, alignmentMs: 0 };
  play.tell({
    type: 'acknowledged',
    ack: { checkpointId: 1, vertexId: VERTEX, subtaskIndex: 0, result, finished: false, ...times },
  });
  expect(play.take()).toContain('refuse 1: CHECKPOINT_ASYNC_EXCEPTION');
});

test('a savepoint is not subsumed, subsumes nothing, and nothing is committed for it', () => {
  const play = new Play({ maxConcurrent: 2 }).request(1).request(2, 'savepoint').request(3);
  expect(play.triggered()).toEqual([1, 2, 3].slice(0, 2));
  play.complete(2);
  expect(play.take().filter((word) => !word.startsWith('t'))).toEqual(['finalize 2', 'answer 2: 2']);
  play.request(4, 'savepoint');
  play.complete(3);
  expect(play.take()).toEqual([
    'take id',
    'trigger 4 savepoint',
    'finalize 3',
    'notifyAborted 1',
    'discard chk-1',
    'refuse 1: CHECKPOINT_SUBSUMED',
    'notifyComplete 3',
    'answer 3: 3',
  ]);
  play.complete(4);
  expect(play.take()).toEqual(['finalize 4', 'answer 4: 4']);
});

test('a store that did not take the checkpoint fails it, and its files go', () => {
  const play = new Play({ tolerableFailures: 1 }).request(1).ack(1, 0).ack(1, 1);
  play.take();
  play.finalized(1, { outcome: 'notDone', cause: new Error('refused') });
  expect(play.take()).toEqual(['notifyAborted 1', 'discard chk-1', 'refuse 1: FINALIZE_CHECKPOINT_FAILURE']);
});

test('when nobody knows whether it was stored, the files stay and the tasks are not told', () => {
  const play = new Play({ tolerableFailures: 1 }).request(1).ack(1, 0).ack(1, 1);
  play.take();
  play.finalized(1, { outcome: 'unknown', cause: new Error('connection lost') });
  expect(play.decided.some((each) => each.do === 'report' && each.report.what === 'undecided')).toBe(true);
  expect(play.take()).toEqual(['notifyAborted 1', 'refuse 1: FINALIZE_CHECKPOINT_FAILURE']);
  play.ack(1, 0);
  expect(play.take()).toEqual([]);
});

test('tasks that cannot be reached fail the checkpoint', () => {
  const play = new Play({ tolerableFailures: 1 }).request(1);
  play.take();
  play.tell({ type: 'triggerFailed', checkpointId: 1, cause: new Error('closed') });
  expect(play.take()).toContain('refuse 1: IO_EXCEPTION');
});

// Tasks that have finished

test('a task that is gone is not waited for', () => {
  const play = new Play().tell({ type: 'taskGone', subtask: { vertexId: VERTEX, subtaskIndex: 0 } }).request(1);
  play.take();
  play.ack(1, 1);
  const [finalize] = play.decided;
  expect(finalize).toMatchObject({ do: 'finalize', checkpoint: { finished: new Set([`${VERTEX}/0`]) } });
});

test('a task that goes while a checkpoint waits for it completes the checkpoint', () => {
  const play = new Play().request(1).ack(1, 1);
  play.take();
  play.tell({ type: 'taskGone', subtask: { vertexId: VERTEX, subtaskIndex: 0 } });
  expect(play.take()).toEqual(['finalize 1']);
});

test('when all tasks are gone there is nothing to take a checkpoint of', () => {
  const play = new Play();
  for (const subtaskIndex of [0, 1]) play.tell({ type: 'taskGone', subtask: { vertexId: VERTEX, subtaskIndex } });
  play.request(1);
  expect(play.take()).toEqual(['take id', 'refuse 1: NOT_ALL_REQUIRED_TASKS_RUNNING']);
});

// Triggering

test('counts, history and the latest of each kind', () => {
  const play = new Play({ tolerableFailures: 99 });
  play.machine.statistics.restored({ id: 0, time: START, isSavepoint: true, location: 'savepoint-1' });
  for (let token = 1; token <= 12; token++) play.request(token).complete(token);
  play.request(13, 'savepoint').complete(13);
  play.request(14).decline(14).tell({ type: 'cleaned' });
  play.request(15).ack(15, 1);

  const view = play.machine.statistics.view();
  expect(view.counts).toEqual({ restored: 1, inProgress: 1, completed: 13, failed: 1 });
  expect(view.history.map(({ id }) => id)).toEqual([15, 14, 13, 12, 11, 10, 9, 8, 7, 6]);
  expect(view.latest).toMatchObject({
    completed: { id: 12, status: 'COMPLETED', type: 'CHECKPOINT', location: 'chk-12', discarded: false },
    savepoint: { id: 13, type: 'SAVEPOINT' },
    failed: { id: 14, status: 'FAILED', failure: { message: expect.stringContaining('CHECKPOINT_DECLINED') } },
    restored: { location: 'savepoint-1' },
  });
  expect(view.history[0]!.acks[VERTEX]).toEqual([
    null,
    {
      ackTime: START + 1_000,
      checkpointedSize: 100,
      stateSize: 100,
      syncMs: 1,
      asyncMs: 2,
      alignmentMs: 3,
      startDelayMs: 0,
    },
  ]);
});

test('a checkpoint that made room is shown as discarded, a savepoint is not', () => {
  const play = new Play().request(1).complete(1).request(2, 'savepoint').complete(2).request(3).ack(3, 0).ack(3, 1);
  play.finalized(3, { outcome: 'done', lastSubsumedId: 2 });
  const shown = play.machine.statistics.view().history.map(({ id, discarded }) => [id, discarded]);
  expect(shown).toEqual([
    [3, false],
    [2, false],
    [1, true],
  ]);
});

// Settings
