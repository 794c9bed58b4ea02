/** The files that a `_metadata` needs: without any one of them its checkpoint cannot be restored. */
import { assertNever } from '../../lib/assert-never.ts';
import type { FlinkMetadata, KeyedStateHandle, MetadataStream, OperatorMetadata, SubtaskState } from './metadata.ts';

/** A file, and how many bytes of it are needed at least. */
export interface StateFile {
  /** A URI, or a path relative to the directory of the `_metadata`. */
  readonly at: string;
  readonly isRelative: boolean;
  readonly sizeBytes: number;
}

/** All of them, each once, in the order of the operators. */
export function stateFilesOf({ operators }: FlinkMetadata): StateFile[] {
  const files = new Map<string, StateFile>();
  for (const stream of operators.flatMap(streamsOf)) {
    const file = fileOf(stream);
    if (file === undefined) continue;
    const key = `${file.isRelative} ${file.at}`;
    const known = files.get(key);
    // A file that holds several states must reach to the end of the last one.
    files.set(key, known === undefined || known.sizeBytes < file.sizeBytes ? file : known);
  }
  return [...files.values()];
}

function streamsOf({ coordinator, subtasks }: OperatorMetadata): MetadataStream[] {
  return [...present(coordinator), ...subtasks.flatMap(streamsOfSubtask)];
}

function streamsOfSubtask(subtask: SubtaskState): MetadataStream[] {
  const { managedOperator, rawOperator, managedKeyed, rawKeyed, inputChannels, resultSubpartitions } = subtask;
  return [
    ...present(managedOperator?.stream),
    ...present(rawOperator?.stream),
    ...[managedKeyed, rawKeyed].flatMap((handle) => (handle === undefined ? [] : streamsOfKeyed(handle))),
    ...[...inputChannels, ...resultSubpartitions].flatMap(({ stream }) => present(stream)),
  ];
}

function streamsOfKeyed(handle: KeyedStateHandle): MetadataStream[] {
  switch (handle.kind) {
    case 'keygroups':
    case 'savepoint':
      return present(handle.stream);
    case 'incremental':
      return [...present(handle.meta), ...[...handle.shared, ...handle.own].map(({ stream }) => stream)];
    case 'changelog':
      return [...handle.materialized, ...handle.log].flatMap(streamsOfKeyed);
    case 'changelogBytes':
      return [];
    case 'changelogFiles':
      return [...handle.streams];
    default:
      return assertNever(handle);
  }
}

function fileOf(stream: MetadataStream): StateFile | undefined {
  switch (stream.in) {
    case 'metadata':
    case 'emptySegment':
      return undefined;
    case 'file':
      return { at: stream.uri, isRelative: false, sizeBytes: stream.sizeBytes };
    case 'relativeFile':
      return { at: stream.path, isRelative: true, sizeBytes: stream.sizeBytes };
    case 'segment':
      return { at: stream.uri, isRelative: false, sizeBytes: stream.start + stream.sizeBytes };
    default:
      return assertNever(stream);
  }
}

function present<T>(value: T | undefined): T[] {
  return value === undefined ? [] : [value];
}
