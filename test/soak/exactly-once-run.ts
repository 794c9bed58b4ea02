/**
 * One random job, run twice: undisturbed, and killed again and again. Everything is drawn from the seed: the graph, the
 * input, the parallelism of each attempt, when or where each process dies. (How far a process gets until it is killed by
 * the clock is the machine's business; a kill at a named point happens at that instruction.)
 *
 * Throws a ProofFailure that says what differs and how to see it again.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { JOB_ORDER_VARIABLE, type JobOrder } from '../../src/cli/job-process/job-order.ts';
import { JOB_PROCESS_FAULT_POINTS } from '../../src/cli/job-process/job-process.ts';
import type { FromJobProcess } from '../../src/cli/job-process/messages.ts';
import {
  closeAttempt,
  type HighAvailabilityServices,
  type Ledger,
  openAttempt,
  openAttemptOf,
  openEmbeddedHaServices,
  VERSIONED_FILE_FAULT_POINTS,
} from '../../src/ha/index.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { FILESYSTEM_FAULT_POINTS, openStorage } from '../../src/storage/index.ts';
import { COORDINATOR_FAULT_POINTS } from '../../src/stream/checkpoint/checkpoint-coordinator.ts';
import { SUBTASK_FAULT_POINTS } from '../../src/stream/checkpoint/checkpoint-writer.ts';
import { WORKER_FAULT_POINTS } from '../../src/stream/task/task-worker.ts';
import { SeededRandom } from '../builders/seeded-random.ts';
import {
  CommittedFilesWatch,
  committedFiles,
  committedRecords,
  differenceOf,
  disorderIn,
  doubledTransactions,
  pendingFiles,
} from '../oracles/committed-output.ts';
import { checkpointDirectories, danglingPointers, type JobPlace, pointersLeft } from '../oracles/job-storage.ts';
import type { BundledPrograms } from './bundled-programs.ts';
import { CRASH_AT_VARIABLE, CRASH_NOTE_VARIABLE, SINK_FAULT_POINTS, WORKERS_VARIABLE } from './crash-point.ts';
import { FILE_RECORDS, orderedSinkPrefix } from './random-job.ts';

/** Every named point at which a process can be killed. */
export const ALL_FAULT_POINTS: readonly string[] = [
  ...COORDINATOR_FAULT_POINTS,
  ...SUBTASK_FAULT_POINTS,
  ...WORKER_FAULT_POINTS,
  ...JOB_PROCESS_FAULT_POINTS,
  ...SINK_FAULT_POINTS,
  ...VERSIONED_FILE_FAULT_POINTS.map((point) => `ha-${point}`),
  ...FILESYSTEM_FAULT_POINTS.map((point) => `storage-${point}`),
];

/** Points that are reached only when the job ends. */
const END_POINTS: readonly string[] = [
  'job-result-recorded',
  'job-swept',
  'job-checkpoints-removed',
  'job-result-clean',
];

/** Points that a process passes once. */
const ONCE = /^job-/;

export interface RunOptions {
  readonly seed: number;
  /** How often its processes are killed, at least, unless the job finishes before. */
  readonly kills: number;
  /** An empty directory of its own. */
  readonly directory: string;
  readonly programs: BundledPrograms;
  /** Named points that are used before any are drawn. @default none */
  readonly points?: readonly string[];
}

/** One kill, in words: `checkpoint-handle-written:2`, `after 312 ms`. */
export interface RunReport {
  readonly seed: number;
  readonly kills: readonly string[];
  readonly attempts: number;
  readonly restores: number;
  readonly records: number;
  readonly elapsedMs: number;
}

/** The job was not exactly once, or something that must always hold did not. */
export class ProofFailure extends Error {
  constructor(options: RunOptions, killed: readonly string[], what: string, details: readonly string[]) {
    const { seed, kills, points = [] } = options;
    const again = `SEED=${seed} KILLS=${kills}${points.length === 0 ? '' : ` POINTS=${points.join(',')}`}`;
    const shown = details.slice(0, 20).map((line) => `\n  ${line}`);
    const more = details.length > 20 ? `\n  … ${details.length - 20} more` : '';
    super(
      `seed ${seed}: ${what}${shown.join('')}${more}\nkilled: ${killed.join(', ')}\nagain: ${again} RUNS=1 KEEP=1 make soak`,
    );
  }
}

