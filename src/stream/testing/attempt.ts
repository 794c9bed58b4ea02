/**
 * One attempt of a test run: everything that could happen next is known, and the seed picks what does.
 *
 *   step a subtask            some records, a due timer, a barrier
 *   deliver a message         the coordinator's trigger, completion or abortion reaches a slot
 *   write a slice of state    the asynchronous part of a capture goes on
 *   complete a checkpoint     all have answered: the manifest is written
 *   turn the event loop       promises go on, and with them source functions and, where a job has any, real I/O
 *
 * As long as the job's code waits for nothing outside, the same seed gives the same run.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { assertNever } from '../../lib/assert-never.ts';
import { jobShapeOf } from '../checkpoint/job-shape.ts';
import { type SubtaskRef, subtaskKey } from '../checkpoint/subtask-state.ts';
import type { CheckpointBarrier, CheckpointKind } from '../exchange/channel.ts';
import type { JobGraph } from '../graph/job-graph.ts';
import type { Subtask, SubtaskCapture, SubtaskListener } from '../task/subtask.ts';
import { type DeployOptions, deploy, type Slot } from './deploy.ts';
import type { SeededRandom } from './seeded-random.ts';
import { StateWriter } from './state-writer.ts';
import type { PendingCheckpoint, TestCheckpoints } from './test-checkpoints.ts';

/** How often the event loop has its turn although something else could be done. */
const TURN_CHANCE = 1 / 16;

export interface AttemptOptions extends DeployOptions {
  readonly checkpoints: TestCheckpoints;
  /** Most records a subtask takes in one step. */
  readonly recordsPerStep: number;
}

/** What the coordinator tells a slot; delivered in order, when the seed says so. */
type SlotMessage =
  | { readonly type: 'trigger'; readonly barrier: CheckpointBarrier }
  | { readonly type: 'complete'; readonly checkpointId: number; readonly done: () => void }
  | { readonly type: 'aborted'; readonly checkpointId: number };

interface ScheduledSlot extends Slot {
  readonly messages: SlotMessage[];
}

export class Attempt {
  readonly #options: AttemptOptions;
  readonly #random: SeededRandom;
  #slots: readonly ScheduledSlot[] = [];
  #subtasks: readonly Subtask[] = [];
  /** Subtasks that had nothing to do when they were asked last. */
  readonly #quiet = new Set<Subtask>();
  readonly #writers = new Set<StateWriter>();
  readonly #finished = new Set<string>();
  /** Notifications that are being worked on. */
  #notifying = 0;
  #failure: { readonly error: unknown; readonly where: string } | undefined;
  /** Counts what happened; only whether it grew matters. */
  #events = 0;
  #eventsAtLastTurn = 0;
  #idleTurns = 0;

  private constructor(options: AttemptOptions) {
    this.#options = options;
    this.#random = options.random;
  }

