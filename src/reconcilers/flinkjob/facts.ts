/** What a decision about a job is made from. Gathered by observe.ts; everything else here only reads it. */
import type { FlinkJob, FlinkJobSettings, FlinkJobStatus, SemanticSpec, Violation } from '../../api/index.ts';
import type { JobStatus } from '../../flink/index.ts';
import type { LedgerView } from '../../ha/index.ts';
import type { ObjectRef, ResourceDef } from '../../kube/index.ts';
import type { TerminationRecord } from '../../lib/exit-codes.ts';
import type { StorageAnswer } from '../../lib/storage-work.ts';
import type { NetworkFacts } from '../../resources/index.ts';
import type { RestartStrategy } from '../../restart/index.ts';
import type { KnownPast } from './put-back.ts';

/** All there is to know of one FlinkJob at one moment. */
export interface FlinkJobFacts {
  readonly now: number;
  /** In [0, 1). */
  readonly random: () => number;
  readonly object: JobObject;
  readonly desired: Desired;
  readonly status: FlinkJobStatus | undefined;
  readonly handles: Handles;
  /** How far the job is known to have come, whatever the handles say. */
  readonly past: KnownPast;
  /** Revisions on record, by name. */
  readonly revisions: ReadonlyMap<string, RevisionOnRecord>;
  /** All pods of the job, of every attempt. */
  readonly pods: readonly PodSeen[];
  /** Highest index of a pod that the open attempt is known to have had; -1: none. */
  readonly highestIndex: number;
  /** Objects of the job that are missing, or are not as they should be. */
  readonly unmet: readonly string[];
  /** Objects of the job that it does not need any more: a budget without standbys, the spec of a revision nobody goes back to. */
  readonly surplus: readonly ChildSeen[];
  /** How the job looks from inside; of the open attempt, or nothing. */
  readonly rest: RestSeen;
  /** A stop or savepoint that the job was asked for. */
  readonly operation: OperationSeen | undefined;
  /** Where the newest savepoint or checkpoint lies that was heard of since this process began. */
  readonly newestPoint: string | undefined;
  /** The newest checkpoint that the job told of since this process began; of one that was brought down, its last. */
  readonly lastTold?: CheckpointTold | undefined;
  /** For which losses the Lease was freed of dead pods. */
  readonly leaseFreedOf: string | undefined;
  /** What is known of work in the storage; of interest once the job is deleted. */
  readonly storageWork: StorageWorkSeen;
  /** Nothing can be made in its namespace any more; undefined: nobody has tried. */
  readonly isNamespaceTerminating: boolean | undefined;
  /** Since when each look at it ends with a failure; undefined: the last one did not. */
  readonly failingSince?: number | undefined;
  /** Steps of a deletion that were tried until no more time was left for them. */
  readonly refused?: ReadonlySet<string>;
  readonly settings: OperatorSettings;
}

/** What reconciliation takes from the operator's configuration. */
export interface OperatorSettings {
  /** Image of jobs that name none. */
  readonly image: string;
  /** Of jobs that name none, neither in the resource nor in their code. */
  readonly restart?: RestartStrategy | undefined;
  /** From where the pods of jobs are spoken to; undefined: from everywhere. */
  readonly network: NetworkFacts | undefined;
  /** Keys at a time. */
  readonly workers: number;
  /** A job that runs is asked how it is so often. */
  readonly restPollMs: number;
  readonly restTimeoutMs: number;
  /** A new revision has run well for so long before it counts as good. */
  readonly stabilityMs: number;
  /** Of a revision that names no deadline; at least twice its checkpoint interval and its checkpoint timeout. */
  readonly upgradeDeadlineMs: number;
  /** A savepoint, or a stop with one, that is not done by then is given up. */
  readonly savepointDeadlineMs: number;
  /** A job that fails stays Ready for so long, if it runs again by then. */
  readonly readyHysteresisMs: number;
  /** The newest checkpoint is written to status at most so often by itself. */
  readonly checkpointStatusMs: number;
}

/** The resource itself. */
export interface JobObject {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  readonly generation: number;
  readonly resourceVersion: string;
  readonly finalizers: readonly string[];
  readonly hasFinalizer: boolean;
  /** When deletion was asked for. */
  readonly deletingSince: number | undefined;
  readonly isDeletionForced: boolean;
  /** As somebody who asks for a look at once has written it. */
  readonly reconcileRequest?: string | undefined;
}

/** What the spec says. */
export type Desired =
  | {
      readonly is: 'valid';
      readonly job: FlinkJob;
      readonly settings: FlinkJobSettings;
      /** `<job>-<hash of the semantic spec>`. */
      readonly revision: string;
      readonly semantic: SemanticSpec;
    }
  | {
      readonly is: 'invalid';
      readonly violations: readonly Violation[];
      /** Deleting it leaves its pointers, whatever else is wrong with it. */
      readonly isOrphan: boolean;
    };

/** A spec that was accepted before, with its image settled. */
export interface RevisionOnRecord {
  readonly name: string;
  /** Of the object it is kept in, where that was seen. */
  readonly uid?: string;
  readonly number: number;
  readonly semantic: SemanticSpec;
  readonly image: string;
}

/** ConfigMap `<job>-ha`. */
export type Handles =
  | { readonly is: 'absent' }
  | { readonly is: 'corrupt'; readonly cause: string }
  /** It has been further than this: nothing in it is the newest. */
  | { readonly is: 'old'; readonly view: LedgerView }
  | { readonly is: 'there'; readonly view: LedgerView };

/** An object of the job, besides its pods and revisions. */
export interface ChildSeen {
  /** `Service flights-rest` */
  readonly name: string;
  readonly ref: ObjectRef;
  readonly kind: ResourceDef;
  readonly uid: string;
}

