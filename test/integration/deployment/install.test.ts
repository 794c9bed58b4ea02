/** manifests/ on a real API server, in a namespace that holds pods to "restricted" and warns of what does not meet it. */
import { readFileSync } from 'node:fs';
import { Agent, request } from 'node:https';
import { json } from 'node:stream/consumers';
import { test as anyTest, beforeAll, describe, expect } from 'vitest';
import { parseAllDocuments } from 'yaml';
import {
  jobRole,
  jobRoleBinding,
  networkPolicy,
  OPERATOR_RIGHTS,
  type OperatorRight,
} from '../../../src/resources/index.ts';
import { aPodOf } from '../../builders/job-facts.ts';
import { clusterForTests } from '../../cluster/index.ts';
import { type Answer, ApiServer, type Json, shippedDefinition } from '../crd/definition.ts';

const cluster = await clusterForTests();
const suite = describe.skipIf(cluster === undefined);
const server = cluster === undefined ? undefined : new ApiServer(cluster);

const ACCOUNT = 'flinkjob-operator';
const RBAC = '/apis/rbac.authorization.k8s.io/v1';
const PLURALS: Readonly<Record<string, string>> = {
  NetworkPolicy: 'networkpolicies',
  PriorityClass: 'priorityclasses',
};
const OF_CLUSTER = ['ClusterRole', 'ClusterRoleBinding', 'PriorityClass'];

/** The objects of a manifest, for another namespace than the one that is written there. */
function objectsOf(file: string, namespace: string): Json[] {
  return parseAllDocuments(readFileSync(`manifests/${file}`, 'utf8')).map((document) =>
    JSON.parse(JSON.stringify(document.toJS()).replaceAll('"namespace":"flinkjob"', `"namespace":"${namespace}"`)),
  );
}

function pathOf({ apiVersion, kind, metadata }: Json): string {
  const root = apiVersion.includes('/') ? `/apis/${apiVersion}` : `/api/${apiVersion}`;
  const where = OF_CLUSTER.includes(kind) ? '' : `/namespaces/${metadata.namespace}`;
  return `${root}${where}/${PLURALS[kind] ?? `${kind.toLowerCase()}s`}/${metadata.name}`;
}

async function aRestrictedNamespace(): Promise<string> {
  const namespace = await server!.namespace();
  const labels = Object.fromEntries(
    ['enforce', 'warn', 'audit'].map((mode) => [`pod-security.kubernetes.io/${mode}`, 'restricted']),
  );
  await server!.merge(`/api/v1/namespaces/${namespace}`, { metadata: { labels } });
  return namespace;
}

/** A request with the token of the operator's account. */
async function asOperator(namespace: string, method: string, path: string, body?: Json): Promise<Answer> {
  const { access } = cluster!;
  const token = await cluster!.tokenFor(namespace, ACCOUNT);
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
  const agent = new Agent({ ca: access.ca });
  return new Promise((resolve, reject) => {
    const call = request(`${access.server}${path}`, { method, agent, headers }, (answer) => {
      json(answer).then((body) => resolve({ status: answer.statusCode ?? 0, body, warnings: [] }), reject);
    });
    call.once('error', reject);
    call.end(body === undefined ? undefined : JSON.stringify(body));
  });
}

/** What the server says of the account's rights in a namespace, without those that everybody has. */
async function heldIn(namespace: string, own: string): Promise<string[]> {
  const spec = { namespace };
  const { body } = await asOperator(own, 'POST', '/apis/authorization.k8s.io/v1/selfsubjectrulesreviews', { spec });
  expect(body.status.incomplete).toBe(false);
  const rules: Json[] = body.status.resourceRules;
  const lines = rules
    .filter(({ apiGroups }) => !/^(authorization|authentication)\.k8s\.io$/.test(apiGroups[0]))
    .flatMap(({ verbs, apiGroups, resources, resourceNames = [] }) =>
      verbs.flatMap((verb: string) =>
        resources.map((resource: string) => [verb, resource, apiGroups[0], ...resourceNames].join(' ').trim()),
      ),
    );
  return [...new Set<string>(lines)].sort();
}

function needed(...where: OperatorRight['where'][]): string[] {
  const lines = OPERATOR_RIGHTS.filter((right) => where.includes(right.where)).flatMap(
    ({ verbs, resource, apiGroup, resourceNames = [] }) =>
      verbs.map((verb) => [verb, resource, apiGroup, ...resourceNames].join(' ').trim()),
  );
  return [...new Set(lines)].sort();
}

beforeAll(async () => {
  await server?.define(shippedDefinition());
});

