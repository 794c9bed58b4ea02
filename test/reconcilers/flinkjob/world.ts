/**
 * A world in which one FlinkJob lives: its resource, ConfigMap, Lease and pods, and the processes in them, each as simple as
 * decisions can tell. The operator in it decides with the real `nextStep` and reports with the real `statusOf`. What must never
 * happen is checked where it would: a `Violation` is thrown.
 */
import type { FlinkJobStatus } from '../../../src/api/index.ts';
import { statusSchema } from '../../../src/api/status.ts';
import {
  checkpointIdOf,
  checkpointKey,
  encodeLedger,
  encodeLive,
  LEDGER_KEY,
  type Ledger,
  ledgerViewOf,
  noteBegun,
  openAttemptOf,
  type StateLife,
} from '../../../src/ha/index.ts';
import type { TerminationRecord } from '../../../src/lib/exit-codes.ts';
import {
  type Desired,
  type FlinkJobFacts,
  livePods,
  type OperationSeen,
  type PodSeen,
  type RestSeen,
  type RevisionOnRecord,
  type StoragePodSeen,
  type StorageWorkSeen,
} from '../../../src/reconcilers/flinkjob/facts.ts';
import { nextStep } from '../../../src/reconcilers/flinkjob/next-step.ts';
import { type HandlesVersion, isPutBack, knownPast, versionOf } from '../../../src/reconcilers/flinkjob/put-back.ts';
import { isWorthWriting, statusOf } from '../../../src/reconcilers/flinkjob/status.ts';
import type { Hold, Step } from '../../../src/reconcilers/flinkjob/step.ts';
import { anEnd, desiredOf, SETTINGS, T0, UID } from '../../builders/flinkjob-facts.ts';

/** Something that must never happen. */
export class Violated extends Error {}

/** The operator's process ends here. */
class Killed extends Error {}

const MOST_STEPS = 40;
/** Steps that make something. */
const MAKING: ReadonlySet<Step['do']> = new Set([
  'recordRevision',
  'createHandles',
  'makeChildren',
  'makePods',
  'probeNamespace',
  'workInStorage',
]);
const LEASE_MS = 15_000;
const GRACE_MS = 30_000;

interface MutableHandles {
  uid: string;
  epoch: number;
  seq: number;
  attempt: number;
  leader: string;
  ledger: Ledger;
  checkpoints: Map<string, string>;
}

/** What a pod is besides what is seen of it. */
interface Process {
  seen: PodSeen;
  /** The epoch it leads with, and the object it raised it in. */
  leads: { readonly epoch: number; readonly of: string; seq: number } | undefined;
  /** Its node does not answer: it stays when it is deleted, and may write all the same. */
  isCutOff: boolean;
  /** Somebody else's finalizer keeps it, whatever is done. */
  isHeld: boolean;
  runningSince: number | undefined;
  completed: number;
}

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

type Spec = Readonly<Record<string, unknown>>;

/** Of revisions that fail whenever they run. */
export const BAD_ARGS = ['bad'];
/** Specs that were read before: reading one is most of the work. */
const READ = new Map<string, Desired>();

export class World {
  now = T0;
  spec: Spec;
  desired: Desired;
  generation = 1;
  hasFinalizer = false;
  isGone = false;
  deletingSince: number | undefined;
  isForced = false;
  status: FlinkJobStatus | undefined;
  statusWrites = 0;
  handles: MutableHandles | undefined;
  private copies: MutableHandles[] = [];
  readonly revisions = new Map<string, RevisionOnRecord>();
  processes: Process[] = [];
  lease: { holder: string; renewed: number } | undefined;
  isSilent = false;
  /** What becomes of the next savepoint. */
  savepoints: 'complete' | 'fail' | 'hang' = 'complete';
  /** Savepoints that were begun, by the id they were asked for with; they end with the process. */
  /** What the server makes of pods that are to work in the storage, and what becomes of them. */
  storageWork: 'complete' | 'fail' | 'hang' | 'refused' = 'complete';
  storagePod: StoragePodSeen | undefined;
  private haveHandlesBeenLost = false;
  private evictions = 0;
  /** Nothing can be made in the namespace any more. */
  isTerminating = false;
  /** The job has stored something, and it is all there. */
  hasBytes = false;
  private readonly operations = new Map<string, { what: 'stop' | 'savepoint'; of: string; since: number }>();
  private memory: OperatorMemory = noMemory();
  /** Highest that were ever seen. */
  /** The life of the state that an attempt was last opened in. */
  private life: StateLife | undefined;
  private readonly most = { attempt: 0, epoch: 0 };
  /** What lies in storage of each life of the state: the highest epoch that led, the newest checkpoint. */
  private readonly stored = new Map<string, { epoch: number; id: number }>();
  /** For each attempt that pods were made of, the epoch that its opening raised. */
  private opened = new Map<number, number>();
  private uids = 0;
  /** Failures and crashes that may be counted. */
  countable = 0;
  readonly log: string[] = [];

