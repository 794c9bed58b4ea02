/**
 * Gathers the facts of a job: from the copies, which cost nothing; from ConfigMap `<job>-ha`, which is read when something
 * has happened that may have changed it; from the job itself, now and then. The only part that looks.
 */
import {
  ANNOTATIONS,
  API_VERSION,
  FINALIZER,
  KIND,
  resolveFlinkJob,
  semanticSpec,
  validateFlinkJob,
} from '../../api/index.ts';
import type { ObjectKey } from '../../controller/index.ts';
import { type AttemptRecord, HaObjectCorruptException, ledgerViewOf, openAttemptOf } from '../../ha/index.ts';
import { ConfigMapHandleBackend } from '../../ha/kubernetes/index.ts';
import type { ApiClient, FlinkJobObject } from '../../kube/index.ts';
import { messageOf } from '../../lib/errors.ts';
import { objectNames } from '../../resources/index.ts';
import { childrenOf, objectFacts } from './children.ts';
import { childrenSeen } from './children-seen.ts';
import {
  type Desired,
  type FlinkJobFacts,
  type Handles,
  isOf,
  type JobObject,
  livePods,
  type OperatorSettings,
  type PodSeen,
  type RevisionOnRecord,
  type StoragePodSeen,
  type StorageWorkSeen,
  saysRunning,
} from './facts.ts';
import type { JobCopies } from './job-copies.ts';
import { type JobAddress, type JobRest, runsWell } from './job-rest.ts';
import { askClosed, checkpointTold } from './last-told.ts';
import { untilNextLook } from './look-interval.ts';
import type { HandlesMark, JobMemory } from './memory.ts';
import { numbersInName, podSeen, storagePodSeen } from './pod-seen.ts';
import { isPutBack, type KnownPast, knownPast } from './put-back.ts';
import { revisionName, revisionOnRecord } from './revisions.ts';

export interface ObserverOptions {
  readonly copies: JobCopies;
  readonly rest: JobRest;
  readonly settings: OperatorSettings;
  readonly now: () => number;
  readonly random: () => number;
}

/** With what a look is taken: of one reconcile. */
export interface Looking {
  readonly key: ObjectKey;
  readonly memory: JobMemory;
  readonly client: ApiClient;
  readonly signal: AbortSignal;
  /** What was done in this reconcile and no copy shows yet. */
  readonly done: DoneAlready;
}

/** Writes of this reconcile, so that the next step knows of them before the copies do. */
export interface DoneAlready {
  hasFinalizer: boolean;
  /** Of the resource, after its own change. */
  resourceVersion: string | undefined;
  readonly revisions: Map<string, RevisionOnRecord>;
  readonly children: Set<string>;
  readonly pods: Map<string, PodSeen>;
  storagePod: StoragePodSeen | undefined;
}

export function nothingDone(): DoneAlready {
  return {
    hasFinalizer: false,
    resourceVersion: undefined,
    revisions: new Map(),
    children: new Set(),
    pods: new Map(),
    storagePod: undefined,
  };
}

const ABSENT: Handles = { is: 'absent' };

export class Observer {
  private readonly options: ObserverOptions;

  constructor(options: ObserverOptions) {
    this.options = options;
  }

