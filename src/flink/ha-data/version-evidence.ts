/** Which releases of Flink can have written some HA data, told from everything in it that changed between releases. */

import type { FlinkConfigMap } from './config-map.ts';
import { FLINK_LINES, type FlinkLine } from './flink-lines.ts';
import { componentIdOfKey, isPlanKey, jobIdOfComponent } from './names.ts';

/** What the data says of its writer. */
export interface VersionEvidence {
  /** Releases that write all of it, as `major.minor`; where it contradicts itself, those that read its handles. */
  readonly flinkVersions: readonly string[];
  /** No release writes handles of both serial version ids, and none reads both. */
  readonly hasBothMarkerUids: boolean;
  /** Handles agree, other parts do not: an upgrade leaves such traces. */
  readonly isMixed: boolean;
}

type Check = (line: FlinkLine) => boolean;

/** Judges the ConfigMaps of one cluster. */
export function versionEvidence(configMaps: readonly FlinkConfigMap[]): VersionEvidence {
  const handles = configMaps.flatMap(handleChecks);
  const readers = FLINK_LINES.filter((line) => handles.every((check) => check(line)));
  const others = configMaps.flatMap(otherChecks);
  const writers = readers.filter((line) => others.every((check) => check(line)));
  const hasAny = handles.length + others.length > 0;
  return {
    flinkVersions: hasAny ? (writers.length > 0 ? writers : readers).flatMap(({ minors }) => minors) : [],
    hasBothMarkerUids: readers.length === 0,
    isMixed: readers.length > 0 && writers.length === 0,
  };
}

function handleChecks({ entries }: FlinkConfigMap): Check[] {
  return entries.flatMap((entry) => {
    if (entry.kind !== 'plan' && entry.kind !== 'checkpoint') return [];
    const uid = entry.handle.marker?.serialVersionUid;
    return [({ markerUid }: FlinkLine) => markerUid === uid];
  });
}

function otherChecks(configMap: FlinkConfigMap): Check[] {
  const { role, lease, metadata, entries } = configMap;
  const layout = role.role === 'component' ? 'perComponent' : 'clusterAndJobs';
  const checks: Check[] = [(line) => line.layout === layout];
  if (lease.state === 'read') {
    const { durationForm } = lease.record;
    checks.push((line) => line.leaseDuration === durationForm);
  }
  // Before 1.19 a ConfigMap can be seen without any label, so only labels that are there tell something.
  if (metadata.labels?.app !== undefined) {
    const hasTypeLabel = metadata.labels['configmap-type'] !== undefined;
    checks.push((line) => line.hasTypeLabel === hasTypeLabel);
  }
  return [...checks, ...entries.flatMap(({ key }) => keyChecks(key))];
}

function keyChecks(key: string): Check[] {
  if (isPlanKey(key)) return [({ planPrefix }) => key.startsWith(planPrefix)];
  const componentId = componentIdOfKey(key);
  const jobId = componentId === undefined ? undefined : jobIdOfComponent(componentId);
  return jobId === undefined ? [] : [({ jobComponentPrefix }) => componentId === jobComponentPrefix + jobId];
}
