/** What the world of a FlinkJob is made of: the object that it is kept in, the processes of its pods. */
import {
  checkpointIdOf,
  encodeLedger,
  LEDGER_KEY,
  type Ledger,
  type LedgerView,
  ledgerViewOf,
} from '../../../src/ha/index.ts';
import type { PodSeen } from '../../../src/reconcilers/flinkjob/facts.ts';

/** Something that must never happen. */
export class Violated extends Error {}

export const LEASE_MS = 15_000;
export const GRACE_MS = 30_000;

/** Of revisions that fail whenever they run. */
export const BAD_ARGS = ['bad'];

export type Spec = Readonly<Record<string, unknown>>;

/** ConfigMap `<job>-ha`. */
export interface MutableHandles {
  uid: string;
  epoch: number;
  seq: number;
  attempt: number;
  leader: string;
  ledger: Ledger;
  checkpoints: Map<string, string>;
}

/** What a pod is besides what is seen of it. */
export interface Process {
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

/** The newest checkpoint that is pointed to; 0: none. */
export function newestIn({ checkpoints }: MutableHandles): number {
  return Math.max(0, ...[...checkpoints.keys()].map(checkpointIdOf));
}

/** As an operator reads it. */
export function viewOf({ uid, epoch, seq, attempt, leader, ledger, checkpoints }: MutableHandles): LedgerView {
  const entries = new Map([[LEDGER_KEY, encodeLedger(ledger)], ...checkpoints]);
  return ledgerViewOf({ uid, epoch, seq, attempt, leader, entries }, 'ConfigMap flights-ha');
}
