import { expect, test } from 'vitest';
import type { Clock } from '../../../src/lib/clock.ts';
import {
  CheckpointCoordinator,
  type CompletedCheckpointRecord,
  type CoordinatorPorts,
} from '../../../src/stream/checkpoint/checkpoint-coordinator.ts';
import { writeSubtaskState } from '../../../src/stream/checkpoint/checkpoint-writer.ts';
import type { CheckpointReport, FinalizeOutcome } from '../../../src/stream/checkpoint/coordinator-events.ts';
import type { CheckpointSettings } from '../../../src/stream/checkpoint/coordinator-settings.ts';
import { filePath } from '../../../src/stream/checkpoint/locations.ts';
import { readManifest, writeManifest } from '../../../src/stream/checkpoint/manifest-codec.ts';
import type { CheckpointBarrier } from '../../../src/stream/exchange/channel.ts';
import { aJob, aList, anOperatorCapture, aStorage, aVertex, breathe, JOB_ID, signal } from './builders.ts';

/** Time that passes when told to. */
class ManualClock implements Clock {
  time = 5_000;
  readonly #timers = new Set<{ at: number; callback: () => void }>();
  now(): number {
    return 1_700_000_000_000 + this.time;
  }
  monotonic(): number {
    return this.time;
  }
  setTimer(delayMs: number, callback: () => void): () => void {
    const timer = { at: this.time + delayMs, callback };
    this.#timers.add(timer);
    return () => this.#timers.delete(timer);
  }
  advance(durationMs: number): void {
    const until = this.time + durationMs;
    for (;;) {
      const next = [...this.#timers].filter(({ at }) => at <= until).sort((left, right) => left.at - right.at)[0];
      if (next === undefined) break;
      this.#timers.delete(next);
      this.time = next.at;
      next.callback();
    }
    this.time = until;
  }
  get timers(): number {
    return this.#timers.size;
  }
}

const JOB = aJob(aVertex(['a']));
const [VERTEX] = JOB.vertices;

/** A coordinator with real storage whose tasks answer by themselves. */
function aCoordinator(settings: CheckpointSettings = {}, changes: Partial<CoordinatorPorts> = {}) {
  const storage = aStorage();
  const clock = new ManualClock();
  const log: string[] = [];
  const records: CompletedCheckpointRecord[] = [];
  const failures: Error[] = [];
  const reports: CheckpointReport[] = [];
  let ids = 0;
  const ports: CoordinatorPorts = {
    nextCheckpointId: async () => ++ids,
    triggerTasks: (barrier, directory) => answer(barrier, directory),
    writeManifest: async (directory, manifest) => {
      const written = await writeManifest(storage, directory, manifest);
      log.push('manifest');
      return written;
    },
    addToCompletedStore: async (record): Promise<FinalizeOutcome> => {
      log.push(`handle ${record.checkpointId}`);
      records.push(record);
      return { outcome: 'done' };
    },
    notifyComplete: (id) => void log.push(`complete ${id}`),
    notifyAborted: (id) => void log.push(`aborted ${id}`),
    failJob: (error) => void failures.push(error),
    discard: async (directory, path) => {
      if (path === undefined) await storage.deleteTree(directory);
      else await storage.delete(filePath(directory, path));
    },
    report: (report) => void reports.push(report),
    ...changes,
  };
  let names = 0;
  const coordinator = new CheckpointCoordinator({
    settings,
    job: JOB,
    epoch: 3,
    clock,
    random: () => 0.5,
    randomName: () => `random${names++}`,
    ports,
  });
  async function answer(barrier: CheckpointBarrier, directory: string): Promise<void> {
    for (const subtaskIndex of [0, 1]) {
      const { vertexId } = VERTEX!;
      const snapshots = [anOperatorCapture('a', { operatorState: [aList('l', 'UNION', `${subtaskIndex}`)] })];
      const result = await writeSubtaskState({
        storage,
        directory,
        vertexId,
        subtaskIndex,
        snapshots,
        signal,
        breathe,
      });
      log.push('file');
      const times = { syncMs: 1, asyncMs: 1, alignmentMs: 0 };
      coordinator.acknowledge({ checkpointId: barrier.id, vertexId, subtaskIndex, result, finished: false, ...times });
    }
  }
  return { coordinator, storage, clock, log, records, failures, reports };
}

test('files, manifest, handle, tasks told: in this order', async () => {
  const { coordinator, storage, log, records } = aCoordinator();
  coordinator.tasksRunning();
  const answer = await coordinator.trigger('checkpoint');
  await coordinator.whenIdle();

  expect(log).toEqual(['file', 'file', 'manifest', 'handle 1', 'complete 1']);
  expect(answer).toMatchObject({ checkpointId: 1, kind: 'checkpoint', directory: `${JOB_ID}/chk-1-3-random0` });
  const [record] = records;
  expect(record).toMatchObject({ epoch: 3, location: answer.directory, isSavepoint: false, synchronous: false });
  const manifest = await readManifest(storage, answer.directory, { sha256: record!.metadataSha256 });
  expect(manifest).toMatchObject({ kind: 'checkpoint', checkpointId: 1, epoch: 3, jobId: JOB_ID });
  const sizes = await Promise.all((await storage.list('')).map(async (path) => (await storage.stat(path))!.sizeBytes));
  expect(record!.bytes).toBe(sizes.reduce((sum, size) => sum + size, 0));
});

test('a savepoint goes to its own directory and to no store', async () => {
  const { coordinator, storage, log } = aCoordinator();
  coordinator.tasksRunning();
  const { directory } = await coordinator.trigger('savepoint');
  await coordinator.whenIdle();
  expect(directory).toBe('savepoint-012345-random0');
  expect(log).toEqual(['file', 'file', 'manifest']);
  expect((await readManifest(storage, directory)).kind).toBe('savepoint');
  expect(await coordinator.trigger('savepoint', 'mine')).toMatchObject({ directory: 'mine' });
});

test('a stop-with-savepoint is added to the store before the tasks may commit', async () => {
  const { coordinator, log, records } = aCoordinator();
  coordinator.tasksRunning();
  await coordinator.trigger('stop-with-savepoint');
  await coordinator.whenIdle();
  expect(log).toEqual(['file', 'file', 'manifest', 'handle 1', 'complete 1']);
  expect(records[0]).toMatchObject({ isSavepoint: true, synchronous: true });
});

test('periodic checkpoints begin after the first delay and go on by the clock', async () => {
  const { coordinator, clock, records } = aCoordinator({ intervalMs: 1_000 });
  expect(clock.timers).toBe(0);
  coordinator.tasksRunning();
  clock.advance(499);
  await coordinator.whenIdle();
  expect(records).toEqual([]);
  for (let round = 0; round < 3; round++) {
    clock.advance(1_000);
    await coordinator.whenIdle();
  }
  expect(records.map(({ checkpointId }) => checkpointId)).toEqual([1, 2, 3]);
  coordinator.stop();
  expect(clock.timers).toBe(0);
});

test('a manifest that cannot be written fails the checkpoint, and its files go', async () => {
  const { coordinator, storage, log } = aCoordinator(
    { tolerableFailures: 1 },
    { writeManifest: () => Promise.reject(new Error('disk full')) },
  );
  coordinator.tasksRunning();
  const error = await coordinator.trigger('checkpoint').catch((thrown: unknown) => thrown);
  await coordinator.whenIdle();
  expect(error).toMatchObject({
    reason: 'FINALIZE_CHECKPOINT_FAILURE',
    checkpointId: 1,
    cause: new Error('disk full'),
  });
  expect(log).toEqual(['file', 'file', 'aborted 1']);
  expect(await storage.list('')).toEqual([]);
});

test.each<[string, CoordinatorPorts['addToCompletedStore']]>([
  ['says it does not know', async () => ({ outcome: 'unknown', cause: new Error('timeout') })],
  ['fails in a way nobody expected', () => Promise.reject(new Error('timeout'))],
])('when the store %s, the files stay and nobody commits', async (_, addToCompletedStore) => {
  const { coordinator, storage, log, reports } = aCoordinator({ tolerableFailures: 1 }, { addToCompletedStore });
  coordinator.tasksRunning();
  await expect(coordinator.trigger('checkpoint')).rejects.toMatchObject({ reason: 'FINALIZE_CHECKPOINT_FAILURE' });
  await coordinator.whenIdle();
  expect(log).toEqual(['file', 'file', 'manifest', 'aborted 1']);
  expect((await storage.list('')).length).toBe(3);
  expect(reports).toContainEqual(expect.objectContaining({ what: 'undecided', checkpointId: 1 }));
});

test('a store that refused lets the files go', async () => {
  const { coordinator, storage } = aCoordinator(
    { tolerableFailures: 1 },
    { addToCompletedStore: async () => ({ outcome: 'notDone', cause: new Error('not leader') }) },
  );
  coordinator.tasksRunning();
  await expect(coordinator.trigger('checkpoint')).rejects.toMatchObject({ reason: 'FINALIZE_CHECKPOINT_FAILURE' });
  await coordinator.whenIdle();
  expect(await storage.list('')).toEqual([]);
});

test('a checkpoint that nobody answers expires, and the job fails when that is not tolerated', async () => {
  const { coordinator, clock, failures, log } = aCoordinator({ timeoutMs: 100 }, { triggerTasks: () => {} });
  coordinator.tasksRunning();
  const refused = expect(coordinator.trigger('checkpoint')).rejects.toMatchObject({ reason: 'CHECKPOINT_EXPIRED' });
  await coordinator.whenIdle();
  clock.advance(100);
  await refused;
  await coordinator.whenIdle();
  expect(log).toEqual(['aborted 1']);
  expect(failures.map(({ message }) => message)).toEqual([
    expect.stringContaining('Exceeded checkpoint tolerable failure threshold.'),
  ]);
});

test('tasks that cannot be told to commit fail the job; the checkpoint stays complete', async () => {
  const { coordinator, failures } = aCoordinator(
    {},
    { notifyComplete: () => Promise.reject(new Error('worker gone')) },
  );
  coordinator.tasksRunning();
  await coordinator.trigger('checkpoint');
  await coordinator.whenIdle();
  expect(failures).toEqual([new Error('worker gone')]);
  expect(coordinator.statistics().counts.completed).toBe(1);
});

test('a decline reaches whoever asked', async () => {
  const { coordinator } = aCoordinator({ tolerableFailures: 1 }, { triggerTasks: () => {} });
  coordinator.tasksRunning();
  const refused = expect(coordinator.trigger('checkpoint')).rejects.toThrow(
    /^checkpoint 1 failed: Asynchronous task checkpoint failed\. Subtask \w+\/1: disk full \(CHECKPOINT_ASYNC_EXCEPTION\)$/,
  );
  await coordinator.whenIdle();
  const subtask = { vertexId: VERTEX!.vertexId, subtaskIndex: 1 };
  coordinator.decline({ checkpointId: 1, subtask, reason: 'CHECKPOINT_ASYNC_EXCEPTION', message: 'disk full' });
  await refused;
});

test('a slow clean-up of replaced checkpoints holds up the next ones, and they go on when it is done', async () => {
  const { promise, resolve } = Promise.withResolvers<void>();
  const { coordinator, records } = aCoordinator({ maxConcurrent: 1 }, { whenCleaned: () => promise });
  coordinator.tasksRunning();
  await coordinator.trigger('checkpoint');
  await coordinator.trigger('checkpoint');
  const third = coordinator.trigger('checkpoint');
  const savepoint = coordinator.trigger('savepoint');
  await coordinator.whenIdle();
  expect(records.map(({ checkpointId }) => checkpointId)).toEqual([1, 2]);
  resolve();
  expect((await savepoint).checkpointId).toBe(3);
  expect((await third).checkpointId).toBe(4);
});
