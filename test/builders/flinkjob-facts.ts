/**
 * What is known of a FlinkJob, told in words: `aJob().running().after(5_000).facts()`. Every word gives another story, so that
 * one can be the beginning of several. Ledgers come about by the transitions that a real one goes through.
 */
import type { FlinkJobStatus, Violation } from '../../src/api/index.ts';
import {
  beginLife,
  checkpointKey,
  EMPTY_LEDGER,
  encodeLedger,
  encodeLive,
  type HaSnapshot,
  LEDGER_KEY,
  type Ledger,
  ledgerViewOf,
  noteRevisions,
  noteStopping,
  openAttempt,
  openAttemptOf,
  type StopReason,
} from '../../src/ha/index.ts';
import type {
  Desired,
  FlinkJobFacts,
  Handles,
  JobObject,
  OperationSeen,
  PodSeen,
  RestSeen,
  RevisionOnRecord,
} from '../../src/reconcilers/flinkjob/facts.ts';
import { type HandlesVersion, isPutBack, knownPast, versionOf } from '../../src/reconcilers/flinkjob/put-back.ts';
import type { Step } from '../../src/reconcilers/flinkjob/step.ts';
import { aCheckpoint, aPod, desiredOf, JOB_ID, SETTINGS, type Spec, T0, UID } from './flinkjob-seen.ts';

export {
  aCheckpoint,
  anEnd,
  aPod,
  aRecord,
  desiredOf,
  EVICTED,
  FAILED,
  FINISHED,
  JOB_ID,
  KILLED,
  SETTINGS,
  STOPPED_WITH_SAVEPOINT,
  T0,
  UID,
} from './flinkjob-seen.ts';

/** Nobody stands by, so that one pod is all. */
const PLAIN_SPEC: Spec = {
  typescript: { module: 'dist/job.js' },
  storage: { uri: 's3://bucket/jobs' },
  highAvailability: { standbys: 0 },
};

interface Told {
  readonly now: number;
  readonly spec: Spec;
  readonly desired: Desired;
  readonly object: JobObject;
  readonly status: FlinkJobStatus | undefined;
  readonly handles: 'absent' | 'there' | { readonly corrupt: string };
  readonly ledger: Ledger;
  readonly epoch: number;
  /** Pod that leads, and the epochs of the checkpoints that there are handles of. */
  readonly leader: string;
  /** The newest version of the handles that the operator has seen. */
  readonly seen: HandlesVersion | undefined;
  readonly checkpointsOf: readonly number[];
  readonly revisions: ReadonlyMap<string, RevisionOnRecord>;
  readonly pods: readonly PodSeen[];
  readonly facts: Partial<FlinkJobFacts>;
}

/** A job that was just applied: nobody has looked at it yet. */
export function aJob(spec: Spec = {}): JobStory {
  const whole = { ...PLAIN_SPEC, ...spec };
  return new JobStory({
    now: T0,
    spec: whole,
    desired: desiredOf(whole),
    object: {
      namespace: 'default',
      name: 'flights',
      uid: UID,
      generation: 1,
      resourceVersion: '1',
      finalizers: [],
      hasFinalizer: false,
      deletingSince: undefined,
      isDeletionForced: false,
    },
    status: undefined,
    handles: 'absent',
    ledger: EMPTY_LEDGER,
    epoch: 0,
    leader: '',
    seen: undefined,
    checkpointsOf: [],
    revisions: new Map(),
    pods: [],
    facts: {},
  });
}

export class JobStory {
  private readonly told: Told;

  constructor(told: Told) {
    this.told = told;
  }

  /** All that is known at this point of the story. */
  facts(): FlinkJobFacts {
    const { now, object, desired, status, revisions, pods, facts } = this.told;
    const open = openAttemptOf(this.told.ledger);
    const indexes = pods.filter(({ attempt }) => attempt === open?.number).map(({ index }) => index);
    return {
      now,
      random: () => 0.5,
      object,
      desired,
      status,
      ...this.handlesAndPast(),
      revisions,
      pods,
      highestIndex: Math.max(-1, ...indexes),
      unmet: [],
      surplus: [],
      rest: { is: 'notAsked' },
      operation: undefined,
      newestPoint: undefined,
      lastTold: undefined,
      leaseFreedOf: undefined,
      storageWork: { pod: undefined, tries: undefined, origins: [] },
      isNamespaceTerminating: false,
      settings: SETTINGS,
      ...facts,
    };
  }

  get ledger(): Ledger {
    return this.told.ledger;
  }

  /** Of the spec as it is written now. */
  get revision(): string {
    const { desired } = this.told;
    if (desired.is === 'invalid') throw new TypeError('an invalid spec has no revision');
    return desired.revision;
  }