/** One pod, as far as it matters. */
export interface PodSeen {
  readonly name: string;
  readonly uid: string;
  readonly attempt: number;
  readonly index: number;
  /** Somebody has changed the labels by which it is found. */
  readonly isMislabelled?: boolean;
  readonly ip: string | undefined;
  readonly node: string | undefined;
  readonly isReady: boolean;
  readonly isDeleting: boolean;
  /** It is being deleted without its node being asked; what still holds it is somebody's finalizer. */
  readonly isForced: boolean;
  /** While it is being deleted: when it is gone if its node answers. */
  readonly goneBy: number | undefined;
  readonly end: PodEnd | undefined;
  /** Why it does not come up, in the kubelet's or scheduler's words. */
  readonly trouble: { readonly reason: string; readonly message: string } | undefined;
}

/** How a pod ended. */
export interface PodEnd {
  readonly takenFromOutside: boolean;
  readonly exitCode: number | undefined;
  /** Name of the signal, or OOMKilled. */
  readonly signal: string | undefined;
  readonly record: TerminationRecord | undefined;
  readonly at: number;
}

/** Work in the storage, which a pod of its own does. */
export interface StorageWorkSeen {
  readonly pod: StoragePodSeen | undefined;
  /** How often such a pod was tried, when last, and what came of it: the server would not have it, or nothing until now. */
  readonly tries: { readonly times: number; readonly at: number; readonly refused?: string } | undefined;
  /** `spec.restoreFrom` of other FlinkJobs: their states began there. */
  readonly origins: readonly string[];
}

/** A pod that works in the storage. */
export interface StoragePodSeen {
  readonly name: string;
  readonly uid: string;
  readonly isDeleting: boolean;
  readonly end: StoragePodEnd | undefined;
  readonly trouble: PodSeen['trouble'];
}

export interface StoragePodEnd {
  readonly takenFromOutside: boolean;
  readonly answer: StorageAnswer | undefined;
  /** How it ended, where it left no answer. */
  readonly how: string;
}

/** What the job's REST API answered last. */
export type RestSeen =
  | { readonly is: 'notAsked' }
  | { readonly is: 'silent'; readonly attempt: number; readonly at: number; readonly since: number }
  | RestAnswer;

/** What it answered, and what it answered before to what it was not asked now. */
export interface RestAnswer {
  readonly is: 'answered';
  /** The last question. */
  readonly askedFor?: 'job' | 'checkpoints';
  readonly attempt: number;
  readonly at: number;
  readonly state: JobStatus;
  readonly tasksRunning: number;
  readonly tasksTotal: number;
  /** When it entered RUNNING, with all its tasks; undefined while it is not. */
  readonly runningSince: number | undefined;
  readonly checkpoint: CheckpointSeen | undefined;
  /** Completed by this attempt. */
  readonly completed: number;
  readonly failed: number;
  /** The newest checkpoint that was not completed. */
  readonly lastFailure?: { readonly id: number; readonly cause: string } | undefined;
  /** What the attempt began from. */
  readonly restored?: { readonly uri: string; readonly at: number } | undefined;
}

export interface CheckpointSeen {
  readonly id: number;
  readonly uri: string;
  readonly bytes: number;
  readonly tookMs: number;
  readonly at: number;
}

/** What a job told of its checkpoints, and in which life of its state. */
export interface CheckpointTold {
  readonly jobId: string;
  readonly checkpoint: CheckpointSeen;
  readonly failed: number;
}

/** An operation that the job was asked for, under the id that names it. */
export interface OperationSeen {
  readonly triggerId: string;
  readonly state:
    | { readonly is: 'unknown' }
    | { readonly is: 'inProgress' }
    | { readonly is: 'completed'; readonly location: string }
    | { readonly is: 'failed'; readonly cause: string };
  /** How often it was begun. */
  readonly tries: number;
  /** Not to be begun again before. */
  readonly notBefore: number;
}

/** Whether every task of the attempt runs: the job says so, and a pod is there of which it is true. */
export function isRunning({ rest, pods }: Pick<FlinkJobFacts, 'rest' | 'pods'>, attempt: number): boolean {
  return saysRunning({ rest }, attempt) && isReachable(pods, attempt);
}

/** Whether the job only does not answer: a pod is there that should. Unknown is not failed. */
export function isUnheard({ rest, pods }: Pick<FlinkJobFacts, 'rest' | 'pods'>, attempt: number): boolean {
  return rest.is === 'silent' && rest.attempt === attempt && isReachable(pods, attempt);
}

/** Whether the job said, when it was asked last, that every task of the attempt runs. */
export function saysRunning({ rest }: Pick<FlinkJobFacts, 'rest'>, attempt: number): boolean {
  return (
    rest.is === 'answered' &&
    rest.attempt === attempt &&
    rest.state === 'RUNNING' &&
    rest.tasksTotal > 0 &&
    rest.tasksRunning === rest.tasksTotal
  );
}

function isReachable(pods: readonly PodSeen[], attempt: number): boolean {
  return livePods(pods, attempt).some(({ isReady }) => isReady);
}

/** Whether an identity (of the Lease, or of who raised the epoch last) is of a process in this pod: `<pod uid>_<nonce>`. */
export function isOf({ uid }: Pick<PodSeen, 'uid'>, identity: string): boolean {
  return identity.startsWith(`${uid}_`);
}

/** Pods of an attempt that may still do something. */
export function livePods(pods: readonly PodSeen[], attempt: number): readonly PodSeen[] {
  return pods.filter((pod) => pod.attempt === attempt && pod.end === undefined && !pod.isDeleting);
}
