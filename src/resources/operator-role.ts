/**
 * What the operator may do: a table of the calls it makes, from which its roles are rendered. Every row says why it is there,
 * so that a right nobody can explain does not stay. No secrets, no pods/exec, no `*`, no `escalate`, no `bind`.
 *
 *     table ──► operatorRules ──► config/rbac/*.yaml ──► manifests/, charts/
 *        └────► compared with the requests of a whole life (test/oracles/rights.ts)
 */
import { API_GROUP, PLURAL } from '../api/index.ts';
import { HANDLES_VERBS, LEASE_VERBS } from './job-account.ts';

/** What the API server asks its authorizer; apply and every other patch are `patch`. */
export type RightsVerb = 'get' | 'list' | 'watch' | 'create' | 'update' | 'patch' | 'delete' | 'deletecollection';

/**
 * When a right is used. `call`: in every full life of a job. `seldom`: only after a fault, or under a mode that a life does
 * not have. `grant`: never by the operator itself; Kubernetes lets nobody grant what he does not hold. `admission`: asked for
 * by an admission plugin that not every cluster has.
 */
export type RightsUse = 'call' | 'seldom' | 'grant' | 'admission';

/** One row. */
export interface OperatorRight {
  /** '' is the group of pods. */
  readonly apiGroup: string;
  /** Plural, with `/status` and the like. */
  readonly resource: string;
  readonly verbs: readonly RightsVerb[];
  readonly use: RightsUse;
  /** `jobs`: in every namespace whose FlinkJobs are looked after; `own`: where the operator itself runs. */
  readonly where: 'jobs' | 'own';
  /** The only objects it is about; absent where names are not known before. */
  readonly resourceNames?: readonly string[];
  readonly why: string;
}

/** Follows `rbac/v1.PolicyRule`. */
export interface PolicyRule {
  readonly apiGroups: readonly string[];
  readonly resources: readonly string[];
  readonly resourceNames?: readonly string[];
  readonly verbs: readonly RightsVerb[];
}

/** Name of the operator's account, roles, Deployment and configuration. */
export const OPERATOR_NAME = 'flinkjob-operator';
/** The Lease that the replicas of the operator contend for. */
export const OPERATOR_LEASE = OPERATOR_NAME;

const RBAC = 'rbac.authorization.k8s.io';
const COPIED = ['list', 'watch'] as const;

const COPY_OF_CHILDREN = 'a copy of every object of a job: what is missing or was changed by others is put right';
const ASKED_AGAIN = 'read from the server itself when the answer of a write was lost';

/** The table. */
export const OPERATOR_RIGHTS: readonly OperatorRight[] = [
  ...flinkJobRights(),
  ...configMapRights(),
  ...podRights(),
  ...leaseRights(),
  ...childRights('', 'services', 'the REST API of a job under one name'),
  ...childRights('', 'serviceaccounts', 'the account that the pods of a job run under'),
  ...childRights(RBAC, 'roles', 'what that account may do'),
  ...childRights(RBAC, 'rolebindings', 'gives it to the account'),
  ...ownRights(),
  ...childRights(
    'networking.k8s.io',
    'networkpolicies',
    'keeps others from the REST API of a job, which asks nobody who he is',
  ),
  ...childRights('policy', 'poddisruptionbudgets', 'keeps a drain from taking all pods of a job at once'),
  ...childRights('networking.k8s.io', 'ingresses', 'spec.ingress: the REST API of a job from outside', 'seldom'),
  ...revisionRights(),
  {
    apiGroup: 'events.k8s.io',
    resource: 'events',
    verbs: ['create'],
    use: 'call',
    where: 'jobs',
    why: 'what happens to a job',
  },
  {
    apiGroup: 'events.k8s.io',
    resource: 'events',
    verbs: ['get', 'patch'],
    use: 'seldom',
    where: 'jobs',
    why: 'what happens again is counted, not told again',
  },
  {
    apiGroup: 'coordination.k8s.io',
    resource: 'leases',
    verbs: ['create'],
    use: 'call',
    where: 'own',
    why: 'the election of the replicas; a name can not be given for what is not there yet',
  },
  {
    apiGroup: 'coordination.k8s.io',
    resource: 'leases',
    resourceNames: [OPERATOR_LEASE],
    verbs: ['get', 'list', 'watch', 'update'],
    use: 'call',
    where: 'own',
    why: 'the election of the replicas',
  },
];

/**
 * The rules of a role: one per kind and set of names, in the order of the table. `jobs` holds what is needed where jobs are,
 * `own` what is needed besides where the operator runs.
 */
export function operatorRules(
  where: OperatorRight['where'],
  table: readonly OperatorRight[] = OPERATOR_RIGHTS,
): PolicyRule[] {
  const rules = new Map<string, { rule: PolicyRule; verbs: Set<RightsVerb> }>();
  for (const right of table.filter((row) => row.where === where)) {
    const { apiGroup, resource, resourceNames } = right;
    const key = JSON.stringify([apiGroup, resource, resourceNames]);
    const known = rules.get(key) ?? {
      rule: {
        apiGroups: [apiGroup],
        resources: [resource],
        ...(resourceNames === undefined ? {} : { resourceNames }),
        verbs: [],
      },
      verbs: new Set(),
    };
    for (const verb of right.verbs) known.verbs.add(verb);
    rules.set(key, known);
  }
  return [...rules.values()].map(({ rule, verbs }) => ({ ...rule, verbs: ORDER.filter((verb) => verbs.has(verb)) }));
}

