/** The machine of a coordinator without the coordinator: its edges are played by the test. */
import type {
  CoordinatorDecision,
  CoordinatorEvent,
  FinalizeOutcome,
} from '../../../src/stream/checkpoint/coordinator-events.ts';
import { CoordinatorMachine } from '../../../src/stream/checkpoint/coordinator-machine.ts';
import { type CheckpointSettings, completeSettings } from '../../../src/stream/checkpoint/coordinator-settings.ts';
import type { CheckpointKind } from '../../../src/stream/exchange/channel.ts';
import { aJob, aVertex } from './builders.ts';

export const VERTEX = aVertex(['a']).vertexId;
export const START = 1_700_000_000_000;

/** A machine with the edges played by hand: ids are given at once, everything else is told by the test. */
export class Play {
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