  /** Judged as a look judges them. */
  private handlesAndPast(): Pick<FlinkJobFacts, 'handles' | 'past'> {
    const past = knownPast(this.told);
    const handles = this.handles();
    const isOld = handles.is === 'there' && isPutBack(handles.view, past);
    return { past, handles: isOld ? { ...handles, is: 'old' } : handles };
  }

  private handles(): Handles {
    const { handles, ledger, epoch, leader, checkpointsOf } = this.told;
    if (handles === 'absent') return { is: 'absent' };
    if (handles !== 'there') return { is: 'corrupt', cause: handles.corrupt };
    const checkpoints = checkpointsOf.map((of, at) => {
      const path = `${JOB_ID}/chk-${at + 1}-${of}-aa`;
      return [checkpointKey(at + 1), encodeLive({ id: 'a', path, sizeBytes: 1, sha256: '0'.repeat(64) })] as const;
    });
    const snapshot: HaSnapshot = {
      uid: 'uid-of-the-handles',
      epoch,
      seq: 1,
      attempt: openAttemptOf(ledger)?.number ?? 0,
      leader: leader === '' ? '' : `uid-of-${leader}_nonce`,
      entries: new Map([[LEDGER_KEY, encodeLedger(ledger)], ...checkpoints]),
    };
    return { is: 'there', view: ledgerViewOf(snapshot, 'ConfigMap flights-ha') };
  }

  private but(changes: Partial<Told>): JobStory {
    return new JobStory({ ...this.told, ...changes });
  }

  // Time

  after(ms: number): JobStory {
    return this.but({ now: this.told.now + ms });
  }

  // The resource

  /** Somebody changes fields of the spec; undefined takes one away. What comes of it is on record. */
  spec(fields: Spec): JobStory {
    const spec = { ...this.told.spec, ...fields };
    const { object, revisions } = this.told;
    const desired = desiredOf(spec);
    // A story says so where it means a spec that is not valid.
    if (desired.is === 'invalid') throw new TypeError(desired.violations.map(({ rule }) => rule).join('; '));
    const next = this.but({ spec, desired, object: { ...object, generation: object.generation + 1 } });
    return revisions.size === 0 ? next : next.recorded();
  }

  /** Somebody writes a spec that cannot be carried out. */
  invalid(): JobStory {
    const violation: Violation = {
      path: 'spec.parallelism',
      rule: 'must be 1 or more',
      remedy: 'Write 1.',
      code: 'TOO_SMALL',
      severity: 'error',
    };
    const { desired } = this.told;
    const isOrphan = desired.is === 'valid' && desired.settings.deletion.mode === 'Orphan';
    return this.but({ desired: { is: 'invalid', violations: [violation], isOrphan } });
  }

  deleted(how: { readonly forced?: boolean } = {}): JobStory {
    const object = { ...this.told.object, deletingSince: this.told.now, isDeletionForced: how.forced === true };
    return this.but({ object });
  }

  object(changes: Partial<JobObject>): JobStory {
    return this.but({ object: { ...this.told.object, ...changes } });
  }

  status(status: Partial<FlinkJobStatus> | undefined): JobStory {
    return this.but({
      status: status === undefined ? undefined : { observedGeneration: 1, ...this.told.status, ...status },
    });
  }

  // What the operator has made

  /** The finalizer is there, and the spec is on record. */
  recorded(): JobStory {
    const { desired, revisions, object } = this.told;
    if (desired.is === 'invalid') return this;
    const { revision: name, semantic } = desired;
    const known = revisions.get(name);
    const fresh = { name, number: revisions.size + 1, semantic, image: desired.job.spec.image ?? SETTINGS.image };
    return this.but({
      revisions: new Map([...revisions, [name, known ?? fresh]]),
      object: { ...object, hasFinalizer: true, finalizers: ['flinkjob.dev/cleanup'] },
    });
  }

  /** Revisions that somebody has deleted. */
  withoutRevision(name: string): JobStory {
    const revisions = new Map(this.told.revisions);
    revisions.delete(name);
    return this.but({ revisions });
  }

  withHandles(): JobStory {
    return this.recorded().but({ handles: 'there' });
  }

  withoutHandles(): JobStory {
    return this.but({ handles: 'absent', ledger: EMPTY_LEDGER, epoch: 0 });
  }

  /** The operator has seen a version of the handles before: `epoch`, `seq` and `attempt` as they are unless said otherwise. */
  seen(version: Partial<HandlesVersion> = {}): JobStory {
    const handles = this.handles();
    const known = handles.is === 'there' ? versionOf(handles.view) : { uid: '', epoch: 0, seq: 0, attempt: 0 };
    return this.but({ seen: { ...known, ...version } });
  }