suite.each(['install.yaml', 'install-cluster.yaml'])('%s', (file) => {
  let namespace = '';
  let objects: Json[] = [];
  const applied: Answer[] = [];

  beforeAll(async () => {
    namespace = await aRestrictedNamespace();
    objects = objectsOf(file, namespace);
    for (const object of objects) applied.push(await server!.apply(pathOf(object), object));
  });

  anyTest('is taken whole by server-side apply, without a warning', () => {
    expect(applied.map(({ body, warnings }) => [body.message, warnings])).toEqual(objects.map(() => [undefined, []]));
    expect(applied.filter(({ status }) => status >= 300)).toEqual([]);
  });

  anyTest('applied again it changes nothing', async () => {
    for (const [index, object] of objects.entries()) {
      const { body } = await server!.apply(pathOf(object), object);
      expect(body.metadata.generation, object.kind).toBe(applied[index]?.body.metadata.generation);
    }
  });

  anyTest('its pod is one that the namespace admits', async () => {
    const { template } = objects.find(({ kind }) => kind === 'Deployment').spec;
    const pod = { apiVersion: 'v1', kind: 'Pod', ...template, metadata: { ...template.metadata, name: 'operator' } };
    const { status, body, warnings } = await server!.create(`/api/v1/namespaces/${namespace}/pods`, pod, '&dryRun=All');
    expect([status, body.message, warnings]).toEqual([201, undefined, []]);
  });

  anyTest('the account holds in its own namespace what the table says, and not a verb more', async () => {
    expect(await heldIn(namespace, namespace)).toEqual(needed('jobs', 'own'));
  });

  anyTest('in other namespaces it holds what its install is for', async () => {
    const other = await server!.namespace();
    expect(await heldIn(other, namespace)).toEqual(file === 'install.yaml' ? [] : needed('jobs'));
  });

  anyTest.each([
    ['GET', '/api/v1/namespaces/NAMESPACE/secrets'],
    ['GET', '/api/v1/namespaces/NAMESPACE/pods/any/log'],
    ['POST', '/api/v1/namespaces/NAMESPACE/pods/any/exec?command=sh'],
    ['POST', '/api/v1/namespaces/NAMESPACE/serviceaccounts/flinkjob-operator/token'],
    ['PUT', '/apis/flinkjob.dev/v1alpha1/namespaces/NAMESPACE/flinkjobs/any'],
    ['GET', '/api/v1/nodes'],
    ['GET', '/api/v1/namespaces'],
    ['GET', '/apis/apiextensions.k8s.io/v1/customresourcedefinitions'],
  ])('%s %s is refused', async (method, path) => {
    const body = method === 'GET' ? undefined : {};
    const { status } = await asOperator(namespace, method, path.replace('NAMESPACE', namespace), body);
    expect(status).toBe(403);
  });

  anyTest('the account can grant a job what its pods need, and nothing beyond', async () => {
    const facts = aPodOf({}, { namespace });
    const roles = `${RBAC}/namespaces/${namespace}/roles`;
    // Nobody's: a garbage collector takes what belongs to a FlinkJob that does not exist.
    const create = (path: string, { metadata: { ownerReferences: _, ...metadata }, ...object }: Json) =>
      asOperator(namespace, 'POST', path, { ...object, metadata });
    expect((await create(roles, jobRole(facts))).status).toBe(201);
    expect((await create(roles.replace(/s$/, 'bindings'), jobRoleBinding(facts))).status).toBe(201);
    const rules = [{ apiGroups: [''], resources: ['secrets'], verbs: ['get'] }];
    const greedy = await create(roles, { metadata: { name: 'greedy' }, rules });
    expect([greedy.status, greedy.body.message]).toEqual([403, expect.stringContaining('not currently held')]);
  });
});

suite('the policy of a job', () => {
  anyTest('is taken by server-side apply, without a warning', async () => {
    const namespace = await server!.namespace();
    const policy = networkPolicy(aPodOf({}, { namespace }), {
      operatorNamespace: 'flinkjob',
      apiServer: ['172.18.0.0/16'],
    });
    const { status, body, warnings } = await server!.apply(pathOf(policy), policy);
    expect([status, body.message, warnings]).toEqual([201, undefined, []]);
    expect(body.spec).toEqual(policy['spec']);
  });
});

suite('user-roles.yaml', () => {
  anyTest('whoever may edit may do everything with a job but write its status', async () => {
    const rules: string[] = [];
    for (const object of objectsOf('user-roles.yaml', 'any')) {
      const { status, body, warnings } = await server!.apply(pathOf(object), object);
      expect([status, warnings]).toEqual([201, []]);
      for (const { verbs, resources } of body.rules)
        rules.push(...verbs.flatMap((verb: string) => resources.map((resource: string) => `${verb} ${resource}`)));
    }
    expect(rules).toEqual(
      expect.arrayContaining(['create flinkjobs', 'get flinkjobs/status', 'patch flinkjobs/scale']),
    );
    expect(rules.filter((rule) => /(create|update|patch|delete) flinkjobs\/status/.test(rule))).toEqual([]);
  });
});

suite('rbac.yaml', () => {
  anyTest('is the part of install.yaml that takes somebody who may hand on rights', async () => {
    const whole = objectsOf('install.yaml', 'any').filter(
      ({ apiVersion, kind }) => /rbac/.test(apiVersion) || kind === 'ServiceAccount',
    );
    expect(objectsOf('rbac.yaml', 'any')).toEqual(whole);
  });
});
