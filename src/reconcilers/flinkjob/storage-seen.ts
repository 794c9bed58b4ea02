/**
 * Whether the storage of a job can be reached, as far as that is seen from outside: how its processes ended, and where its pods
 * run. The operator opens no storage, and may not read volume claims. Pure.
 */
import { fileURLToPath } from 'node:url';
import { MAIN_CONTAINER } from '../../resources/index.ts';
import type { FlinkJobFacts } from './facts.ts';

/** What is to be said of the storage; `why` in words where it cannot be reached. */
export type StorageSeen =
  | { readonly is: 'reached' }
  | { readonly is: 'unreachable'; readonly why: string }
  /** It is files, and pods of the job do not see the same. */
  | { readonly is: 'apart'; readonly why: string };

/** Undefined where nothing is known: no process has ended of it, and none has stored anything yet. */
export function storageSeen(facts: FlinkJobFacts): StorageSeen | undefined {
  const failure = failureOf(facts);
  if (failure !== undefined) return { is: 'unreachable', why: failure };
  const why = apart(facts);
  if (why !== undefined) return { is: 'apart', why };
  return hasStored(facts) ? { is: 'reached' } : undefined;
}

function hasStored({ rest }: FlinkJobFacts): boolean {
  return rest.is === 'answered' && rest.completed > 0;
}

/** What a process said that could not go on without its storage; a checkpoint that was completed since answers it. */
function failureOf(facts: FlinkJobFacts): string | undefined {
  const { handles, pods } = facts;
  if (handles.is !== 'there' || hasStored(facts)) return undefined;
  const [before, last] = handles.view.ledger.attempts.slice(-2);
  const newest = last ?? before;
  if (newest === undefined) return undefined;
  const ofPods = pods.filter(({ attempt }) => attempt === newest.number).map(({ end }) => end?.record);
  // Until the next attempt has stored something, what the one before ended of is all that is known.
  const said = [newest.end, newest.reported, ...ofPods, ...(last === undefined ? [] : [before?.end])];
  return said.find((each) => each?.code?.startsWith('STORAGE_') === true)?.cause;
}

/** Volumes whose files no other pod, or none on another node, sees. */
const OF_POD = ['emptyDir', 'ephemeral'];
const OF_NODE = ['hostPath'];

/** Why pods that are to share files do not. A claim may be shared or not: then the second pod could not be started. */
function apart({ desired, pods }: FlinkJobFacts): string | undefined {
  if (desired.is === 'invalid' || !desired.settings.storageUri.startsWith('file:')) return undefined;
  const uri = desired.settings.storageUri;
  const kind = volumeOf(fileURLToPath(uri), desired.job.spec.jobManager?.podTemplate?.spec);
  const nodes = new Set(pods.flatMap(({ node }) => node ?? []));
  if (OF_POD.includes(kind ?? '') && pods.length > 1) {
    return `${uri} lies on a volume of the kind ${kind}, of which each pod has its own`;
  }
  if (nodes.size < 2 || !(kind === undefined || [...OF_POD, ...OF_NODE].includes(kind))) return undefined;
  const where = kind === undefined ? 'on no volume' : `on a volume of the kind ${kind}`;
  return `${uri} lies ${where}, and pods of the job run on ${nodes.size} nodes, which do not share it`;
}

interface PodParts {
  readonly volumes?: readonly ({ readonly name?: string } & Readonly<Record<string, unknown>>)[];
  readonly containers?: readonly {
    readonly name?: string;
    readonly volumeMounts?: readonly { readonly name?: string; readonly mountPath?: string }[];
  }[];
}

/** The kind of the volume that a path lies on in the pods of a job: the deepest one that is mounted above it. */
function volumeOf(path: string, template: unknown): string | undefined {
  const { volumes = [], containers = [] } = (template ?? {}) as PodParts;
  const mounts = containers.find(({ name }) => name === MAIN_CONTAINER)?.volumeMounts ?? [];
  const above = mounts.filter(({ mountPath = '' }) => `${path}/`.startsWith(`${mountPath.replace(/\/+$/, '')}/`));
  const [deepest] = above.sort((a, b) => (b.mountPath?.length ?? 0) - (a.mountPath?.length ?? 0));
  const { name: _, ...source } = volumes.find(({ name }) => name === deepest?.name) ?? {};
  return Object.keys(source)[0];
}