  /** All that is known of the job. Throws ApiError when the server cannot be asked; then nothing is decided. */
  async facts(resource: FlinkJobObject, looking: Looking): Promise<FlinkJobFacts> {
    const { memory, done } = looking;
    const { now, random, settings } = this.options;
    const object = objectOf(resource, done, (asked) => memory.deletingFrom(asked, now()));
    const desired = memory.desired.get(`${object.generation}`, () => desiredOf(resource, object));
    const pods = memory.withEnds(this.pods(object, done), now());
    const revisions = this.revisions(object, done);
    // Nobody has made anything for it yet; what an orphaned job left is found when its pointers are to be made.
    const isNew = !object.hasFinalizer && resource.status?.jobId === undefined;
    const past = knownPast({ status: resource.status, seen: memory.newestHandles, pods });
    const known = await this.handles(object, pods, looking, { isNew, past });
    const asked = openOf(known);
    if (asked !== undefined) await this.ask(object, asked.number, pods, known, looking);
    else {
      const before = memory.rest.is === 'notAsked' ? undefined : addressOf(memory.rest.attempt, pods, known);
      await askClosed(this.options.rest, before, known, looking);
      memory.rest = { is: 'notAsked' };
    }
    // A job that begins to run has had them read again: it says there who leads.
    const handles = judged(memory.handles ?? known, past);
    const open = openOf(handles);
    // One that led is known from status, also to a process that never saw it.
    const led = resource.status?.attempt;
    const leader = numbersInName(led?.leader ?? '');
    if (leader !== undefined && leader.attempt === open?.number) memory.madePod(leader.attempt, leader.index);
    memory.newestPoint = newestPointOf(memory, pods) ?? memory.newestPoint;
    memory.lastTold = checkpointTold(memory.rest, handles) ?? memory.lastTold;
    return {
      now: now(),
      random,
      object,
      desired,
      status: resource.status,
      handles,
      past,
      revisions,
      pods,
      highestIndex: open === undefined ? -1 : memory.highestIndex(open.number, pods),
      ...this.children(memory, object, desired, handles, revisions, done),
      rest: memory.rest,
      operation: memory.operation,
      newestPoint: memory.newestPoint,
      lastTold: memory.lastTold,
      leaseFreedOf: memory.leaseFreedOf,
      storageWork: this.storageWork(object, desired, looking),
      isNamespaceTerminating: memory.isNamespaceTerminating,
      failingSince: memory.failingSince,
      refused: memory.refused,
      settings,
    };
  }

  private pods({ uid }: JobObject, done: DoneAlready): readonly PodSeen[] {
    const now = this.options.now();
    const seen = this.options.copies.pods.store
      .byIndex('owner', uid)
      .flatMap((pod) => podSeen(pod, now) ?? [])
      .map((pod) => done.pods.get(pod.uid) ?? pod);
    const known = new Set(seen.map(({ uid: pod }) => pod));
    const unseen = [...done.pods.values()].filter((pod) => !known.has(pod.uid));
    return [...seen, ...unseen].sort((a, b) => a.attempt - b.attempt || a.index - b.index);
  }

  private revisions({ uid }: JobObject, done: DoneAlready): ReadonlyMap<string, RevisionOnRecord> {
    const seen = this.options.copies.revisions.store
      .byIndex('owner', uid)
      .flatMap((each) => revisionOnRecord(each) ?? [])
      .map((each) => [each.name, each] as const);
    return new Map([...seen, ...done.revisions]);
  }

  /** Of a job that is not deleted nobody asks. */
  private storageWork({ uid, deletingSince }: JobObject, desired: Desired, { memory, done }: Looking): StorageWorkSeen {
    const { jobs, pods } = this.options.copies;
    if (deletingSince === undefined || desired.is === 'invalid') {
      return { pod: undefined, tries: undefined, origins: [] };
    }
    const [seen] = pods.store.byIndex('owner', uid).flatMap((pod) => storagePodSeen(pod) ?? []);
    const removes = desired.settings.deletion.storage === 'Delete';
    const others = removes ? [...jobs.store.values()].filter(({ metadata }) => metadata?.uid !== uid) : [];
    return {
      pod: done.storagePod ?? seen,
      tries: memory.storageTries,
      origins: others.flatMap(({ spec }) => (spec as { readonly restoreFrom?: string } | undefined)?.restoreFrom ?? []),
    };
  }

  /** Read again when pods have ended or are gone, when the job begins to run, and when nothing is known. */
  private async handles(
    object: JobObject,
    pods: readonly PodSeen[],
    looking: Looking,
    { isNew, past }: { readonly isNew: boolean; readonly past: KnownPast },
  ): Promise<Handles> {
    const { memory } = looking;
    const remembered = memory.handles === undefined ? undefined : judged(memory.handles, past);
    // What is taken for old is not held against the job unless it was read just now.
    const isDoubtful = remembered?.is === 'old' && !memory.areHandlesFresh;
    // While no attempt is open no pod can write, whatever becomes of it.
    const isClosed = remembered?.is === 'there' && openAttemptOf(remembered.view.ledger) === undefined;
    const isAsBefore = isClosed || !mayHaveChanged(memory.handlesMark, handlesMark(memory, pods));
    if (remembered !== undefined && !isDoubtful && isAsBefore) {
      memory.handlesMark = handlesMark(memory, pods);
      return remembered;
    }
    const handles = isNew ? ABSENT : await this.readHandles(object, looking);
    memory.learnt(handles);
    // A look may itself have taught something that the next one is not to be asked for again.
    memory.handlesMark = handlesMark(memory, pods);
    return judged(handles, past);
  }

