/**
 * Whole lives of a job, at random: its process dies between any two file operations, checkpoints are damaged and mended,
 * handles are lost, break or were never written, savepoints are all that is left, and the state is put back from an old
 * copy. Whatever it goes on from, the directory holds each record before that point once, and nothing after it.
 */
import { expect, test } from 'vitest';
import { causeChain } from '../../../src/lib/errors.ts';
import { FileSink } from '../../../src/stream/connectors/file-sink.ts';
import { MemoryDisk } from '../../builders/crashing-file-system.ts';
import { type CompletedCheckpoint, SinkJob } from '../../builders/sink-job.ts';

const RECORDS = 40;
const ATTEMPTS = 30;
/** Then nobody does any harm any more, and the job comes to its end. */
const LAST_HARM = 22;

interface Point extends CompletedCheckpoint {
  readonly isSavepoint: boolean;
  /** It lies in the storage. */
  isThere: boolean;
  isDamaged: boolean;
  hasBrokenEntry: boolean;
}

/** What the job keeps outside the directory it writes into. */
interface Home {
  points: Point[];
  /** Oldest first. */
  handles: Point[];
  nextCheckpointId: number;
  epoch: number;
}

/** A copy in which handles point to copied points. */
function copyOf({ points, handles, nextCheckpointId, epoch }: Home): Home {
  const copies = new Map(points.map((point) => [point, { ...point }]));
  return {
    points: [...copies.values()],
    handles: handles.map((point) => copies.get(point)!),
    nextCheckpointId,
    epoch,
  };
}

class History {
  readonly disk = new MemoryDisk();
  readonly below: (limit: number) => number;
  readonly told: string[] = [];
  home: Home = { points: [], handles: [], nextCheckpointId: 1, epoch: 0 };
  copy: Home | undefined;
  wasPutBack = false;
  isRefused = false;

  constructor(seed: number) {
    let random = seed + 1;
    this.below = (limit) => {
      random = (random * 48_271) % 2_147_483_647;
      return random % limit;
    };
  }

  committed(): number[] {
    const texts = [...this.disk.files()].filter(([path]) => !path.includes('/.')).map(([, text]) => text);
    const lines = texts.flatMap((text) => text.split('\n')).filter((line) => line.length > 0);
    return lines.map(Number).toSorted((left, right) => left - right);
  }

  harm(): void {
    const { points, handles } = this.home;
    const one = handles.filter(({ isThere }) => isThere).at(-1 - this.below(2));
    const savepoints = points.filter(({ isThere, isSavepoint }) => isThere && isSavepoint);
    const harms: Record<string, () => void> = {
      damage: () => {
        if (one !== undefined) one.isDamaged = true;
      },
      breakEntry: () => {
        if (one !== undefined) one.hasBrokenEntry = true;
      },
      mend: () => this.mend(),
      losePower: () => this.disk.losePower(),
      loseHandles: () => {
        this.home.handles = [];
      },
      loseAllButSavepoints: () => {
        if (savepoints.length > 0) this.loseAllButSavepoints();
      },
      deleteSavepoint: () => {
        if (handles.length > 0 && savepoints[0] !== undefined) savepoints[0].isThere = false;
      },
      copy: () => {
        if (points.length > 0) this.copy = copyOf(this.home);
      },
      putBack: () => {
        if (this.copy !== undefined) this.putBack(this.copy);
      },
    };
    const names = Object.keys(harms);
    const name = names[this.below(names.length)]!;
    this.told.push(name);
    harms[name]?.();
  }

  mend(): void {
    for (const point of this.home.points) {
      point.isDamaged = false;
      point.hasBrokenEntry = false;
    }
  }

  loseAllButSavepoints(): void {
    for (const point of this.home.points) point.isThere &&= point.isSavepoint;
    this.home.handles = [];
  }

  putBack(copy: Home): void {
    this.home = copyOf(copy);
    this.wasPutBack = true;
  }

