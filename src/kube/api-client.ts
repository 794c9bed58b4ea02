/**
 * The verbs of the Kubernetes API, over plain JSON. Absence is a value; everything else that is not an object is an
 * ApiError, which says whether a write surely did not happen.
 */
import { type Clock, systemClock } from '../lib/clock.ts';
import type { WriteGate } from '../lib/write-gate.ts';
import { Caller, type CallOptions, type CallPlan, type CallRecord } from './caller.ts';
import type { ClusterConnection } from './connection.ts';
import { ApiError } from './errors.ts';
import {
  apiVersionOf,
  collectionPath,
  type KubeObject,
  type ObjectRef,
  objectPath,
  type ResourceDef,
} from './resource.ts';
import { type HttpStream, type Lane, Transport } from './transport.ts';
import type {
  ApplyOptions,
  DeleteOptions,
  JsonPatchOperation,
  ListOptions,
  ListPage,
  ListResult,
  PartOptions,
  Selection,
  WriteOptions,
} from './verb-options.ts';

/** What a client may be given. */
export interface ApiClientOptions {
  /** Who writes, in `metadata.managedFields`, unless a call says otherwise. */
  readonly fieldManager: string;
  /** @default `flinkjob/<fieldManager>` */
  readonly userAgent?: string;
  /** Most connections for ordinary requests. @default 24 */
  readonly connections?: number;
  /** Told of every try that ended. */
  readonly observe?: (record: CallRecord) => void;
  readonly clock?: Clock;
  /** From 0 to 1. */
  readonly random?: () => number;
}

const JSON_PATCH = 'application/json-patch+json';
const MERGE_PATCH = 'application/merge-patch+json';
const APPLY_PATCH = 'application/apply-patch+yaml';
const METADATA_LIST = 'application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1';
const PAGE_SIZE = 500;

interface PlanParts {
  readonly verb: string;
  readonly method: CallPlan['method'];
  readonly path: string;
  readonly query?: Readonly<Record<string, string | number | boolean | undefined>>;
  readonly subject: string;
  readonly body?: object;
  readonly bodyAfterMs?: number | undefined;
  readonly contentType?: string;
  readonly accept?: string | undefined;
}

/** One user's calls to one API server. Cheap to derive from (`gatedBy`, `onLeaseLane`); close the one you made. */
export class ApiClient {
  private readonly transport: Transport;
  private readonly caller: Caller;
  private readonly fieldManager: string;
  private readonly lane: Lane;
  /** The namespace of the connection, for callers that were told none. */
  readonly defaultNamespace: string;

  private constructor(parts: {
    transport: Transport;
    caller: Caller;
    fieldManager: string;
    lane: Lane;
    namespace: string;
  }) {
    this.transport = parts.transport;
    this.caller = parts.caller;
    this.fieldManager = parts.fieldManager;
    this.lane = parts.lane;
    this.defaultNamespace = parts.namespace;
  }

  /** A client for a connection. Connects at the first call. */
  static for(connection: ClusterConnection, options: ApiClientOptions): ApiClient {
    const clock = options.clock ?? systemClock;
    const { connections, fieldManager } = options;
    const transport = new Transport(connection, { clock, ...(connections !== undefined && { connections }) });
    const caller = new Caller({
      transport,
      clock,
      random: options.random ?? Math.random,
      userAgent: options.userAgent ?? `flinkjob/${fieldManager}`,
      observe: options.observe ?? (() => {}),
    });
    return new ApiClient({ transport, caller, fieldManager, lane: 'requests', namespace: connection.namespace });
  }

  /** The same client, whose writes ask the gate first, and again in the instant before they are sent. */
  gatedBy(gate: WriteGate): ApiClient {
    return this.with({ caller: new Caller({ ...this.caller.parts, gate }) });
  }

  /** The same client on a connection that only leases use, and which no gate closes. */
  onLeaseLane(): ApiClient {
    return this.with({ lane: 'lease', caller: new Caller({ ...this.caller.parts, gate: undefined }) });
  }

  /** The object, or undefined when there is none. */
  async get<T extends KubeObject>(def: ResourceDef<T>, ref: ObjectRef, options: CallOptions): Promise<T | undefined> {
    const plan = { verb: 'get', method: 'GET', path: objectPath(def, ref), subject: nameOf(ref) } as const;
    try {
      return await this.call<T>(def, plan, options);
    } catch (error) {
      // A kind that is not served is not an absent object.
      if (isAbsent(error, ref)) return undefined;
      throw error;
    }
  }

  /**
   * All objects of a selection, as they were at one moment, read page by page. Pages that became too old on the way make
   * it start again, in one piece.
   */
  async list<T extends KubeObject>(def: ResourceDef<T>, options: ListOptions): Promise<ListResult<T>> {
    const items: T[] = [];
    let next: string | undefined;
    for (;;) {
      let page: ListPage<T>;
      try {
        page = await this.listPage(def, { ...options, ...(next !== undefined && { next }) });
      } catch (error) {
        if (next === undefined || !(error instanceof ApiError && error.isExpired)) throw error;
        return this.list(def, { ...options, limit: 0 });
      }
      for (const item of page.items) items.push(item);
      if (page.next === undefined) return { items, resourceVersion: page.resourceVersion };
      next = page.next;
    }
  }

