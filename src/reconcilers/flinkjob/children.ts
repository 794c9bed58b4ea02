/** The objects that a job has one of: which there should be, and whether there are. Pure. */
import { type FlinkJob, jobOfRevision } from '../../api/index.ts';
import type { StateLife } from '../../ha/index.ts';
import {
  CONFIG_MAPS,
  INGRESSES,
  type KubeObject,
  NETWORK_POLICIES,
  POD_DISRUPTION_BUDGETS,
  type ResourceDef,
  ROLE_BINDINGS,
  ROLES,
  SERVICE_ACCOUNTS,
  SERVICES,
} from '../../kube/index.ts';
import {
  disruptionBudget,
  jobRole,
  jobRoleBinding,
  jobServiceAccount,
  type Manifest,
  type NetworkFacts,
  networkPolicy,
  type RevisionFacts,
  restIngress,
  restService,
  revisionConfigMap,
} from '../../resources/index.ts';
import type { Desired, JobObject, RevisionOnRecord } from './facts.ts';

/** One object as it should be. `name` is unique among a job's: `Service flights-rest`. */
export interface Child {
  readonly name: string;
  readonly kind: ResourceDef;
  readonly manifest: Manifest;
}

/** What the objects of an attempt are built from: the revision that it runs, under the hot fields that hold now. */
export function objectFacts(
  object: JobObject,
  desired: Desired,
  revision: RevisionOnRecord,
  life: StateLife,
): RevisionFacts {
  const hot = desired.is === 'valid' ? desired.job.spec : undefined;
  const { namespace, name, uid } = object;
  const job: FlinkJob = jobOfRevision({ name, namespace }, revision, hot);
  const { jobId, since, restoreFrom } = life;
  return { job, namespace, name, uid, jobId, since, restoreFrom, revision: revision.name, image: revision.image };
}

/** All of them. Every object goes with the FlinkJob. @param network undefined: nobody is kept from the pods */
export function childrenOf(facts: RevisionFacts, network: NetworkFacts | undefined): readonly Child[] {
  const [budget, ingress] = [disruptionBudget(facts), restIngress(facts)];
  return [
    child(CONFIG_MAPS, revisionConfigMap(facts)),
    child(SERVICE_ACCOUNTS, jobServiceAccount(facts)),
    child(ROLES, jobRole(facts)),
    child(ROLE_BINDINGS, jobRoleBinding(facts)),
    child(SERVICES, restService(facts)),
    ...(network === undefined ? [] : [child(NETWORK_POLICIES, networkPolicy(facts, network))]),
    ...(budget === undefined ? [] : [child(POD_DISRUPTION_BUDGETS, budget)]),
    ...(ingress === undefined ? [] : [child(INGRESSES, ingress)]),
  ];
}

function child(kind: ResourceDef, manifest: Manifest): Child {
  return { name: childName(kind, manifest.metadata.name), kind, manifest };
}

/** What an object is called in steps and sayings: `Service flights-rest`. */
export function childName({ kind }: ResourceDef, name: string): string {
  return `${kind} ${name}`;
}

/** Whether an object is as it was made. Its type goes without saying: objects of a list have none. */
export function isAsMade(live: KubeObject, manifest: Manifest): boolean {
  const known = compared.get(live);
  if (known?.manifest === manifest) return known.isAsMade;
  const { apiVersion: _, kind: __, ...asked } = manifest;
  const answer = covers(live, asked);
  compared.set(live, { manifest, isAsMade: answer });
  return answer;
}

/** Neither ever changes; a job that rests is looked at again and again. */
const compared = new WeakMap<KubeObject, { readonly manifest: Manifest; readonly isAsMade: boolean }>();

/**
 * Whether an object is as it should be: everything that is asked for is there. What the server fills in, or somebody adds
 * beside it, is theirs.
 */
export function covers(live: unknown, asked: unknown): boolean {
  if (Array.isArray(asked)) {
    return Array.isArray(live) && live.length === asked.length && asked.every((each, at) => covers(live[at], each));
  }
  if (asked === null || typeof asked !== 'object') return live === asked;
  if (live === null || typeof live !== 'object') return false;
  return Object.entries(asked).every(([key, value]) => covers((live as Record<string, unknown>)[key], value));
}

/** Whether an object belongs to this FlinkJob and to none before it. */
export function belongsTo({ metadata }: KubeObject, uid: string): boolean {
  return metadata?.ownerReferences?.some((owner) => owner.uid === uid) === true;
}
