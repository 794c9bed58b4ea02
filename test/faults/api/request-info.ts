/** What a request to the Kubernetes API asks for, read off its line, as the server's own audit log would name it. */

export type Verb = 'get' | 'list' | 'watch' | 'create' | 'update' | 'patch' | 'apply' | 'delete' | 'deletecollection';

export interface RequestInfo {
  readonly verb: Verb;
  /** Plural name; `/version` and the like for what is not a resource. */
  readonly resource: string;
  readonly namespace: string | undefined;
  readonly name: string | undefined;
  readonly subresource: string | undefined;
}

/** Kubernetes' rules: `/api/v1/…` and `/apis/<group>/<version>/…`, with or without a namespace. */
export function requestInfo(method: string, url: string, contentType = ''): RequestInfo {
  const { pathname, searchParams } = new URL(url, 'https://server');
  const parts = pathname.split('/').filter((part) => part !== '');
  const below = parts[0] === 'api' ? parts.slice(2) : parts[0] === 'apis' ? parts.slice(3) : [];
  if (below.length === 0)
    return { verb: 'get', resource: pathname, namespace: undefined, name: undefined, subresource: undefined };
  const isWithin = below[0] === 'namespaces' && below.length > 2 && !['status', 'finalize'].includes(below[2] ?? '');
  const [resource = '', name, subresource] = isWithin ? below.slice(2) : below;
  const namespace = isWithin ? below[1] : undefined;
  const verb = verbOf(method, name !== undefined, searchParams.get('watch') === 'true', contentType);
  return { verb, resource, namespace, name, subresource };
}

function verbOf(method: string, hasName: boolean, isWatch: boolean, contentType: string): Verb {
  switch (method) {
    case 'POST':
      return 'create';
    case 'PUT':
      return 'update';
    case 'PATCH':
      return contentType.includes('apply-patch') ? 'apply' : 'patch';
    case 'DELETE':
      return hasName ? 'delete' : 'deletecollection';
    default:
      if (isWatch) return 'watch';
      return hasName ? 'get' : 'list';
  }
}
