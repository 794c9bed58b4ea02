/**
 * What a pod sees besides its program: variables and mounted files. The process has no file system of its own, so every mount
 * is a directory, and a variable that begins with the path of a mount is made to name that directory.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { type ApiClient, CONFIG_MAPS, type ConfigMap } from '../../src/kube/index.ts';
import type { ClusterAccess } from '../cluster/index.ts';
import { type Container, type EnvVar, type Pod, SECRETS, type Secret, type VolumeSource } from './pod-shapes.ts';
import { requestToken } from './service-account-token.ts';

/** Why a container cannot start for now, in the kubelet's words. It is tried again. */
export class NotStartable extends Error {
  readonly reason: 'ContainerCreating' | 'CreateContainerConfigError';

  constructor(reason: NotStartable['reason'], message: string) {
    super(message);
    this.reason = reason;
  }
}

/** What the files of a pod are made from. */
export interface PodFilesFacts {
  readonly client: ApiClient;
  readonly signal: AbortSignal;
  readonly access: ClusterAccess;
  /** Where pods reach the API server. */
  readonly server: string;
  readonly pod: Pod;
  readonly container: Container;
  /** Of this pod alone; exists. */
  readonly directory: string;
  readonly podIP: string;
  readonly hostIP: string;
  readonly nodeName: string;
}

/** Where programs look for the files of their account; `pod-surroundings.ts` leads them to their own. */
const SERVICE_ACCOUNT = '/var/run/secrets/kubernetes.io/serviceaccount';

type Files = Readonly<Record<string, Buffer | string>>;

/** Writes the mounts and gives the variables. @throws NotStartable while an object that the pod names is not there */
export async function makePodFiles(facts: PodFilesFacts): Promise<Record<string, string>> {
  const mounts = new Map<string, string>();
  for (const { name, mountPath } of facts.container.volumeMounts ?? []) {
    const volume = facts.pod.spec?.volumes?.find((one) => one.name === name);
    const directory = volume?.hostPath?.path ?? join(facts.directory, 'volumes', name);
    mounts.set(mountPath, directory);
    if (volume?.hostPath !== undefined) continue;
    mkdirSync(directory, { recursive: true });
    for (const source of volume?.projected?.sources ?? (volume === undefined ? [] : [volume]))
      write(directory, await filesOf(source, facts));
  }
  const variables = await variablesOf(facts);
  for (const [name, value] of Object.entries(variables)) variables[name] = withinMounts(value, mounts);
  const [temporary, account] = [mounts.get('/tmp'), mounts.get(SERVICE_ACCOUNT)];
  const { hostname, port } = new URL(facts.server);
  return {
    KUBERNETES_SERVICE_HOST: hostname,
    KUBERNETES_SERVICE_PORT: port,
    ...(temporary === undefined ? {} : { TMPDIR: temporary }),
    ...(account === undefined ? {} : { SIMULATED_SERVICE_ACCOUNT: account }),
    ...variables,
  };
}

function withinMounts(value: string, mounts: ReadonlyMap<string, string>): string {
  for (const [path, directory] of mounts) {
    if (value === path || value.startsWith(`${path}/`)) return directory + value.slice(path.length);
  }
  return value;
}

function write(directory: string, files: Files): void {
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(dirname(join(directory, name)), { recursive: true });
    writeFileSync(join(directory, name), content);
  }
}

async function filesOf(source: VolumeSource, facts: PodFilesFacts): Promise<Files> {
  const { configMap, secret, downwardAPI, serviceAccountToken } = source;
  if (configMap !== undefined) {
    const all = await contentOf(configMapNamed(facts, configMap.name), configMap, `configmap "${configMap.name}"`);
    return selected(all, configMap.items);
  }
  if (secret !== undefined) {
    const name = secret.secretName ?? secret.name;
    return selected(await contentOf(secretNamed(facts, name), secret, `secret "${name}"`), secret.items);
  }
  if (downwardAPI !== undefined) {
    const items = downwardAPI.items ?? [];
    return Object.fromEntries(items.map(({ path, fieldRef }) => [path, fieldOf(facts, fieldRef?.fieldPath ?? '')]));
  }
  if (serviceAccountToken !== undefined) {
    const token = await requestToken(facts.client, facts.pod, facts);
    if (token === undefined)
      throw new NotStartable('ContainerCreating', `serviceaccount "${facts.pod.spec?.serviceAccountName}" not found`);
    return { [serviceAccountToken.path]: token };
  }
  return {};
}

