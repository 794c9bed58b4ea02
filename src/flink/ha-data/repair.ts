/**
 * What to change in HA data so that a JobManager can start on it: facts in, plan out. Nothing is repaired that a restart
 * can use, and no key is dropped that was not named, but for entries whose removal only has to be ended.
 */

import type { MarkerUid } from '../wire/java-classes.ts';
import { encodeHandleText } from '../wire/state-handle.ts';
import { type ConfigMapShape, type FlinkConfigMap, readFlinkConfigMap } from './config-map.ts';
import { type FlinkHaEntry, newestCheckpointId } from './entries.ts';
import { flinkLineOf } from './flink-lines.ts';
import { renderLeaseRecord } from './lease-record.ts';
import { COUNTER_KEY, LEADER_ANNOTATION } from './names.ts';
import { type CheckedPointer, pointerFindings } from './verification.ts';
import { versionEvidence } from './version-evidence.ts';

/** What a repair rests on. */
export interface RepairFacts {
  /** The ConfigMaps of one cluster. */
  readonly shapes: readonly ConfigMapShape[];
  readonly checked: readonly CheckedPointer[];
  /** Milliseconds since the Unix epoch: for the record of a lease that is released. */
  readonly now: number;
}

/** What is asked for, beyond what needs no asking. */
export interface RepairWish {
  /** The line that is to read the handles. */
  readonly toUid?: MarkerUid;
  /** A key, or `ConfigMap/key` where several ConfigMaps have it. */
  readonly dropKey?: string;
}

/** One key that changes. */
export interface RepairStep {
  readonly action: 'remove' | 'rewrite' | 'setCounter' | 'releaseLease';
  readonly configMap: string;
  /** Of the data; of the annotations where the action is `releaseLease`. */
  readonly key: string;
  readonly why: string;
  /** Undefined where the key is not there yet. */
  readonly before: string | undefined;
  /** Undefined where the key goes. */
  readonly after: string | undefined;
}

/** What was asked for and is not done. */
export interface RefusedRepair {
  readonly what: string;
  readonly why: string;
}

/** What to do, in the order of the ConfigMaps. */
export interface RepairPlan {
  readonly steps: readonly RepairStep[];
  readonly refused: readonly RefusedRepair[];
}

/** The plan for one cluster. */
export function planRepair(facts: RepairFacts, wish: RepairWish): RepairPlan {
  const named = wish.dropKey === undefined ? { steps: [], refused: [] } : dropOf(wish.dropKey, facts);
  const gone = [...named.steps, ...endedRemovals(facts)];
  const isGone = (configMap: string, key: string): boolean =>
    gone.some((step) => step.configMap === configMap && step.key === key);
  const configMaps = facts.shapes.flatMap((shape) => readFlinkConfigMap(shape) ?? []);
  const rewritten = configMaps.map((configMap) => rewriteOf(configMap, wish.toUid, isGone));
  const steps = [
    ...leasesOf(configMaps, facts.now),
    ...gone,
    ...rewritten.flatMap((plan) => plan.steps),
    ...configMaps.flatMap(counterOf),
  ];
  const order = configMaps.map(({ metadata }) => metadata.name);
  return {
    steps: steps
      .map((step) => withBefore(step, facts))
      .sort((a, b) => order.indexOf(a.configMap) - order.indexOf(b.configMap)),
    refused: [...named.refused, ...rewritten.flatMap((plan) => plan.refused)],
  };
}

/** A step before the value that stands there is looked up. */
type Change = Omit<RepairStep, 'before'>;
interface Part {
  readonly steps: readonly Change[];
  readonly refused: readonly RefusedRepair[];
}

function withBefore(step: Change, { shapes }: RepairFacts): RepairStep {
  const shape = shapes.find(({ metadata }) => metadata.name === step.configMap);
  const texts = (step.action === 'releaseLease' ? shape?.metadata.annotations : shape?.data) ?? {};
  return { ...step, before: texts[step.key] };
}

/**
 * A record that nobody can take over, written as Flink writes one that was released. Without any record Flink takes the
 * ConfigMap for absent and tries to make it, which fails for ever.
 */
function leasesOf(configMaps: readonly FlinkConfigMap[], now: number): Change[] {
  const [version = ''] = versionEvidence(configMaps).flinkVersions;
  const time = `${new Date(now).toISOString().slice(0, -1)}000Z`;
  const record = {
    holderIdentity: '',
    leaseDurationMs: 1_000,
    durationForm: flinkLineOf(version)?.leaseDuration ?? 'iso',
    acquireTime: time,
    renewTime: time,
    leaderTransitions: 0,
  } as const;
  return configMaps.flatMap(({ metadata: { name }, role, lease }): Change[] => {
    if (lease.state === 'read' || (lease.state === 'none' && role.role === 'job')) return [];
    const is = lease.state === 'none' ? 'there is no record of a leader' : 'the record of the leader cannot be read';
    const why = `${is}, so nobody can lead; a released one lets anybody`;
    return [{ action: 'releaseLease', configMap: name, key: LEADER_ANNOTATION, why, after: renderLeaseRecord(record) }];
  });
}

