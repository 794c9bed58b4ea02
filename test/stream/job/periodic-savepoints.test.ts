import { expect, test } from 'vitest';
import { memoryStorage, type Storage } from '../../../src/storage/index.ts';
import { CheckpointException } from '../../../src/stream/checkpoint/failure-reasons.ts';
import { automaticSavepointDirectory, savepointDirectory } from '../../../src/stream/checkpoint/locations.ts';
import { writeManifest } from '../../../src/stream/checkpoint/manifest-codec.ts';
import {
  type AutomaticSavepoint,
  automaticSavepoints,
  decideSavepoint,
  surplusSavepoints,
  takePeriodicSavepoints,
} from '../../../src/stream/job/periodic-savepoints.ts';
import { TestClock } from '../../../src/stream/testing/test-clock.ts';
import { aManifest } from '../checkpoint/builders.ts';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const BORN = 1_000 * DAY;
const settings = { intervalMs: DAY, retained: 2, since: BORN };

const taken = (...timestamps: number[]): AutomaticSavepoint[] =>
  timestamps.map((timestamp, index) => ({ directory: `s${index}`, epoch: 1, checkpointId: index + 1, timestamp }));

test.each([
  ['nothing was taken and the job is young', BORN + HOUR, [], { do: 'wait', untilMs: BORN + DAY }],
  ['nothing was taken for an interval', BORN + DAY, [], { do: 'take' }],
  [
    'the newest is young, however old the others are',
    BORN + 9 * DAY,
    taken(BORN + 9 * DAY - 1, BORN),
    { do: 'wait', untilMs: BORN + 10 * DAY - 1 },
  ],
  ['several were missed', BORN + 9 * DAY, taken(BORN + DAY), { do: 'take' }],
  ['the clock was set back behind the newest', BORN + 2 * DAY, taken(BORN + DAY, BORN + 99 * DAY), { do: 'take' }],
  ['the clock was set back behind everything', BORN - DAY, taken(BORN + DAY), { do: 'take' }],
])('when %s', (_when, now, stored, expected) => {
  expect(decideSavepoint({ now, settings, taken: stored })).toEqual(expected);
});

test('the newest are kept, as leaders and ids count, whatever the clock said', () => {
  const stored = taken(5, 9, 7);
  expect(surplusSavepoints(stored, 2).map(({ checkpointId }) => checkpointId)).toEqual([1]);
  expect(
    surplusSavepoints([{ ...stored[0]!, epoch: 2 }, ...stored.slice(1)], 2).map(({ checkpointId }) => checkpointId),
  ).toEqual([2]);
  expect(surplusSavepoints(stored, 3)).toEqual([]);
});

const JOB = aManifest([]).jobId;

/** Storage with whatever savepoints a job takes, and the job's process, which can be killed and started again. */
class AJobWithSavepoints {
  readonly clock = new TestClock(BORN);
  readonly storage: Storage = memoryStorage({ clock: this.clock });
  readonly warnings: string[] = [];
  failNext = false;
  /** Where it is killed next. */
  dieBefore: 'delete' | 'deleteTree' | undefined;
  #id = 0;
  #epoch = 0;
  #killed = new AbortController();
  #running: Promise<void> = Promise.resolve();