  constructor(spec: Spec) {
    this.spec = spec;
    this.desired = this.read();
  }

  private read(): Desired {
    const key = JSON.stringify(this.spec);
    const known = READ.get(key);
    if (known !== undefined) return known;
    const desired = desiredOf({ typescript: { module: 'job.js' }, storage: { uri: 's3://bucket/jobs' }, ...this.spec });
    READ.set(key, desired);
    return desired;
  }

  // What people do

  edit(fields: Spec): void {
    if (this.deletingSince !== undefined) return;
    this.spec = { ...this.spec, ...fields };
    this.desired = this.read();
    this.generation++;
  }

  trigger(name: 'savepoint' | 'restart' | 'restore'): void {
    const before = (this.spec['triggers'] ?? {}) as Record<string, number>;
    const more = name === 'restore' ? { restoreFrom: 's3://bucket/jobs/savepoint-by-hand' } : {};
    this.edit({ ...more, triggers: { ...before, [name]: (before[name] ?? 0) + 1 } });
  }

  delete(isForced: boolean): void {
    if (!this.hasFinalizer) this.isGone = true;
    this.deletingSince ??= this.now;
    this.isForced ||= isForced;
  }

  removeHandles(): void {
    this.handles = undefined;
    this.haveHandlesBeenLost = true;
    this.forgetUntold();
  }

  /** What nobody can know of any more has not been: neither status, nor the operator's memory, nor a pod told of it. */
  private forgetUntold(): void {
    const { attempt, epoch } = this.judgedHandles().past;
    this.most.attempt = Math.min(this.most.attempt, attempt);
    this.most.epoch = Math.min(this.most.epoch, epoch);
    this.opened = new Map([...this.opened].filter(([number]) => number <= attempt));
    if (this.life?.jobId !== this.status?.jobId) this.life = undefined;
  }

  /** Somebody puts back what they kept a copy of: into the object, or as another one. */
  putBack(isAnother: boolean): void {
    const [copy] = this.copies;
    if (copy === undefined || this.handles === undefined) return;
    this.copies = [];
    this.haveHandlesBeenLost = true;
    const { uid } = this.handles;
    this.handles = { ...copy, uid: isAnother ? `uid-${++this.uids}` : uid, checkpoints: new Map(copy.checkpoints) };
    this.forgetUntold();
  }

  /** Somebody keeps a copy of the object as it is, for `putBack`. */
  copy(): void {
    if (this.handles === undefined) return;
    this.copies = [{ ...this.handles, checkpoints: new Map(this.handles.checkpoints) }];
  }

  deletePod(index: number): void {
    const process = this.pick(index);
    if (process !== undefined) this.askToGo(process);
  }

  /** The namespace goes, and with it all there is, in some order; the job is told as well. */
  terminateNamespace(): void {
    this.isTerminating = true;
  }

  /** What the namespace controller does. */
  takeAway(what: 'job' | 'pods' | 'handles'): void {
    if (!this.isTerminating) return;
    if (what === 'job') this.delete(false);
    if (what === 'handles') this.removeHandles();
    if (what === 'pods') for (const process of this.processes) this.askToGo(process);
  }