  /** One page. All pages of one list show the same moment; a page asked for too late is `isExpired`. */
  async listPage<T extends KubeObject>(
    def: ResourceDef<T>,
    options: ListOptions & { readonly next?: string },
  ): Promise<ListPage<T>> {
    const limit = options.limit ?? PAGE_SIZE;
    const plan = {
      verb: 'list',
      method: 'GET',
      path: collectionPath(def, options.namespace),
      query: { ...selectors(options), limit: limit > 0 ? limit : undefined, continue: options.next },
      subject: options.namespace ?? '',
      accept: options.metadataOnly === true ? METADATA_LIST : undefined,
    } as const;
    const list = await this.call<KubeList<T>>(def, plan, options);
    const items = list.items ?? [];
    const next = list.metadata.continue;
    return { items, resourceVersion: list.metadata.resourceVersion, next: next === '' ? undefined : next };
  }

  /** Creates. Throws an ApiError that `isAlreadyExists` when the name is taken. */
  create<T extends KubeObject>(def: ResourceDef<T>, object: T, options: WriteOptions): Promise<T> {
    const { namespace, name, generateName } = object.metadata ?? {};
    const plan = {
      verb: 'create',
      method: 'POST',
      path: collectionPath(def, namespace),
      query: this.writeQuery(options),
      subject: nameOf({ ...(namespace !== undefined && { namespace }), name: name ?? `${generateName}*` }),
      body: withType(def, object),
    } as const;
    return this.call(def, plan, options);
  }

  /** Puts the whole object in the place of the one there; with a resource version, only of that version. */
  replace<T extends KubeObject>(def: ResourceDef<T>, object: T, options: WriteOptions): Promise<T> {
    const plan = {
      verb: 'update',
      method: 'PUT',
      query: this.writeQuery(options),
      body: withType(def, object),
    } as const;
    return this.writeObject(def, refOf(object), plan, options);
  }

  /**
   * Server-side apply: makes the fields given here be so, and owns them. Creates the object when there is none; to prevent
   * that, give `metadata.uid` or `metadata.resourceVersion`. What was applied before and is left out now is removed.
   */
  apply<T extends KubeObject>(def: ResourceDef<T>, object: T, options: ApplyOptions): Promise<T> {
    const query = { ...this.writeQuery(options), force: options.force === true ? true : undefined };
    const plan = {
      verb: 'apply',
      method: 'PATCH',
      query,
      body: withType(def, object),
      contentType: APPLY_PATCH,
    } as const;
    return this.writeObject(def, refOf(object), plan, options);
  }

  /** RFC 7396: sets what is given, removes what is null. */
  mergePatch<T extends KubeObject>(
    def: ResourceDef<T>,
    ref: ObjectRef,
    patch: object,
    options: WriteOptions,
  ): Promise<T> {
    const query = this.writeQuery(options);
    const plan = { verb: 'patch', method: 'PATCH', query, body: patch, contentType: MERGE_PATCH } as const;
    return this.writeObject(def, ref, plan, options);
  }

  /** RFC 6902: all operations or none; a `test` that fails makes it `isInvalid`, surely not applied. */
  jsonPatch<T extends KubeObject>(
    def: ResourceDef<T>,
    ref: ObjectRef,
    operations: readonly JsonPatchOperation[],
    options: WriteOptions,
  ): Promise<T> {
    const query = this.writeQuery(options);
    const { bodyAfterMs } = options;
    const how = { verb: 'patch', method: 'PATCH', contentType: JSON_PATCH } as const;
    const plan = { ...how, query, body: operations, bodyAfterMs };
    return this.writeObject(def, ref, plan, options);
  }

  /** Deletes; false when there was nothing to delete. A precondition that does not hold is `isConflict`. */
  async delete(def: ResourceDef, ref: ObjectRef, options: DeleteOptions): Promise<boolean> {
    const { preconditions, propagationPolicy, gracePeriodSeconds } = options;
    const body = { apiVersion: 'v1', kind: 'DeleteOptions', preconditions, propagationPolicy, gracePeriodSeconds };
    const plan = { verb: 'delete', method: 'DELETE', path: objectPath(def, ref), subject: nameOf(ref), body } as const;
    try {
      await this.call(def, plan, options);
      return true;
    } catch (error) {
      if (isAbsent(error, ref)) return false;
      throw error;
    }
  }

  /** Deletes all that a selection of labels shows, in one request. Each object goes as `delete` lets it go. */
  async deleteCollection(
    def: ResourceDef,
    selection: Required<Pick<Selection, 'namespace' | 'labelSelector'>>,
    options: Pick<DeleteOptions, 'signal' | 'deadlineMs' | 'propagationPolicy' | 'gracePeriodSeconds'>,
  ): Promise<void> {
    const { propagationPolicy, gracePeriodSeconds } = options;
    const { namespace, labelSelector } = selection;
    const body = { apiVersion: 'v1', kind: 'DeleteOptions', propagationPolicy, gracePeriodSeconds };
    const path = collectionPath(def, namespace);
    const plan = { verb: 'deletecollection', method: 'DELETE', path, query: { labelSelector }, body } as const;
    await this.call(def, { ...plan, subject: `${namespace} (${labelSelector})` }, options);
  }