function selected(all: Files, items: readonly { readonly key: string; readonly path: string }[] | undefined): Files {
  if (items === undefined) return all;
  return Object.fromEntries(items.map(({ key, path }) => [path, all[key] ?? '']));
}

async function contentOf(
  found: Promise<Files | undefined>,
  { optional = false }: { readonly optional?: boolean },
  what: string,
): Promise<Files> {
  const files = await found;
  if (files === undefined && !optional) throw new NotStartable('ContainerCreating', `${what} not found`);
  return files ?? {};
}

async function configMapNamed(
  { client, pod, signal, access }: PodFilesFacts,
  name: string,
): Promise<Files | undefined> {
  // Every namespace of a cluster has it; the controller that sees to that does not run here.
  if (name === 'kube-root-ca.crt') return { 'ca.crt': access.ca };
  const found = await client.get<ConfigMap>(CONFIG_MAPS, { ...namespaceOf(pod), name }, { signal });
  return found === undefined ? undefined : { ...found.data, ...decoded(found.binaryData) };
}

async function secretNamed({ client, pod, signal }: PodFilesFacts, name: string): Promise<Files | undefined> {
  const found = await client.get<Secret>(SECRETS, { ...namespaceOf(pod), name }, { signal });
  return found === undefined ? undefined : decoded(found.data);
}

function decoded(data: Readonly<Record<string, string>> = {}): Files {
  return Object.fromEntries(Object.entries(data).map(([key, text]) => [key, Buffer.from(text, 'base64')]));
}

async function variablesOf(facts: PodFilesFacts): Promise<Record<string, string>> {
  const variables: Record<string, string> = {};
  for (const { prefix = '', configMapRef, secretRef } of facts.container.envFrom ?? []) {
    const ref = configMapRef ?? secretRef;
    if (ref === undefined) continue;
    const found = await (configMapRef === undefined ? secretNamed : configMapNamed)(facts, ref.name);
    if (found === undefined && ref.optional !== true)
      throw notConfigurable(configMapRef ? 'configmap' : 'secret', ref.name);
    for (const [key, value] of Object.entries(found ?? {})) variables[prefix + key] = value.toString();
  }
  for (const variable of facts.container.env ?? []) {
    const value = await variableValue(facts, variable);
    if (value !== undefined) variables[variable.name] = expanded(value, variables);
  }
  return variables;
}

async function variableValue(facts: PodFilesFacts, { value, valueFrom }: EnvVar): Promise<string | undefined> {
  if (valueFrom === undefined) return value ?? '';
  const { fieldRef, configMapKeyRef, secretKeyRef } = valueFrom;
  if (fieldRef !== undefined) return fieldOf(facts, fieldRef.fieldPath);
  const ref = configMapKeyRef ?? secretKeyRef;
  if (ref === undefined) throw new Error(`the node simulator does not know ${JSON.stringify(valueFrom)}`);
  const found = await (configMapKeyRef === undefined ? secretNamed : configMapNamed)(facts, ref.name);
  const content = found?.[ref.key];
  if (content === undefined && ref.optional !== true)
    throw notConfigurable(configMapKeyRef ? 'configmap' : 'secret', ref.name);
  return content?.toString();
}

function notConfigurable(kind: string, name: string): NotStartable {
  return new NotStartable('CreateContainerConfigError', `${kind} "${name}" not found`);
}

/** `$(NAME)` stands for a variable that was given before. */
function expanded(value: string, variables: Readonly<Record<string, string>>): string {
  return value.replaceAll(/\$\(([\w.-]+)\)/g, (whole, name: string) => variables[name] ?? whole);
}

function fieldOf({ pod, podIP, hostIP, nodeName }: PodFilesFacts, path: string): string {
  const { metadata = {}, spec } = pod;
  const fields: Readonly<Record<string, string | undefined>> = {
    'metadata.name': metadata.name,
    'metadata.namespace': metadata.namespace,
    'metadata.uid': metadata.uid,
    'spec.nodeName': nodeName,
    'spec.serviceAccountName': spec?.serviceAccountName,
    'status.podIP': podIP,
    'status.hostIP': hostIP,
  };
  const [, kind, key = ''] = /^metadata\.(labels|annotations)\['(.+)'\]$/.exec(path) ?? [];
  if (kind !== undefined) return metadata[kind as 'labels' | 'annotations']?.[key] ?? '';
  const value = fields[path];
  if (value === undefined) throw new Error(`the node simulator does not know the field ${path}`);
  return value;
}

function namespaceOf(pod: Pod): { namespace: string } {
  return { namespace: pod.metadata?.namespace ?? '' };
}