/** @throws ProofFailure */
export async function exactlyOnceRun(options: RunOptions): Promise<RunReport> {
  const startedAt = performance.now();
  const inputs = join(options.directory, 'in');
  writeInputs(inputs, options.seed);
  const random = new SeededRandom(options.seed + 0x9e3779);
  const undisturbed = new RandomJobRun({ ...options, inputs, name: 'undisturbed' }, random);
  await undisturbed.finish();
  const disturbed = new RandomJobRun({ ...options, inputs, name: 'killed' }, random);
  await disturbed.killAndFinish();
  const expected = committedRecords(undisturbed.results);
  disturbed.compare(expected);
  return {
    seed: options.seed,
    kills: disturbed.killed,
    attempts: disturbed.attempts,
    restores: disturbed.restores,
    records: expected.length,
    elapsedMs: Math.round(performance.now() - startedAt),
  };
}

/** The records of a run that nobody disturbs, at a parallelism and a speed; 0 is as fast as possible. */
export async function undisturbedRecords(
  options: Omit<RunOptions, 'kills' | 'points'>,
  parallelism: number,
  recordsPerSecond: number,
): Promise<string[]> {
  const inputs = join(options.directory, 'in');
  writeInputs(inputs, options.seed);
  const name = `undisturbed-${parallelism}-${recordsPerSecond}`;
  const run = new RandomJobRun({ ...options, kills: 0, inputs, name, parallelism }, new SeededRandom(options.seed));
  await run.finish(recordsPerSecond);
  return committedRecords(run.results);
}

/** How a process is to die. */
type Death =
  | { readonly at: 'point'; readonly point: string; readonly occurrence: number }
  | { readonly at: 'start' | 'running'; readonly delayMs: number }
  | { readonly at: 'never' };

interface JobRunSettings extends RunOptions {
  readonly inputs: string;
  readonly name: string;
  /** Of the first attempt. @default drawn */
  readonly parallelism?: number;
}

/** A killed process that did not reach its point is killed after this long all the same. */
const PATIENCE_MS = 1_200;
/** A process that was not to be killed and runs longer than this is stuck. */
const STUCK_MS = 90_000;
const RECORDS_PER_SECOND = 900;

class RandomJobRun {
  readonly results: string;
  readonly killed: string[] = [];
  attempts = 0;
  restores = 0;
  readonly #settings: JobRunSettings;
  readonly #random: SeededRandom;
  readonly #place: JobPlace;
  readonly #directory: string;
  readonly #watch: CommittedFilesWatch;
  readonly #points: string[];
  readonly #retained: number;
  #epoch = 0;
  /** The newest process came to run the job. */
  #hasRun = false;
  readonly #wrongEpochs: string[] = [];
  #parallelism: number;
  #stderr = '';

