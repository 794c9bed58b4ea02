/**
 * A FlinkJob as the processes that run it want it: durations in milliseconds, one union per choice, no option left to
 * guess. Converted once, at the door.
 */

import { UNLIMITED } from './checkpoints.ts';
import { clusterOnlyFields } from './cluster-only.ts';
import { durationMs } from './fields.ts';
import type { FlinkJob, FlinkJobSpec } from './flink-job.ts';
import { MAX_PARALLELISM } from './flink-job.ts';
import { INFINITE } from './restart.ts';
import { flinkJobNode } from './validate.ts';

/** Where the code of a TypeScript job comes from. */
export type JobSource =
  | { readonly kind: 'module'; readonly module: string }
  | { readonly kind: 'inline'; readonly source: string }
  | { readonly kind: 'configMap'; readonly name: string; readonly key: string };

/** When a failed job runs again; the same shape that `src/restart` decides with. */
export type RestartSettings =
  | { type: 'none' }
  | { type: 'fixedDelay'; attempts: number; delayMs: number }
  | { type: 'failureRate'; maxFailures: number; intervalMs: number; delayMs: number }
  | {
      type: 'exponentialDelay';
      initialMs: number;
      maxMs: number;
      multiplier: number;
      resetAfterMs: number;
      jitter: number;
      /** `Infinity` never gives up. */
      attempts: number;
    };

/** Everything a running job is told by its resource. */
export interface FlinkJobSettings {
  readonly name: string;
  /** @default default */
  readonly namespace: string;
  readonly uid?: string;
  /** Absent with the Flink runtime. */
  readonly source?: JobSource;
  /** `spec.flink` as it is; absent with the TypeScript runtime. */
  readonly flink?: NonNullable<FlinkJobSpec['flink']>;
  readonly args: readonly string[];
  readonly state: 'Running' | 'Suspended';
  readonly parallelism: number;
  /** Absent: not configured, so it follows `defaultMaxParallelism` and may change when state is restored. */
  readonly maxParallelism?: number;
  readonly highAvailability: {
    readonly backend: 'Kubernetes' | 'ZooKeeper' | 'Embedded';
    readonly standbys: number;
    readonly zookeeper?: { readonly quorum: string; readonly root: string };
  };
  readonly storageUri: string;
  readonly checkpoints: {
    /** 0: no periodic checkpoints. Absent: what the code of the job asks for, else DEFAULT_CHECKPOINT_INTERVAL_MS. */
    readonly intervalMs?: number;
    readonly timeoutMs: number;
    readonly minPauseMs: number;
    /** 2147483647: any number. */
    readonly tolerableFailures: number;
    readonly retained: number;
    readonly onCancel: 'Retain' | 'Delete';
  };
  readonly savepoints: {
    /** Absent: no automatic savepoints. */
    readonly intervalMs?: number;
    readonly retained: number;
    readonly timeoutMs: number;
  };
  /** Absent: what the code of the job asks for, else the default of the operator or command. */
  readonly restart?: RestartSettings;
  readonly upgrade: {
    readonly mode: 'LastState' | 'Savepoint' | 'Stateless';
    readonly allowNonRestoredState: boolean;
    /** Absent: by the checkpoints' interval and timeout. */
    readonly deadlineMs?: number;
    readonly maxCheckpointAgeMs?: number;
  };
  readonly restoreFrom?: string;
  readonly deletion: {
    readonly mode: 'Savepoint' | 'Cancel' | 'Orphan';
    readonly storage: 'Retain' | 'Delete';
    readonly timeoutMs: number;
  };
  readonly triggers: { readonly savepoint: number; readonly restart: number; readonly restore: number };
  /** Fields that are set although they take effect on a cluster only. */
  readonly clusterOnly: readonly string[];
}

/** Checkpoint interval of a job that sets none, neither in the resource nor in its code. */
export const DEFAULT_CHECKPOINT_INTERVAL_MS = 10_000;

/** Flink's default maximum parallelism: the next power of two of 1.5 times the parallelism, from 128 to 32768. */
export function defaultMaxParallelism(parallelism: number): number {
  const wanted = parallelism + Math.floor(parallelism / 2);
  return Math.min(Math.max(2 ** Math.ceil(Math.log2(wanted)), 128), MAX_PARALLELISM);
}

