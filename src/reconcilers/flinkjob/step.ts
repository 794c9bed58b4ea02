/** What is to be done next with a job: one step at a time, each of which can be read back in a line of the log. */
import type { Reason } from '../../api/index.ts';
import type { Ledger, StateLife } from '../../ha/index.ts';
import type { StorageOrder } from '../../lib/storage-work.ts';
import type { ChildSeen, PodSeen, RevisionOnRecord, StoragePodSeen } from './facts.ts';

/** What events of a job are called, besides the reasons that conditions have. */
export const EVENT_REASONS = [
  'Submit',
  'JobStatusChanged',
  'SpecChanged',
  'Scaling',
  'Rollback',
  'JobException',
  'Recover',
  'RestoreFallback',
  'SavepointCompleted',
  'SavepointFailed',
  'Suspended',
  'ValidationError',
  'PodUnhealthy',
  'Cleanup',
  'CleanupFailed',
] as const;

/** One of EVENT_REASONS. */
export type EventName = (typeof EVENT_REASONS)[number];

/** Something that people would want to know, said once the step is done. */
export interface Saying {
  readonly type: 'Normal' | 'Warning';
  /** CamelCase, for machines. */
  readonly reason: EventName | Reason;
  readonly note: string;
}

export type Step =
  /** Nothing until something changes, or until a moment. `because`: where somebody has to do something. */
  | { readonly do: 'rest'; readonly untilMs?: number; readonly because?: Hold }
  /** `revision` is recorded at the same time: what is owned goes with the job, with a finalizer or without. */
  | { readonly do: 'addFinalizer'; readonly revision?: RevisionOnRecord }
  | { readonly do: 'removeFinalizer'; readonly say: readonly Saying[] }
  | { readonly do: 'deleteJob' }
  | { readonly do: 'recordRevision'; readonly revision: RevisionOnRecord }
  | { readonly do: 'deleteRevisions'; readonly names: readonly string[] }
  /** Makes the object with all that is known to be due: what takes the place of a ledger that was lost, the first attempt. */
  | {
      readonly do: 'createHandles';
      readonly epoch: number;
      readonly ledger: Ledger;
      readonly say: readonly Saying[];
    }
  | { readonly do: 'deleteHandles'; readonly uid: string }
  /** `above`: whatever else is in the object goes, and its epoch gets above this one. */
  | {
      readonly do: 'writeLedger';
      readonly why: string;
      readonly ledger: Ledger;
      readonly above?: number;
      readonly say: readonly Saying[];
    }
  | { readonly do: 'makeChildren'; readonly names: readonly string[] }
  | { readonly do: 'deleteChildren'; readonly children: readonly ChildSeen[] }
  | { readonly do: 'freeLease'; readonly attempt: number; readonly mark: string }
  | { readonly do: 'makePods'; readonly attempt: number; readonly indexes: readonly number[] }
  | { readonly do: 'deletePods'; readonly attempts: readonly number[]; readonly pods: readonly PodSeen[] }
  /** Pods that nobody waits for any more: their nodes are not asked. */
  | { readonly do: 'forcePods'; readonly pods: readonly PodSeen[] }
  /** Asks for nothing, and learns whether anything can be made in the namespace. */
  | { readonly do: 'probeNamespace' }
  /** Makes the pod that does it. */
  | {
      readonly do: 'workInStorage';
      readonly order: StorageOrder;
      readonly revision: RevisionOnRecord;
      readonly life: StateLife;
      readonly deadlineSeconds: number;
    }
  | { readonly do: 'endStorageWork'; readonly pod: StoragePodSeen }
  | { readonly do: 'stopWithSavepoint'; readonly triggerId: string }
  | { readonly do: 'takeSavepoint'; readonly triggerId: string };

/** Why nothing is done although not all is as it should be. */
export interface Hold {
  readonly reason: Reason;
  readonly detail?: string;
}
