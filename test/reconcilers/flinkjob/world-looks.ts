/** What the operator of a FlinkJob sees of its world when it looks, and what it keeps of that in memory. */
import { openAttemptOf } from '../../../src/ha/index.ts';
import {
  type FlinkJobFacts,
  livePods,
  type OperationSeen,
  type RestSeen,
  type StorageWorkSeen,
} from '../../../src/reconcilers/flinkjob/facts.ts';
import { type HandlesVersion, isPutBack, knownPast, versionOf } from '../../../src/reconcilers/flinkjob/put-back.ts';
import { SETTINGS, UID } from '../../builders/flinkjob-facts.ts';
import { viewOf } from './world-parts.ts';
import { WorldProcesses } from './world-processes.ts';

interface OperatorMemory {
  rest: RestSeen;
  operation: OperationSeen | undefined;
  leaseFreedOf: string | undefined;
  tries: StorageWorkSeen['tries'];
  isTerminating: boolean | undefined;
  highest: { attempt: number; index: number };
  /** The newest version of the handles that was seen. */
  newest: HandlesVersion | undefined;
}

export abstract class WorldLooks extends WorldProcesses {
  protected memory: OperatorMemory = noMemory();

  /** Its process begins anew. */
  forget(): void {
    this.memory = noMemory();
  }

  facts(): FlinkJobFacts {
    const { memory, status, desired, now } = this;
    const open = this.handles === undefined ? undefined : openAttemptOf(this.handles.ledger);
    const pods = this.processes.map(({ seen }) => seen);
    this.ask(open?.number);
    if (open !== undefined) {
      if (memory.highest.attempt !== open.number) memory.highest = { attempt: open.number, index: -1 };
      const indexes = pods.filter(({ attempt }) => attempt === open.number).map(({ index }) => index);
      memory.highest.index = Math.max(memory.highest.index, ...indexes);
    }
    return {
      now,
      random: () => 0.5,
      object: {
        namespace: 'default',
        name: 'flights',
        uid: UID,
        generation: this.generation,
        resourceVersion: '1',
        finalizers: this.hasFinalizer ? ['flinkjob.dev/cleanup'] : [],
        hasFinalizer: this.hasFinalizer,
        deletingSince: this.deletingSince,
        isDeletionForced: this.isForced,
      },
      desired,
      status,
      ...this.judgedHandles(),
      revisions: new Map(this.revisions),
      pods,
      highestIndex: open === undefined ? -1 : memory.highest.index,
      unmet: [],
      surplus: [],
      rest: memory.rest,
      operation: memory.operation,
      newestPoint: undefined,
      leaseFreedOf: memory.leaseFreedOf,
      storageWork: { pod: this.storagePod, tries: memory.tries, origins: [] },
      isNamespaceTerminating: memory.isTerminating,
      settings: { ...SETTINGS, restart: { type: 'fixedDelay', attempts: 3, delayMs: 10_000 } },
    };
  }

  protected override judgedHandles(): Pick<FlinkJobFacts, 'handles' | 'past'> {
    const { memory, status } = this;
    const past = knownPast({ status, seen: memory.newest, pods: this.processes.map(({ seen }) => seen) });
    if (this.handles === undefined) return { past, handles: { is: 'absent' } };
    const view = viewOf(this.handles);
    if (isPutBack(view, past)) return { past, handles: { is: 'old', view } };
    memory.newest = versionOf(view);
    return { past, handles: { is: 'there', view } };
  }

  private ask(attempt: number | undefined): void {
    const { memory } = this;
    if (attempt === undefined) {
      memory.rest = { is: 'notAsked' };
      return;
    }
    const pods = this.processes.map(({ seen }) => seen);
    const isReachable = livePods(pods, attempt).some(({ isReady }) => isReady);
    if (!isReachable) {
      if (memory.rest.is !== 'notAsked' && memory.rest.attempt !== attempt) memory.rest = { is: 'notAsked' };
      return;
    }
    const leader = this.leader();
    const before = memory.rest;
    if (this.isSilent || leader === undefined || leader.seen.attempt !== attempt || leader.isCutOff) {
      const since = before.is === 'silent' && before.attempt === attempt ? before.since : this.now;
      memory.rest = { is: 'silent', attempt, at: this.now, since };
      return;
    }
    const isRunning = leader.runningSince !== undefined;
    memory.rest = {
      is: 'answered',
      attempt,
      at: this.now,
      state: isRunning ? 'RUNNING' : 'CREATED',
      tasksRunning: isRunning ? 4 : 0,
      tasksTotal: 4,
      runningSince: leader.runningSince,
      checkpoint: undefined,
      completed: leader.completed,
      failed: 0,
    };
    this.follow();
  }

  private follow(): void {
    const { operation } = this.memory;
    if (operation?.state.is !== 'inProgress') return;
    const known = this.operations.get(operation.triggerId);
    if (known === undefined || known.of !== this.leader()?.seen.uid) {
      this.memory.operation = { ...operation, state: { is: 'unknown' } };
      return;
    }
    if (this.savepoints === 'hang') return;
    const state =
      this.savepoints === 'complete'
        ? ({ is: 'completed', location: 's3://bucket/jobs/savepoint-1' } as const)
        : ({ is: 'failed', cause: 'no' } as const);
    this.memory.operation = { ...operation, state, notBefore: this.now + 10_000 };
  }
}

function noMemory(): OperatorMemory {
  return {
    rest: { is: 'notAsked' },
    operation: undefined,
    leaseFreedOf: undefined,
    tries: undefined,
    isTerminating: undefined,
    highest: { attempt: 0, index: -1 },
    newest: undefined,
  };
}
