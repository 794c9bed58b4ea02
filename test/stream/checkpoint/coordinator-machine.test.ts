import { expect, test } from 'vitest';
import { type CheckpointRequest, enqueue } from '../../../src/stream/checkpoint/checkpoint-requests.ts';
import type {
  CoordinatorDecision,
  CoordinatorEvent,
  FinalizeOutcome,
} from '../../../src/stream/checkpoint/coordinator-events.ts';
import { CoordinatorMachine } from '../../../src/stream/checkpoint/coordinator-machine.ts';
import { type CheckpointSettings, completeSettings } from '../../../src/stream/checkpoint/coordinator-settings.ts';
import type { CheckpointKind } from '../../../src/stream/exchange/channel.ts';
import { aJob, aVertex } from './builders.ts';

const VERTEX = aVertex(['a']).vertexId;
const START = 1_700_000_000_000;

/** A machine with the edges played by hand: ids are given at once, everything else is told by the test. */
class Play {
  readonly machine: CoordinatorMachine;
  /** Everything decided since the last `take`. */
  decided: CoordinatorDecision[] = [];
  now = 1_000;
  nextId = 1;
  answersIds = true;

  constructor(settings: CheckpointSettings = {}, running = true) {
    this.machine = new CoordinatorMachine(completeSettings(settings), aJob(aVertex(['a'])));
    // The first periodic checkpoint comes after a whole interval.
    if (running) this.tell({ type: 'tasksRunning', random: 0.999_999 });
  }

  tell(event: CoordinatorEvent): this {
    const decisions = this.machine.handle(event, { now: START + this.now, monotonic: this.now });
    this.decided.push(...decisions);
    for (const decision of decisions) {
      if (decision.do !== 'takeId' || !this.answersIds) continue;
      const { token } = decision.request;
      const checkpointId = this.nextId++;
      this.tell({ type: 'idTaken', token, checkpointId, directory: `chk-${checkpointId}` });
    }
    return this;
  }

  /** Lets time pass, ticking whenever the machine asks for it. */
  pass(durationMs: number): this {
    const until = this.now + durationMs;
    for (let at = this.machine.nextTickAt(); at !== undefined && at <= until; at = this.machine.nextTickAt()) {
      this.now = Math.max(this.now, at);
      this.tell({ type: 'tick' });
    }
    this.now = until;
    return this;
  }

  request(token: number, kind: CheckpointKind = 'checkpoint'): this {
    return this.tell({ type: 'requested', request: { token, kind, periodic: false } });
  }

  ack(checkpointId: number, subtaskIndex: number, vertexId = VERTEX, finished = false): this {
    const directory = `chk-${checkpointId}`;
    const file = { path: `${subtaskIndex}.state`, sizeBytes: 100, sha256: '' };
    const result = { vertexId, subtaskIndex, directory, file, operators: [] };
    const times = { syncMs: 1, asyncMs: 2, alignmentMs: 3 };
    return this.tell({
      type: 'acknowledged',
      ack: { checkpointId, vertexId, subtaskIndex, result, finished, ...times },
    });
  }

  decline(checkpointId: number, reason = 'CHECKPOINT_DECLINED'): this {
    return this.tell({
      type: 'declined',
      checkpointId,
      subtask: { vertexId: VERTEX, subtaskIndex: 0 },
      reason,
      message: 'no',
    });
  }

  finalized(checkpointId: number, result: FinalizeOutcome = { outcome: 'done' }): this {
    return this.tell({ type: 'finalized', checkpointId, result });
  }

  complete(checkpointId: number): this {
    return this.ack(checkpointId, 0).ack(checkpointId, 1).finalized(checkpointId);
  }

  /** What was decided since, as words; reports left out. */
  take(): string[] {
    const words = this.decided.filter((each) => each.do !== 'report').map(inWords);
    this.decided = [];
    return words;
  }

  /** Ids triggered since. */
  triggered(): number[] {
    const ids = this.decided.flatMap((each) => (each.do === 'trigger' ? [each.barrier.id] : []));
    this.decided = [];
    return ids;
  }
}

function inWords(decision: CoordinatorDecision): string {
  switch (decision.do) {
    case 'takeId':
      return 'take id';
    case 'trigger':
      return `trigger ${decision.barrier.id} ${decision.barrier.kind}`;
    case 'finalize':
      return `finalize ${decision.checkpoint.checkpointId}`;
    case 'notifyComplete':
    case 'notifyAborted':
      return `${decision.do} ${decision.checkpointId}`;
    case 'discard':
      return `discard ${decision.directory}`;
    case 'discardFile':
      return `discard ${decision.directory}/${decision.path}`;
    case 'answer':
      return `answer ${decision.token}: ${decision.answer.checkpointId}`;
    case 'refuse':
      return `refuse ${decision.token}: ${'reason' in decision.error ? decision.error.reason : decision.error.message}`;
    case 'failJob':
      return `fail job: ${decision.error.message}`;
    case 'report':
      return `report ${decision.report.what}`;
  }
}

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
