/** What a `_metadata` of Apache Flink holds, as it is read: nothing is left out but the bytes of hooks and properties. */

/** Where some bytes are. */
export type MetadataStream =
  /** In the `_metadata` itself, as small state is. */
  | { readonly in: 'metadata'; readonly name: string; readonly data: Uint8Array }
  | { readonly in: 'file'; readonly uri: string; readonly sizeBytes: number }
  /** Relative to the directory of the `_metadata`: savepoints that can be moved. */
  | { readonly in: 'relativeFile'; readonly path: string; readonly sizeBytes: number }
  /** Part of a file that holds the state of several subtasks. */
  | {
      readonly in: 'segment';
      readonly uri: string;
      readonly start: number;
      readonly sizeBytes: number;
      readonly logicalId: string;
    }
  | { readonly in: 'emptySegment' };

/** Flink's OperatorStateHandle.Mode. */
export const OPERATOR_STATE_MODES = ['SPLIT_DISTRIBUTE', 'UNION', 'BROADCAST'] as const;
export type OperatorStateMode = (typeof OPERATOR_STATE_MODES)[number];

/** One state of an operator in one subtask. */
export interface OperatorStateParts {
  readonly name: string;
  readonly mode: OperatorStateMode;
  /** Where each partition begins in the stream. */
  readonly offsets: readonly number[];
}

/** Operator state of one subtask. */
export interface OperatorStateHandle {
  readonly states: readonly OperatorStateParts[];
  readonly stream: MetadataStream | undefined;
  /** Directories of merged files, where the state lies in one. */
  readonly merged?: {
    readonly taskOwnedDirectory: string;
    readonly sharedDirectory: string;
    readonly isEmpty: boolean;
  };
}

/** First and last key group, both included; the last is one below the first where there is none. */
export type KeyGroupBounds = readonly [first: number, last: number];

/** A file of an incremental checkpoint and its name in the state backend. */
export interface IncrementalFile {
  readonly path: string;
  readonly stream: MetadataStream;
}

/** Keyed state of one subtask. */
export type KeyedStateHandle =
  /** One stream with all key groups, `savepoint` in the canonical format. */
  | {
      readonly kind: 'keygroups' | 'savepoint';
      readonly range: KeyGroupBounds;
      /** Where each key group begins; -1 where it has no data. */
      readonly offsets: readonly number[];
      readonly stream: MetadataStream | undefined;
      readonly handleId: string | undefined;
    }
  | {
      readonly kind: 'incremental';
      readonly range: KeyGroupBounds;
      readonly checkpointId: number;
      readonly backendId: string;
      /** What this checkpoint added; undefined where it is not noted. */
      readonly addedBytes: number | undefined;
      readonly meta: MetadataStream | undefined;
      readonly shared: readonly IncrementalFile[];
      readonly own: readonly IncrementalFile[];
      readonly handleId: string | undefined;
    }
  | {
      readonly kind: 'changelog';
      readonly range: KeyGroupBounds;
      readonly sizeBytes: number;
      readonly materialized: readonly KeyedStateHandle[];
      readonly log: readonly KeyedStateHandle[];
      readonly materializationId: number;
      readonly checkpointId: number | undefined;
      readonly handleId: string | undefined;
    }
  /** Changes since the last materialization, in the `_metadata` itself. */
  | {
      readonly kind: 'changelogBytes';
      readonly range: KeyGroupBounds;
      readonly sizeBytes: number;
      readonly changes: number;
      readonly handleId: string;
    }
  /** The same in files. */
  | {
      readonly kind: 'changelogFiles';
      readonly range: KeyGroupBounds;
      readonly sizeBytes: number;
      readonly streams: readonly MetadataStream[];
      readonly handleId: string;
      readonly storageId: string | undefined;
    };

/** Records in flight of an unaligned checkpoint. */
export interface ChannelState {
  readonly subtask: number;
  /** Gate and channel, or partition and subpartition; undefined where those of a subtask are merged. */
  readonly channel: readonly [outer: number, inner: number] | undefined;
  readonly sizeBytes: number;
  readonly stream: MetadataStream | undefined;
}

/** State of one subtask of an operator. */
export interface SubtaskState {
  readonly subtask: number;
  readonly managedOperator: OperatorStateHandle | undefined;
  readonly rawOperator: OperatorStateHandle | undefined;
  readonly managedKeyed: KeyedStateHandle | undefined;
  readonly rawKeyed: KeyedStateHandle | undefined;
  readonly inputChannels: readonly ChannelState[];
  readonly resultSubpartitions: readonly ChannelState[];
}

/** State of one operator. */
export interface OperatorMetadata {
  /** 32 hex digits. */
  readonly id: string;
  /** From version 5 on. */
  readonly name: string | undefined;
  /** From version 5 on; undefined where its author gave none. */
  readonly uid: string | undefined;
  readonly parallelism: number;
  readonly maxParallelism: number;
  readonly coordinator: MetadataStream | undefined;
  /** All subtasks had finished. */
  readonly isFullyFinished: boolean;
  readonly finishedSubtasks: readonly number[];
  readonly subtasks: readonly SubtaskState[];
}

/** State that a hook in the JobManager gave. */
export interface MasterState {
  readonly name: string;
  readonly version: number;
  readonly sizeBytes: number;
}

/** A whole `_metadata`. */
export interface FlinkMetadata {
  /** 2 to 6; see README.md for the releases that write it. */
  readonly version: number;
  readonly checkpointId: number;
  readonly masterStates: readonly MasterState[];
  readonly operators: readonly OperatorMetadata[];
  /** Behind the structured part: Java objects that say how the checkpoint was to be kept, from version 4 on. */
  readonly trailingBytes: number;
  /** What these objects are about; undefined before version 4 and where they do not say. */
  readonly snapshot: 'checkpoint' | 'savepoint' | undefined;
}
