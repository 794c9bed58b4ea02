/** Work in the storage of a job that this process was started for: it carries out one order, answers, and ends. */
import { writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { parseFlinkJob, resolveFlinkJob } from '../../api/index.ts';
import { assertNever } from '../../lib/assert-never.ts';
import { messageOf } from '../../lib/errors.ts';
import { JOB_EXIT } from '../../lib/exit-codes.ts';
import type { Logger } from '../../lib/logger.ts';
import {
  decodeStorageOrder,
  encodeStorageAnswer,
  jobIdsOf,
  type StorageAnswer,
  type StorageOrder,
} from '../../lib/storage-work.ts';
import { openStorage, type Storage } from '../../storage/index.ts';
import { removeJobBytes } from '../../stream/index.ts';

/** What a process that works in the storage was told. */
export interface StorageWork {
  /** `FLINKJOB_STORAGE_ORDER`. */
  readonly order: string;
  /** File with the FlinkJob, which says where its storage is. */
  readonly resourceFile: string;
  readonly terminationLog: string;
  /** Aborted by SIGTERM: what is done until then is answered. */
  readonly stop: AbortSignal;
  readonly log: Logger;
}

/**
 * Carries out the order and writes the answer where the kubelet finds it. Never throws.
 * @returns 0 when all of it is done, 10 when not, 13 when the order is none
 */
export async function runStorageWork(work: StorageWork): Promise<number> {
  const order = decodeStorageOrder(work.order);
  if (order === undefined) {
    work.log.error('the order is none of this version', { order: work.order });
    return JOB_EXIT.invalid;
  }
  const answer = await answerTo(order, work);
  const { error, ...facts } = answer;
  if (error === undefined) work.log.info('the work is done', facts);
  else work.log.error('the work is not done', { ...facts, cause: error });
  writeFileSync(work.terminationLog, encodeStorageAnswer(answer));
  return answer.isWhole ? JOB_EXIT.finished : JOB_EXIT.failed;
}

async function answerTo(order: StorageOrder, work: StorageWork): Promise<StorageAnswer> {
  try {
    return await carryOut(order, await storageOf(work), work.stop);
  } catch (error) {
    return { did: order.do, isWhole: false, files: 0, bytes: 0, error: messageOf(error) };
  }
}

async function storageOf({ resourceFile }: StorageWork): Promise<Storage> {
  const job = parseFlinkJob(await readFile(resourceFile, 'utf8'), resourceFile);
  return openStorage(resolveFlinkJob(job).storageUri);
}

async function carryOut(order: StorageOrder, storage: Storage, stop: AbortSignal): Promise<StorageAnswer> {
  switch (order.do) {
    case 'removeBytes': {
      const removed = await removeJobBytes(storage, { jobIds: jobIdsOf(order), keep: order.keep }, stop);
      return { did: order.do, ...removed };
    }
    default:
      return assertNever(order.do);
  }
}