  /** One attempt. @returns whether it came to the end of the job; anything but a death is thrown */
  async attempt(isLast: boolean): Promise<boolean> {
    const { home, below } = this;
    home.epoch += 1 + below(3);
    const stored = home.points.filter(({ isThere }) => isThere).toSorted(byEpochAndId);
    const candidates = home.handles.length > 0 ? home.handles.toReversed() : stored;
    const from = candidates.find((point) => point.isThere && !point.isDamaged && !point.hasBrokenEntry);
    if (from === undefined && candidates.length > 0) this.mend();
    if (from === undefined && candidates.length > 0) return false;
    const restorable = [
      ...stored,
      ...home.handles.map(({ hasBrokenEntry, checkpointId, epoch }) =>
        hasBrokenEntry ? { checkpointId } : { checkpointId, epoch },
      ),
    ];
    home.nextCheckpointId = Math.max(home.nextCheckpointId, (from?.checkpointId ?? 0) + 1);
    const fileSystem = this.disk.process(isLast ? undefined : below(140), below(2) === 0 ? 'before' : 'after');
    const sink = () => new FileSink<number>({ path: '/out', fileSystem, rollAtBytes: 6, warn: () => {} });
    const facts = { nextCheckpointId: home.nextCheckpointId, hasBegun: true, restorable };
    this.told.push(`epoch ${home.epoch} from ${from?.checkpointId}/${from?.epoch}`);
    try {
      const job = await SinkJob.start(sink, home.epoch, 1 + below(3), from, facts);
      this.expectExactly(from?.position ?? 0);
      await this.run(job, isLast);
      return true;
    } catch (error) {
      if (!this.mayEnd(causeChain(error))) throw error;
      return false;
    }
  }

  async run(job: SinkJob, isLast: boolean): Promise<void> {
    const { home, below } = this;
    while (job.position < RECORDS) {
      job.write(Math.min(below(4), RECORDS - job.position));
      home.nextCheckpointId++;
      const captured = await job.capture();
      const kind = isLast
        ? 'checkpoint'
        : (['checkpoint', 'checkpoint', 'savepoint', 'aborted', 'unpublished'] as const)[below(5)];
      this.told.push(`${kind} ${captured.checkpointId} at ${captured.position}`);
      if (kind === 'aborted') continue;
      const isSavepoint = kind === 'savepoint';
      const point = { ...captured, isSavepoint, isThere: true, isDamaged: false, hasBrokenEntry: false };
      home.points.push(point);
      if (isSavepoint) continue;
      if (kind === 'unpublished') throw new Error('the process died');
      home.handles.push(point);
      for (const old of home.handles.splice(0, home.handles.length - 3)) old.isThere = false;
      await job.notifyComplete(point.checkpointId);
      this.expectExactly(job.position);
    }
  }

  expectExactly(position: number): void {
    expect(this.committed()).toEqual(Array.from({ length: position }, (_, record) => record));
  }

  /** It died; or its state is older than its output, which the next attempts get past, unless that has lost what it promised. */
  mayEnd(causes: readonly unknown[]): boolean {
    const codes = causes.map((error) => (error as { code?: string }).code);
    this.isRefused = this.wasPutBack && codes.includes('TRANSACTION_LOST');
    if (this.isRefused || (this.wasPutBack && codes.includes('OUTPUT_AHEAD'))) return true;
    return causes.some((error) => /died/.test(String(error)));
  }
}

function byEpochAndId(left: Point, right: Point): number {
  return right.epoch - left.epoch || right.checkpointId - left.checkpointId;
}

test('a directory holds every record once, whatever befalls the job and its state', async () => {
  let ended = 0;
  for (let seed = 0; seed < 60; seed++) {
    const history = new History(seed);
    try {
      let isOver = false;
      for (let attempt = 0; attempt < ATTEMPTS && !isOver && !history.isRefused; attempt++) {
        const isLast = attempt > LAST_HARM;
        for (let harms = isLast ? 0 : history.below(3); harms > 0; harms--) history.harm();
        isOver = await history.attempt(isLast);
      }
      if (isOver) ended++;
    } catch (error) {
      throw new Error(`seed ${seed}: ${history.told.join(', ')}`, { cause: error });
    }
  }
  expect(ended).toBeGreaterThan(40);
}, 60_000);
