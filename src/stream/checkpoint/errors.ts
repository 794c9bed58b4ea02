import { FlinkJobError } from '../../lib/errors.ts';

/** What can be wrong with stored state, by what the reader of the message has to do about it. */
export type CheckpointErrorCode =
  /** Bytes are missing, cut off or changed: another checkpoint has to be used. */
  | 'CHECKPOINT_CORRUPT'
  /** Whole, but of a format or version that this program does not read. */
  | 'CHECKPOINT_FORMAT_UNSUPPORTED'
  /** The manifest or location names something that cannot be. */
  | 'CHECKPOINT_LOCATION_INVALID';

/** Thrown when stored state cannot be used. `path` is the file it is about; asking again does not help. */
export class CheckpointError extends FlinkJobError {
  declare readonly code: CheckpointErrorCode;
  readonly path: string;

  constructor(code: CheckpointErrorCode, path: string, message: string, options: { cause?: unknown } = {}) {
    super(code, message, options);
    this.path = path;
  }
}

/** What a person can do about damaged state; ends every message of CHECKPOINT_CORRUPT. */
const CORRUPT_REMEDY = 'Restore from another checkpoint or savepoint, or put the file back from a backup.';

/** A file that is not what the manifest or its own framing promises. */
export function corruptFile(path: string, expected: string, found: string, cause?: unknown): CheckpointError {
  return new CheckpointError(
    'CHECKPOINT_CORRUPT',
    path,
    `state file ${path} is damaged: expected ${expected}, found ${found}. ${CORRUPT_REMEDY}`,
    cause === undefined ? {} : { cause },
  );
}

/** A manifest that cannot be read. */
export function corruptManifest(path: string, problem: string, cause?: unknown): CheckpointError {
  return new CheckpointError(
    'CHECKPOINT_CORRUPT',
    path,
    `checkpoint metadata ${path} is damaged: ${problem}. ${CORRUPT_REMEDY}`,
    cause === undefined ? {} : { cause },
  );
}
