import { expect, test } from 'vitest';
import { FileSink } from '../../../src/stream/connectors/file-sink.ts';
import type { SinkFileSystem } from '../../../src/stream/connectors/sink-file-system.ts';
import { MemoryDisk } from '../../builders/crashing-file-system.ts';
import { type CompletedCheckpoint, SinkJob } from '../../builders/sink-job.ts';

const DIRECTORY = '/out';
const RECORDS = 24;

/** What a reader of the directory sees: the records of the files with visible names. */
const committed = (disk: MemoryDisk): number[] =>
  [...disk.files()]
    .filter(([path]) => !path.includes('/.'))
    .flatMap(([, text]) =>
      text
        .split('\n')
        .filter((line) => line.length > 0)
        .map(Number),
    )
    .toSorted((left, right) => left - right);
const hidden = (disk: MemoryDisk): string[] => [...disk.files().keys()].filter((path) => path.includes('/.'));
const upTo = (count: number) => Array.from({ length: count }, (_, index) => index);

interface Attempt {
  readonly parallelism: number;
  readonly dieAt?: number;
  readonly when?: 'before' | 'after';
}

/** What survives the death of the process. */
interface Stored {
  /** Complete ones, oldest first. */
  readonly checkpoints: CompletedCheckpoint[];
  readonly damaged: Set<CompletedCheckpoint>;
  nextCheckpointId: number;
  hasBegun: boolean;
}
const nothingStored = (): Stored => ({ checkpoints: [], damaged: new Set(), nextCheckpointId: 1, hasBegun: false });

/** Runs a job to its end on this disk, from its newest checkpoint that is whole. */
const runAttempt = async (
  disk: MemoryDisk,
  epoch: number,
  { parallelism, dieAt, when }: Attempt,
  stored: Stored,
): Promise<{ died: boolean; operations: number }> => {
  const fileSystem = disk.process(dieAt, when);
  const sink = () => new FileSink<number>({ path: DIRECTORY, fileSystem, rollAtBytes: 6, warn: () => {} });
  const { checkpoints, damaged, nextCheckpointId, hasBegun } = stored;
  const from = checkpoints.findLast((each) => !damaged.has(each));
  try {
    const job = await SinkJob.start(sink, epoch, parallelism, from, {
      nextCheckpointId,
      hasBegun,
      restorable: checkpoints,
    });
    stored.hasBegun = true;
    while (job.position < RECORDS) {
      job.write(8);
      stored.nextCheckpointId++;
      const checkpoint = await job.capture();
      // The handle is written: from here on the checkpoint is complete.
      checkpoints.push(checkpoint);
      await job.notifyComplete(checkpoint.checkpointId);
    }
    await job.close();
    return { died: false, operations: fileSystem.operations };
  } catch {
    // Whatever the error was wrapped into: the process is dead, its memory is gone.
    return { died: true, operations: fileSystem.operations };
  }
};

test('an undisturbed run commits every record once and leaves nothing hidden', async () => {
  const disk = new MemoryDisk();
  const { died } = await runAttempt(disk, 1, { parallelism: 2 }, nothingStored());
  expect(died).toBe(false);
  expect(committed(disk)).toEqual(upTo(RECORDS));
  expect(hidden(disk)).toEqual([]);
});

for (const loss of ['killed', 'without power'] as const) {
  test(`a process that is ${loss} between any two file operations leaves exactly-once, also after a rescale`, async () => {
    for (const [before, after] of [
      [2, 2],
      [1, 3],
      [3, 1],
    ] as const) {
      const whole = await runAttempt(new MemoryDisk(), 1, { parallelism: before }, nothingStored());
      for (let dieAt = 0; dieAt < whole.operations; dieAt++) {
        for (const when of ['before', 'after'] as const) {
          const disk = new MemoryDisk();
          const stored = nothingStored();
          const first = await runAttempt(disk, 1, { parallelism: before, dieAt, when }, stored);
          if (loss === 'without power') disk.losePower();
          const second = await runAttempt(disk, 2, { parallelism: after }, stored);
          const story = { before, after, dieAt, when };
          expect({ ...story, second: second.died }).toEqual({ ...story, second: false });
          // A commit that has come back survives everything.
          disk.losePower();
          expect({ ...story, records: committed(disk) }).toEqual({ ...story, records: upTo(RECORDS) });
          expect({ ...story, hidden: hidden(disk) }).toEqual({ ...story, hidden: [] });
          // Concurrent file operations may all have passed the point; then nobody died.
          expect(first.operations).toBeGreaterThan(0);
        }
      }
    }
  }, 60_000);
}