  /** The pod that works in the storage is evicted. */
  evictStorageWork(): void {
    const { storagePod: pod } = this;
    if (pod !== undefined && pod.end === undefined && this.evictions < 2) {
      this.evictions++;
      this.storagePod = { ...pod, end: { takenFromOutside: true, answer: undefined, how: 'Evicted' } };
    }
  }

  // What happens to pods

  private pick(index: number): Process | undefined {
    const live = this.processes.filter(({ seen }) => seen.end === undefined);
    return live[index % Math.max(1, live.length)];
  }

  /** Ends a pod as the table of exit codes has it. */
  endPod(index: number, how: 'killed' | 'evicted' | 'failed' | 'suppressed' | 'invalid' | 'stopped'): void {
    const process = this.pick(index);
    if (process === undefined) return;
    const { attempt } = process.seen;
    const record = (outcome: TerminationRecord['outcome'], exitCode: number) => ({
      outcome,
      exitCode,
      attempt,
      epoch: 0,
      cause: 'it had to',
    });
    switch (how) {
      case 'killed':
        if (process.leads !== undefined) this.countable++;
        this.end(process, { exitCode: 137, signal: 'SIGKILL' });
        return;
      case 'evicted':
        this.end(process, { takenFromOutside: true });
        return;
      case 'failed':
        this.countable++;
        this.end(process, { exitCode: 10, record: record('failed', 10) });
        return;
      case 'suppressed':
        this.end(process, { exitCode: 11, record: record('failed', 11) });
        return;
      case 'invalid':
        this.end(process, { exitCode: 13, record: record('invalid', 13) });
        return;
      case 'stopped':
        this.end(process, { exitCode: 14, record: record('stopped', 14) });
        return;
    }
  }

  /** The job reads the last of its input. */
  finish(): void {
    const leader = this.leader();
    if (leader === undefined || !this.mayWrite(leader)) return;
    const { attempt } = leader.seen;
    this.end(leader, { exitCode: 0, record: { outcome: 'finished', exitCode: 0, attempt, epoch: 0 } });
  }

  cutOff(index: number): void {
    const process = this.pick(index);
    if (process === undefined) return;
    process.isCutOff = true;
    process.seen = { ...process.seen, isReady: false };
  }

  hold(index: number): void {
    const process = this.pick(index);
    if (process !== undefined) process.isHeld = true;
  }

  private end(process: Process, end: Parameters<typeof anEnd>[0]): void {
    process.seen = { ...process.seen, isReady: false, end: anEnd({ at: this.now, ...end }) };
    process.leads = undefined;
  }

  private askToGo(process: Process): void {
    if (process.seen.isDeleting) return;
    process.seen = { ...process.seen, isDeleting: true, isReady: false, goneBy: this.now + GRACE_MS };
  }

  // What processes do

  private leader(): Process | undefined {
    return this.processes.find(({ leads, seen }) => leads !== undefined && seen.end === undefined);
  }

  /** A leader writes under its epoch, into the object it knows. */
  private mayWrite({ leads, seen }: Process): boolean {
    const { handles } = this;
    if (handles === undefined || leads === undefined || handles.attempt !== seen.attempt) return false;
    return handles.epoch === leads.epoch && handles.uid === leads.of && handles.seq >= leads.seq;
  }

  /** Everything that lives goes on a little. */
  live(): void {
    for (const process of [...this.processes]) this.liveOne(process);
    this.processes = this.processes.filter(({ seen, isCutOff, isHeld }) => !seen.isDeleting || isCutOff || isHeld);
    this.workInStorage();
    if (this.lease === undefined) return;
    const holder = this.processes.find(({ seen }) => seen.uid === this.lease?.holder && seen.end === undefined);
    if (holder !== undefined && !holder.isCutOff) this.lease.renewed = this.now;
  }

  private workInStorage(): void {
    const { storagePod: pod, storageWork } = this;
    if (pod?.isDeleting === true) this.storagePod = undefined;
    else if (pod !== undefined && pod.end === undefined && storageWork !== 'hang') {
      const isWhole = storageWork === 'complete';
      if (isWhole) this.hasBytes = false;
      const answer = { did: 'removeBytes', isWhole, files: 1, bytes: 1, ...(isWhole ? {} : { error: 'no' }) } as const;
      this.storagePod = { ...pod, end: { takenFromOutside: false, answer, how: 'exit code 0' } };
    }
  }

