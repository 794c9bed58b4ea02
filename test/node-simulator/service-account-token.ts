/** Tokens as a kubelet gets them for its pods: asked for at the server, bound to the pod, worth nothing once that is gone. */
import { type ApiClient, ApiError, defineResource, type KubeObject } from '../../src/kube/index.ts';
import type { Pod } from './pod-shapes.ts';

interface TokenRequest extends KubeObject {
  readonly spec: object;
  readonly status?: { readonly token: string };
}

/** The shortest life that the server grants is ten minutes, and no test runs for an hour. */
const LIFETIME_S = 3_607;

/** A token of the pod's account; undefined when there is no such account. */
export async function requestToken(
  client: ApiClient,
  { metadata, spec }: Pod,
  { signal }: { readonly signal: AbortSignal },
): Promise<string | undefined> {
  const account = spec?.serviceAccountName ?? 'default';
  const { namespace = '', name, uid } = metadata ?? {};
  const tokens = defineResource<TokenRequest>('v1', 'TokenRequest', `serviceaccounts/${account}/token`);
  const request: TokenRequest = {
    apiVersion: 'authentication.k8s.io/v1',
    metadata: { namespace },
    spec: { expirationSeconds: LIFETIME_S, boundObjectRef: { apiVersion: 'v1', kind: 'Pod', name, uid } },
  };
  try {
    return (await client.create(tokens, request, { signal })).status?.token;
  } catch (error) {
    if (error instanceof ApiError && error.isNotFound) return undefined;
    throw error;
  }
}
