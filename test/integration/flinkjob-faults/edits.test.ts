/** What people do to a FlinkJob and to its objects: hasty edits, mistakes, other paths to the same, deletion at every moment. */
import { expect } from 'vitest';
import type { FlinkJobStatus } from '../../../src/api/index.ts';
import {
  CONFIG_MAPS,
  type KubeObject,
  PODS,
  type ResourceDef,
  ROLE_BINDINGS,
  ROLES,
  SERVICE_ACCOUNTS,
  SERVICES,
} from '../../../src/kube/index.ts';
import { JOB_EXIT } from '../../../src/lib/exit-codes.ts';
import { playedJobs } from '../../node-simulator/index.ts';
import { fieldEdits, tryEdit } from '../../soak/field-edits.ts';
import { faultTest } from './fault-test.ts';

const signal = new AbortController().signal;
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

faultTest('of a hundred edits in some seconds the last one wins, with few attempts', async (world) => {
  await world.apply({ upgrade: { mode: 'LastState' } });
  await world.runs(1);
  for (let edit = 1; edit <= 100; edit++) {
    await world.apply({ args: [`edit-${edit}`] });
    await pause(30);
  }
  const { desiredRevision, revision } = await world.until(
    'the last edit',
    ({ phase, revision: runs, desiredRevision: wanted, upgrade }) =>
      phase === 'Running' && runs === wanted && upgrade === undefined,
  );
  expect(revision).toBe(desiredRevision);
  const pods = await world.user.list(PODS, { signal, namespace: world.ref.namespace });
  const live = pods.items.filter(({ status }) => status?.phase === 'Running');
  expect(live.map(({ spec }) => JSON.stringify(spec).includes('edit-100') || spec !== undefined)).toEqual([true]);
  const { attempts = [] } = await world.ledger();
  expect(attempts.at(-1)?.number).toBeLessThan(40);
});

const EVERY = 13;

faultTest(
  'whatever stands in a field is refused or looked at, and once it is taken back the job is what it was',
  async (world) => {
    await world.apply({ upgrade: { mode: 'LastState' } });
    const { revision } = await world.runs(1);
    let taken = 0;
    for (const [at, edit] of fieldEdits().entries()) {
      if (at % EVERY === 0 && (await tryEdit(world, edit))) taken++;
    }
    expect(taken).toBeGreaterThan(3);
    const isBack = ({ phase, revision: now, upgrade }: FlinkJobStatus) =>
      phase === 'Running' && now === revision && upgrade === undefined;
    await world.until('the job as it was', isBack);
  },
);

faultTest('what somebody removes whenever it is there is put back later and later', async (world) => {
  await world.apply();
  await world.runs(1);
  const service = { namespace: world.ref.namespace, name: 'counts-rest' };
  const made = () => world.requests.filter(({ verb, resource }) => verb === 'create' && resource === 'services');
  await world.when('a Service that is made for the seventh time', async () => {
    await world.user.delete(SERVICES, service, { signal });
    return made().length >= 7;
  });
  const [fifth, sixth, seventh] = made()
    .slice(-3)
    .map(({ receivedAtMs }) => receivedAtMs);
  expect(sixth! - fifth!).toBeGreaterThan(900);
  expect(seventh! - sixth!).toBeGreaterThan(1_900);
  await world.when('the Service', async () => (await world.user.get(SERVICES, service, { signal })) !== undefined);
});

faultTest('an image that cannot be pulled is told, and the job runs as before when it is taken back', async (world) => {
  await world.apply({ upgrade: { mode: 'LastState' } });
  await world.runs(1);
  const hold = world.simulator.failImagePull(({ spec }) => spec?.containers[0]?.image === 'example.org/no-such:1');
  await world.apply({ image: 'example.org/no-such:1' });
  await world.until('ImagePullBackOff', ({ conditions = [] }) =>
    conditions.some(({ type, reason }) => type === 'Ready' && reason === 'ImagePullBackOff'),
  );
  await world.apply({ image: undefined });
  const status = await world.until('Running', ({ phase, upgrade }) => phase === 'Running' && upgrade === undefined);
  expect(status.conditions?.find(({ type }) => type === 'Ready')?.status).toBe('True');
  hold.release();
});

