/** Who keeps a field of a resource: a tool that carries out what stands in Git may put back what a command changed. Pure. */

/** `metadata.managedFields`, as far as it is read. */
export interface ManagedFields {
  readonly manager?: string;
  readonly operation?: string;
  readonly subresource?: string;
  readonly time?: string;
  readonly fieldsV1?: unknown;
}

/** Field managers that write again and again what somebody else decided. */
const TOOLS: readonly (readonly [RegExp, string])[] = [
  [/^argocd-/, 'Argo CD'],
  [/^kustomize-controller$/, 'Flux'],
  [/^helm-controller$/, 'Flux (Helm)'],
  [/^helm$/i, 'Helm'],
];

/** A tool that owns a field. */
export interface FieldKeeper {
  readonly tool: string;
  readonly manager: string;
}

/** The tool that owns a field such as `['spec', 'state']`, or undefined. */
export function keeperOf(managed: unknown, path: readonly string[]): FieldKeeper | undefined {
  for (const entry of entriesOf(managed)) {
    const { manager = '', subresource } = entry;
    const tool = TOOLS.find(([pattern]) => pattern.test(manager))?.[1];
    if (tool !== undefined && subresource === undefined && owns(entry.fieldsV1, path)) return { tool, manager };
  }
  return undefined;
}

/** All tools that own something of the spec, each once. */
export function keepersOfSpec(managed: unknown): FieldKeeper[] {
  const keepers = entriesOf(managed).flatMap((entry) => keeperOf([entry], ['spec']) ?? []);
  return [...new Map(keepers.map((keeper) => [keeper.manager, keeper])).values()];
}

/** That a change may not last, or undefined. */
export function putBackWarning(managed: unknown, path: readonly string[]): string | undefined {
  const keeper = keeperOf(managed, path);
  if (keeper === undefined) return undefined;
  return `${path.join('.')} is kept by ${keeper.tool} (field manager ${keeper.manager}), which may put it back: change it where ${keeper.tool} has it from, too`;
}

/** Whether a field was written by an apply on the server: by another one that leaves it out it goes. */
export function appliedBefore(managed: unknown, path: readonly string[]): boolean {
  return entriesOf(managed).some(
    ({ operation, subresource, fieldsV1 }) =>
      operation === 'Apply' && subresource === undefined && owns(fieldsV1, path),
  );
}

/** When the spec was changed last by anybody, in milliseconds; undefined where the server does not say. */
export function specChangedAt(managed: unknown): number | undefined {
  const times = entriesOf(managed)
    .filter(({ subresource, fieldsV1 }) => subresource === undefined && owns(fieldsV1, ['spec']))
    .map(({ time = '' }) => Date.parse(time))
    .filter((time) => !Number.isNaN(time));
  return times.length === 0 ? undefined : Math.max(...times);
}

function entriesOf(managed: unknown): ManagedFields[] {
  return Array.isArray(managed) ? managed.filter((entry) => typeof entry === 'object' && entry !== null) : [];
}

function owns(fields: unknown, path: readonly string[]): boolean {
  let at = fields;
  for (const part of path) {
    if (typeof at !== 'object' || at === null) return false;
    at = new Map<string, unknown>(Object.entries(at)).get(`f:${part}`);
  }
  return at !== undefined;
}