  private liveOne(process: Process): void {
    const { seen } = process;
    if (seen.end !== undefined || seen.isDeleting || process.isCutOff) return;
    if (!seen.isReady) {
      process.seen = { ...seen, isReady: true };
      return;
    }
    if (process.leads === undefined) {
      this.contend(process);
      return;
    }
    if (!this.mayWrite(process)) {
      const { attempt } = seen;
      const record = { outcome: 'lostLeadership', exitCode: 12, attempt, epoch: process.leads.epoch } as const;
      this.end(process, { exitCode: 12, record });
      return;
    }
    if (this.isBad(process)) {
      this.countable++;
      const record = { outcome: 'failed', exitCode: 10, attempt: seen.attempt, epoch: 0, cause: 'bad' } as const;
      this.end(process, { exitCode: 10, record });
      return;
    }
    process.runningSince ??= this.now;
    this.checkpoint(process);
    this.stopIfAsked(process);
  }

  private isBad({ seen }: Process): boolean {
    const open = this.handles === undefined ? undefined : openAttemptOf(this.handles.ledger);
    const revision = open?.number === seen.attempt ? this.revisions.get(open.revision ?? '') : undefined;
    return JSON.stringify(revision?.semantic['args'] ?? []) === JSON.stringify(BAD_ARGS);
  }

  private contend(process: Process): void {
    const { handles, lease } = this;
    const isFree = lease === undefined || lease.holder === '' || this.now - lease.renewed >= LEASE_MS;
    if (!isFree || handles === undefined || lease === undefined) return;
    if (handles.attempt !== process.seen.attempt) {
      const record = { outcome: 'lostLeadership', exitCode: 12, attempt: process.seen.attempt, epoch: 0 } as const;
      this.end(process, { exitCode: 12, record });
      return;
    }
    const others = this.processes.filter((each) => each.leads !== undefined && this.mayWrite(each));
    lease.holder = process.seen.uid;
    lease.renewed = this.now;
    const stored = this.storedIn(handles);
    // Names in storage say that the object is older than they are: its pointers count for nothing.
    if (stored.epoch > handles.epoch || stored.id > newestIn(handles)) handles.checkpoints.clear();
    const epoch = Math.max(handles.epoch, stored.epoch) + 1;
    this.change(handles, { epoch, leader: `${process.seen.uid}_nonce` });
    if (others.some((each) => this.mayWrite(each))) throw new Violated('two leaders may write');
    process.leads = { epoch, of: handles.uid, seq: handles.seq };
    this.restored(handles, stored);
    stored.epoch = epoch;
    handles.ledger = noteBegun(handles.ledger);
  }

  private storedIn({ ledger }: MutableHandles): { epoch: number; id: number } {
    const jobId = ledger.life?.jobId ?? '';
    const stored = this.stored.get(jobId) ?? { epoch: 0, id: 0 };
    this.stored.set(jobId, stored);
    return stored;
  }

  /** Nothing but the newest checkpoint of its life is what a leader goes on from: pointed to, or without pointers found. */
  private restored(handles: MutableHandles, stored: { readonly id: number }): void {
    const from = handles.checkpoints.size === 0 ? stored.id : newestIn(handles);
    if (from < stored.id) throw new Violated(`restored checkpoint ${from}, and ${stored.id} was complete`);
  }

  private checkpoint(process: Process): void {
    const { handles } = this;
    if (handles === undefined || process.completed >= 2) return;
    const jobId = handles.ledger.life?.jobId ?? '';
    const stored = this.storedIn(handles);
    const id = 1 + stored.id;
    const path = `${jobId}/chk-${id}-${handles.epoch}-aa`;
    handles.checkpoints.clear();
    handles.checkpoints.set(checkpointKey(id), encodeLive({ id: 'a', path, sizeBytes: 1, sha256: '0'.repeat(64) }));
    stored.id = id;
    this.hasBytes = true;
    this.change(handles, {});
    if (process.leads !== undefined) process.leads.seq = handles.seq;
    process.completed++;
  }