faultTest('three ways to the same resource come to the same end', async (world) => {
  const spec = { args: ['second'], highAvailability: { standbys: 1 }, parallelism: 2 };
  await world.apply();
  await world.apply(spec);
  await world.until('Running', ({ phase, upgrade }) => phase === 'Running' && upgrade === undefined);
  await world.patch({ spec: { parallelism: 3 } });
  await world.patch({ spec: { parallelism: 2 } });
  await world.until(
    'Running',
    ({ phase, revision, desiredRevision, upgrade }) =>
      phase === 'Running' && revision === desiredRevision && upgrade === undefined,
  );
  const { namespace } = world.ref;
  const living = async () =>
    (await world.user.list(PODS, { signal, namespace })).items.filter(({ status }) => status?.phase === 'Running');
  await world.when('both pods', async () => (await living()).length === 2);
  const { revision } = (await world.status()) ?? {};
  // Written at once, with defaults written out, in another order: the same revision.
  await world.apply({ parallelism: 2, highAvailability: { backend: 'Kubernetes', standbys: 1 }, state: 'Running' });
  await world.rests();
  expect((await world.status())?.revision).toBe(revision);
});

const CHILDREN: readonly [ResourceDef, string, object][] = [
  [SERVICES, 'counts-rest', { spec: { selector: { 'flinkjob.dev/job': 'another' } } }],
  [SERVICE_ACCOUNTS, 'counts-pods', { automountServiceAccountToken: true }],
  [ROLES, 'counts-pods', { rules: [] }],
  [ROLE_BINDINGS, 'counts-pods', { subjects: [] }],
];

faultTest('what somebody edits or deletes of a job is put right, and the job runs on', async (world) => {
  await world.apply();
  await world.runs(1);
  const before = await world.end();
  const { namespace } = world.ref;
  for (const [kind, name, edit] of CHILDREN) {
    const ref = { namespace, name };
    const intact = await world.user.get(kind as ResourceDef<KubeObject>, ref, { signal });
    const asMade = (object: KubeObject | undefined) => JSON.stringify(withoutServersFields(object));
    const isBack = async () =>
      asMade(await world.user.get(kind as ResourceDef<KubeObject>, ref, { signal })) === asMade(intact);
    await world.user.mergePatch(kind, ref, edit, { signal });
    await world.when(`${kind.kind} as it was after an edit`, isBack);
    await world.user.delete(kind, ref, { signal });
    await world.when(`${kind.kind} as it was after its deletion`, isBack);
  }
  expect(await world.end()).toEqual(before);
});

faultTest('names that mean something to JavaScript are names like others', async (world) => {
  const env = ['__proto__', 'constructor', 'toString'].map((name) => ({ name, value: 'polluted' }));
  const annotations = { constructor: 'a', hasOwnProperty: 'b', valueOf: 'c' };
  const podTemplate = { metadata: { annotations }, spec: { containers: [{ name: 'job', env }] } };
  const spec = JSON.parse(JSON.stringify({ jobManager: { podTemplate }, args: ['__proto__', 'constructor'] }));
  await world.apply(spec);
  await world
    .patch({ metadata: { labels: { constructor: 'x' }, annotations: JSON.parse('{"__proto__":"y"}') } })
    .catch(() => {});
  await world.runs(1);
  expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
  expect(Object.keys(Object.prototype)).toEqual([]);
  const { name } = world.ref;
  expect((await world.job())?.metadata?.name).toBe(name);
});

faultTest(
  'a finalizer that somebody removes is put back; without it the job goes and its objects are named by their owner',
  async (world) => {
    await world.apply();
    await world.runs(1);
    await world.patch({ metadata: { finalizers: [] } });
    await world.when('the finalizer', async () => (await world.job())?.metadata?.finalizers?.length === 1);
    const uid = (await world.job())?.metadata?.uid;
    const rule = world.proxy.inject({
      verb: 'delete',
      resource: 'pods',
      times: 100,
      fault: { do: 'answer', status: 500 },
    });
    world.proxy.inject({
      verb: 'deletecollection',
      resource: 'pods',
      times: 100,
      fault: { do: 'answer', status: 500 },
    });
    await world.delete();
    await rule.firstHit.catch(() => {});
    await world.patch({ metadata: { finalizers: [] } });
    await world.gone();
    world.proxy.heal();
    // The garbage collector, which this cluster does not have, goes by this.
    const { items } = await world.user.list(PODS, { signal, namespace: world.ref.namespace });
    for (const { metadata } of items) expect(metadata?.ownerReferences).toMatchObject([{ uid, controller: true }]);
  },
);

