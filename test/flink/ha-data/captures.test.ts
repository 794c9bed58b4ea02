import { expect, test } from 'vitest';
import { readFlinkConfigMap, writeFlinkConfigMap } from '../../../src/flink/ha-data/config-map.ts';
import { configMapsIn } from '../../../src/flink/ha-data/config-map-list.ts';
import { flinkLineOf } from '../../../src/flink/ha-data/flink-lines.ts';
import { inspectHaData } from '../../../src/flink/ha-data/inspection.ts';
import { renderLeaseRecord } from '../../../src/flink/ha-data/lease-record.ts';
import {
  checkpointKey,
  clusterConfigMapName,
  haLabels,
  jobComponentId,
  jobConfigMapName,
  LEADER_ANNOTATION,
  leaderKey,
  planKey,
} from '../../../src/flink/ha-data/names.ts';
import { captures } from '../captures.ts';

const cases = captures.map((each) => [each.name, each] as const);

test('there are captures of two lines', () => {
  expect(captures.length).toBe(47);
  expect(new Set(captures.map(({ flink }) => flink))).toEqual(new Set(['1.18.1', '2.3.0']));
});

test.each(cases)('every ConfigMap of %s is written back byte for byte', (_, { configMaps }) => {
  for (const shape of configMapsIn(configMaps, 'it')) {
    const read = readFlinkConfigMap(shape);
    expect(read?.entries.filter(({ kind }) => kind === 'unreadable' || kind === 'other')).toEqual([]);
    expect(JSON.stringify(writeFlinkConfigMap(read!))).toBe(JSON.stringify(shape));
  }
});

test.each(cases)('the lease and every name in %s are spelled as Flink spells them', (_, { configMaps, flink }) => {
  const line = flinkLineOf(flink)!;
  for (const shape of configMapsIn(configMaps, 'it')) {
    const { role, lease, metadata, entries } = readFlinkConfigMap(shape)!;
    expect(metadata.name).toBe(
      role.role === 'job' ? jobConfigMapName(role.clusterId, role.jobId) : clusterConfigMapName(role.clusterId),
    );
    expect(metadata.labels).toEqual(haLabels(role.clusterId, line));
    if (role.role === 'cluster') {
      expect(lease.state === 'read' && lease.record.durationForm).toBe(line.leaseDuration);
      expect(lease.state === 'read' && renderLeaseRecord(lease.record)).toBe(metadata.annotations?.[LEADER_ANNOTATION]);
    }
    for (const entry of entries) {
      if (entry.kind === 'checkpoint') expect(entry.key).toBe(checkpointKey(entry.checkpointId));
      if (entry.kind === 'plan') expect(entry.key).toBe(planKey(entry.jobId, line));
      if (entry.kind === 'leader') {
        const jobId = /[0-9a-f]{32}/.exec(entry.componentId)?.[0];
        const componentId = jobId === undefined ? entry.componentId : jobComponentId(jobId, line);
        expect(entry.key).toBe(leaderKey(componentId));
      }
    }
  }
});

test.each(cases)('inspecting %s finds every handle, and the line that wrote it', (_, capture) => {
  const [found, ...others] = inspectHaData(configMapsIn(capture, 'it'));
  expect(others).toEqual([]);
  const handles = found!.jobs.flatMap(({ configMap, checkpoints, executionPlan }) => [
    ...checkpoints.map((checkpoint) => ({ configMap, ...checkpoint })),
    ...(executionPlan === null ? [] : [{ configMap: clusterConfigMapName(found!.clusterId!), ...executionPlan }]),
  ]);
  const inWords = handles.map(({ configMap, name, uri, bytes, serialVersionUID, deleting }) =>
    JSON.stringify({ configMap, key: name, uri, bytes, serialVersionUID, deleting }),
  );
  expect(inWords.sort()).toEqual(capture.expectedHandles.map((handle) => JSON.stringify(handle)).sort());
  expect(found!.flinkVersions).toContain(capture.flink.split('.').slice(0, 2).join('.'));
  // Without a job 1.18 and 1.19 leave the same traces.
  if (found!.jobs.length > 0) expect(found!.flinkVersions).not.toContain('1.19');
  expect(found!.findings.filter(({ severity }) => severity === 'error')).toEqual([]);
});
