import { expect, test } from 'vitest';
import { type TransactionContext, TwoPhaseCommitSinkFunction } from '../../../src/stream/connectors/sink.ts';
import { TwoPhaseCommitter } from '../../../src/stream/connectors/two-phase-committer.ts';
import { Types } from '../../../src/stream/types/index.ts';
import {
  anInitializationContext,
  OperatorStateDouble,
  type StoredCapture,
  shareOfCapture,
} from '../../builders/operator-state.ts';

/** A sink that writes down what it is asked to do. A transaction is its records. */
class LoggingSink extends TwoPhaseCommitSinkFunction<string, string> {
  override readonly transactionType = Types.STRING;
  readonly log: string[] = [];
  readonly contexts: TransactionContext[] = [];
  records: string[] = [];
  durable: (transaction: string) => Promise<void> = async () => {};
  committing: (transaction: string) => Promise<void> = async () => {};

  override beginTransaction(context: TransactionContext): string {
    this.contexts.push(context);
    this.log.push(`begin ${context.checkpointId}`);
    this.records = [];
    return '';
  }
  override invoke(_transaction: string, value: string): void {
    this.records.push(value);
  }
  override preCommit(): string | undefined {
    return this.records.length === 0 ? undefined : this.records.join('');
  }
  override makeDurable(transaction: string): Promise<void> {
    return this.durable(transaction);
  }
  override async commit(transaction: string): Promise<void> {
    await this.committing(transaction);
    this.log.push(`commit ${transaction}`);
  }
  override abort(): void {
    this.log.push('abort');
  }
  override recoverAndAbort(context: TransactionContext): void {
    this.log.push(`sweep from ${context.checkpointId}`);
  }
}

const start = async (restoreFrom?: StoredCapture, { index = 0, parallelism = 1, sink = new LoggingSink() } = {}) => {
  const store = new OperatorStateDouble(restoreFrom && shareOfCapture(restoreFrom, index, parallelism));
  const owner = {
    jobId: 'job',
    uid: 'out',
    subtaskIndex: index,
    parallelism,
    epoch: 3,
    origin: { from: 'nothing' } as const,
  };
  const committer = new TwoPhaseCommitter(sink, owner);
  committer.initializeState(anInitializationContext(store, restoreFrom?.checkpointId));
  await committer.open();
  const capture = async (checkpointId: number, ...records: string[]): Promise<StoredCapture> => {
    for (const record of records) committer.invoke(record, undefined);
    await committer.snapshot(checkpointId);
    return { checkpointId, subtasks: [store.store()] };
  };
  return { sink, committer, store, capture };
};

test('a transaction is committed when its checkpoint is complete, not before', async () => {
  const { sink, committer, capture } = await start();
  await capture(1, 'a', 'b');
  expect(sink.log).toEqual(['sweep from 1', 'begin 1', 'begin 2']);
  await committer.notifyComplete(1);
  expect(sink.log.at(-1)).toBe('commit ab');
});

test('a transaction knows who it belongs to and which checkpoint will close it', async () => {
  const { sink, capture } = await start();
  const owner = {
    jobId: 'job',
    uid: 'out',
    subtaskIndex: 0,
    parallelism: 1,
    epoch: 3,
    origin: { from: 'nothing' },
  };
  await capture(4);
  expect(sink.contexts).toEqual([
    { ...owner, checkpointId: 1 },
    { ...owner, checkpointId: 5 },
  ]);
});

test('a completed checkpoint confirms all before it, in order; a repeated notification does nothing', async () => {
  const { sink, committer, capture } = await start();
  await capture(1, 'a');
  await capture(2, 'b');
  await capture(3, 'c');
  sink.log.length = 0;
  await committer.notifyComplete(2);
  await committer.notifyComplete(2);
  await committer.notifyComplete(1);
  expect(sink.log).toEqual(['commit a', 'commit b']);
});

test('notifications that overlap commit each transaction once', async () => {
  const { sink, committer, capture } = await start();
  await capture(1, 'a');
  await capture(2, 'b');
  sink.log.length = 0;
  await Promise.all([committer.notifyComplete(1), committer.notifyComplete(2)]);
  expect(sink.log).toEqual(['commit a', 'commit b']);
});

test('what a checkpoint holds is committed again after a restore, before anything else', async () => {
  const { committer, capture } = await start();
  await capture(1, 'a');
  const second = await capture(2, 'b');
  await committer.notifyComplete(2);
  const restored = await start(second);
  expect(restored.sink.log).toEqual(['commit a', 'commit b', 'sweep from 3', 'begin 3']);
  // They are done: the next checkpoint does not carry them on.
  const again = await start(await restored.capture(3));
  expect(again.sink.log).toEqual(['sweep from 4', 'begin 4']);
});

test('a transaction that is not committed yet stays in every later checkpoint', async () => {
  const { capture } = await start();
  await capture(1, 'a');
  const third = await capture(2, 'b').then(() => capture(3));
  expect((await start(third)).sink.log.slice(0, 2)).toEqual(['commit a', 'commit b']);
});

test('after a rescale each pending transaction is committed by exactly one subtask', async () => {
  const { capture } = await start();
  await capture(1, 'a');
  await capture(2, 'b');
  const capture3 = await capture(3, 'c');
  const logs = [];
  for (const index of [0, 1]) logs.push((await start(capture3, { index, parallelism: 2 })).sink.log);
  expect(logs.flat().filter((line) => line.startsWith('commit'))).toEqual(['commit a', 'commit b', 'commit c']);
});

test('a transaction without records is not stored', async () => {
  const { store, capture } = await start();
  await capture(1);
  expect(store.store().split.get('transactions')).toEqual([]);
});

test('the capture waits until everything it stores is durable, also what an earlier capture wrote', async () => {
  const { sink, committer } = await start();
  const done: (() => void)[] = [];
  sink.durable = () => new Promise((resolve) => done.push(resolve));
  committer.invoke('a', undefined);
  committer.snapshot(1);
  committer.invoke('b', undefined);
  let captured = false;
  const second = committer.snapshot(2)?.then(() => {
    captured = true;
  });
  done[1]?.();
  await new Promise((resolve) => setImmediate(resolve));
  expect(captured).toBe(false);
  done[0]?.();
  await second;
  expect(captured).toBe(true);
});

test('records that could not be made durable fail that capture, and the next one fails the task', async () => {
  const { sink, committer } = await start();
  sink.durable = () => Promise.reject(new Error('disk gone'));
  committer.invoke('a', undefined);
  await expect(committer.snapshot(1)).rejects.toThrow('disk gone');
  expect(() => committer.snapshot(2)).toThrow('disk gone');
});

test('a commit that fails is tried again with the next notification', async () => {
  const { sink, committer, capture } = await start();
  await capture(1, 'a');
  sink.committing = () => Promise.reject(new Error('busy'));
  await expect(committer.notifyComplete(1)).rejects.toThrow('busy');
  sink.committing = async () => {};
  await committer.notifyComplete(1);
  expect(sink.log.at(-1)).toBe('commit a');
});

test('closing drops the open transaction and leaves pending ones alone', async () => {
  const { sink, committer, capture } = await start();
  await capture(1, 'a');
  sink.log.length = 0;
  await committer.close();
  await committer.close();
  expect(sink.log).toEqual(['abort']);
  expect(() => committer.invoke('b', undefined)).toThrow('no transaction is open');
});
