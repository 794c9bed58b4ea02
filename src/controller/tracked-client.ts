/**
 * The client of one reconcile: the verbs of the API client, ended by the reconcile's own signal, with each write remembered
 * for its owner. Whoever writes through it cannot forget to wait for what he wrote, and cannot write any more once the
 * reconcile was given up.
 */
import {
  type ApiClient,
  ApiError,
  type ApplyOptions,
  type DeleteOptions,
  type JsonPatchOperation,
  type KubeObject,
  type ObjectRef,
  type ResourceDef,
  type WriteOptions,
} from '../kube/index.ts';
import { keyOf, type ObjectKey } from './object-key.ts';
import type { OwnWrites, View } from './own-writes.ts';
import { isSelected } from './selection.ts';

/** What a tracked client is made of. */
export interface TrackedClientOptions {
  readonly client: ApiClient;
  /** The key that is worked on. */
  readonly owner: ObjectKey;
  /** Ends every call. */
  readonly signal: AbortSignal;
  readonly writes: OwnWrites;
  /** Copies that will tell of what is written. Writes to kinds without one are not waited for. */
  readonly views: readonly View[];
}

type Unsigned<O> = Omit<O, 'signal'>;

export class TrackedClient {
  private readonly options: TrackedClientOptions;

  constructor(options: TrackedClientOptions) {
    this.options = options;
  }

  /** See `ApiClient.get`. What the copy holds is asked of the informer, for nothing. */
  get<T extends KubeObject>(def: ResourceDef<T>, ref: ObjectRef, deadlineMs?: number): Promise<T | undefined> {
    return this.options.client.get(def, ref, this.signed(deadlineMs === undefined ? {} : { deadlineMs }));
  }

  /** See `ApiClient.create`. */
  create<T extends KubeObject>(def: ResourceDef<T>, object: T, options: Unsigned<WriteOptions> = {}): Promise<T> {
    return this.tracked(def, object.metadata, options, (client) => client.create(def, object, this.signed(options)));
  }

  /** See `ApiClient.replace`. */
  replace<T extends KubeObject>(def: ResourceDef<T>, object: T, options: Unsigned<WriteOptions> = {}): Promise<T> {
    return this.tracked(def, object.metadata, options, (client) => client.replace(def, object, this.signed(options)));
  }

  /** See `ApiClient.apply`. */
  apply<T extends KubeObject>(def: ResourceDef<T>, object: T, options: Unsigned<ApplyOptions> = {}): Promise<T> {
    return this.tracked(def, object.metadata, options, (client) => client.apply(def, object, this.signed(options)));
  }

  /** See `ApiClient.mergePatch`. */
  mergePatch<T extends KubeObject>(
    def: ResourceDef<T>,
    ref: ObjectRef,
    patch: object,
    options: Unsigned<WriteOptions> = {},
  ): Promise<T> {
    return this.tracked(def, ref, options, (client) => client.mergePatch(def, ref, patch, this.signed(options)));
  }

  /** See `ApiClient.jsonPatch`. */
  jsonPatch<T extends KubeObject>(
    def: ResourceDef<T>,
    ref: ObjectRef,
    operations: readonly JsonPatchOperation[],
    options: Unsigned<WriteOptions> = {},
  ): Promise<T> {
    return this.tracked(def, ref, options, (client) => client.jsonPatch(def, ref, operations, this.signed(options)));
  }

  /** See `ApiClient.delete`. */
  async delete(def: ResourceDef, ref: ObjectRef, options: Unsigned<DeleteOptions> = {}): Promise<boolean> {
    const { client, owner, writes } = this.options;
    const views = this.viewsOf(def, ref.namespace);
    const key = keyOf(ref);
    try {
      const wasThere = await client.delete(def, ref, this.signed(options));
      // What was not there any more is still in a copy that is behind.
      for (const view of views) writes.deleted(owner, view, key, options.preconditions?.uid);
      return wasThere;
    } catch (error) {
      this.noteDoubt(error, views, key);
      throw error;
    }
  }

  /** See `ApiClient.deleteCollection`; `expected` are the keys of what the caller means by it. */
  async deleteCollection(
    def: ResourceDef,
    selection: { readonly namespace: string; readonly labelSelector: string },
    expected: readonly ObjectKey[],
  ): Promise<void> {
    const { client, owner, writes } = this.options;
    const views = this.viewsOf(def, selection.namespace);
    try {
      await client.deleteCollection(def, selection, this.signed({}));
      for (const view of views) for (const key of expected) writes.deleted(owner, view, key);
    } catch (error) {
      for (const key of expected) this.noteDoubt(error, views, key);
      throw error;
    }
  }

  /** For stores over objects that nobody watches: ended by the reconcile's signal through `signal`, and gated as it is. */
  get untracked(): { readonly client: ApiClient; readonly signal: AbortSignal } {
    return { client: this.options.client, signal: this.options.signal };
  }

  private async tracked<T extends KubeObject>(
    def: ResourceDef<T>,
    target: { readonly namespace?: string; readonly name?: string } | undefined,
    { dryRun = false }: { readonly dryRun?: boolean },
    write: (client: ApiClient) => Promise<T>,
  ): Promise<T> {
    const { client, owner, writes } = this.options;
    const views = dryRun ? [] : this.viewsOf(def, target?.namespace);
    try {
      const object = await write(client);
      // A copy that does not show the object never tells of it.
      for (const view of views) if (isSelected(view.selection, object)) writes.wrote(owner, view, object);
      return object;
    } catch (error) {
      const { namespace, name } = target ?? {};
      // A name that the server was to choose is not known.
      if (name !== undefined)
        this.noteDoubt(error, views, keyOf({ name, ...(namespace !== undefined && { namespace }) }));
      throw error;
    }
  }

  private noteDoubt(error: unknown, views: readonly View[], key: ObjectKey): void {
    const { owner, writes } = this.options;
    if (!(error instanceof ApiError) || error.outcome !== 'unknown') return;
    for (const view of views) writes.unsure(owner, view, key);
  }

  private viewsOf(def: ResourceDef, namespace: string | undefined): readonly View[] {
    return this.options.views.filter(
      ({ resource, selection }) =>
        resource.plural === def.plural &&
        resource.group === def.group &&
        (selection.namespace === undefined || selection.namespace === namespace),
    );
  }

  private signed<O extends object>(options: O): O & { readonly signal: AbortSignal } {
    return { ...options, signal: this.options.signal };
  }
}