/** Entries that are being deleted and whose file is gone: what a crash leaves between the two. */
function endedRemovals({ checked }: RepairFacts): Change[] {
  return checked
    .filter(({ pointer, facts }) => pointer.deleting && facts.file === 'missing')
    .map(({ pointer: { configMap, key, uri } }) => {
      const why = `it is being deleted and its file ${uri} is gone: only the entry is left`;
      return { action: 'remove', configMap, key, why, after: undefined };
    });
}

/** The key that was named, when nothing can be made of it. */
function dropOf(wanted: string, facts: RepairFacts): Part {
  const found = facts.shapes.flatMap((shape) => {
    const configMap = readFlinkConfigMap(shape);
    const entry = configMap?.entries.find(({ key }) => key === wanted || `${shape.metadata.name}/${key}` === wanted);
    return configMap === undefined || entry === undefined ? [] : [{ configMap, entry }];
  });
  const refuse = (why: string): Part => ({ steps: [], refused: [{ what: `drop ${wanted}`, why }] });
  const [only, ...others] = found;
  if (only === undefined) return refuse('there is no such key');
  if (others.length > 0) {
    return refuse(
      `several have it: ${found.map(({ configMap: { metadata }, entry }) => `${metadata.name}/${entry.key}`).join(', ')}`,
    );
  }
  const { configMap, entry } = only;
  const reason = reasonToDrop(configMap, entry, facts.checked);
  if (reason.isGood) return refuse(reason.why);
  const why = `${reason.why}; ${afterDrop(configMap, entry)}`;
  return {
    steps: [{ action: 'remove', configMap: configMap.metadata.name, key: entry.key, why, after: undefined }],
    refused: [],
  };
}

interface Reason {
  readonly isGood: boolean;
  readonly why: string;
}

function reasonToDrop({ metadata }: FlinkConfigMap, entry: FlinkHaEntry, checked: readonly CheckedPointer[]): Reason {
  if (entry.kind === 'unreadable' && entry.key !== COUNTER_KEY) return { isGood: false, why: entry.reason };
  if (entry.kind !== 'checkpoint' && entry.kind !== 'plan') {
    return { isGood: true, why: 'only keys of checkpoints and of stored jobs are dropped' };
  }
  const pointer = checked.find((each) => each.pointer.configMap === metadata.name && each.pointer.key === entry.key);
  if (pointer === undefined) return { isGood: true, why: 'it changed while it was looked at; run this again' };
  const bad = pointerFindings(pointer).find(({ severity }) => severity !== 'info');
  if (bad !== undefined) return { isGood: false, why: bad.message };
  // A stored job holds no state. Another release often cannot read it, however whole its file is.
  if (entry.kind === 'plan') return { isGood: false, why: 'it was named, and holds no state' };
  return entry.handle.marker?.deleting === true
    ? { isGood: true, why: 'it is being deleted, and Flink does not use it' }
    : { isGood: true, why: 'it can be read, and all of its files are there: a restart uses it' };
}

/** What the job starts from when the entry is gone. */
function afterDrop({ entries }: FlinkConfigMap, dropped: FlinkHaEntry): string {
  if (dropped.kind === 'plan') return 'without it a session cluster forgets the job, an application submits it again';
  const others = entries.flatMap((entry) =>
    entry.kind === 'checkpoint' && entry.key !== dropped.key && entry.handle.marker?.deleting !== true
      ? [entry.checkpointId]
      : [],
  );
  return others.length === 0
    ? 'no other checkpoint is left: the job starts from its savepoint, or empty'
    : `the newest of the others is checkpoint ${Math.max(...others)}`;
}

/** Every handle for another line of Flink. */
function rewriteOf(
  { metadata: { name }, entries }: FlinkConfigMap,
  toUid: MarkerUid | undefined,
  isGone: (configMap: string, key: string) => boolean,
): Part {
  if (toUid === undefined) return { steps: [], refused: [] };
  const steps: Change[] = [];
  const refused: RefusedRepair[] = [];
  for (const entry of entries) {
    if ((entry.kind !== 'checkpoint' && entry.kind !== 'plan') || isGone(name, entry.key)) continue;
    const { marker } = entry.handle;
    if (marker === undefined) {
      const why = 'it has no delete marker: Flink 1.12 to 1.14 wrote it, whose layout later releases do not read';
      refused.push({ what: `rewrite ${name}/${entry.key}`, why });
    } else if (marker.serialVersionUid !== toUid) {
      const after = encodeHandleText({ ...entry.handle, marker: { ...marker, serialVersionUid: toUid } });
      const why = `serial version ${marker.serialVersionUid} becomes ${toUid}`;
      steps.push({ action: 'rewrite', configMap: name, key: entry.key, why, after });
    }
  }
  return { steps, refused };
}

/** A counter that would give an id twice. Ids of dropped checkpoints are used up too. */
function counterOf({ metadata: { name }, entries }: FlinkConfigMap): Change[] {
  const newest = newestCheckpointId(entries);
  const counter = entries.find(({ key }) => key === COUNTER_KEY);
  const next = counter?.kind === 'counter' ? counter.nextCheckpointId : undefined;
  if (newest < 0 || (next !== undefined && next > newest)) return [];
  const is = counter === undefined ? 'there is none' : next === undefined ? 'it cannot be read' : `it is ${next}`;
  const why = `${is}, and checkpoint ${newest} exists`;
  return [{ action: 'setCounter', configMap: name, key: COUNTER_KEY, why, after: String(newest + 1) }];
}
