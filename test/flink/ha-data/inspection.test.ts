import { expect, test } from 'vitest';
import type { ConfigMapShape } from '../../../src/flink/ha-data/config-map.ts';
import { configMapsIn } from '../../../src/flink/ha-data/config-map-list.ts';
import { CONFIG_MAP_LIMIT_BYTES } from '../../../src/flink/ha-data/findings.ts';
import { FLINK_LINES, flinkLineOf } from '../../../src/flink/ha-data/flink-lines.ts';
import { inspectHaData } from '../../../src/flink/ha-data/inspection.ts';
import { renderLeaseRecord } from '../../../src/flink/ha-data/lease-record.ts';
import { LEADER_ANNOTATION } from '../../../src/flink/ha-data/names.ts';
import type { MarkerUid } from '../../../src/flink/wire/java-classes.ts';
import { encodeHandleText } from '../../../src/flink/wire/state-handle.ts';
import { capture } from '../captures.ts';

const JOB = '0123456789abcdef0123456789abcdef';
const OLD: MarkerUid = '-6953210432246692993';
const NEW: MarkerUid = '1994325530560040316';

const handle = (uid: MarkerUid | undefined, options: { deleting?: boolean } = {}) =>
  encodeHandleText({
    ...(uid === undefined ? {} : { marker: { serialVersionUid: uid, deleting: options.deleting ?? false } }),
    stream: { in: 'file', uri: 's3://b/ha/completedCheckpoint1', sizeBytes: 7n },
  });
const ofJob = (data: Record<string, string>): ConfigMapShape => ({ metadata: { name: `c-${JOB}-config-map` }, data });
/** A lease that is held, written as the release that has such keys writes it. */
const held = (data: Record<string, string>): string =>
  renderLeaseRecord({
    holderIdentity: 'leader',
    leaseDurationMs: 15_000,
    durationForm: Object.keys(data).some((key) => key.startsWith('executionPlan-')) ? 'iso' : 'seconds',
    acquireTime: '2026-11-21T12:00:00.000000Z',
    renewTime: '2026-11-21T12:00:00.000000Z',
    leaderTransitions: 0,
  });
const annotated = (annotation: string) => ({ annotations: { [LEADER_ANNOTATION]: annotation } });
const ofCluster = (data: Record<string, string>, annotation = held(data)): ConfigMapShape => ({
  metadata: { name: 'c-cluster-config-map', ...annotated(annotation) },
  data,
});
const inspect = (...shapes: ConfigMapShape[]) => inspectHaData(shapes)[0]!;
const codes = (...shapes: ConfigMapShape[]) => inspect(...shapes).findings.map(({ code }) => code);

const plan = { [`executionPlan-${JOB}`]: handle(NEW) };
const sound = { 'checkpointID-0000000000000000004': handle(NEW), counter: '5' };

test('a running job of a real cluster is shown with its leaders, its lease and its pointers', () => {
  const found = inspectHaData(configMapsIn(capture('2.3.0/A1-app-running-4cps').configMaps, 'it'))[0]!;
  expect(found).toMatchObject({
    flinkVersions: ['2.0', '2.1', '2.2', '2.3'],
    clusterId: 'app-230',
    namespace: 'default',
    leases: [{ configMap: 'app-230-cluster-config-map', leaseDurationMs: 15_000, leaderTransitions: 0 }],
    findings: [],
  });
  expect(found.leaders.map(({ component }) => component)).toEqual([
    'dispatcher',
    'job-ffffffffd09ab8630000000000000000',
    'resourcemanager',
    'restserver',
  ]);
  expect(found.jobs).toEqual([
    expect.objectContaining({
      jobId: 'ffffffffd09ab8630000000000000000',
      counter: 6,
      leader: expect.objectContaining({ address: expect.stringContaining('/user/rpc/jobmanager_') }),
      executionPlan: expect.objectContaining({
        name: 'executionPlan-ffffffffd09ab8630000000000000000',
        deleting: false,
      }),
    }),
  ]);
  expect(found.jobs[0]!.checkpoints.map(({ id, name }) => [id, name])).toEqual([
    [3, 'checkpointID-0000000000000000003'],
    [4, 'checkpointID-0000000000000000004'],
    [5, 'checkpointID-0000000000000000005'],
  ]);
});

test('a sound job has no findings', () => {
  expect(codes(ofCluster(plan), ofJob(sound))).toEqual([]);
});

