/**
 * A controller for tests: every ConfigMap labelled `role: source` gets one child with the same value, a ServiceAccount, because
 * nobody else makes those here. Children have names that are not known before: whoever decides on an old copy makes two of them,
 * and is found out.
 */
import { randomUUID } from 'node:crypto';
import {
  byOwnerUid,
  Controller,
  Informer,
  objectsOf,
  ownersOf,
  type Reconcile,
} from '../../../src/controller/index.ts';
import {
  type ApiClient,
  CONFIG_MAPS,
  type ConfigMap,
  defineResource,
  type KubeObject,
} from '../../../src/kube/index.ts';
import { type Clock, systemClock } from '../../../src/lib/clock.ts';
import type { Metrics } from '../../../src/lib/metrics.ts';

export const CHILDREN = defineResource<KubeObject>('v1', 'ServiceAccount', 'serviceaccounts');

export interface MirrorOptions {
  readonly client: ApiClient;
  readonly namespace: string;
  readonly metrics?: Metrics;
  readonly clock?: Clock;
  readonly workers?: number;
  /** Before each reconcile. */
  readonly before?: (key: string, signal: AbortSignal) => Promise<void>;
}

export class Mirror {
  readonly sources: Informer<ConfigMap>;
  readonly children: Informer<KubeObject, 'owner'>;
  readonly controller: Controller;
  /** What must never be: two workers on one key, a copy from before what was written. */
  readonly violations: string[] = [];
  readonly failures: unknown[] = [];
  readonly reconciled: string[] = [];
  private readonly inHand = new Set<string>();
  private readonly written = new Map<string, string>();
  private readonly options: MirrorOptions;

  constructor(options: MirrorOptions) {
    this.options = options;
    const { client, namespace, metrics, clock = systemClock, workers } = options;
    const common = {
      client,
      clock,
      random: () => 0,
      freeze: true,
      ...(metrics !== undefined && { metrics }),
    };
    this.sources = new Informer<ConfigMap>({
      ...common,
      resource: CONFIG_MAPS,
      selection: { namespace, labelSelector: 'role=source' },
    });
    this.children = new Informer<KubeObject, 'owner'>({
      ...common,
      resource: CHILDREN,
      selection: { namespace, labelSelector: 'role=child' },
      indexes: { owner: byOwnerUid },
      silenceMs: 2_000,
    });
    this.controller = new Controller({
      name: 'mirror',
      client,
      sources: [objectsOf(this.sources), ownersOf(this.children, CONFIG_MAPS)],
      reconcile: (key, context) => this.guarded(key, context),
      clock,
      random: Math.random,
      newId: randomUUID,
      trouble: ({ error }) => this.failures.push(error),
      ...(workers !== undefined && { workers }),
      ...(metrics !== undefined && { metrics }),
    });
  }

  get informers(): readonly [Informer<ConfigMap>, Informer<KubeObject, 'owner'>] {
    return [this.sources, this.children];
  }

  private async guarded(...[key, context]: Parameters<Reconcile>): Promise<undefined> {
    if (this.inHand.has(key)) this.violations.push(`two workers on ${key}`);
    this.inHand.add(key);
    try {
      await this.options.before?.(key, context.signal);
      return await this.mirror(key, context);
    } finally {
      this.inHand.delete(key);
    }
  }

  private async mirror(...[key, { client }]: Parameters<Reconcile>): Promise<undefined> {
    this.reconciled.push(key);
    const source = this.sources.store.get(key);
    const { uid, name = '', namespace = '' } = source?.metadata ?? {};
    if (source === undefined || uid === undefined) return;
    const [child] = this.children.store.byIndex('owner', uid);
    const written = this.written.get(uid);
    const seen = Number(child?.metadata?.resourceVersion ?? 0);
    if (written !== undefined && seen < Number(written)) this.violations.push(`${key} at ${seen}, wrote ${written}`);
    const annotations = { v: source.data?.v ?? '' };
    if (child !== undefined && child.metadata?.annotations?.v === annotations.v) return;
    const metadata = {
      namespace,
      name: child?.metadata?.name ?? `${name}-${randomUUID().slice(0, 8)}`,
      labels: { role: 'child' },
      annotations,
      ownerReferences: [{ apiVersion: 'v1', kind: 'ConfigMap', name, uid, controller: true }],
    };
    const after =
      child === undefined
        ? await client.create(CHILDREN, { metadata })
        : await client.mergePatch(CHILDREN, { namespace, name: metadata.name }, { metadata: { annotations } });
    this.written.set(uid, after.metadata?.resourceVersion ?? '');
  }
}
