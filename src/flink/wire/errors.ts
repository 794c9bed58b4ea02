/** What is wrong with bytes or texts that should be Apache Flink's. */
import { FlinkJobError } from '../../lib/errors.ts';

/** Codes of data that cannot be read; docs/errors.md says what to do about each. */
export type FlinkDataErrorCode =
  | 'FLINK_HANDLE_CORRUPT'
  | 'FLINK_CONNECTION_INFO_CORRUPT'
  | 'FLINK_CONFIG_MAPS_MALFORMED'
  | 'FLINK_METADATA_CORRUPT'
  | 'FLINK_METADATA_UNSUPPORTED';

/** Thrown when data is not what Flink writes. Reading it again gives the same error. */
export class FlinkDataError extends FlinkJobError {
  /** What was read: the name of a file, or of a key of a ConfigMap. */
  readonly subject: string;
  /** Where in the bytes reading stopped; undefined where there is no such place. */
  readonly offset: number | undefined;

  constructor(code: FlinkDataErrorCode, subject: string, reason: string, offset?: number) {
    super(code, `${subject} cannot be read${offset === undefined ? '' : ` at byte ${offset}`}: ${reason}`);
    this.subject = subject;
    this.offset = offset;
  }
}
