/** Whether the operator holds exactly the rights it uses: its table beside the requests that a server or a proxy has seen. */
import type { OperatorRight, RightsVerb } from '../../src/resources/index.ts';
import type { AuditEvent } from '../cluster/index.ts';
import type { PassedRequest } from '../faults/api/api-proxy.ts';

/** A request, as an authorizer is asked about it. */
export interface SeenRequest {
  readonly verb: RightsVerb;
  readonly apiGroup: string;
  /** Plural, with `/status` and the like. */
  readonly resource: string;
  /** Absent where a request spans all namespaces. */
  readonly namespace?: string | undefined;
  readonly name?: string | undefined;
}

/** Where an operator is installed. */
export interface Installation {
  readonly ownNamespace: string;
  /** `all` for a cluster-wide install. */
  readonly jobNamespaces: readonly string[] | 'all';
}

/** `missing`: requests that no row allows. `unused`: rights that a whole life of a job should have used, and did not. */
export interface RightsComparison {
  readonly missing: readonly string[];
  readonly unused: readonly string[];
}

/** Both empty: nothing missing, nothing unused. Each right and each kind of request is told once, in a fixed order. */
export function compareRights(
  table: readonly OperatorRight[],
  requests: readonly SeenRequest[],
  where: Installation,
): RightsComparison {
  const missing = requests.filter((request) => !table.some((right) => allows(right, request, where))).map(told);
  const unused = table
    .filter(({ use }) => use === 'call')
    .flatMap((right) => right.verbs.map((verb) => ({ ...right, verbs: [verb] })))
    .filter((right) => !requests.some((request) => allows(right, request, where)))
    .map(({ verbs, apiGroup, resource, resourceNames, where }) =>
      told({ verb: verbs[0]!, apiGroup, resource, namespace: where, name: resourceNames?.join('|') }),
    );
  return { missing: once(missing), unused: once(unused) };
}

/** What the server's audit log holds of requests that were answered; what is no resource needs no right. */
export function requestsOfAudit(events: readonly AuditEvent[]): SeenRequest[] {
  return events
    .filter(({ stage, objectRef }) => stage === 'ResponseComplete' && objectRef !== undefined)
    .flatMap(({ verb, objectRef, responseStatus, requestURI }) => {
      const { resource, subresource, namespace, name } = objectRef!;
      const { pathname } = new URL(requestURI, 'https://server');
      const request = { apiGroup: groupIn(pathname), resource: withPart(resource, subresource), namespace, name };
      return verbsOf(verb, responseStatus?.code).map((each) => ({ ...request, verb: each }));
    });
}

/** What a proxy has seen. */
export function requestsOfProxy(passed: readonly PassedRequest[]): SeenRequest[] {
  return passed
    .filter(({ resource }) => !resource.startsWith('/'))
    .flatMap(({ verb, resource, subresource, namespace, name, path, serverStatus }) => {
      const { pathname, searchParams } = new URL(path, 'https://server');
      const selected = /(?:^|,)metadata\.name=([^,]+)/.exec(searchParams.get('fieldSelector') ?? '')?.[1];
      const request = {
        apiGroup: groupIn(pathname),
        resource: withPart(resource, subresource),
        namespace,
        name: name ?? selected,
      };
      return verbsOf(verb, serverStatus).map((each) => ({ ...request, verb: each }));
    });
}

/** An apply that makes the object is asked about twice: may he patch, may he create? */
function verbsOf(verb: string, status: number | undefined): RightsVerb[] {
  if (verb !== 'apply' && verb !== 'patch') return [verb as RightsVerb];
  return status === 201 ? ['patch', 'create'] : ['patch'];
}

function groupIn(pathname: string): string {
  const [root, group = ''] = pathname.split('/').filter((part) => part !== '');
  return root === 'apis' ? group : '';
}

function withPart(resource: string, part: string | undefined): string {
  return part === undefined || part === '' ? resource : `${resource}/${part}`;
}

function allows(right: OperatorRight, request: SeenRequest, where: Installation): boolean {
  return (
    right.apiGroup === request.apiGroup &&
    right.resource === request.resource &&
    right.verbs.includes(request.verb) &&
    (right.resourceNames === undefined || right.resourceNames.includes(request.name ?? '')) &&
    reaches(right, request.namespace, where)
  );
}

function reaches(right: OperatorRight, namespace: string | undefined, where: Installation): boolean {
  if (right.where === 'own') return namespace === where.ownNamespace;
  if (where.jobNamespaces === 'all') return true;
  return namespace !== undefined && where.jobNamespaces.includes(namespace);
}

function told({ verb, apiGroup, resource, namespace, name }: SeenRequest): string {
  const kind = apiGroup === '' ? resource : `${resource}.${apiGroup}`;
  return [verb, kind, ...(name === undefined ? [] : [name]), 'in', namespace ?? 'all namespaces'].join(' ');
}

function once(lines: readonly string[]): string[] {
  return [...new Set(lines)].sort();
}
