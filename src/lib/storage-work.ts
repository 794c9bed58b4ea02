/**
 * Work in the storage of a job that the operator orders and a pod of its own does: the contract between the two. The operator
 * opens no storage and reads no Secret; the order goes into the pod as a variable, the answer comes back as its termination
 * message. Orders are a closed union: another kind of work is another member, and a case wherever they are taken apart.
 */
import { jobIdBegunWith } from './derived-id.ts';

/** What is to be done. */
export type StorageOrder = RemoveBytesOrder;

/** Remove what the job has stored: `spec.deletion.storage: Delete`. */
export interface RemoveBytesOrder {
  readonly do: 'removeBytes';
  /** Of the FlinkJob. The ids of the lives that its state had follow from it, and from the attempts they began with. */
  readonly uid: string;
  /** Number of the newest attempt. */
  readonly attempts: number;
  /** Ids of lives that do not follow: of what was taken over from an orphan. */
  readonly jobIds: readonly string[];
  /** Directories in the root of the storage that somebody else began from: they stay. */
  readonly keep: readonly string[];
}

/** What came of it. */
export interface StorageAnswer {
  readonly did: StorageOrder['do'];
  /** All that was ordered is done. */
  readonly isWhole: boolean;
  readonly files: number;
  readonly bytes: number;
  /** The first thing that went wrong. */
  readonly error?: string;
}

/** The ids of all lives that an order is about, the oldest first, each once. */
export function jobIdsOf({ uid, attempts, jobIds }: RemoveBytesOrder): string[] {
  const own = Array.from({ length: attempts }, (_, before) => jobIdBegunWith(uid, before + 1));
  return [...new Set([...own, ...jobIds])];
}

export function encodeStorageOrder(order: StorageOrder): string {
  return JSON.stringify(order);
}

/** Undefined for a text that is no order of this version. */
export function decodeStorageOrder(text: string): StorageOrder | undefined {
  const order = parsed(text) as Partial<StorageOrder> | undefined;
  const isOrder =
    order?.do === 'removeBytes' &&
    typeof order.uid === 'string' &&
    Number.isSafeInteger(order.attempts) &&
    isTexts(order.jobIds) &&
    order.jobIds.every((jobId) => /^[0-9a-f]{32}$/.test(jobId)) &&
    isTexts(order.keep);
  return isOrder ? (order as StorageOrder) : undefined;
}

/** An error in an answer is cut to this many characters: a termination message has room for 4,096 bytes. */
const ERROR_LIMIT = 1_000;

export function encodeStorageAnswer(answer: StorageAnswer): string {
  return JSON.stringify({ ...answer, ...(answer.error === undefined ? {} : { error: cut(answer.error) }) });
}

/** Undefined for a text that is no answer: a process that was killed leaves nothing, or its log. */
export function decodeStorageAnswer(text: string): StorageAnswer | undefined {
  const answer = parsed(text) as Partial<StorageAnswer> | undefined;
  const isAnswer =
    answer?.did === 'removeBytes' &&
    typeof answer.isWhole === 'boolean' &&
    Number.isSafeInteger(answer.files) &&
    Number.isSafeInteger(answer.bytes);
  return isAnswer ? (answer as StorageAnswer) : undefined;
}

function parsed(text: string): object | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? value : undefined;
  } catch {
    // Not JSON: it was written by somebody else, or cut.
    return undefined;
  }
}

const isTexts = (value: unknown): value is readonly string[] =>
  Array.isArray(value) && value.every((each) => typeof each === 'string');

const cut = (text: string): string => (text.length <= ERROR_LIMIT ? text : `${text.slice(0, ERROR_LIMIT - 1)}…`);