  async store(directory: string, parts: object = {}): Promise<string> {
    this.#id += 1;
    const manifest = aManifest([], { checkpointId: this.#id, timestamp: this.clock.now(), files: [], ...parts });
    await writeManifest(this.storage, directory, manifest);
    return directory;
  }

  start(): void {
    this.#killed = new AbortController();
    const { clock } = this;
    const storage: Storage = {
      ...this.storage,
      delete: (path) => this.#unlessKilled('delete', () => this.storage.delete(path)),
      deleteTree: (prefix) => this.#unlessKilled('deleteTree', () => this.storage.deleteTree(prefix)),
    };
    const log = { info: () => {}, warn: (message: string) => void this.warnings.push(message) };
    const take = async (): Promise<string> => {
      if (this.failNext) {
        this.failNext = false;
        throw new Error('the disk is full');
      }
      const directory = automaticSavepointDirectory({ jobId: JOB, epoch: this.#epoch, random: `x${this.#id}aaaaa` });
      await this.storage.write(`${directory}/vertex-0.state`, new Uint8Array([1]), { exclusive: true });
      return this.store(directory);
    };
    this.#running = takePeriodicSavepoints(
      { settings, jobId: JOB, epoch: ++this.#epoch, clock, storage, log, take },
      this.#killed.signal,
    );
  }

  async kill(): Promise<void> {
    this.#killed.abort();
    await this.#running;
  }

  async #unlessKilled(step: 'delete' | 'deleteTree', work: () => Promise<void>): Promise<void> {
    if (this.dieBefore !== step) return work();
    this.dieBefore = undefined;
    this.#killed.abort();
    throw new Error('killed');
  }

  async directories(): Promise<string[]> {
    return [...new Set((await this.storage.list('')).map((path) => path.slice(0, path.lastIndexOf('/'))))];
  }

  /** Lets the process work until it sleeps, for this long. */
  async live(forMs: number): Promise<void> {
    const end = this.clock.now() + forMs;
    for (;;) {
      await this.#asleep();
      if (this.clock.now() >= end || this.#killed.signal.aborted) return;
      this.clock.advanceTo(Math.min(end, this.clock.nextTimerAt));
    }
  }

  /** Everything here happens in memory: turns of the event loop are all it takes. */
  async #asleep(): Promise<void> {
    for (let turns = 0; this.clock.nextTimerAt === Number.POSITIVE_INFINITY; turns++) {
      if (this.#killed.signal.aborted) return;
      if (turns > 10_000) throw new Error('it neither sleeps nor ends');
      await new Promise((resolve) => setImmediate(resolve));
    }
  }

  async ages(): Promise<number[]> {
    const stored = await automaticSavepoints(this.storage, JOB);
    return stored.map(({ timestamp }) => Math.floor((timestamp - BORN) / HOUR)).sort((a, b) => a - b);
  }
}

test('a job that is restarted every five hours has its savepoint every day, and keeps the newest two', async () => {
  const job = new AJobWithSavepoints();
  const seen = new Set<number>();
  for (let hours = 0; hours < 80; hours += 5) {
    job.start();
    await job.live(5 * HOUR);
    await job.kill();
    for (const age of await job.ages()) seen.add(age);
  }
  expect([...seen]).toEqual([24, 48, 72]);
  expect(await job.ages()).toEqual([48, 72]);
});

test('a job that was away for a week takes one savepoint when it is back, not seven', async () => {
  const job = new AJobWithSavepoints();
  job.clock.advanceBy(7 * DAY);
  job.start();
  await job.live(HOUR);
  await job.kill();
  expect(await job.ages()).toEqual([7 * 24]);
});

test('what the job did not take itself stays: asked for by hand, of another job, moved away, or damaged', async () => {
  const job = new AJobWithSavepoints();
  const automatic = (random: string) => automaticSavepointDirectory({ jobId: JOB, epoch: 1, random });
  const others = [
    await job.store(savepointDirectory({ jobId: JOB, random: 'aaaaaaaaaaaaaaaa' })),
    await job.store(automatic('ofanother'), { jobId: `${JOB.slice(0, 6)}${'0'.repeat(26)}` }),
    await job.store(`kept/${automatic('movedaway')}`),
  ];
  await job.storage.write(`${automatic('damaged0')}/_metadata`, new Uint8Array([1]), { exclusive: true });
  job.start();
  await job.live(5 * DAY);
  await job.kill();
  expect(await job.ages()).toEqual([96, 120]);
  const left = await job.storage.list('');
  for (const directory of [...others, automatic('damaged0')]) expect(left).toContain(`${directory}/_metadata`);
});

test('a savepoint that fails is said, and tried again before the next one is due', async () => {
  const job = new AJobWithSavepoints();
  job.failNext = true;
  job.start();
  await job.live(DAY + HOUR);
  await job.kill();
  expect(job.warnings).toEqual([expect.stringContaining('tried again later')]);
  expect(await job.ages()).toEqual([24]);
});

test('what a killed process left of automatic savepoints, half removed or half taken, is gone when the next one has begun', async () => {
  const job = new AJobWithSavepoints();
  const { storage } = job;
  const name = (jobId: string, epoch: number) =>
    automaticSavepointDirectory({ jobId, epoch, random: `dead${epoch}aaaa` });
  const state = (directory: string) =>
    storage.write(`${directory}/vertex-0.state`, new Uint8Array([1]), { exclusive: true });
  const [left, later] = [name(JOB, 0), name(JOB, 2)];
  const ofAnother = name(`${JOB.slice(0, 6)}${'0'.repeat(26)}`, 0);
  const byHand = savepointDirectory({ jobId: JOB, random: 'aaaaaaaaaaaaaaaa' });
  const movedAway = `kept/${left}`;
  for (const directory of [left, later, ofAnother, byHand, movedAway]) await state(directory);
  const whole = await job.store(name(JOB, 0).replace(/dead/, 'live'));
  await state(whole);
  job.start();
  await job.live(HOUR);
  await job.kill();
  expect((await job.directories()).sort()).toEqual([later, ofAnother, byHand, movedAway, whole].sort());
});

test.each(['delete', 'deleteTree'] as const)(
  'a process that dies before the %s of an old savepoint leaves nothing behind for good',
  async (step) => {
    const job = new AJobWithSavepoints();
    job.start();
    await job.live(2 * DAY + HOUR);
    job.dieBefore = step;
    await job.live(DAY);
    expect(await job.directories()).toHaveLength(3);
    job.start();
    await job.live(HOUR);
    await job.kill();
    expect(await job.directories()).toHaveLength(2);
    expect(await job.ages()).toEqual([48, 72]);
  },
);

test('a job that ends while it takes one warns of nothing', async () => {
  const warnings: string[] = [];
  const clock = new TestClock(BORN);
  await takePeriodicSavepoints(
    {
      settings: { ...settings, since: BORN - DAY },
      jobId: JOB,
      epoch: 1,
      clock,
      storage: memoryStorage({ clock }),
      log: { info: () => {}, warn: (message) => warnings.push(message) },
      take: () => Promise.reject(new CheckpointException('CHECKPOINT_COORDINATOR_SHUTDOWN', undefined)),
    },
    new AbortController().signal,
  );
  expect(warnings).toEqual([]);
});
