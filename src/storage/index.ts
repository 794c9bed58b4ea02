/** Bytes by URI. See README.md for what a driver promises and what a crash leaves. */
export { errnoOf, StorageError, type StorageErrorCode, type StorageOperation, storageErrorFrom } from './errors.ts';
export {
  FILESYSTEM_FAULT_POINTS,
  type FileCalls,
  type FilesystemFaultPoint,
  type FilesystemStorageOptions,
  filesystemStorage,
} from './filesystem/filesystem-storage.ts';
export { type MemoryStorageOptions, memoryStorage } from './memory/memory-storage.ts';
export { openStorage } from './open.ts';
export type { ByteRange, Chunks, FileStatus, Storage, WrittenFile } from './storage.ts';