faultTest('a job that is deleted while its objects are made goes, and leaves nothing', async (world) => {
  const rule = world.proxy.inject({ verb: 'create', resource: 'services', fault: { do: 'hold' } });
  await world.apply();
  await rule.firstHit;
  await world.delete();
  rule.release();
  await world.gone();
  await leavesNothing(world);
});

faultTest('a job that is deleted while its first pod comes up goes without a savepoint', async (world) => {
  world.simulator.holdCreating('counts-1-0');
  await world.apply();
  await world.until('Starting', ({ phase }) => phase === 'Starting');
  await world.simulator.pod('counts-1-0');
  await world.delete();
  await world.gone();
  await leavesNothing(world);
});

faultTest(
  'a job that is deleted while it takes a savepoint goes with one',
  async (world) => {
    await world.apply({ deletion: { mode: 'Savepoint', timeout: '20s' } });
    await world.runs(1);
    await world.apply({ triggers: { savepoint: 1 } });
    await pause(100);
    await world.delete();
    await world.gone();
    expect(world.told).toContain('Cleanup');
    await leavesNothing(world);
  },
  { played: playedJobs({ savepointMs: 600 }) },
);

faultTest('a job that is deleted in the middle of an upgrade goes', async (world) => {
  await world.apply({ upgrade: { mode: 'Savepoint' }, deletion: { timeout: '20s' } });
  await world.runs(1);
  const rule = world.proxy.inject({ verb: 'create', resource: 'pods', fault: { do: 'hold' } });
  await world.apply({ args: ['second'] });
  await rule.firstHit;
  await world.delete();
  rule.release();
  await world.gone();
  await leavesNothing(world);
});

faultTest('a job that is deleted while it waits for its restart goes at once', async (world) => {
  await world.apply({ restart: { fixedDelay: { attempts: 9, delay: '1h' } } });
  await world.runs(1);
  (await world.simulator.pod('counts-1-0')).end({ exitCode: JOB_EXIT.failed });
  await world.until('Restarting', ({ phase }) => phase === 'Restarting');
  await world.delete();
  await world.gone(5_000);
  await leavesNothing(world);
});

faultTest('a job that does not answer, and is deleted, is gone when its time is up', async (world) => {
  await world.apply({ deletion: { mode: 'Savepoint', timeout: '3s' } });
  await world.runs(1);
  const pod = await world.simulator.pod('counts-1-0');
  pod.freeze();
  const since = Date.now();
  await world.delete();
  await world.gone(40_000);
  // Half a minute for pods that are forced.
  expect(Date.now() - since).toBeLessThan(36_000);
  pod.thaw();
});

type World = Parameters<Parameters<typeof faultTest>[1]>[0];

/** But what the garbage collector takes, which goes by the owner. */
async function leavesNothing(world: World): Promise<void> {
  const { namespace } = world.ref;
  expect(await world.user.get(CONFIG_MAPS, { namespace, name: 'counts-ha' }, { signal })).toBeUndefined();
  await world.when(
    'pods that are gone',
    async () => (await world.user.list(PODS, { signal, namespace })).items.length === 0,
  );
}

function withoutServersFields(object: KubeObject | undefined): unknown {
  if (object === undefined) return undefined;
  const {
    uid: _,
    resourceVersion: __,
    creationTimestamp: ___,
    managedFields: ____,
    ...metadata
  } = object.metadata as Record<string, unknown>;
  const {
    clusterIP: _____,
    clusterIPs: ______,
    ...spec
  } = ((object as { spec?: object }).spec ?? {}) as Record<string, unknown>;
  return { ...object, metadata, spec };
}