  withCorruptHandles(corrupt = 'its ledger is not JSON'): JobStory {
    return this.but({ handles: { corrupt } });
  }

  /** The next attempt is open; the first one begins a life of the state. */
  opened(revision?: string): JobStory {
    const story = this.told.handles === 'there' ? this : this.withHandles();
    const { ledger, epoch, now, desired } = story.told;
    const life = { jobId: JOB_ID, since: new Date(T0).toISOString() };
    const living = ledger.life === undefined ? beginLife(ledger, life) : ledger;
    const named = revision ?? (desired.is === 'valid' ? desired.revision : (ledger.attempts.at(-1)?.revision ?? ''));
    const next = openAttempt(living, { at: now, epoch: epoch + 1, revision: named });
    return story.but({ ledger: next, epoch: epoch + 1, leader: '', facts: { leaseFreedOf: undefined } });
  }

  /** The ledger after something; an attempt that opens or closes raises the epoch. */
  noted(change: (ledger: Ledger, now: number) => Ledger): JobStory {
    const { ledger, epoch, now } = this.told;
    const next = change(ledger, now);
    const isRaised = openAttemptOf(next)?.number !== openAttemptOf(ledger)?.number;
    return this.but({ ledger: next, epoch: isRaised ? epoch + 1 : epoch, handles: 'there' });
  }

  /** What a step writes is written. Other steps leave no trace in a story. */
  did(step: Step): JobStory {
    if (step.do !== 'writeLedger') throw new TypeError(`step ${step.do} writes nothing into the ledger`);
    return this.noted(() => step.ledger);
  }

  stable(revision = this.revision): JobStory {
    return this.noted((ledger) => noteRevisions(ledger, { stable: revision }));
  }

  rolledBack(bad: string, because = 'it was not stable within 600 s'): JobStory {
    return this.noted((ledger) => noteRevisions(ledger, { bad, badBecause: because }));
  }

  stopping(why: StopReason, triggerId = 'f'.repeat(32)): JobStory {
    return this.noted((ledger, now) => noteStopping(ledger, { why, since: now, triggerId }));
  }

  // The pods, and the job in them

  pods(...pods: readonly PodSeen[]): JobStory {
    return this.but({ pods });
  }

  /** A pod leads: it raised the epoch. */
  led(pod: string): JobStory {
    return this.but({ leader: pod, epoch: this.told.epoch + 1 });
  }

  /** There are handles of checkpoints that were completed under these epochs. */
  checkpointed(...epochs: readonly number[]): JobStory {
    return this.but({ checkpointsOf: epochs.length === 0 ? [this.told.epoch] : epochs });
  }

  /** All that happens until a job runs: an attempt, its pod, which leads, and tasks that run. */
  running(more: Partial<Extract<RestSeen, { is: 'answered' }>> = {}): JobStory {
    const story = openAttemptOf(this.told.ledger) === undefined ? this.opened() : this;
    const attempt = openAttemptOf(story.told.ledger)?.number ?? 0;
    const pod = aPod({ attempt });
    const others = story.told.pods.filter((each) => each.attempt !== attempt);
    return story
      .pods(...others, pod)
      .led(pod.name)
      .checkpointed()
      .answers(more);
  }

  /** The job says how it is; RUNNING, with all of its tasks, unless said otherwise. */
  answers(more: Partial<Extract<RestSeen, { is: 'answered' }>> = {}): JobStory {
    const { now, ledger } = this.told;
    return this.sees({
      rest: {
        is: 'answered',
        attempt: openAttemptOf(ledger)?.number ?? 0,
        at: now,
        state: 'RUNNING',
        tasksRunning: 4,
        tasksTotal: 4,
        runningSince: now,
        checkpoint: aCheckpoint({ at: now }),
        completed: 1,
        failed: 0,
        ...more,
      },
    });
  }

  /** The job does not answer, and has not for so long. */
  silent(sinceMs = 0): JobStory {
    const { now, ledger } = this.told;
    const attempt = openAttemptOf(ledger)?.number ?? 0;
    return this.sees({ rest: { is: 'silent', attempt, at: now, since: now - sinceMs } });
  }

  /** The job was asked for a savepoint, or a stop with one. */
  operation(triggerId: string, state: OperationSeen['state'], more: Partial<OperationSeen> = {}): JobStory {
    return this.sees({ operation: { triggerId, state, tries: 1, notBefore: 0, ...more } });
  }

  /** Whatever has no word of its own. */
  sees(facts: Partial<FlinkJobFacts>): JobStory {
    return this.but({ facts: { ...this.told.facts, ...facts } });
  }
}
