/** Rules of scanners that a line can check, over the code, over what is installed, and over the pods that the operator makes. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { StorageOrder } from '../../src/lib/storage-work.ts';
import { disruptionBudget, jobPod, jobServiceAccount, networkPolicy, storagePod } from '../../src/resources/index.ts';
import { aPodOf } from '../builders/job-facts.ts';

// biome-ignore lint/suspicious/noExplicitAny: pods are looked at field by field.
type Json = any;

function filesBelow(folder: string, ending: RegExp): { readonly name: string; readonly text: string }[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => ending.test(name))
    .map((name) => ({ name: join(folder, name), text: readFileSync(join(folder, name), 'utf8') }));
}

const code = filesBelow('src', /\.ts$/);
const installed = ['manifests', 'config', 'charts'].flatMap((folder) => filesBelow(folder, /\.(yaml|tpl|txt)$/));
const dockerfile = { name: 'Dockerfile', text: readFileSync('Dockerfile', 'utf8') };

test.each([
  ['makes code from text', code, /\beval\(|new Function\(|node:vm/],
  ['runs a shell', code, /\bexecSync\(|shell: *true|\bexec\b[^;}]*\} from 'node:child_process'/],
  [
    'trusts a server that does not prove who it is',
    [...code, ...installed, dockerfile],
    /NODE_TLS_REJECT|rejectUnauthorized: *false/,
  ],
  ['opens a debugger', [...code, ...installed, dockerfile], /--inspect/],
  ['restores values by running them', code, /from 'node:v8'|v8\.deserialize/],
  [
    'asks for everything, or for the rights of others',
    installed,
    /"\*"|'\*'|\bescalate\b|\bimpersonate\b|pods\/exec|pods\/attach|cluster-admin/,
  ],
  ['names an image that changes', [...installed, dockerfile], /:latest\b/],
])('nothing %s', (_, files, forbidden) => {
  expect(files.length).toBeGreaterThan(0);
  expect(files.filter(({ text }) => forbidden.test(text)).map(({ name }) => name)).toEqual([]);
});

test('the image has no prototype to be reached from data, no shell to be reached from outside, and ends of what nobody expects', () => {
  expect(dockerfile.text).toContain('--disable-proto=delete');
  expect(dockerfile.text).toContain('--unhandled-rejections=strict');
  expect(dockerfile.text).toMatch(/^USER [1-9]\d{4}/m);
});

const facts = aPodOf({ storage: { uri: 's3://bucket/jobs', secretRef: { name: 'credentials' } } });
const ORDER: StorageOrder = { do: 'removeBytes', uid: 'uid', attempts: 2, jobIds: [facts.jobId], keep: [] };
const PODS: readonly (readonly [string, Json])[] = [
  ['a pod of a job', jobPod(facts)['spec']],
  ['a pod that works in its storage', storagePod({ ...facts, order: ORDER, deadlineSeconds: 60 })['spec']],
];

describe.each(PODS)('%s', (_, pod) => {
  const [container] = pod.containers;

  test('meets Pod Security "restricted"', () => {
    expect(pod.securityContext).toMatchObject({ runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } });
    expect(container.securityContext).toMatchObject({
      allowPrivilegeEscalation: false,
      capabilities: { drop: ['ALL'] },
    });
    const ofNode = ['hostNetwork', 'hostPID', 'hostIPC'].filter((field) => field in pod);
    const ports = (container.ports ?? []).filter((port: Json) => 'hostPort' in port);
    expect([...ofNode, ...ports]).toEqual([]);
    const kinds = new Set(pod.volumes.flatMap((volume: Json) => Object.keys(volume).filter((key) => key !== 'name')));
    expect(
      [...kinds].filter((kind) => !['configMap', 'emptyDir', 'projected', 'downwardAPI'].includes(kind as string)),
    ).toEqual([]);
  });

  test('has a root that is read-only, and a place for temporary files', () => {
    expect(container.securityContext.readOnlyRootFilesystem).toBe(true);
    const { name } = container.volumeMounts.find(({ mountPath }: Json) => mountPath === '/tmp');
    expect(pod.volumes.find((volume: Json) => volume.name === name)).toHaveProperty('emptyDir');
  });

  test('asks for processor and memory, and has a bound of memory', () => {
    expect(container.resources).toMatchObject({ requests: { cpu: expect.any(String), memory: expect.any(String) } });
    expect(container.resources.limits.memory).toEqual(expect.any(String));
  });

  test('runs under the account of the job, and is given no token that it does not ask for', () => {
    expect(pod.serviceAccountName).toBe('flights-pods');
    expect(pod.automountServiceAccountToken).toBe(false);
    expect(jobServiceAccount(facts)['automountServiceAccountToken']).toBe(false);
  });

  test('refers to Secrets, and copies none', () => {
    expect(container.envFrom).toEqual([{ secretRef: { name: 'credentials' } }]);
    expect(JSON.stringify(pod).match(/credentials/g)).toHaveLength(1);
  });
});

test('a job has a policy of its network, and with a standby a budget of disruptions', () => {
  const standby = aPodOf({ highAvailability: { standbys: 1 } });
  expect(networkPolicy(standby, { operatorNamespace: 'operators', apiServer: [] })['spec']).toMatchObject({
    policyTypes: ['Ingress'],
  });
  expect(disruptionBudget(standby)?.['spec']).toMatchObject({ minAvailable: 1 });
});

test('a pod of a job is asked for life and readiness apart', () => {
  const [container] = (jobPod(facts)['spec'] as Json).containers;
  expect(container.livenessProbe.httpGet.path).not.toBe(container.readinessProbe.httpGet.path);
});