test('a process that dies while it repairs what another left, again and again, leaves exactly-once', async () => {
  for (let seed = 0; seed < 40; seed++) {
    const disk = new MemoryDisk();
    const stored = nothingStored();
    let died = true;
    for (let epoch = 1; died && epoch < 60; epoch++) {
      const dieAt = epoch > 30 ? Number.POSITIVE_INFINITY : (seed * 7 + epoch * 13) % (20 + seed);
      const attempt = {
        parallelism: 1 + ((seed + epoch) % 3),
        dieAt,
        when: epoch % 2 === 0 ? 'after' : 'before',
      } as const;
      died = (await runAttempt(disk, epoch, attempt, stored)).died;
      if (died && (seed + epoch) % 4 === 0) disk.losePower();
    }
    expect({ seed, records: committed(disk) }).toEqual({ seed, records: upTo(RECORDS) });
    expect({ seed, hidden: hidden(disk) }).toEqual({ seed, hidden: [] });
  }
});

for (const loss of ['killed', 'without power'] as const) {
  test(`a savepoint can be restored by another job, whenever the jobs are ${loss} after it was taken`, async () => {
    const sinkOn = (fileSystem: SinkFileSystem) => () =>
      new FileSink<number>({ path: DIRECTORY, fileSystem, rollAtBytes: 6, warn: () => {} });
    const attempts = async (dieAt: number): Promise<{ disk: MemoryDisk; operations: number }> => {
      const disk = new MemoryDisk();
      const first = await SinkJob.start(sinkOn(disk.process()), 1, 2, undefined);
      first.write(8);
      const checkpoint = await first.capture();
      await first.notifyComplete(checkpoint.checkpointId);
      first.write(8);
      const savepoint = await first.capture();
      first.write(8);
      await first.capture();
      disk.losePower();
      const facts = { restorable: [savepoint], hasBegun: true };
      const fileSystem = disk.process(dieAt, dieAt % 2 === 0 ? 'before' : 'after');
      // The job goes on without the savepoint; another one starts from it. Both may die, and try again.
      for (const [sink, again] of [[sinkOn(fileSystem), false] as const, [sinkOn(disk.process()), true] as const]) {
        const epoch = again ? 4 : 2;
        try {
          const second = await SinkJob.start(sink, epoch, 1, checkpoint, facts);
          second.write(4);
          await SinkJob.start(sink, epoch, 3, savepoint, { jobId: 'e'.repeat(32) });
        } catch (error) {
          if (again) throw error;
        }
        if (loss === 'without power') disk.losePower();
      }
      return { disk, operations: fileSystem.operations };
    };
    const { operations } = await attempts(Number.POSITIVE_INFINITY);
    for (let dieAt = 0; dieAt <= operations; dieAt++) {
      const { disk } = await attempts(dieAt);
      expect({ dieAt, records: committed(disk) }).toEqual({ dieAt, records: upTo(16) });
    }
  });
}

const FALL_BACKS = [
  { before: 2, after: 2, damaged: 1 },
  { before: 1, after: 3, damaged: 2 },
  { before: 3, after: 1, damaged: 1 },
] as const;

test.each(FALL_BACKS)(
  'falling back by $damaged checkpoints, from $before to $after subtasks, writes every record once',
  async (fallBack) => {
    const { before, after, damaged } = fallBack;
    const whole = await runAttempt(new MemoryDisk(), 1, { parallelism: before }, nothingStored());
    let fallBacks = 0;
    for (let dieAt = 0; dieAt < whole.operations; dieAt++) {
      const disk = new MemoryDisk();
      const stored = nothingStored();
      await runAttempt(disk, 1, { parallelism: before, dieAt, when: 'after' }, stored);
      if (stored.checkpoints.length <= damaged) continue;
      fallBacks++;
      for (const checkpoint of stored.checkpoints.slice(-damaged)) stored.damaged.add(checkpoint);
      const second = await runAttempt(disk, 2, { parallelism: after }, stored);
      disk.losePower();
      expect({ dieAt, died: second.died, records: committed(disk) }).toEqual({
        dieAt,
        died: false,
        records: upTo(RECORDS),
      });
      const left = hidden(disk).filter((path) => !/\.2\.(withdrawn|kept)$/.test(path));
      expect({ dieAt, left }).toEqual({ dieAt, left: [] });
    }
    expect(fallBacks).toBeGreaterThan(5);
  },
);

