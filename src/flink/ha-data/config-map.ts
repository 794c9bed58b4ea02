/** One ConfigMap of Flink's HA data, read into its parts and written back. */
import { type FlinkHaEntry, readEntry, writeEntry } from './entries.ts';
import { type FlinkLeaseRecord, parseLeaseRecord } from './lease-record.ts';
import { type ConfigMapRole, LEADER_ANNOTATION, roleOfConfigMap } from './names.ts';

/** The parts of a Kubernetes ConfigMap that HA data lives in. */
export interface ConfigMapShape {
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly uid?: string;
    readonly resourceVersion?: string;
    readonly labels?: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
  };
  readonly data?: Readonly<Record<string, string>>;
}

/** The lease of a ConfigMap: none where nobody ever led by it, unreadable where the annotation is something else. */
export type LeaseState =
  | { readonly state: 'none' }
  | { readonly state: 'unreadable'; readonly text: string }
  | { readonly state: 'read'; readonly record: FlinkLeaseRecord };

/** A ConfigMap in its parts. */
export interface FlinkConfigMap {
  readonly role: ConfigMapRole;
  readonly metadata: ConfigMapShape['metadata'];
  readonly lease: LeaseState;
  /** In the order of the keys in `data`. */
  readonly entries: readonly FlinkHaEntry[];
  /** Keys and values of data and annotations in UTF-8: what the limit of a ConfigMap is about. */
  readonly sizeBytes: number;
}

/** What stands in a ConfigMap; undefined when its name is none of Flink's HA. Values that cannot be read are entries too. */
export function readFlinkConfigMap({ metadata, data = {} }: ConfigMapShape): FlinkConfigMap | undefined {
  const role = roleOfConfigMap(metadata.name);
  if (role === undefined) return undefined;
  return {
    role,
    metadata,
    lease: leaseOf(metadata.annotations?.[LEADER_ANNOTATION]),
    entries: Object.entries(data).map(([key, text]) => readEntry(key, text)),
    sizeBytes: bytesOf(data) + bytesOf(metadata.annotations ?? {}),
  };
}

/** The ConfigMap to be written. What was read and not changed comes out byte for byte as Flink wrote it. */
export function writeFlinkConfigMap({ metadata, entries }: FlinkConfigMap): ConfigMapShape {
  const data = entries.map((entry): [string, string] => [entry.key, writeEntry(entry)]);
  return data.length === 0 ? { metadata } : { metadata, data: Object.fromEntries(data) };
}

function leaseOf(text: string | undefined): LeaseState {
  if (text === undefined) return { state: 'none' };
  const record = parseLeaseRecord(text);
  return record === undefined ? { state: 'unreadable', text } : { state: 'read', record };
}

function bytesOf(texts: Readonly<Record<string, string>>): number {
  return Object.entries(texts).reduce((sum, [key, text]) => sum + Buffer.byteLength(key) + Buffer.byteLength(text), 0);
}
