/** `flinkjob ha repair` against a real API server: what it changes, and what keeps it from changing anything. */
import { test as anyTest, expect, onTestFinished } from 'vitest';
import { LEADER_ANNOTATION, MARKER_UIDS, parseLeaseRecord, renderLeaseRecord } from '../../../src/flink/index.ts';
import { aProxy } from '../../builders/kube.ts';
import { kubeconfigFile } from '../../builders/kubeconfig.ts';
import {
  CHECKPOINT,
  CHECKPOINT_KEY,
  CLUSTER_MAP,
  JOB_MAP,
  PLAN_KEY,
  StoredFlinkCluster,
} from '../../builders/stored-flink-cluster.ts';
import { flinkjob, type Ran } from '../../cli/fake-io.ts';
import { clusterForTests } from '../../cluster/index.ts';

const cluster = await clusterForTests();
const test = anyTest.skipIf(cluster === undefined);
const MERGE = 'application/merge-patch+json';

const lease = (holderIdentity: string, renewTime = '2026-11-21T12:00:00.000000Z'): string =>
  renderLeaseRecord({
    holderIdentity,
    leaseDurationMs: 500,
    durationForm: 'iso',
    acquireTime: '2026-11-21T12:00:00.000000Z',
    renewTime,
    leaderTransitions: 0,
  });

/** A cluster in a namespace of its own, and the command that repairs it. */
class World {
  readonly stored: StoredFlinkCluster;
  readonly namespace: string;

  static async of(stored: StoredFlinkCluster): Promise<World> {
    onTestFinished(() => stored[Symbol.dispose]());
    stored.leaderAnnotation = lease('');
    const world = new World(stored, await cluster!.namespace());
    for (const configMap of stored.configMaps) await cluster!.call('POST', world.path(), configMap);
    return world;
  }

  private constructor(stored: StoredFlinkCluster, namespace: string) {
    this.stored = stored;
    this.namespace = namespace;
  }

  path(name = ''): string {
    return `/api/v1/namespaces/${this.namespace}/configmaps/${name}`.replace(/\/$/, '');
  }

  async data(name: string): Promise<Record<string, string>> {
    return (await cluster!.call<{ data?: Record<string, string> }>('GET', this.path(name))).data ?? {};
  }

  async annotate(text: string): Promise<void> {
    await cluster!.call(
      'PATCH',
      this.path(CLUSTER_MAP),
      { metadata: { annotations: { [LEADER_ANNOTATION]: text } } },
      MERGE,
    );
  }

  async repair(...options: string[]): Promise<Ran> {
    return this.repairWith({}, ...options);
  }

  async repairWith(
    { server = cluster!.access.server, onStderr = () => {} }: { server?: string; onStderr?: (text: string) => void },
    ...options: string[]
  ): Promise<Ran> {
    using kubeconfig = kubeconfigFile({ ...cluster!.access, server }, this.namespace);
    const given = ['--kubeconfig', kubeconfig.path, '--storage', this.stored.storage, ...options];
    return await flinkjob(['ha', 'repair', 'live', ...given], { onStderr });
  }

  /** How many there were, once there were so many. */
  async patches(atLeast: number): Promise<number> {
    const events = await cluster!.auditEventsOnceThere(
      atLeast,
      ({ verb, objectRef }) => verb === 'patch' && objectRef?.namespace === this.namespace,
    );
    return events.length;
  }
}

/** Written by Flink 1.18, so that there is something to rewrite in both ConfigMaps. */
function oldCluster(): StoredFlinkCluster {
  return new StoredFlinkCluster(MARKER_UIDS[0]);
}
const TO_NEW = ['--to-flink', '2.3'];

test('without --yes the plan is shown and nothing is changed', async () => {
  const world = await World.of(oldCluster());
  const { code, stdout, stderr } = await world.repair(...TO_NEW);
  expect(code).toBe(1);
  expect(stdout).toMatch(/: 2 repairs planned$/m);
  expect(stderr).toBe('Nothing was changed. To do this, run the same with --yes.\n');
  expect(await world.repair(...TO_NEW, '--dry-run')).toMatchObject({ code: 0, stdout, stderr: '' });
  expect(await world.data(JOB_MAP)).toEqual(world.stored.job);
});

test('with --yes each ConfigMap is changed by one patch, other keys stay', async () => {
  const world = await World.of(oldCluster());
  const renewed = new StoredFlinkCluster();
  onTestFinished(() => renewed[Symbol.dispose]());
  expect(await world.repair(...TO_NEW, '--yes')).toMatchObject({
    code: 0,
    stdout: expect.stringMatching(/: 2 repairs done$/m),
    stderr: '',
  });
  expect(await world.data(JOB_MAP)).toEqual(renewed.job);
  expect(await world.data(CLUSTER_MAP)).toEqual(renewed.cluster);
  expect(await world.patches(2)).toBe(2);
  expect(await world.repair(...TO_NEW, '--yes')).toMatchObject({
    code: 0,
    stdout: expect.stringContaining('nothing to'),
  });
});

test('a checkpoint whose file is gone is dropped by name, and the counter stays', async () => {
  const world = await World.of(new StoredFlinkCluster());
  world.stored.remove(`ha/live/${CHECKPOINT}`);
  expect(await world.repair('--drop-key', CHECKPOINT_KEY, '--yes')).toMatchObject({ code: 0 });
  expect(await world.data(JOB_MAP)).toEqual({ counter: '40' });
});