  constructor(settings: JobRunSettings, random: SeededRandom) {
    this.#settings = settings;
    this.#random = random;
    this.#directory = join(settings.directory, settings.name);
    this.results = join(this.#directory, 'out');
    this.#watch = new CommittedFilesWatch(this.results);
    this.#points = [...(settings.points ?? [])];
    this.#parallelism = settings.parallelism ?? parallelismFrom(random);
    this.#retained = random.between(1, 3);
    mkdirSync(this.results, { recursive: true });
    this.#place = {
      jobId: settings.seed
        .toString(16)
        .padStart(12, '0')
        .padEnd(32, settings.name === 'killed' ? 'b' : 'a'),
      haDirectory: join(this.#directory, 'ha'),
      storageUri: pathToFileURL(join(this.#directory, 'storage')).href,
    };
  }

  /** Runs to the end without a kill. */
  async finish(recordsPerSecond = 0): Promise<void> {
    const services = await this.#openServices();
    try {
      await this.#openAttempt(services);
      const end = await this.#runProcess({ at: 'never' }, recordsPerSecond);
      if (end !== 'finished') this.#fail(`a process ended ${end}`, [this.#stderr]);
      await this.#checkInvariants();
    } finally {
      await services.close();
    }
  }

  /** Kills processes and lets the last one finish. */
  async killAndFinish(): Promise<void> {
    const services = await this.#openServices();
    try {
      for (let finished = false; !finished; ) {
        // A process that died of a kill may be followed by another one of the same attempt, as when a pod is replaced.
        if (this.attempts === 0 || this.#random.chance(0.75)) await this.#openAttempt(services);
        finished = (await this.#runProcess(this.#nextDeath(), this.#nextRate())) === 'finished';
        await this.#checkInvariants();
      }
      const left = await pointersLeft(this.#place);
      if (left.length > 0) this.#fail('a job that has finished still points to checkpoints', left);
      // A process that only found the result may find no pointer to what the one before it did not get to delete.
      const garbage = this.#hasRun ? await checkpointDirectories(this.#place) : [];
      if (garbage.length > 0)
        this.#fail(`a job that has finished, in epoch ${this.#epoch}, left checkpoints behind`, garbage);
    } finally {
      await services.close();
    }
  }

  /** @throws ProofFailure unless the results are those of the undisturbed run */
  compare(expected: readonly string[]): void {
    const difference = differenceOf(expected, committedRecords(this.results));
    if (difference.length > 0) {
      const lost = difference.filter((line) => line.startsWith('-')).length;
      this.#fail(
        `${lost} records of ${expected.length} are missing and ${difference.length - lost} too many`,
        difference,
      );
    }
    const pending = pendingFiles(this.results);
    if (pending.length > 0) this.#fail('files were left uncommitted', pending);
  }

  async #checkInvariants(): Promise<void> {
    const files = committedFiles(this.results);
    const problems = [
      ...disorderIn(files, (sink) => sink.startsWith(orderedSinkPrefix)),
      ...doubledTransactions(files),
      ...this.#watch.look(),
      ...(await danglingPointers(this.#place)),
      ...this.#wrongEpochs,
    ];
    if (problems.length > 0) this.#fail('what must always hold does not', problems);
  }

  // ---- attempts

  #openServices(): Promise<HighAvailabilityServices> {
    const { haDirectory, jobId, storageUri } = this.#place;
    return openEmbeddedHaServices({
      directory: haDirectory,
      storage: openStorage(storageUri),
      jobId,
      clock: systemClock,
      identity: `driver-${randomUUID()}`,
    });
  }

  /** Closes the open attempt as crashed and opens the next, at another parallelism. */
  async #openAttempt(services: HighAvailabilityServices): Promise<void> {
    const at = systemClock.now();
    await this.#writeLedger(services, (ledger) =>
      openAttemptOf(ledger) === undefined ? ledger : closeAttempt(ledger, { how: 'crashed', at, cause: 'killed' }),
    );
    await this.#writeLedger(services, (ledger, epoch) => openAttempt(ledger, { at, epoch }));
    this.attempts++;
    if (this.attempts > 1) this.#parallelism = parallelismFrom(this.#random);
  }

  async #writeLedger(
    services: HighAvailabilityServices,
    change: (ledger: Ledger, epoch: number) => Ledger,
  ): Promise<void> {
    const store = services.getLedgerStore();
    const view = await store.read();
    if (view === undefined) return this.#fail('the object of the job is gone', []);
    const next = change(view.ledger, view.nextEpoch);
    if (next === view.ledger) return;
    const outcome = await store.write(view, next, 'driver');
    if (outcome.outcome !== 'done') this.#fail('the ledger was not written', [JSON.stringify(outcome)]);
  }

  // ---- deaths

  #nextDeath(): Death {
    const random = this.#random;
    const given = this.#points.findIndex((point) => !END_POINTS.includes(point));
    if (given >= 0) return { at: 'point', point: this.#points.splice(given, 1)[0] ?? '', occurrence: 1 };
    const left = this.#settings.kills - this.killed.length;
    if (left <= 0) return { at: 'never' };
    // After one of these nothing is left to kill: they come last.
    if (left <= this.#points.length) return { at: 'point', point: this.#points.shift() ?? '', occurrence: 1 };
    if (left === 1 && random.chance(0.3)) return { at: 'point', point: random.oneOf(END_POINTS), occurrence: 1 };
    if (random.chance(0.55)) {
      const point = random.oneOf(ALL_FAULT_POINTS.filter((each) => !END_POINTS.includes(each)));
      return { at: 'point', point, occurrence: ONCE.test(point) ? 1 : random.between(1, 4) };
    }
    if (random.chance(0.2)) return { at: 'start', delayMs: random.between(0, 1_000) };
    return { at: 'running', delayMs: random.between(0, 500) };
  }

  /** Paced while there are kills to come; the last ones, and the end, come at full speed. */
  #nextRate(): number {
    const left = this.#settings.kills - this.killed.length;
    return left > 1 || this.#points.length > 0 ? RECORDS_PER_SECOND : 0;
  }

  // ---- processes

  async #runProcess(death: Death, rate: number): Promise<'finished' | 'killed'> {
    const note = join(this.#directory, 'crash-note');
    rmSync(note, { force: true });
    const isEnd = death.at === 'point' && END_POINTS.includes(death.point);
    const order = this.#order(isEnd ? 0 : rate);
    rmSync(order.terminationLog, { force: true });
    this.#stderr = '';
    this.#hasRun = false;
    // Half of the processes have threads that host several subtask indexes, as far as there are several.
    const workers = this.#random.chance(0.5) ? this.#random.between(1, Math.max(1, this.#parallelism - 1)) : undefined;
    const child = spawn(
      process.execPath,
      ['--disable-warning=ExperimentalWarning', this.#settings.programs.jobProcess],
      {
        cwd: this.#directory,
        env: {
          ...process.env,
          [JOB_ORDER_VARIABLE]: JSON.stringify(order),
          [CRASH_NOTE_VARIABLE]: note,
          ...(workers === undefined ? {} : { [WORKERS_VARIABLE]: String(workers) }),
          ...(death.at === 'point' ? { [CRASH_AT_VARIABLE]: `${death.point}:${death.occurrence}` } : {}),
        },
        stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
      },
    );
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.#stderr += text;
    });
    const timers = this.#planKill(child, death);
    child.on('message', (message) => this.#onMessage(message as FromJobProcess));
    const end = await new Promise<{ code: number | null; signal: string | null }>((resolve) => {
      child.on('close', (code, signal) => resolve({ code, signal }));
    });
    timers.cancel();
    if (end.signal === 'SIGKILL') {
      const reached = existsSync(note) ? `${readFileSync(note, 'utf8')}` : timers.said();
      if (death.at === 'never') this.#fail('a process was stuck', [this.#stderr]);
      this.killed.push(reached);
      return 'killed';
    }
    if (end.code === 0) return 'finished';
    const record = existsSync(order.terminationLog) ? readFileSync(order.terminationLog, 'utf8') : 'no record';
    return this.#fail(`a process ended with code ${end.code} and signal ${end.signal}`, [record, this.#stderr]);
  }

  #planKill(child: ChildProcess, death: Death): { cancel(): void; said(): string } {
    const timers = new Set<NodeJS.Timeout>();
    let words = 'by the clock';
    const killIn = (delayMs: number, what: string): void => {
      const timer = setTimeout(() => {
        words = what;
        child.kill('SIGKILL');
      }, delayMs);
      timers.add(timer);
    };
    if (death.at === 'start') killIn(death.delayMs, `${death.delayMs} ms after its start`);
    else if (death.at === 'never') killIn(STUCK_MS, 'stuck');
    else if (death.at === 'point') killIn(STUCK_MS, 'stuck');
    child.on('message', (message: FromJobProcess) => {
      if (message.type !== 'event' || message.event.event !== 'running') return;
      if (death.at === 'running') killIn(death.delayMs, `${death.delayMs} ms after it ran`);
      if (death.at === 'point') killIn(PATIENCE_MS, `${PATIENCE_MS} ms after it ran, before ${death.point}`);
    });
    const cancel = (): void => {
      for (const timer of timers) clearTimeout(timer);
    };
    return { cancel, said: () => words };
  }

  #onMessage(message: FromJobProcess): void {
    if (message.type === 'leading') {
      if (message.epoch <= this.#epoch) this.#wrongEpochs.push(`epoch ${message.epoch} came after ${this.#epoch}`);
      this.#epoch = message.epoch;
    }
    if (message.type === 'event' && message.event.event === 'running') this.#hasRun = true;
    if (message.type === 'event' && message.event.event === 'restoring') this.restores++;
    if (message.type === 'log' && message.level === 'warn') {
      this.#stderr += `${message.message}: ${String(message.facts?.cause ?? '')}\n`;
    }
  }

  #order(rate: number): JobOrder {
    const { seed, inputs } = this.#settings;
    const { jobId, storageUri, haDirectory: directory } = this.#place;
    return {
      jobId,
      storageUri,
      highAvailability: { backend: 'Embedded', directory },
      jobName: `random-${seed}`,
      attempt: this.attempts,
      program: {
        module: { kind: 'file', path: this.#settings.programs.randomJob },
        workingDirectory: this.#directory,
        args: [String(seed), inputs, this.results, String(rate)],
        parallelism: this.#parallelism,
        maxParallelism: 24,
      },
      checkpoints: {
        intervalMs: 40,
        timeoutMs: 60_000,
        minPauseMs: 0,
        tolerableFailures: 0,
        retained: this.#retained,
        onCancel: 'Retain',
      },
      allowNonRestoredState: false,
      terminationLog: join(this.#directory, 'termination.json'),
      rest: { host: '127.0.0.1', port: 0 },
    };
  }

  #fail(what: string, details: readonly string[]): never {
    throw new ProofFailure(this.#settings, this.killed, what, details);
  }
}

/** Mostly few subtasks, sometimes more than a small machine has threads for. All divide the number of generated keys. */
function parallelismFrom(random: SeededRandom): number {
  return random.chance(0.7) ? random.between(1, 3) : random.oneOf([4, 6, 8]);
}

/** The input files that random jobs may read. */
export function writeInputs(directory: string, seed: number): void {
  mkdirSync(directory, { recursive: true });
  for (const name of ['a', 'b', 'c']) {
    const random = new SeededRandom(seed + name.charCodeAt(0));
    const lines = Array.from({ length: FILE_RECORDS }, (_, seq) =>
      JSON.stringify({
        key: `${name}${random.between(0, 40)}`,
        seq,
        value: random.between(0, 1_000_000),
        time: seq * 7,
      }),
    );
    writeFileSync(join(directory, `${name}.ndjson`), `${lines.join('\n')}\n`);
  }
}
