/** The connection of a process in a pod: address from the environment, token and authority from mounted files. */
import { readFile } from 'node:fs/promises';
import { isIPv6 } from 'node:net';
import { join } from 'node:path';
import { messageOf } from '../lib/errors.ts';
import type { ClusterConnection } from './connection.ts';
import { KubeConfigError } from './errors.ts';

/** Where Kubernetes mounts the files of a pod's service account. */
export const SERVICE_ACCOUNT_FOLDER = '/var/run/secrets/kubernetes.io/serviceaccount';

/** What a pod is told. */
export interface InClusterFacts {
  /** `KUBERNETES_SERVICE_HOST` */
  readonly host: string;
  /** `KUBERNETES_SERVICE_PORT` */
  readonly port: string;
  /** @default SERVICE_ACCOUNT_FOLDER */
  readonly folder?: string;
}

/**
 * The connection of a pod. The files are read at each asking: the kubelet replaces the token long before it expires, and
 * the authority when it is rotated. Throws when they are not there.
 */
export async function inClusterConnection(facts: InClusterFacts): Promise<ClusterConnection> {
  const folder = facts.folder ?? SERVICE_ACCOUNT_FOLDER;
  const host = isIPv6(facts.host) ? `[${facts.host}]` : facts.host;
  const read = async (name: string): Promise<string> => {
    try {
      return (await readFile(join(folder, name), 'utf8')).trim();
    } catch (cause) {
      throw new KubeConfigError(
        `the service account's ${name} cannot be read (${messageOf(cause)}); ` +
          'set automountServiceAccountToken on the pod or its service account',
        { cause },
      );
    }
  };
  return {
    origin: `service account in ${folder}`,
    server: `https://${host}:${facts.port}`,
    namespace: await read('namespace'),
    async credentials() {
      const [token, ca] = await Promise.all([read('token'), read('ca.crt')]);
      return { headers: { authorization: `Bearer ${token}` }, ca, verifiesServer: true };
    },
  };
}