  /** Restores (or starts fresh) and opens everything. Where that fails the attempt is abandoned. */
  static async start(options: AttemptOptions): Promise<Attempt> {
    const attempt = new Attempt(options);
    const deployed = await deploy(options, (ref) => attempt.#listener(ref));
    attempt.#slots = deployed.slots.map((slot) => ({ ...slot, messages: [] }));
    attempt.#subtasks = deployed.slots.flatMap(({ subtasks }) => subtasks);
    try {
      await deployed.start();
    } catch (error) {
      attempt.abandon();
      throw error;
    }
    return attempt;
  }

  get graph(): JobGraph {
    const [slot] = this.#slots;
    if (slot === undefined) throw new TypeError('an attempt without slots');
    return slot.graph;
  }

  get subtasks(): readonly Subtask[] {
    return this.#subtasks;
  }

  /** The first failure of a subtask; the attempt is over. */
  get failure(): { readonly error: unknown; readonly where: string } | undefined {
    return this.#failure;
  }

  get allInputFinished(): boolean {
    return this.#finished.size === this.#subtasks.length;
  }

  /** Whether something is under way that will go on by itself. */
  get isWaiting(): boolean {
    return this.#notifying > 0 || this.#writers.size > 0;
  }

  /** When a processing-time timer is due next; Infinity without one. */
  get nextTimerAt(): number {
    return Math.min(...this.#subtasks.map((subtask) => subtask.nextTimerAt));
  }

  /** Records taken in by all subtasks. */
  get recordsIn(): number {
    return this.#subtasks.reduce((sum, subtask) => sum + subtask.recordsIn, 0);
  }

  /** Does one thing that can be done, drawn from the seed. Where there is none, lets the event loop turn. */
  async act(): Promise<void> {
    const choices = this.#choices();
    if (choices.length === 0) await this.#idleTurn();
    else if (this.#random.chance(TURN_CHANCE)) await nextTurn();
    else await this.#random.oneOf(choices)();
  }

  /** How often in a row everybody was asked in vain and the event loop brought nothing new. */
  get idleTurns(): number {
    return this.#events === this.#eventsAtLastTurn ? this.#idleTurns : 0;
  }

  /** Something outside has changed, such as time: everybody is asked again. */
  lookAgain(): void {
    this.#woken();
  }

  trigger(kind: CheckpointKind): PendingCheckpoint {
    const { checkpoints, jobId, jobName, attempt } = this.#options;
    const pending = checkpoints.begin(kind, jobShapeOf(jobId, jobName, this.graph), attempt);
    for (const { messages } of this.#slots) messages.push({ type: 'trigger', barrier: pending.barrier });
    return pending;
  }

  /** As a killed process: nothing is closed, nobody is told. */
  abandon(): void {
    for (const subtask of this.#subtasks) subtask.abandon();
    this.#options.checkpoints.forgetPending();
    this.#writers.clear();
  }

  /** A good end. @throws the first error of a user's close */
  async close(): Promise<void> {
    for (const subtask of this.#subtasks) await subtask.close();
    this.#options.checkpoints.forgetPending();
  }

  #choices(): (() => void | Promise<void>)[] {
    const choices: (() => void | Promise<void>)[] = [];
    for (const subtask of this.#subtasks) if (!this.#quiet.has(subtask)) choices.push(() => this.#step(subtask));
    for (const slot of this.#slots) if (slot.messages.length > 0) choices.push(() => this.#deliver(slot));
    for (const writer of this.#writers) if (writer.canGoOn) choices.push(() => this.#write(writer));
    const { ready } = this.#options.checkpoints;
    if (ready !== undefined) choices.push(() => this.#complete(ready));
    return choices;
  }

  #step(subtask: Subtask): void {
    const result = subtask.step(this.#random.between(1, this.#options.recordsPerStep));
    subtask.flush();
    if (result === 'more') this.#woken();
    else this.#quiet.add(subtask);
  }

  /** Whoever waits for others may go on when others did something. */
  #woken(): void {
    this.#events++;
    this.#quiet.clear();
  }

  async #idleTurn(): Promise<void> {
    this.#idleTurns = this.#events === this.#eventsAtLastTurn ? this.#idleTurns + 1 : 0;
    this.#eventsAtLastTurn = this.#events;
    await nextTurn();
    // A source's loop emits without being asked, and there is nobody who would say so.
    this.#quiet.clear();
  }

  async #write(writer: StateWriter): Promise<void> {
    this.#events++;
    writer.goOn();
    await nextTurn();
  }

  async #complete(pending: PendingCheckpoint): Promise<void> {
    this.#events++;
    const outdated = await this.#options.checkpoints.complete(pending);
    for (const each of outdated) this.#tellAborted(each);
    if (pending.barrier.kind === 'savepoint') {
      pending.told = true;
      return;
    }
    let untold = this.#slots.length;
    const done = (): void => {
      if (--untold === 0) pending.told = true;
    };
    for (const { messages } of this.#slots) {
      messages.push({ type: 'complete', checkpointId: pending.barrier.id, done });
    }
  }

  #decline(checkpointId: number, reason: string, cause?: unknown): void {
    this.#events++;
    const declined = this.#options.checkpoints.decline(checkpointId, reason, cause);
    if (declined !== undefined) this.#tellAborted(declined);
  }

  #tellAborted(pending: PendingCheckpoint): void {
    pending.told = true;
    for (const { messages } of this.#slots) messages.push({ type: 'aborted', checkpointId: pending.barrier.id });
  }

  #deliver({ subtasks, messages }: ScheduledSlot): void {
    const message = messages.shift();
    if (message === undefined) return;
    this.#events++;
    switch (message.type) {
      case 'trigger':
        for (const subtask of subtasks) subtask.trigger(message.barrier);
        return;
      case 'complete':
        this.#notify(
          subtasks.map((subtask) => subtask.notifyComplete(message.checkpointId)),
          message.done,
        );
        return;
      case 'aborted':
        this.#notify(subtasks.map((subtask) => subtask.notifyAborted(message.checkpointId)));
        return;
      default:
        assertNever(message);
    }
  }

  /** What a notification does may take long; records of other subtasks flow meanwhile. It fails through the subtask. */
  #notify(work: readonly Promise<void>[], done: () => void = () => {}): void {
    this.#notifying++;
    Promise.allSettled(work).then(() => {
      this.#notifying--;
      this.#woken();
      done();
    });
  }

  #listener(ref: SubtaskRef): SubtaskListener {
    return {
      captured: (capture) => this.#captured(ref, capture),
      declined: (checkpointId, reason) => this.#decline(checkpointId, reason),
      inputFinished: () => {
        this.#finished.add(subtaskKey(ref));
        this.#woken();
      },
      failed: (error) => {
        this.#failure ??= { error, where: this.#nameOf(ref) };
      },
      wake: () => this.#woken(),
    };
  }

  #captured(ref: SubtaskRef, { barrier, snapshots }: SubtaskCapture): void {
    const { checkpoints } = this.#options;
    const pending = checkpoints.find(barrier.id);
    if (pending === undefined) {
      for (const snapshot of snapshots) snapshot.keyed?.release();
      return;
    }
    const { directory, abort } = pending;
    const end = (): void => {
      this.#writers.delete(writer);
      this.#woken();
    };
    const writer: StateWriter = new StateWriter(
      { ...ref, storage: checkpoints.storage, directory, snapshots, signal: abort.signal },
      {
        written: (result) => {
          end();
          checkpoints.acknowledge(barrier.id, result);
        },
        failed: (error) => {
          end();
          this.#decline(barrier.id, 'CHECKPOINT_ASYNC_EXCEPTION', error);
        },
      },
    );
    this.#writers.add(writer);
  }

  #nameOf({ vertexId, subtaskIndex }: SubtaskRef): string {
    const vertex = this.graph.vertices.find(({ id }) => id === vertexId);
    return `${vertex?.name ?? vertexId} (${subtaskIndex + 1}/${vertex?.parallelism ?? 1})`;
  }
}