  private async readHandles({ namespace, name }: JobObject, { client, signal }: Looking): Promise<Handles> {
    const backend = handlesOf({ client, signal, namespace, name });
    try {
      const snapshot = await backend.read();
      return snapshot === undefined ? { is: 'absent' } : { is: 'there', view: ledgerViewOf(snapshot, backend.name) };
    } catch (error) {
      if (error instanceof HaObjectCorruptException) return { is: 'corrupt', cause: messageOf(error) };
      throw error;
    }
  }

  private async ask(
    object: JobObject,
    attempt: number,
    pods: readonly PodSeen[],
    handles: Handles,
    looking: Looking,
  ): Promise<void> {
    const { memory, signal } = looking;
    const { rest, now, random, settings } = this.options;
    const address = addressOf(attempt, pods, handles);
    if (address === undefined) {
      if (memory.rest.is !== 'notAsked' && memory.rest.attempt !== attempt) memory.rest = { is: 'notAsked' };
      return;
    }
    const mark = readyMark(pods, attempt);
    // Once its pods are asked to go it is too late: what it tells now is said in the end.
    const isLast = object.deletingSince !== undefined && !memory.isAskedToPart;
    if (memory.restMark !== mark || now() >= memory.restDueAt || isLast) {
      const wasRunning = saysRunning(memory, attempt);
      memory.isAskedToPart ||= isLast;
      memory.rest =
        memory.restMark === mark && runsWell(memory.rest, attempt) && !isLast
          ? await rest.lookAgain(address, memory.rest, signal)
          : await rest.look(address, attempt, memory.rest, signal);
      memory.restMark = mark;
      memory.restDueAt = now() + untilNextLook({ rest: memory.rest, settings, random, handles, now: now() }, attempt);
      // Who leads is known now.
      const isNews = !wasRunning || !leads(handles, pods);
      if (isNews && saysRunning(memory, attempt)) memory.learnt(await this.readHandles(object, looking));
    }
    const { operation } = memory;
    if (operation?.state.is === 'inProgress') {
      memory.operation = await rest.follow(address, operation, signal);
    }
  }

  private children(
    memory: JobMemory,
    object: JobObject,
    desired: Desired,
    handles: Handles,
    revisions: ReadonlyMap<string, RevisionOnRecord>,
    done: DoneAlready,
  ): Pick<FlinkJobFacts, 'unmet' | 'surplus'> {
    const none = { unmet: [], surplus: [] };
    if (handles.is !== 'there') return none;
    const { ledger } = handles.view;
    const revision = revisions.get(openAttemptOf(ledger)?.revision ?? '');
    if (revision === undefined || ledger.life === undefined) return none;
    const { generation } = object;
    const { life } = ledger;
    const key = `${revision.name} ${generation} ${life.jobId} ${life.since} ${life.restoreFrom}`;
    const { network } = this.options.settings;
    const wanted = memory.children.get(key, () => childrenOf(objectFacts(object, desired, revision, life), network));
    const { children: copies } = this.options.copies;
    return childrenSeen({ wanted, copies, revisions, uid: object.uid, done: done.children });
  }
}

/** Of ConfigMap `<job>-ha`. */
export function handlesOf(facts: {
  readonly client: ApiClient;
  readonly signal: AbortSignal;
  readonly namespace: string;
  readonly name: string;
  readonly labels?: Readonly<Record<string, string>>;
}): ConfigMapHandleBackend {
  const { name, ...rest } = facts;
  return new ConfigMapHandleBackend({ ...rest, name: objectNames(name).handles });
}