  private stopIfAsked(process: Process): void {
    if (this.savepoints !== 'complete') return;
    for (const [, { what, of }] of this.operations) {
      if (what !== 'stop' || of !== process.seen.uid) continue;
      const { attempt } = process.seen;
      const savepoint = 's3://bucket/jobs/savepoint-1';
      this.end(process, {
        exitCode: 0,
        record: { outcome: 'stoppedWithSavepoint', exitCode: 0, attempt, epoch: 0, savepoint },
      });
    }
  }

  private change(handles: MutableHandles, to: Partial<MutableHandles>): void {
    Object.assign(handles, to);
    handles.seq++;
    this.neverBack(handles);
  }

  private neverBack({ epoch, ledger }: MutableHandles): void {
    const number = ledger.attempts.at(-1)?.number ?? 0;
    if (epoch < this.most.epoch) throw new Violated(`epoch ${epoch} after ${this.most.epoch}`);
    if (number < this.most.attempt) throw new Violated(`attempt ${number} after ${this.most.attempt}`);
    this.most.epoch = epoch;
    this.most.attempt = number;
  }

  // What the operator does

  forget(): void {
    this.memory = noMemory();
  }

  /**
   * One reconcile; false when it did nothing but look. `killedAfter`: the operator's process ends after so many steps.
   * `movedAt`: before the step of that number somebody else writes to the ConfigMap.
   */
  reconcile(faults: { readonly killedAfter?: number; readonly movedAt?: number } = {}): {
    readonly steps: number;
    readonly untilMs: number | undefined;
    readonly because: Hold | undefined;
  } {
    let steps = 0;
    let because: Hold | undefined;
    let untilMs: number | undefined;
    try {
      for (;;) {
        if (this.isGone) return { steps, untilMs: undefined, because };
        const facts = this.facts();
        const step = nextStep(facts);
        this.log.push(`${(this.now - T0) / 1_000}: ${step.do}${step.do === 'writeLedger' ? ` (${step.why})` : ''}`);
        if (step.do === 'rest') {
          if (step.untilMs !== undefined && step.untilMs <= this.now) throw new Violated('rests until the past');
          ({ because, untilMs } = step);
          break;
        }
        if (steps >= MOST_STEPS) throw new Violated('does not come to rest');
        if (steps === faults.movedAt && this.handles !== undefined) this.handles.seq++;
        const isKilled = steps === faults.killedAfter;
        steps++;
        const isAgain = this.refuses(step) || this.act(step, facts, isKilled);
        if (isKilled) throw new Killed();
        if (!isAgain) break;
      }
    } catch (error) {
      if (!(error instanceof Killed)) throw error;
      this.forget();
      return { steps, untilMs: undefined, because };
    }
    if (!this.isGone) this.report(because);
    return { steps, untilMs, because };
  }