test.each<[string, string[], ConfigMapShape[]]>([
  [
    'a checkpoint that cannot be read',
    ['UnreadableValue'],
    [ofJob({ ...sound, 'checkpointID-0000000000000000003': 'x' })],
  ],
  ['a key without an id', ['UnreadableValue'], [ofJob({ ...sound, 'checkpointID-abc': handle(NEW) })]],
  ['a counter that is no number', ['UnreadableValue', 'CounterMissing'], [ofJob({ ...sound, counter: 'five' })]],
  ['a counter in another form', ['UnreadableValue', 'CounterMissing'], [ofJob({ ...sound, counter: '05' })]],
  [
    'a leader without a session',
    ['UnreadableValue'],
    [ofJob(sound), ofCluster({ ...plan, 'org.apache.flink.k8s.leader.dispatcher': 'x' })],
  ],
  ['no counter', ['CounterMissing'], [ofJob({ 'checkpointID-0000000000000000004': handle(NEW) })]],
  ['a counter that is behind', ['CounterBehind'], [ofJob({ ...sound, counter: '4' })]],
  [
    'a checkpoint that is being deleted, and no other',
    ['NoLiveCheckpoint', 'MarkedForDeletion'],
    [ofJob({ 'checkpointID-0000000000000000004': handle(NEW, { deleting: true }), counter: '5' })],
  ],
  [
    'handles of both lines',
    ['BothSerialVersions'],
    [ofJob({ ...sound, 'checkpointID-0000000000000000003': handle(OLD) })],
  ],
  ['a lease nobody can read', ['LeaseUnreadable'], [ofJob(sound), ofCluster({}, '{"holderIdentity":"me"}')]],
  [
    'no lease where a JobManager leads by one',
    ['LeaseMissing'],
    [ofJob(sound), { metadata: { name: 'c-cluster-config-map' } }],
  ],
  [
    'a lease that was released',
    ['NoLeader'],
    [
      ofJob(sound),
      ofCluster(
        {},
        '{"holderIdentity":"","leaseDuration":"PT1S","acquireTime":"2026-11-21T05:05:46.000000Z","renewTime":"2026-11-21T05:05:46.000000Z","leaderTransitions":1}',
      ),
    ],
  ],
  ['too much data', ['StateTooLarge'], [ofJob({ ...sound, other: 'x'.repeat(CONFIG_MAP_LIMIT_BYTES) })]],
])('%s is found', (_, wanted, [first, second = ofCluster(plan)]) => {
  const withPlan = { ...second, data: { ...second.data, ...plan } };
  expect(codes(first!, withPlan)).toEqual(wanted);
});

test('a job without a stored plan is found', () => {
  expect(codes(ofCluster({}), ofJob(sound))).toEqual(['ExecutionPlanMissing']);
});

test('an upgrade that left traces is found, and the handles decide which releases are named', () => {
  const found = inspect(ofCluster(plan), ofJob(sound), ofCluster({ [`jobGraph-${JOB}`]: handle(NEW) }));
  expect(found.findings.map(({ code }) => code)).toEqual(['MixedVersions']);
  expect(found.flinkVersions).toEqual(['1.19', '1.20', '2.0', '2.1', '2.2', '2.3']);
});

test('Flink 1.19 and 1.20 are told from their neighbours', () => {
  const leader = 'd0889808-f975-4534-9d8c-771a4a5807af,pekko.tcp://flink@jm:6123/user/rpc/jobmanager_2';
  const found = inspect(
    ofCluster({ [`jobGraph-${JOB}`]: handle(NEW), [`org.apache.flink.k8s.leader.job-${JOB}`]: leader }),
    ofJob(sound),
  );
  expect(found).toMatchObject({ flinkVersions: ['1.19', '1.20'], findings: [] });
});

test('ConfigMaps of something else are no HA data', () => {
  expect(inspectHaData([{ metadata: { name: 'kube-root-ca.crt' } }])).toMatchObject([
    { clusterId: null, flinkVersions: [], jobs: [], findings: [{ code: 'NoHaData' }] },
  ]);
});

test('clusters are told apart by namespace and name', () => {
  const inNamespace = (namespace: string): ConfigMapShape => ({
    metadata: { name: 'c-cluster-config-map', namespace },
  });
  const found = inspectHaData([inNamespace('b'), inNamespace('a'), ofCluster({})]);
  expect(found.map(({ namespace }) => namespace)).toEqual(['a', 'b', null]);
});

test('the layout of Flink 1.12 to 1.14, a ConfigMap for each component, is read', () => {
  const leader = {
    address: 'akka.tcp://flink@jm:6123/user/rpc/dispatcher_1',
    sessionId: 'd0889808-f975-4534-9d8c-771a4a5807af',
  };
  const found = inspect(
    {
      metadata: { name: 'c-dispatcher-leader', ...annotated(held({})) },
      data: { ...leader, [`jobGraph-${JOB}`]: handle(undefined) },
    },
    {
      metadata: { name: `c-${JOB}-jobmanager-leader`, ...annotated(held({})) },
      data: { ...leader, 'checkpointID-0000000000000000001': handle(undefined), counter: '2' },
    },
  );
  expect(found).toMatchObject({
    flinkVersions: ['1.12', '1.13', '1.14'],
    clusterId: 'c',
    leaders: [
      { component: 'dispatcher', jobId: null, ...leader },
      { component: JOB, jobId: JOB, ...leader },
    ],
    jobs: [{ jobId: JOB, counter: 2, checkpoints: [{ id: 1, serialVersionUID: null }], executionPlan: { bytes: 7 } }],
    findings: [],
  });
});

test.each([
  ['1.14.6', '1.12-1.14'],
  ['1.15', '1.15-1.17'],
  ['1.18.1', '1.18'],
  ['1.19.0', '1.19-1.20'],
  ['1.20.5', '1.19-1.20'],
  ['2.0', '2.0+'],
  ['2.3.0', '2.0+'],
  ['2.4-SNAPSHOT', '2.0+'],
  ['1.11', undefined],
  ['v2', undefined],
])('Flink %s is of the line %s', (version, line) => {
  expect(flinkLineOf(version)?.name).toBe(line);
});

test('each line differs from the others in what it writes, but for 1.15 to 1.18', () => {
  const written = FLINK_LINES.map(({ name: _, minors: __, ...line }) => JSON.stringify(line));
  expect(new Set(written).size).toBe(FLINK_LINES.length - 1);
});