function objectOf(
  { metadata = {} }: FlinkJobObject,
  done: DoneAlready,
  deletingFrom: (asked: number) => number,
): JobObject {
  const { namespace = '', name = '', uid = '', generation = 0, finalizers = [], annotations = {} } = metadata;
  const { resourceVersion = '' } = metadata;
  const asked = metadata.deletionTimestamp;
  return {
    namespace,
    name,
    uid,
    generation,
    resourceVersion: done.resourceVersion ?? resourceVersion,
    finalizers,
    hasFinalizer: done.hasFinalizer || finalizers.includes(FINALIZER),
    deletingSince: asked === undefined ? undefined : deletingFrom(Date.parse(asked)),
    isDeletionForced: annotations[ANNOTATIONS.forceDelete] === 'true',
    reconcileRequest: annotations[ANNOTATIONS.reconcileRequest],
  };
}

function desiredOf({ spec }: FlinkJobObject, { namespace, name, uid }: JobObject): Desired {
  const value = { apiVersion: API_VERSION, kind: KIND, metadata: { namespace, name }, spec };
  const { job, violations } = validateFlinkJob(value);
  if (job === undefined) return { is: 'invalid', violations, isOrphan: isOrphan(spec) };
  const semantic = semanticSpec(job.spec);
  return {
    is: 'valid',
    job,
    settings: resolveFlinkJob({ ...job, metadata: { ...job.metadata, uid } }),
    semantic,
    revision: revisionName(name, semantic),
  };
}

function isOrphan(spec: unknown): boolean {
  return (spec as { readonly deletion?: { readonly mode?: unknown } } | undefined)?.deletion?.mode === 'Orphan';
}

function judged(handles: Handles, past: KnownPast): Handles {
  return handles.is === 'there' && isPutBack(handles.view, past) ? { ...handles, is: 'old' } : handles;
}

/** The attempt that is open, where that is known. */
export function openOf(handles: Handles): AttemptRecord | undefined {
  return handles.is === 'there' ? openAttemptOf(handles.view.ledger) : undefined;
}

function handlesMark({ rest }: JobMemory, pods: readonly PodSeen[]): HandlesMark {
  return {
    ended: new Set(pods.filter(({ end }) => end !== undefined).map(({ uid }) => uid)),
    hasLive: pods.some(({ end }) => end === undefined),
    isSilent: rest.is === 'silent',
  };
}

/** Whether the ledger may be another without us: a process ended, or is gone. Pods that come and ended ones that go write nothing. */
function mayHaveChanged(before: HandlesMark, now: HandlesMark): boolean {
  const haveGone = before.hasLive && !now.hasLive;
  return haveGone || before.isSilent !== now.isSilent || !now.ended.isSubsetOf(before.ended);
}

function readyMark(pods: readonly PodSeen[], attempt: number): string {
  return livePods(pods, attempt)
    .filter(({ isReady }) => isReady)
    .map(({ uid }) => uid)
    .join(',');
}

/** A job that was stopped with a savepoint says where it lies in three places, one after the other. */
function newestPointOf({ rest, operation }: JobMemory, pods: readonly PodSeen[]): string | undefined {
  const told = pods.find(({ end }) => end?.record?.savepoint !== undefined)?.end?.record?.savepoint;
  if (told !== undefined) return told;
  if (operation?.state.is === 'completed') return operation.state.location;
  return rest.is === 'answered' ? rest.checkpoint?.uri : undefined;
}

/** Any pod answers for the leader; the leader itself answers with one hop less. */
export function addressOf(attempt: number, pods: readonly PodSeen[], handles: Handles): JobAddress | undefined {
  if (handles.is !== 'there' || handles.view.ledger.life === undefined) return undefined;
  const { leader } = handles.view.snapshot;
  const ready = livePods(pods, attempt).filter(({ isReady, ip }) => isReady && ip !== undefined);
  const pod = ready.find((each) => isOf(each, leader)) ?? ready[0];
  return pod?.ip === undefined ? undefined : { podIp: pod.ip, jobId: handles.view.ledger.life.jobId };
}

/** Whether the leader that is known of is there: after a standby has taken over it is another one. */
function leads(handles: Handles, pods: readonly PodSeen[]): boolean {
  if (handles.is !== 'there') return false;
  const { leader } = handles.view.snapshot;
  return pods.some((pod) => pod.end === undefined && isOf(pod, leader));
}
