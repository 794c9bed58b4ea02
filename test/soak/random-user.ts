/**
 * A person, and a cluster, that do whatever comes to their mind to one FlinkJob, and what must hold when they have done: the
 * oracles of every world, and that the job is as its resource says, restores nothing older than the newest checkpoint, and can
 * be deleted. All choices follow from a seed; how they meet what the operator does at the same moment does not.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { ANNOTATIONS, LABELS } from '../../src/api/index.ts';
import {
  CONFIG_MAPS,
  CONTROLLER_REVISIONS,
  type KubeObject,
  LEASES,
  NETWORK_POLICIES,
  POD_DISRUPTION_BUDGETS,
  PODS,
  type ResourceDef,
  ROLE_BINDINGS,
  ROLES,
  SERVICE_ACCOUNTS,
  SERVICES,
} from '../../src/kube/index.ts';
import { objectNames } from '../../src/resources/index.ts';
import { SeededRandom } from '../builders/seeded-random.ts';
import type { TestCluster } from '../cluster/index.ts';
import type { Fault } from '../faults/api/rules.ts';
import { FaultWorld } from './fault-world.ts';
import { PlayedCheckpoints } from './played-checkpoints.ts';

/** What came of one seed. */
export interface Trial {
  readonly did: readonly string[];
  /** What does not hold. */
  readonly failures: readonly string[];
}

const signal = new AbortController().signal;
const KINDS: readonly ResourceDef[] = [
  SERVICES,
  SERVICE_ACCOUNTS,
  ROLES,
  ROLE_BINDINGS,
  LEASES,
  NETWORK_POLICIES,
  POD_DISRUPTION_BUDGETS,
  CONTROLLER_REVISIONS,
  CONFIG_MAPS,
];
const FAULTS: readonly Fault[] = [
  { do: 'dropBefore' },
  { do: 'dropAfter' },
  { do: 'delay', ms: 700 },
  { do: 'answer', status: 403, reason: 'Forbidden' },
  { do: 'answer', status: 409, reason: 'Conflict' },
  { do: 'answer', status: 429, retryAfterS: 1 },
  { do: 'answer', status: 500, reason: 'InternalError' },
  { do: 'truncate', bytes: 40 },
];
const VERBS = ['get', 'create', 'update', 'patch', 'apply', 'delete', 'deletecollection'] as const;
const SETTLED_MS = 60_000;

/** Does what the seed says, and looks what came of it. */
export async function randomTrial(cluster: TestCluster, seed: number, actions: number): Promise<Trial> {
  const checkpoints = new PlayedCheckpoints();
  const world = await FaultWorld.start(cluster, {
    name: 'lives',
    settings: { savepointDeadlineMs: 4_000, upgradeDeadlineMs: 4_000 },
    played: checkpoints.played,
  });
  const user = new RandomUser(world, checkpoints, new SeededRandom(seed));
  try {
    await user.begin();
    for (let action = 0; action < actions; action++) await user.act();
    return { did: user.did, failures: [...(await user.settles()), ...(await user.ends()), ...checkpoints.violations] };
  } catch (error) {
    return { did: user.did, failures: [`${(error as Error).message}`, ...checkpoints.violations] };
  } finally {
    await world.stop();
  }
}

type Spec = Record<string, unknown>;

class RandomUser {
  readonly did: string[] = [];
  readonly #world: FaultWorld;
  readonly #checkpoints: PlayedCheckpoints;
  readonly #random: SeededRandom;
  #spec: Spec = {};
  #triggers = { savepoint: 0, restart: 0, restore: 0 };
  #isDeleted = false;
  #wereTwo = false;
  /** What was asked for last by the annotation that status answers. */
  #asked = '';

  constructor(world: FaultWorld, checkpoints: PlayedCheckpoints, random: SeededRandom) {
    this.#world = world;
    this.#checkpoints = checkpoints;
    this.#random = random;
  }

  async begin(): Promise<void> {
    await this.#edit({ restart: { fixedDelay: { attempts: 100, delay: '200ms' } }, deletion: { timeout: '3s' } });
  }

