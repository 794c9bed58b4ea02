/** Names of a job's objects. A job's name has 45 characters at most, so none of these is too long. */
import type { StorageOrder } from '../lib/storage-work.ts';

/** The objects that a job has one of. */
export function objectNames(job: string): {
  readonly handles: string;
  readonly lease: string;
  readonly rest: string;
  readonly account: string;
  readonly budget: string;
} {
  return {
    handles: `${job}-ha`,
    lease: `${job}-leader`,
    rest: `${job}-rest`,
    account: `${job}-pods`,
    budget: `${job}-pods`,
  };
}

/** `<job>-storage-<what it does>`: one at a time of each kind of work. */
export function storagePodName(job: string, order: StorageOrder['do']): string {
  return `${job}-storage-${WORK[order]}`;
}

const WORK: Readonly<Record<StorageOrder['do'], string>> = { removeBytes: 'remove' };

/** `<job>-<attempt>-<index>`: a pod that is made twice by mistake is refused as already there. */
export function podName(job: string, attempt: number, index: number): string {
  return `${job}-${attempt}-${index}`;
}