/** Converts a valid job. */
export function resolveFlinkJob(job: FlinkJob): FlinkJobSettings {
  const { metadata, spec } = job;
  return {
    name: metadata.name ?? metadata.generateName ?? '',
    namespace: metadata.namespace ?? 'default',
    ...present('uid', metadata.uid),
    ...present('source', spec.typescript === undefined ? undefined : sourceOf(spec.typescript)),
    ...present('flink', spec.flink),
    args: spec.args ?? [],
    state: spec.state,
    parallelism: spec.parallelism,
    ...present('maxParallelism', spec.maxParallelism),
    highAvailability: {
      backend: spec.highAvailability.backend,
      standbys: spec.highAvailability.standbys,
      ...present('zookeeper', spec.highAvailability.zookeeper),
    },
    storageUri: spec.storage.uri,
    checkpoints: checkpointsOf(spec.checkpoints),
    savepoints: {
      ...present('intervalMs', durationMs(spec.savepoints.interval)),
      retained: spec.savepoints.retained,
      timeoutMs: ms(spec.savepoints.timeout),
    },
    ...present('restart', spec.restart === undefined ? undefined : restartOf(spec.restart)),
    upgrade: {
      mode: spec.upgrade.mode,
      allowNonRestoredState: spec.upgrade.allowNonRestoredState,
      ...present('deadlineMs', durationMs(spec.upgrade.deadline)),
      ...present('maxCheckpointAgeMs', durationMs(spec.upgrade.maxCheckpointAge)),
    },
    ...present('restoreFrom', spec.restoreFrom),
    deletion: { mode: spec.deletion.mode, storage: spec.deletion.storage, timeoutMs: ms(spec.deletion.timeout) },
    triggers: { ...spec.triggers },
    clusterOnly: clusterOnlyFields(flinkJobNode(), job),
  };
}

function checkpointsOf(checkpoints: FlinkJobSpec['checkpoints']): FlinkJobSettings['checkpoints'] {
  return {
    ...present('intervalMs', durationMs(checkpoints.interval)),
    timeoutMs: ms(checkpoints.timeout),
    minPauseMs: ms(checkpoints.minPause),
    tolerableFailures: checkpoints.tolerableFailures,
    retained: checkpoints.retained,
    onCancel: checkpoints.onCancel,
  };
}

function sourceOf({ module, inline, configMap }: NonNullable<FlinkJobSpec['typescript']>): JobSource {
  if (module !== undefined) return { kind: 'module', module };
  if (inline !== undefined) return { kind: 'inline', source: inline };
  return { kind: 'configMap', name: configMap?.name ?? '', key: configMap?.key ?? '' };
}

function restartOf({
  exponentialDelay,
  fixedDelay,
  failureRate,
}: NonNullable<FlinkJobSpec['restart']>): RestartSettings {
  if (fixedDelay !== undefined) {
    return { type: 'fixedDelay', attempts: numberOf(fixedDelay.attempts, UNLIMITED), delayMs: ms(fixedDelay.delay) };
  }
  if (failureRate !== undefined) {
    const { maxFailures, interval, delay } = failureRate;
    return { type: 'failureRate', maxFailures, intervalMs: ms(interval), delayMs: ms(delay) };
  }
  if (exponentialDelay === undefined) return { type: 'none' };
  const { initial, max, multiplier, resetAfter, jitter, attempts } = exponentialDelay;
  return {
    type: 'exponentialDelay',
    initialMs: ms(initial),
    maxMs: ms(max),
    multiplier,
    resetAfterMs: ms(resetAfter),
    jitter,
    attempts: numberOf(attempts, Number.POSITIVE_INFINITY),
  };
}

function numberOf(attempts: number | string, infinite: number): number {
  return attempts === INFINITE ? infinite : Number(attempts);
}

/** Validation has seen every duration, so one that cannot be read here is a mistake of ours. */
function ms(duration: string): number {
  const value = durationMs(duration);
  if (value === undefined) throw new TypeError(`the duration ${duration} passed validation but cannot be read`);
  return value;
}

/** An optional property, left out where there is no value. */
function present<K extends string, V>(key: K, value: V | undefined): { [P in K]?: V } {
  return (value === undefined ? {} : { [key]: value }) as { [P in K]?: V };
}