  async act(): Promise<void> {
    const actions = [
      ...repeat(6, () => this.#editSpec()),
      ...repeat(3, () => this.#trigger()),
      ...repeat(2, () => this.#deleteJob()),
      ...repeat(3, () => this.#meddleWithPod()),
      ...repeat(2, () => this.#meddleWithChild()),
      ...repeat(2, () => this.#killOperator()),
      ...repeat(2, () => this.#disturb()),
      () => this.#removeHandles(),
    ];
    const what = await this.#random.oneOf(actions)();
    this.did.push(what);
    await pause(this.#random.chance(0.3) ? this.#random.between(500, 1_500) : this.#random.between(0, 200));
  }

  // What people do

  async #edit(fields: Spec): Promise<void> {
    this.#spec = { ...this.#spec, ...fields };
    await this.#world.apply({ ...this.#spec, triggers: this.#triggers });
    // One that is being deleted takes edits, and goes all the same.
    const { metadata } = (await this.#world.job()) ?? {};
    this.#isDeleted = metadata === undefined || metadata.deletionTimestamp !== undefined;
  }

  async #editSpec(): Promise<string> {
    const random = this.#random;
    const edit = random.oneOf<Spec>([
      { args: [random.oneOf(['first', 'second', 'third'])] },
      { args: [random.oneOf(['first', 'second', 'third'])] },
      { state: random.oneOf(['Running', 'Suspended']) },
      { parallelism: random.between(1, 3) },
      { highAvailability: { standbys: random.between(0, 2) } },
      { upgrade: { mode: random.oneOf(['Savepoint', 'LastState', 'Stateless']), fallback: random.chance(0.7) } },
      { deletion: { timeout: '3s', mode: random.oneOf(['Savepoint', 'Cancel', 'Orphan']) } },
      { revisionHistoryLimit: random.between(1, 3) },
    ]);
    await this.#edit(edit);
    return `edit ${JSON.stringify(edit)}`;
  }

  async #trigger(): Promise<string> {
    const which = this.#random.oneOf(['savepoint', 'savepoint', 'restart', 'restore'] as const);
    this.#triggers = { ...this.#triggers, [which]: this.#triggers[which] + this.#random.oneOf([-1, 1, 1, 1, 7]) };
    if (this.#triggers[which] < 0) this.#triggers = { ...this.#triggers, [which]: 0 };
    await this.#edit(which === 'restore' ? { restoreFrom: 's3://bucket/jobs/savepoint-by-hand' } : {});
    return `trigger ${which} ${this.#triggers[which]}`;
  }

  async #deleteJob(): Promise<string> {
    if (this.#isDeleted) {
      await this.#edit({});
      return 'apply again';
    }
    await this.#world.delete().catch(() => {});
    this.#isDeleted = true;
    if (this.#random.chance(0.5)) return 'delete';
    const isForced = this.#random.chance(0.3);
    if (isForced)
      await this.#world.patch({ metadata: { annotations: { 'flinkjob.dev/force-delete': 'true' } } }).catch(() => {});
    await this.#world.gone(SETTLED_MS);
    await this.#edit({});
    return isForced ? 'delete by force, make anew' : 'delete, make anew';
  }

  async #meddleWithPod(): Promise<string> {
    const pods = this.#world.simulator.pods.filter((pod) => pod.isRunning);
    if (pods.length === 0) return 'no pod';
    const pod = this.#random.oneOf(pods);
    const { namespace } = this.#world.ref;
    const ref = { namespace, name: pod.name };
    const how = this.#random.oneOf(['kill', 'memory', 'evict', 'delete', 'preempt', 'fail'] as const);
    const done: Promise<unknown> = {
      kill: async () => pod.kill(),
      memory: async () => pod.killForMemory(),
      evict: async () => pod.evict(),
      delete: async () => this.#world.user.delete(PODS, ref, { signal }),
      preempt: async () => pod.preempt(),
      fail: async () => this.#checkpoints.fail(pod.uid),
    }[how]();
    await done.catch(() => {});
    return `${how} ${pod.name}`;
  }

  async #meddleWithChild(): Promise<string> {
    const kind = this.#random.oneOf(KINDS) as ResourceDef<KubeObject>;
    const { user, ref } = this.#world;
    const { items } = await user.list(kind, { signal, namespace: ref.namespace });
    const own = items.filter(({ metadata }) => {
      const { name = '' } = metadata ?? {};
      return name.startsWith(ref.name) && name !== objectNames(ref.name).handles;
    });
    if (own.length === 0) return `no ${kind.kind}`;
    const { namespace = '', name = '' } = this.#random.oneOf(own).metadata ?? {};
    if (this.#random.chance(0.6)) {
      await user.delete(kind, { namespace, name }, { signal }).catch(() => {});
      return `delete ${kind.kind} ${name}`;
    }
    const labels = this.#random.chance(0.5) ? { [LABELS.managedBy]: null } : { [LABELS.job]: 'somebody-else' };
    await user.mergePatch(kind, { namespace, name }, { metadata: { labels } }, { signal }).catch(() => {});
    return `change labels of ${kind.kind} ${name} ${JSON.stringify(labels)}`;
  }

  async #removeHandles(): Promise<string> {
    const { user, ref } = this.#world;
    this.#checkpoints.pointersAreLost();
    await user
      .delete(CONFIG_MAPS, { namespace: ref.namespace, name: objectNames(ref.name).handles }, { signal })
      .catch(() => {});
    return 'delete the pointers';
  }

  // What a cluster does

  async #killOperator(): Promise<string> {
    if (this.#random.chance(0.3)) {
      this.#wereTwo = true;
      await this.#world.startOperator();
      return 'one operator more';
    }
    await this.#world.stopOperators();
    await pause(this.#random.between(0, 300));
    await this.#world.startOperator();
    return 'another operator';
  }

  async #disturb(): Promise<string> {
    const fault = this.#random.oneOf(FAULTS);
    const [from, times] = [this.#random.between(1, 6), this.#random.between(1, 3)];
    this.#world.proxy.inject({ verb: VERBS, from, times, fault });
    return `${JSON.stringify(fault)} at request ${from} for ${times}`;
  }

  // What must hold

  /** Without another disturbance it comes to what is asked for, says so, and rests. */
  async settles(): Promise<readonly string[]> {
    this.#world.proxy.heal();
    await this.#world.stopOperators();
    await this.#world.startOperator();
    if (this.#isDeleted) {
      await this.#world.gone(SETTLED_MS);
      await this.#edit({});
    }
    this.#asked = crypto.randomUUID();
    await this.#world.patch({ metadata: { annotations: { [ANNOTATIONS.reconcileRequest]: this.#asked } } });
    const stop = Date.now() + SETTLED_MS;
    let missing = await this.#missing();
    while (missing !== undefined && Date.now() < stop) {
      await pause(100);
      missing = await this.#missing();
    }
    if (missing !== undefined) return [`it did not settle: ${missing}`];
    const failures = await this.#world.holds();
    // Of operators that no lease keeps apart one may be late: its pods are fenced, and go. Each asks as much as one does.
    const isOfTwo = (failure: string) => failure.includes('has attempts') || failure.includes('requests in a second');
    return failures.filter((failure) => !(this.#wereTwo && isOfTwo(failure)));
  }

  /** What is not yet as the resource says. */
  async #missing(): Promise<string | undefined> {
    const { user, ref } = this.#world;
    const job = await this.#world.job();
    const { status, metadata } = job ?? {};
    const spec = (job?.spec ?? {}) as { state?: string; highAvailability?: { standbys?: number } };
    const says = JSON.stringify({
      ...status,
      conditions: status?.conditions?.map(({ type, status: is, reason }) => `${type} ${is} ${reason}`),
    });
    if (status?.observedGeneration !== metadata?.generation) return `status is of another generation: ${says}`;
    if (status?.lastHandledReconcileAt !== this.#asked) return `nobody has looked yet: ${says}`;
    const live = (await user.list(PODS, { signal, namespace: ref.namespace })).items.filter(
      (pod) => pod.status?.phase === 'Running' || pod.status?.phase === 'Pending',
    );
    const names = live.map((pod) => pod.metadata?.name).join(' ');
    // One that was asked for while it is down is given up when its time is up.
    const { savepoint = 0, restart = 0 } = status?.handledTriggers ?? {};
    if (savepoint < this.#triggers.savepoint) return `a savepoint is not answered: ${says}`;
    if (spec.state === 'Suspended') {
      return status?.phase === 'Suspended' && live.length === 0
        ? undefined
        : `it is to be down: ${says}, pods ${names}`;
    }
    const wanted = 1 + (spec.highAvailability?.standbys ?? 1);
    if (status?.phase !== 'Running' || status.upgrade !== undefined) return `it is to run: ${says}, pods ${names}`;
    if (status.desiredRevision !== status.revision) return `another revision runs: ${says}`;
    if (live.length !== wanted) return `${wanted} pods are to be there: ${names}`;
    const { attempt } = status;
    if (!live.every((pod) => pod.metadata?.labels?.[LABELS.attempt] === String(attempt?.number)))
      return `other pods: ${names}`;
    if (!live.some((pod) => pod.metadata?.name === attempt?.leader)) return `nobody leads: ${says}`;
    if (restart < this.#triggers.restart) return `a restart is not answered: ${says}`;
    const ready = status.conditions?.find(({ type }) => type === 'Ready');
    return ready?.status === 'True' ? undefined : `not Ready: ${says}`;
  }

  /** It can be deleted, and leaves nothing that its mode does not leave. */
  async ends(): Promise<readonly string[]> {
    const { user, ref } = this.#world;
    const uid = (await this.#world.job())?.metadata?.uid;
    await this.#world.delete();
    await this.#world.gone(SETTLED_MS);
    const left = await user.get(
      CONFIG_MAPS,
      { namespace: ref.namespace, name: objectNames(ref.name).handles },
      { signal },
    );
    const mode = (this.#spec['deletion'] as { mode?: string } | undefined)?.mode;
    // What an operator made for a job that was gone by then is the garbage collector's.
    const all = (await user.list(PODS, { signal, namespace: ref.namespace })).items;
    const pods = all.filter(({ metadata }) => metadata?.ownerReferences?.some((owner) => owner.uid === uid));
    return [
      ...(mode !== 'Orphan' && left !== undefined ? ['the pointers are left'] : []),
      ...(mode === 'Orphan' && left === undefined ? ['an orphan has no pointers'] : []),
      ...pods.map((pod) => `pod ${pod.metadata?.name} is left`),
    ];
  }
}

function repeat<T>(times: number, each: T): T[] {
  return Array.from({ length: times }, () => each);
}
