/**
 * The connection that a kubeconfig describes: tokens and token files, client certificates, exec plugins, OpenID Connect.
 * What the file means is the official client's knowledge; it is loaded only here, and only when such a file is read.
 */
import { readFile } from 'node:fs/promises';
import type { RequestOptions } from 'node:https';
import { dirname, resolve } from 'node:path';
import { parse } from 'yaml';
import { messageOf } from '../lib/errors.ts';
import type { ClusterConnection, Credentials } from './connection.ts';
import { KubeConfigError } from './errors.ts';

/** Which kubeconfig. */
export interface KubeconfigFacts {
  /** One file, or several that are merged, the first winning, as in `KUBECONFIG`. */
  readonly files: readonly string[];
  /** @default the file's current context */
  readonly context?: string;
}

type KubeConfig = import('@kubernetes/client-node').KubeConfig;

/** The connection of a kubeconfig's context. Throws when the file, the context or its cluster is not there. */
export async function kubeconfigConnection(facts: KubeconfigFacts): Promise<ClusterConnection> {
  const origin = `kubeconfig ${facts.files.join(', ')}`;
  let config = await load(facts, origin);
  const context = config.getCurrentContext();
  const cluster = config.getCurrentCluster();
  if (cluster === null) {
    const known = config.getContexts().map(({ name }) => name);
    throw new KubeConfigError(
      `${origin} has no context ${context || '(none is current)'} with a cluster; ` +
        `its contexts are: ${known.join(', ') || 'none'}. Choose one with --context, or kubectl config use-context`,
    );
  }
  if (!URL.canParse(cluster.server)) {
    throw new KubeConfigError(`${origin}: server of cluster ${cluster.name} is no URL: ${String(cluster.server)}`);
  }
  if (cluster.proxyUrl !== undefined && cluster.proxyUrl !== null) {
    throw new KubeConfigError(
      `${origin}: cluster ${cluster.name} is to be reached through proxy-url ${cluster.proxyUrl}, which is not supported; ` +
        'forward a local port to the API server and name that as server',
    );
  }
  return {
    origin: `${origin}, context ${context}`,
    server: cluster.server.replace(/\/+$/, ''),
    namespace: config.getContextObject(context)?.namespace || 'default',
    async credentials(fresh) {
      // Loading again reads token files again. A plugin is asked again only when what it gave expired or was refused.
      if (fresh || !usesPlugin(config)) config = await load(facts, origin);
      return credentialsOf(config, origin);
    },
  };
}

async function load({ files, context }: KubeconfigFacts, origin: string): Promise<KubeConfig> {
  const { KubeConfig } = await import('@kubernetes/client-node');
  const merged = new KubeConfig();
  try {
    for (const [index, file] of files.entries()) {
      const next = index === 0 ? merged : new KubeConfig();
      next.loadFromFile(file);
      next.users = await withTokenFiles(next.users, file);
      if (next !== merged) mergeMissing(merged, next);
    }
  } catch (cause) {
    // What the official client stumbles over is a file of something else.
    const why = cause instanceof TypeError ? 'it is no kubeconfig' : firstLine(cause);
    throw new KubeConfigError(`${origin} cannot be read: ${why}`, { cause });
  }
  if (context !== undefined) merged.setCurrentContext(context);
  return merged;
}

/** The users, with the tokens of their `tokenFile`, which the official client passes over. It goes before `token`. */
async function withTokenFiles(users: KubeConfig['users'], file: string): Promise<KubeConfig['users']> {
  const raw = parse(await readFile(file, 'utf8')) as { users?: { name?: string; user?: { tokenFile?: unknown } }[] };
  return Promise.all(
    users.map(async (user) => {
      const tokenFile = raw.users?.find(({ name }) => name === user.name)?.user?.tokenFile;
      if (typeof tokenFile !== 'string' || tokenFile === '') return user;
      return { ...user, token: (await readFile(resolve(dirname(file), tokenFile), 'utf8')).trim() };
    }),
  );
}

/** Adds what the first files do not name. */
function mergeMissing(merged: KubeConfig, next: KubeConfig): void {
  const missing = <T extends { name: string }>(have: readonly T[], more: readonly T[]) =>
    more.filter(({ name }) => have.every((known) => known.name !== name));
  merged.clusters = [...merged.clusters, ...missing(merged.clusters, next.clusters)];
  merged.users = [...merged.users, ...missing(merged.users, next.users)];
  merged.contexts = [...merged.contexts, ...missing(merged.contexts, next.contexts)];
  if (!merged.currentContext) merged.setCurrentContext(next.currentContext);
}

function usesPlugin(config: KubeConfig): boolean {
  const user = config.getCurrentUser();
  return user?.exec !== undefined && user.exec !== null;
}

async function credentialsOf(config: KubeConfig, origin: string): Promise<Credentials> {
  const found: RequestOptions = {};
  try {
    await config.applyToHTTPSOptions(found);
  } catch (cause) {
    throw new KubeConfigError(
      `${origin}: credentials of user ${config.getCurrentUser()?.name} cannot be had: ${firstLine(cause) || 'its plugin failed and did not say why'}`,
      { cause },
    );
  }
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(found.headers ?? {})) headers[name.toLowerCase()] = String(value).trim();
  if (typeof found.auth === 'string' && found.auth !== '') {
    headers.authorization = `Basic ${Buffer.from(found.auth).toString('base64')}`;
  }
  return {
    headers,
    ...pemOf('ca', found.ca),
    ...pemOf('cert', found.cert),
    ...pemOf('key', found.key),
    ...(typeof found.servername === 'string' && { servername: found.servername }),
    verifiesServer: found.rejectUnauthorized !== false,
  };
}

/** Parsers of YAML and plugins tell whole stories. */
function firstLine(error: unknown): string {
  return messageOf(error).trim().split('\n', 1)[0] ?? '';
}

function pemOf<K extends string>(name: K, value: unknown): Partial<Record<K, string | Buffer>> {
  if (typeof value !== 'string' && !Buffer.isBuffer(value)) return {};
  return { [name]: value } as Record<K, string | Buffer>;
}