  /** Opens a watch's stream of lines. What they mean, and how to go on after the end: `watch`. */
  openWatch(
    def: ResourceDef,
    options: CallOptions & Selection & { readonly resourceVersion: string; readonly timeoutSeconds: number },
  ): Promise<HttpStream> {
    const { namespace, resourceVersion, timeoutSeconds } = options;
    const query = { ...selectors(options), watch: true, allowWatchBookmarks: true, resourceVersion, timeoutSeconds };
    const path = collectionPath(def, namespace);
    const plan = this.planFor(def, { verb: 'watch', method: 'GET', path, query, subject: namespace ?? '' });
    return this.caller.stream({ ...plan, lane: 'watches' }, options);
  }

  /**
   * Reads a part of an object that is no object, such as `log`, or what `proxy/…` passes on, as it comes; tried once. An
   * answer of any status is an answer: behind a proxy it may be somebody else's. Throws an ApiError when there is none.
   */
  openPart(def: ResourceDef, ref: ObjectRef, part: string, options: PartOptions): Promise<HttpStream> {
    const path = `${objectPath(def, ref)}/${part}`;
    const { query = {} } = options;
    const plan = this.planFor(def, { verb: 'get', method: 'GET', path, query, subject: nameOf(ref) });
    return this.caller.open({ ...plan, lane: 'watches' }, options);
  }

  /** The server's version, as `v1.36.3`. */
  async serverVersion(options: CallOptions): Promise<string> {
    const plan = { verb: 'get', resource: 'version', subject: '', method: 'GET', path: '/version' } as const;
    const { gitVersion } = await this.caller.json<{ gitVersion: string }>(
      { ...plan, lane: this.lane, isGated: false },
      options,
    );
    return gitVersion;
  }

  /** How many connections are open, by lane. */
  get openConnections(): Readonly<Record<Lane, number>> {
    return this.transport.openConnections;
  }

  /** Ends every connection, of derived clients too; calls under way fail. */
  close(): Promise<void> {
    return this.transport.close();
  }

  private with(change: { caller?: Caller; lane?: Lane }): ApiClient {
    const { transport, fieldManager, defaultNamespace: namespace } = this;
    return new ApiClient({ transport, fieldManager, namespace, caller: this.caller, lane: this.lane, ...change });
  }

  private writeObject<T extends KubeObject>(
    def: ResourceDef<T>,
    ref: ObjectRef,
    plan: Omit<PlanParts, 'path' | 'subject'>,
    options: WriteOptions,
  ): Promise<T> {
    return this.call(def, { ...plan, path: objectPath(def, ref, options.subresource), subject: nameOf(ref) }, options);
  }

  private call<T>(def: ResourceDef, parts: PlanParts, options: CallOptions): Promise<T> {
    return this.caller.json<T>(this.planFor(def, parts), options);
  }

  private planFor(def: ResourceDef, { query = {}, ...parts }: PlanParts): CallPlan {
    const isGated = parts.method !== 'GET';
    return { ...parts, path: parts.path + queryText(query), resource: def.plural, lane: this.lane, isGated };
  }

  private writeQuery(options: WriteOptions): Record<string, string | undefined> {
    const fieldManager = options.fieldManager ?? this.fieldManager;
    return { fieldManager, fieldValidation: 'Strict', dryRun: options.dryRun === true ? 'All' : undefined };
  }
}

interface KubeList<T> {
  readonly items?: readonly T[];
  readonly metadata: { readonly resourceVersion: string; readonly continue?: string };
}

function selectors({ labelSelector, fieldSelector }: Selection): Record<string, string | undefined> {
  return { labelSelector, fieldSelector };
}

function queryText(query: Readonly<Record<string, string | number | boolean | undefined>>): string {
  const parts = Object.entries(query).filter(([, value]) => value !== undefined);
  return parts.length === 0
    ? ''
    : `?${new URLSearchParams(parts.map(([name, value]): [string, string] => [name, String(value)]))}`;
}

function nameOf({ namespace, name }: ObjectRef): string {
  return namespace === undefined ? name : `${namespace}/${name}`;
}

function refOf(object: KubeObject): ObjectRef {
  const { namespace, name } = object.metadata ?? {};
  return { name: name ?? '', ...(namespace !== undefined && { namespace }) };
}

function withType<T extends KubeObject>(def: ResourceDef<T>, object: T): T {
  return { apiVersion: apiVersionOf(def), kind: def.kind, ...object };
}

/** Whether a 404 is about this object, and not about its namespace or its kind. */
function isAbsent(error: unknown, { name }: ObjectRef): boolean {
  return error instanceof ApiError && error.isNotFound && error.objectName === name;
}
