/** What `flinkjob ha verify` answers, for Flink clusters and TypeScript jobs alike. */
import type { HaFinding } from '../../flink/index.ts';

/** A pointer and what came of looking at its file. */
export interface VerifiedPointer {
  readonly configMap: string;
  readonly key: string;
  /** Of a TypeScript job: the path in its storage. */
  readonly uri: string | null;
  readonly bytes: number;
  readonly deleting: boolean;
  /** Of the checkpoint; null where its `_metadata` was not read. */
  readonly stateFiles: number | null;
  readonly verdict: 'good' | 'bad' | 'unchecked';
}

/** What was found out about one cluster or job. */
export interface HaVerification {
  readonly flinkVersions: readonly string[];
  readonly clusterId: string | null;
  readonly namespace: string | null;
  readonly pointers: readonly VerifiedPointer[];
  readonly findings: readonly HaFinding[];
}
