/**
 * The manifest of a checkpoint or savepoint (`_metadata`, UTF-8 JSON): which operators it holds, and where the bytes of
 * each state lie in the files beside it. It is the last file written; a directory without it is garbage, never wrong.
 */
import type { RedistributionMode } from '../operators/operator.ts';
import type { KeyedStateMeta } from '../state/backend.ts';
import type { TypeSchema } from '../types/type-information.ts';

export const MANIFEST_FORMAT = 'flinkjob-state';
export const MANIFEST_VERSION = 1;

/** A file of the checkpoint: path relative to the manifest, or inline bytes are not used. */
export interface StateFile {
  readonly path: string;
  readonly sizeBytes: number;
  /** Hex. Checked before a byte is used. */
  readonly sha256: string;
}

/** Where blocks lie in a file: `[keyGroup or partition index, offset, length]`, flattened in threes, ascending. */
export type BlockIndex = readonly number[];

export interface KeyedStateHandle {
  readonly keyType: TypeSchema;
  /** Inclusive. */
  readonly firstKeyGroup: number;
  /** Inclusive. */
  readonly lastKeyGroup: number;
  readonly states: readonly (KeyedStateMeta & { readonly blocks: BlockIndex })[];
}

export interface OperatorStateHandle {
  readonly name: string;
  readonly mode: RedistributionMode;
  readonly type: TypeSchema;
  readonly mapKeyType?: TypeSchema;
  /** `[offset, length]` of each partition, flattened in twos. */
  readonly partitions: readonly number[];
}

/** One operator in one subtask; offsets point into `file`. */
export interface OperatorSubtaskState {
  readonly subtask: number;
  /** Index into `files`. Absent when the subtask stored nothing. */
  readonly file?: number;
  /** This subtask had reached the end of its input. */
  readonly finished?: true;
  readonly keyed?: KeyedStateHandle;
  readonly operatorState?: readonly OperatorStateHandle[];
  readonly rawKeyed?: BlockIndex;
  readonly rawOperator?: readonly number[];
}

/** What is said of an operator wherever a checkpoint is told of. */
export interface StoredOperator {
  readonly uid: string;
  readonly operatorId: string;
  readonly name: string;
  readonly parallelism: number;
  readonly maxParallelism: number;
  /** All subtasks had reached the end of their input. */
  readonly finished: boolean;
}

export interface OperatorState extends StoredOperator {
  /** Whether maxParallelism was configured (true) or the default for the parallelism (false). */
  readonly maxParallelismConfigured: boolean;
  readonly subtasks: readonly OperatorSubtaskState[];
}

export interface CheckpointManifest {
  readonly format: typeof MANIFEST_FORMAT;
  readonly version: typeof MANIFEST_VERSION;
  readonly kind: 'checkpoint' | 'savepoint';
  readonly jobId: string;
  readonly jobName: string;
  readonly checkpointId: number;
  readonly epoch: number;
  /** Wall clock of the trigger, milliseconds. */
  readonly timestamp: number;
  readonly files: readonly StateFile[];
  readonly operators: readonly OperatorState[];
}