/** Why a rule is there: the reasons of its rows, each once. */
export function reasonsFor(
  rule: PolicyRule,
  where: OperatorRight['where'],
  table: readonly OperatorRight[] = OPERATOR_RIGHTS,
): string[] {
  const isOfRule = (row: OperatorRight): boolean =>
    row.where === where &&
    rule.apiGroups.includes(row.apiGroup) &&
    rule.resources.includes(row.resource) &&
    JSON.stringify(row.resourceNames) === JSON.stringify(rule.resourceNames);
  return [...new Set(table.filter(isOfRule).map(({ verbs, why }) => `${verbs.join(', ')}: ${why}`))];
}

const ORDER: readonly RightsVerb[] = [
  'get',
  'list',
  'watch',
  'create',
  'update',
  'patch',
  'delete',
  'deletecollection',
];

function flinkJobRights(): OperatorRight[] {
  const row = { apiGroup: API_GROUP, resource: PLURAL, where: 'jobs' } as const;
  return [
    { ...row, verbs: COPIED, use: 'call', why: 'a copy of every FlinkJob' },
    { ...row, verbs: ['get'], use: 'seldom', why: ASKED_AGAIN },
    { ...row, verbs: ['patch'], use: 'call', why: 'the finalizer; nothing else of it is ever written' },
    { ...row, verbs: ['delete'], use: 'seldom', why: 'ttlSecondsAfterFinished' },
    { ...row, resource: `${PLURAL}/status`, verbs: ['patch'], use: 'call', why: 'what is observed' },
    {
      ...row,
      resource: `${PLURAL}/finalizers`,
      verbs: ['update'],
      use: 'admission',
      why: 'objects of a job name it as owner and hold up its deletion; OpenShift asks for this right then',
    },
  ];
}

function configMapRights(): OperatorRight[] {
  const row = { apiGroup: '', resource: 'configmaps', where: 'jobs' } as const;
  return [
    { ...row, verbs: ['get'], use: 'call', why: 'attempts and restore points of a job (<job>-ha), read when needed' },
    { ...row, verbs: COPIED, use: 'call', why: COPY_OF_CHILDREN },
    { ...row, verbs: ['create', 'patch', 'delete'], use: 'call', why: 'attempts of a job, the spec of each revision' },
    { ...row, verbs: HANDLES_VERBS, use: 'grant', why: 'granted to the pods of a job, for the one of that job' },
  ];
}

function podRights(): OperatorRight[] {
  const row = { apiGroup: '', resource: 'pods', where: 'jobs' } as const;
  return [
    { ...row, verbs: COPIED, use: 'call', why: 'a copy of the pods of every job: what becomes of them decides' },
    { ...row, verbs: ['create', 'delete'], use: 'call', why: 'pods of an attempt, and of work in the storage' },
    { ...row, verbs: ['get'], use: 'seldom', why: ASKED_AGAIN },
    { ...row, verbs: ['deletecollection'], use: 'call', why: 'the pods of an attempt that is over, in one request' },
  ];
}

function leaseRights(): OperatorRight[] {
  const row = { apiGroup: 'coordination.k8s.io', resource: 'leases', where: 'jobs' } as const;
  return [
    {
      ...row,
      verbs: ['create'],
      use: 'call',
      why: 'the Lease of a job, made empty; tried, to learn whether a namespace is being removed',
    },
    { ...row, verbs: ['get', 'patch'], use: 'seldom', why: 'emptied where its holder is dead' },
    { ...row, verbs: ['delete'], use: 'seldom', why: 'where a job is left behind (deletion.mode: Orphan)' },
    { ...row, verbs: LEASE_VERBS, use: 'grant', why: 'granted to the pods of a job, for the one of that job' },
  ];
}

function revisionRights(): OperatorRight[] {
  const row = { apiGroup: 'apps', resource: 'controllerrevisions', where: 'jobs' } as const;
  return [
    { ...row, verbs: COPIED, use: 'call', why: COPY_OF_CHILDREN },
    { ...row, verbs: ['create'], use: 'call', why: 'one per change of a spec, to go back to' },
    { ...row, verbs: ['delete'], use: 'seldom', why: 'those above revisionHistoryLimit' },
    { ...row, verbs: ['get'], use: 'seldom', why: ASKED_AGAIN },
  ];
}

/** The operator's own. A name would take nothing away: those of jobs are written too, and have names that nobody knows before. */
function ownRights(): OperatorRight[] {
  const row = { apiGroup: RBAC, where: 'jobs' } as const;
  const why =
    "the operator's own: a finalizer keeps them until no FlinkJob is left in the namespace, also in one that is deleted";
  return ['roles', 'rolebindings'].map((resource) => ({ ...row, resource, verbs: ['get', 'patch'], use: 'call', why }));
}

/** Objects that are applied, put right when others change them, and removed when a job no longer needs them. */
function childRights(apiGroup: string, resource: string, what: string, use: RightsUse = 'call'): OperatorRight[] {
  const row = { apiGroup, resource, where: 'jobs' } as const;
  return [
    { ...row, verbs: COPIED, use: 'call', why: COPY_OF_CHILDREN },
    { ...row, verbs: ['create'], use, why: what },
    { ...row, verbs: ['patch'], use: 'seldom', why: 'put right when others changed it' },
    { ...row, verbs: ['delete'], use: 'seldom', why: 'when a job no longer needs it' },
    { ...row, verbs: ['get'], use: 'seldom', why: ASKED_AGAIN },
  ];
}