test('checkpoints that are damaged and mended between deaths of the process leave exactly-once', async () => {
  let fallBacks = 0;
  let returns = 0;
  for (let seed = 0; seed < 150; seed++) {
    const disk = new MemoryDisk();
    const stored = nothingStored();
    const { checkpoints, damaged } = stored;
    let random = seed + 1;
    const below = (limit: number): number => {
      random = (random * 48_271) % 2_147_483_647;
      return random % limit;
    };
    let died = true;
    for (let epoch = 1; died && epoch < 40; epoch++) {
      const newest = checkpoints.at(-1);
      if (newest !== undefined && damaged.has(newest) && below(2) === 0) {
        damaged.clear();
        returns++;
      } else if (below(2) === 0 && checkpoints.length > 1) {
        for (const checkpoint of checkpoints.slice(1 - checkpoints.length).slice(-1 - below(2)))
          damaged.add(checkpoint);
        fallBacks++;
      }
      const dieAt = epoch > 30 ? Number.POSITIVE_INFINITY : below(70);
      const when = below(2) === 0 ? 'before' : 'after';
      died = (await runAttempt(disk, epoch, { parallelism: 1 + below(3), dieAt, when }, stored)).died;
      if (died && below(4) === 0) disk.losePower();
    }
    expect({ seed, died, records: committed(disk) }).toEqual({ seed, died: false, records: upTo(RECORDS) });
  }
  expect(Math.min(fallBacks, returns)).toBeGreaterThan(50);
}, 60_000);

test('what an attempt has moved before it died is made durable by the next one, which finds it moved', async () => {
  const starts = async (dieAt: number): Promise<{ operations: number; withdrawn: number[]; returned: number[] }> => {
    const disk = new MemoryDisk();
    let operations = 0;
    const start = async (epoch: number, from?: CompletedCheckpoint, dies = false): Promise<SinkJob | undefined> => {
      const fileSystem = disk.process(dies ? dieAt : undefined, 'after');
      const sink = () => new FileSink<number>({ path: DIRECTORY, fileSystem, warn: () => {} });
      const job = await SinkJob.start(sink, epoch, 1, from).catch(() => undefined);
      operations = Math.max(operations, fileSystem.operations);
      return job;
    };
    const first = (await start(1))!;
    const after = async (records: number): Promise<CompletedCheckpoint> => {
      first.write(records);
      const checkpoint = await first.capture();
      await first.notifyComplete(checkpoint.checkpointId);
      return checkpoint;
    };
    await after(8);
    // A checkpoint that nothing was written for leaves nothing to be committed, and so nothing else to be made durable.
    const older = await after(0);
    await after(8);
    const newest = await after(0);
    await start(2, older, true);
    await start(3, older);
    disk.losePower();
    const withdrawn = committed(disk);
    await start(4, newest, true);
    await start(5, newest);
    disk.losePower();
    return { operations, withdrawn, returned: committed(disk) };
  };
  const { operations } = await starts(Number.POSITIVE_INFINITY);
  for (let dieAt = 0; dieAt < operations; dieAt++) {
    const { withdrawn, returned } = await starts(dieAt);
    expect({ dieAt, withdrawn, returned }).toEqual({ dieAt, withdrawn: upTo(8), returned: upTo(16) });
  }
});

test('an old leader that still breathes can only commit what its successor commits too', async () => {
  const disk = new MemoryDisk();
  const sink = () => new FileSink<number>({ path: DIRECTORY, fileSystem: disk.process() });
  const old = await SinkJob.start(sink, 1, 2, undefined);
  old.write(8);
  const first = await old.capture();
  old.write(8);
  const refused = await old.capture();
  expect(refused.checkpointId).toBe(2);
  // Both know checkpoint 1 to be complete, and both commit it, one behind the other and at the same time.
  const successor = await SinkJob.start(sink, 2, 1, first);
  await Promise.all([old.notifyComplete(1), successor.notifyComplete(1)]);
  old.write(3);
  successor.write(16);
  const next = await successor.capture();
  await successor.notifyComplete(next.checkpointId);
  expect(committed(disk)).toEqual(upTo(24));
  await old.close();
  expect(committed(disk)).toEqual(upTo(24));
});

test('a leader and its successor that commit one checkpoint at the same time do not get into each other’s way', async () => {
  const disk = new MemoryDisk();
  const sink = () => new FileSink<number>({ path: DIRECTORY, fileSystem: disk.process(), rollAtBytes: 4 });
  const old = await SinkJob.start(sink, 1, 2, undefined);
  old.write(20);
  const first = await old.capture();
  await Promise.all([old.notifyComplete(1), SinkJob.start(sink, 2, 2, first), SinkJob.start(sink, 3, 1, first)]);
  expect(committed(disk)).toEqual(upTo(20));
  expect(hidden(disk)).toEqual([]);
});
