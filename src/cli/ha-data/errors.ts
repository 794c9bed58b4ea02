/** What can be wrong with what `flinkjob ha` was asked for. */
import { FlinkJobError } from '../../lib/errors.ts';

/** Thrown when it is not clear which cluster is meant. */
export class ClusterChoiceError extends FlinkJobError {
  /** @param known names of those that are there */
  constructor(wanted: string, source: string, known: readonly string[]) {
    const choice = known.length === 0 ? 'it has no HA data of Apache Flink' : `name one of: ${known.join(', ')}`;
    super('HA_CLUSTER_UNCLEAR', `${wanted} in ${source}; ${choice}`);
  }
}

/** Thrown when `--storage` is not understood. */
export class StorageMappingError extends FlinkJobError {
  constructor(text: string) {
    super(
      'HA_STORAGE_MAPPING_INVALID',
      `--storage ${text} is not understood: write FROM=TO with two URIs, such as s3://bucket/ha=file:///mnt/ha`,
    );
  }
}

/** Thrown when a repair is not begun, or stops before its end. What it has changed by then is said. */
export class RepairRefusedError extends FlinkJobError {
  constructor(why: string, options: { cause?: unknown } = {}) {
    super('HA_REPAIR_REFUSED', why, options);
  }
}
