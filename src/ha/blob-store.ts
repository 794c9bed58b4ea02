import { hash } from 'node:crypto';
import { messageOf } from '../lib/errors.ts';
import { IOException } from '../lib/java-errors.ts';
import type { Storage } from '../storage/index.ts';
import { blobDirectory } from './keys.ts';

/**
 * Files that belong to a job and do not change: its code, large configuration. The key carries the SHA-256, which is
 * checked on reading. Follows Flink's permanent blobs.
 */
export interface BlobStore {
  /** Stores bytes; each put is a blob of its own. */
  put(jobId: string, bytes: Uint8Array): Promise<BlobKey>;
  /** The bytes; an IOException when there is no such blob, or its bytes have changed. */
  get(jobId: string, key: BlobKey): Promise<Uint8Array>;
  /** Removes one blob; false when it could not be removed, true also when there was none. */
  delete(jobId: string, key: BlobKey): Promise<boolean>;
  /** Removes all blobs of a job. */
  deleteAll(jobId: string): Promise<boolean>;
  /** Removes all blobs of the job this store belongs to; throws what went wrong. */
  cleanupAllData(): Promise<void>;
  close(): Promise<void>;
}

/** `p-<SHA-256>-<random>` */
export type BlobKey = string;

export function blobStore(options: {
  readonly storage: Storage;
  readonly jobId: string;
  readonly newId: () => string;
  readonly warn: (message: string) => void;
}): BlobStore {
  const { storage, jobId: ownJobId, newId, warn } = options;
  const pathOf = (jobId: string, key: BlobKey) => `${blobDirectory(jobId)}/blob_${key}`;
  const attempted = async (what: string, removal: Promise<void>): Promise<boolean> => {
    try {
      await removal;
      return true;
    } catch (error) {
      warn(`${what} could not be removed: ${messageOf(error)}`);
      return false;
    }
  };
  return {
    async put(jobId, bytes) {
      const key = `p-${hash('sha256', bytes, 'hex')}-${newId()}`;
      await storage.write(pathOf(jobId, key), bytes, { exclusive: true });
      return key;
    },

    async get(jobId, key) {
      const bytes = await storage.read(pathOf(jobId, key));
      if (bytes === undefined) throw new IOException(`there is no blob ${key} of job ${jobId}`);
      if (hash('sha256', bytes, 'hex') !== key.split('-')[1]) {
        throw new IOException(`Detected data corruption during transfer: blob ${key} of job ${jobId}`);
      }
      return bytes;
    },

    delete: (jobId, key) => attempted(`blob ${key} of job ${jobId}`, storage.delete(pathOf(jobId, key))),
    deleteAll: (jobId) => attempted(`blobs of job ${jobId}`, storage.deleteTree(blobDirectory(jobId))),
    cleanupAllData: () => storage.deleteTree(blobDirectory(ownJobId)),
    async close() {},
  };
}