  private report(because: Hold | undefined): void {
    const facts = this.facts();
    const status = statusOf(facts, { because, error: undefined });
    const again = statusOf({ ...facts, status }, { because, error: undefined });
    if (isWorthWriting(status, again)) {
      throw new Violated(`status is not stable: ${JSON.stringify(status)} then ${JSON.stringify(again)}`);
    }
    checkStatus(this.status, status, this.generation);
    checkRequests(status, this.now);
    if (!isWorthWriting(this.status, status)) return;
    this.status = status;
    this.statusWrites++;
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

  private judgedHandles(): Pick<FlinkJobFacts, 'handles' | 'past'> {
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

  /** True: decides anew at once. */
  private act(step: Exclude<Step, { do: 'rest' }>, facts: FlinkJobFacts, isHalf: boolean): boolean {
    switch (step.do) {
      case 'addFinalizer':
        if (step.revision !== undefined) this.record(step.revision);
        // Of the two writes at a time one may be all that there was time for.
        this.hasFinalizer = !isHalf;
        return true;
      case 'removeFinalizer':
        this.isGone = true;
        return false;
      case 'deleteJob':
        this.delete(false);
        return true;
      case 'recordRevision':
        this.record(step.revision);
        return true;
      case 'deleteRevisions':
        for (const name of step.names) this.revisions.delete(name);
        return false;
      case 'createHandles':
        this.createHandles(step, facts);
        return true;
      case 'deleteHandles':
        this.handles = undefined;
        return true;
      case 'writeLedger':
        this.writeLedger(step, facts);
        return true;
      case 'makeChildren':
      case 'deleteChildren':
        return true;
      case 'freeLease':
        this.freeLease(step.attempt);
        this.memory.leaseFreedOf = step.mark;
        return true;
      case 'makePods':
        for (const index of step.indexes) this.makePod(step.attempt, index, facts);
        return true;
      case 'deletePods': {
        const uids = new Set(step.pods.map(({ uid }) => uid));
        const doomed = this.processes.filter(({ seen }) => uids.has(seen.uid));
        for (const process of doomed) this.askToGo(process);
        this.processes = this.processes.filter(({ seen }) => !(uids.has(seen.uid) && seen.end !== undefined));
        return true;
      }
      case 'forcePods': {
        const uids = new Set(step.pods.map(({ uid }) => uid));
        const [forced, others] = [true, false].map((is) =>
          this.processes.filter(({ seen }) => uids.has(seen.uid) === is),
        ) as [Process[], Process[]];
        for (const process of forced) process.seen = { ...process.seen, isForced: true };
        this.processes = [...others, ...forced.filter(({ isHeld }) => isHeld)];
        return true;
      }
      case 'probeNamespace':
        this.memory.isTerminating = false;
        return true;
      case 'workInStorage':
        this.makeStoragePod(step, facts);
        return true;
      case 'endStorageWork':
        if (this.storagePod !== undefined) this.storagePod = { ...this.storagePod, isDeleting: true };
        return true;
      case 'stopWithSavepoint':
      case 'takeSavepoint':
        return this.begin(step, facts);
    }
  }

  /** In a namespace that goes nothing is made; whoever tries once knows it, and does not try again. */
  private refuses({ do: what }: Step): boolean {
    if (!this.isTerminating || !MAKING.has(what)) return false;
    if (this.memory.isTerminating === true) throw new Violated(`${what} in a namespace that is known to go`);
    this.memory.isTerminating = true;
    return true;
  }

  private makeStoragePod({ order }: Extract<Step, { do: 'workInStorage' }>, facts: FlinkJobFacts): void {
    const { desired, handles, pods, object, now } = facts;
    const isMeant = desired.is === 'valid' && desired.settings.deletion.storage === 'Delete';
    if (!isMeant || object.deletingSince === undefined) throw new Violated('removes bytes that are to stay');
    if (object.isDeletionForced) throw new Violated('removes bytes though deletion is forced');
    if (now >= object.deletingSince + desired.settings.deletion.timeoutMs) throw new Violated('removes bytes late');
    if (handles.is === 'there' || pods.length > 0) throw new Violated('removes bytes while somebody may write');
    // What the ledger knew of attempts and lives went with it: status has to know it by then.
    const isForgotten = order.attempts < this.most.attempt || !order.jobIds.includes(this.life?.jobId ?? '');
    if (isForgotten && !this.haveHandlesBeenLost) throw new Violated('forgets lives of which bytes are there');
    const tried = { times: (this.memory.tries?.times ?? 0) + 1, at: now };
    if (this.storageWork === 'refused') {
      this.memory.tries = { ...tried, refused: 'no' };
      return;
    }
    this.memory.tries = tried;
    this.storagePod ??= {
      name: 'flights-storage-remove',
      uid: `storage#${++this.uids}`,
      isDeleting: false,
      end: undefined,
      trouble: undefined,
    };
  }

  private record(revision: RevisionOnRecord): void {
    if (this.revisions.has(revision.name)) throw new Violated('a revision is recorded twice');
    this.revisions.set(revision.name, revision);
  }

  private createHandles(step: Extract<Step, { do: 'createHandles' }>, { desired }: FlinkJobFacts): void {
    const { ledger } = step;
    const opens = openAttemptOf(ledger);
    const attempt = opens?.number ?? 0;
    if (opens !== undefined) {
      this.mayOpen(ledger, { ...ledger, attempts: ledger.attempts.slice(0, -1) }, desired);
      if (!this.revisions.has(opens.revision ?? ''))
        throw new Violated('opens an attempt of a revision that is not on record');
    }
    const epoch = Math.max(1, step.epoch);
    const uid = `uid-${++this.uids}`;
    const made = { uid, epoch, seq: 0, attempt, leader: '', ledger, checkpoints: new Map() };
    // The operator knows no epoch beyond status; a leader of the object before is refused by its uid.
    this.most.epoch = epoch;
    this.handles = made;
    this.neverBack(made);
  }

  private writeLedger(
    { ledger, above }: Extract<Step, { do: 'writeLedger' }>,
    { handles, desired }: FlinkJobFacts,
  ): void {
    const isThere = above === undefined ? handles.is === 'there' : handles.is === 'old';
    if (!isThere || !('view' in handles) || this.handles === undefined) throw new Violated('writes into nothing');
    const { snapshot, ledger: before } = handles.view;
    // Refused as moved: it is decided anew.
    if (snapshot.uid !== this.handles.uid || snapshot.seq !== this.handles.seq) return;
    const opens = openAttemptOf(ledger);
    if (opens !== undefined && openAttemptOf(before) === undefined) this.mayOpen(ledger, before, desired);
    if (above !== undefined) {
      if (opens !== undefined) throw new Violated('begins anew with an open attempt');
      this.handles.checkpoints.clear();
      this.change(this.handles, { ledger, attempt: 0, epoch: Math.max(this.handles.epoch, above) + 1 });
      return;
    }
    const attempt = opens?.number ?? 0;
    if (ledger.life?.jobId !== before.life?.jobId && before.life !== undefined) this.handles.checkpoints.clear();
    const isRaised = attempt !== this.handles.attempt;
    this.change(this.handles, { ledger, attempt, epoch: this.handles.epoch + (isRaised ? 1 : 0) });
    if (ledger.restarts > this.countable) throw new Violated('counts a failure that there was not');
  }

  private mayOpen(ledger: Ledger, before: Ledger, desired: Desired): void {
    const alive = this.processes.filter(({ seen }) => seen.end === undefined && !seen.isDeleting);
    if (alive.length > 0) throw new Violated('opens an attempt while pods of another one live');
    if (this.deletingSince !== undefined) throw new Violated('opens an attempt of a job that is deleted');
    const known = this.life;
    this.life = ledger.life;
    if (known === undefined || (known.jobId === ledger.life?.jobId && known.restoreFrom === ledger.life.restoreFrom))
      return;
    if (desired.is === 'invalid') throw new Violated('drops the state of an invalid spec');
    const last = before.attempts.at(-1);
    const isTold =
      last?.end?.how === 'finished' ||
      desired.settings.triggers.restore > (before.handled?.restore ?? 0) ||
      (desired.settings.upgrade.mode === 'Stateless' && last?.revision !== ledger.attempts.at(-1)?.revision);
    if (!isTold) throw new Violated('drops the state without being told to');
  }

  private freeLease(attempt: number): void {
    this.lease ??= { holder: '', renewed: this.now };
    const pods = this.processes.map(({ seen }) => seen);
    const holds = this.lease.holder;
    if (!livePods(pods, attempt).some(({ uid }) => uid === holds)) this.lease.holder = '';
  }

  private makePod(attempt: number, index: number, { handles }: FlinkJobFacts): void {
    const open = handles.is === 'there' ? openAttemptOf(handles.view.ledger) : undefined;
    if (open?.number !== attempt) throw new Violated(`makes a pod of attempt ${attempt}, which is not open`);
    if (!this.revisions.has(open.revision ?? '')) throw new Violated('makes a pod of a revision that is not on record');
    const name = `flights-${attempt}-${index}`;
    if (this.processes.some(({ seen }) => seen.name === name)) throw new Violated(`makes pod ${name} twice`);
    const known = this.opened.get(attempt) ?? open.epoch;
    if (known !== open.epoch) throw new Violated(`makes a pod of another attempt ${attempt} than there has been`);
    this.opened.set(attempt, open.epoch);
    const uid = `${name}#${++this.uids}`;
    this.processes.push({
      seen: {
        name,
        uid,
        attempt,
        index,
        ip: '10.0.0.1',
        node: 'n',
        isReady: false,
        isDeleting: false,
        isForced: false,
        goneBy: undefined,
        end: undefined,
        trouble: undefined,
      },
      leads: undefined,
      isCutOff: false,
      isHeld: false,
      runningSince: undefined,
      completed: 0,
    });
  }

  private begin(step: Extract<Step, { do: 'stopWithSavepoint' | 'takeSavepoint' }>, facts: FlinkJobFacts): boolean {
    const { memory } = this;
    const leader = this.leader();
    const open = facts.handles.is === 'there' ? openAttemptOf(facts.handles.view.ledger) : undefined;
    const isReachable = open !== undefined && livePods(facts.pods, open.number).some(({ isReady }) => isReady);
    if (!isReachable) return false;
    const tries = (memory.operation?.triggerId === step.triggerId ? memory.operation.tries : 0) + 1;
    if (this.isSilent || leader === undefined) {
      const notBefore = this.now + 1_000 * tries;
      memory.operation = { triggerId: step.triggerId, tries, state: { is: 'unknown' }, notBefore };
      return true;
    }
    const what = step.do === 'stopWithSavepoint' ? 'stop' : 'savepoint';
    this.operations.set(step.triggerId, { what, of: leader.seen.uid, since: this.now });
    memory.operation = { triggerId: step.triggerId, tries, state: { is: 'inProgress' }, notBefore: 0 };
    return true;
  }
}

/** No request for a savepoint waits for longer than it may. */
function checkRequests({ savepoints = [] }: FlinkJobStatus, now: number): void {
  for (const { state, trigger, requested = '' } of savepoints) {
    const isWaiting = state === 'Requested' || state === 'Triggered';
    if (isWaiting && !(now < Date.parse(requested) + SETTINGS.savepointDeadlineMs)) {
      throw new Violated(`savepoint ${trigger} is ${state} since ${requested}`);
    }
  }
}

/** What whoever reads conditions goes by, whatever the facts are. */
export function checkStatus(before: FlinkJobStatus | undefined, status: FlinkJobStatus, generation: number): void {
  const parsed = statusSchema.safeParse(status);
  if (!parsed.success) throw new Violated(`status is not valid: ${parsed.error.message}`);
  const { conditions = [] } = status;
  const types = conditions.map(({ type }) => type);
  if (new Set(types).size !== types.length) throw new Violated(`a condition twice: ${types.join(', ')}`);
  if (!types.includes('Ready')) throw new Violated('no Ready');
  if (types.includes('Reconciling') && types.includes('Stalled')) throw new Violated('Reconciling and Stalled');
  for (const { type, status: holds, lastTransitionTime, observedGeneration } of conditions) {
    const known = before?.conditions?.find((each) => each.type === type);
    if (known?.status === holds && known.lastTransitionTime !== lastTransitionTime) {
      throw new Violated(`${type} has not changed, and its time has`);
    }
    if (observedGeneration !== generation) throw new Violated(`${type} is of another generation`);
  }
  if (status.observedGeneration !== generation) throw new Violated('status is of another generation');
}

function newestIn({ checkpoints }: MutableHandles): number {
  return Math.max(0, ...[...checkpoints.keys()].map(checkpointIdOf));
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

function viewOf({ uid, epoch, seq, attempt, leader, ledger, checkpoints }: MutableHandles) {
  const entries = new Map([[LEDGER_KEY, encodeLedger(ledger)], ...checkpoints]);
  return ledgerViewOf({ uid, epoch, seq, attempt, leader, entries }, 'ConfigMap flights-ha');
}