test('a missing counter is put in its place', async () => {
  const world = await World.of(new StoredFlinkCluster());
  await cluster!.call('PATCH', world.path(JOB_MAP), { data: { counter: null } }, MERGE);
  expect(await world.repair('--yes')).toMatchObject({ code: 0 });
  expect(await world.data(JOB_MAP)).toEqual(world.stored.job);
});

test('a ConfigMap without any annotation gets the record of a released lease', async () => {
  const world = await World.of(new StoredFlinkCluster());
  await cluster!.call('PATCH', world.path(CLUSTER_MAP), { metadata: { annotations: null } }, MERGE);
  expect(await world.repair('--yes')).toMatchObject({ code: 0, stderr: '' });
  const { metadata } = await cluster!.call<{ metadata: { annotations: Record<string, string> } }>(
    'GET',
    world.path(CLUSTER_MAP),
  );
  expect(parseLeaseRecord(metadata.annotations[LEADER_ANNOTATION] ?? '')).toMatchObject({ holderIdentity: '' });
  expect(await world.data(CLUSTER_MAP)).toEqual(world.stored.cluster);
  expect(await world.repair('--yes')).toMatchObject({ code: 0, stdout: expect.stringContaining('nothing to repair') });
});

test('a lease that nobody renews does not stand in the way once it has run out', async () => {
  const world = await World.of(oldCluster());
  await world.annotate(lease('dead'));
  expect(await world.repair(...TO_NEW, '--yes')).toMatchObject({
    code: 0,
    stderr: 'watching the lease for 1s, to see that no JobManager renews it\n',
  });
  await world.annotate(lease(''));
  expect(await world.repair('--to-flink', '1.18', '--yes')).toMatchObject({ code: 0, stderr: '' });
});

test('while a JobManager leads nothing is changed, whatever its clock says', async () => {
  const world = await World.of(oldCluster());
  await world.annotate(lease('leader').replace('PT0.5S', 'PT30S'));
  let renewals = 0;
  const renewing = setInterval(() => {
    renewals += 1;
    const renewTime = `1999-11-21T12:00:00.${String(renewals).padStart(6, '0')}Z`;
    void world.annotate(lease('leader', renewTime).replace('PT0.5S', 'PT30S'));
  }, 200);
  onTestFinished(() => clearInterval(renewing));
  const { code, stdout, stderr } = await world.repair(...TO_NEW, '--yes');
  expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
  expect(stderr).toMatch(
    /^error: a JobManager leads: leader held the lease in live-cluster-config-map, .* Nothing was changed\./m,
  );
  expect(await world.data(JOB_MAP)).toEqual(world.stored.job);
  const forced = await world.repair(...TO_NEW, '--yes', '--force');
  expect(forced).toMatchObject({ code: 0, stderr: '' });
  expect(await world.data(JOB_MAP)).not.toEqual(world.stored.job);
});

test('a lease of an hour is not waited for', async () => {
  const world = await World.of(oldCluster());
  await world.annotate(lease('dead').replace('PT0.5S', 'PT1H'));
  expect(await world.repair(...TO_NEW, '--yes')).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('make sure that no JobManager runs, and use --force'),
  });
});

test('what changes between plan and patch is not overwritten', async () => {
  const world = await World.of(oldCluster());
  await world.annotate(lease('dead').replace('PT0.5S', 'PT3S'));
  const changed = { data: { [PLAN_KEY]: 'changed meanwhile' } };
  // The plan is made when the lease begins to be watched.
  const onStderr = (text: string): void => {
    if (text.startsWith('watching')) void cluster!.call('PATCH', world.path(CLUSTER_MAP), changed, MERGE);
  };
  const { code, stderr } = await world.repairWith({ onStderr }, ...TO_NEW, '--yes');
  expect(code).toBe(1);
  expect(stderr).toMatch(
    /error: live-cluster-config-map was not repaired: it changed while the repair was planned\. Nothing was changed; run this again$/m,
  );
  expect(await world.data(CLUSTER_MAP)).toEqual(changed.data);
});

test('a patch whose answer was lost is looked up, not repeated', async () => {
  const world = await World.of(oldCluster());
  const proxy = await aProxy(cluster!);
  proxy.inject({
    verb: 'patch',
    resource: 'configmaps',
    namespace: world.namespace,
    name: JOB_MAP,
    fault: { do: 'dropAfter' },
  });
  expect(await world.repairWith({ server: proxy.url }, ...TO_NEW, '--yes')).toMatchObject({ code: 0 });
  expect(await world.patches(2)).toBe(2);
});

test('when one ConfigMap cannot be written, it is said which were, and the same command ends the work', async () => {
  const world = await World.of(oldCluster());
  const proxy = await aProxy(cluster!);
  const fault = { do: 'answer', status: 403, reason: 'Forbidden' } as const;
  proxy.inject({ verb: 'patch', resource: 'configmaps', namespace: world.namespace, name: JOB_MAP, fault });
  const { code, stderr } = await world.repairWith({ server: proxy.url }, ...TO_NEW, '--yes');
  expect(code).toBe(1);
  expect(stderr).toMatch(/403.*\. live-cluster-config-map was repaired before; run this again$/m);
  const again = await world.repair(...TO_NEW, '--yes');
  expect(again).toMatchObject({ code: 0, stdout: expect.stringMatching(/: 1 repair done$/m) });
});
