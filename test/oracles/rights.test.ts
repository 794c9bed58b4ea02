import { expect, test } from 'vitest';
import type { OperatorRight } from '../../src/resources/index.ts';
import { compareRights, requestsOfAudit, requestsOfProxy, type SeenRequest } from './rights.ts';

const POD_RIGHT: OperatorRight = {
  apiGroup: '',
  resource: 'pods',
  verbs: ['list', 'create'],
  use: 'call',
  where: 'jobs',
  why: 'pods of an attempt',
};
const HERE = { ownNamespace: 'operators', jobNamespaces: ['jobs'] };
const aRequest = (verb: SeenRequest['verb'], more: Partial<SeenRequest> = {}): SeenRequest => ({
  apiGroup: '',
  resource: 'pods',
  namespace: 'jobs',
  verb,
  ...more,
});

test('rights that are all used, by requests that are all allowed, leave nothing to say', () => {
  const requests = [aRequest('list'), aRequest('create')];
  expect(compareRights([POD_RIGHT], requests, HERE)).toEqual({ missing: [], unused: [] });
});

test('a request that no row allows is missing, and told once', () => {
  const requests = [aRequest('list'), aRequest('create'), aRequest('delete'), aRequest('delete')];
  expect(compareRights([POD_RIGHT], requests, HERE).missing).toEqual(['delete pods in jobs']);
});

test('a verb that no request has used is unused', () => {
  expect(compareRights([POD_RIGHT], [aRequest('list')], HERE).unused).toEqual(['create pods in jobs']);
});

test('a part of an object is a resource of its own', () => {
  const requests = [aRequest('list'), aRequest('create', { resource: 'pods/exec' })];
  expect(compareRights([POD_RIGHT], requests, HERE)).toEqual({
    missing: ['create pods/exec in jobs'],
    unused: ['create pods in jobs'],
  });
});

test('the same name in another group is another resource', () => {
  const requests = [aRequest('list', { apiGroup: 'metrics.k8s.io' })];
  expect(compareRights([POD_RIGHT], requests, HERE).missing).toEqual(['list pods.metrics.k8s.io in jobs']);
});

test('rights about named objects allow no other, and no list of all', () => {
  const named = { ...POD_RIGHT, resourceNames: ['one'] };
  const requests = [aRequest('list', { name: 'one' }), aRequest('create', { name: 'two' }), aRequest('list')];
  expect(compareRights([named], requests, HERE).missing).toEqual(['create pods two in jobs', 'list pods in jobs']);
});

test('rights where jobs are do not reach into other namespaces, nor over all of them', () => {
  const requests = [aRequest('list', { namespace: 'kube-system' }), aRequest('list', { namespace: undefined })];
  const { missing } = compareRights([POD_RIGHT], requests, HERE);
  expect(missing).toEqual(['list pods in all namespaces', 'list pods in kube-system']);
  expect(compareRights([POD_RIGHT], requests, { ...HERE, jobNamespaces: 'all' }).missing).toEqual([]);
});

test("rights of the operator's own namespace hold there only", () => {
  const own: OperatorRight = { ...POD_RIGHT, where: 'own' };
  const requests = [aRequest('list'), aRequest('list', { namespace: 'operators' })];
  expect(compareRights([own], requests, HERE).missing).toEqual(['list pods in jobs']);
});

test('what is held for others, or for the day something fails, need not be used', () => {
  const table = (['seldom', 'grant', 'admission'] as const).map((use) => ({ ...POD_RIGHT, use }));
  expect(compareRights(table, [], HERE)).toEqual({ missing: [], unused: [] });
  expect(compareRights(table, [aRequest('create')], HERE).missing).toEqual([]);
});

test('an apply that makes an object uses the right to create it', () => {
  const event = (code: number) => ({
    stage: 'ResponseComplete',
    verb: 'patch',
    requestURI: '/apis/policy/v1/namespaces/jobs/poddisruptionbudgets/x?fieldManager=flinkjob',
    objectRef: { resource: 'poddisruptionbudgets', namespace: 'jobs', name: 'x' },
    responseStatus: { code },
  });
  const verbs = (code: number) => requestsOfAudit([event(code) as never]).map(({ verb }) => verb);
  expect([verbs(200), verbs(201)]).toEqual([['patch'], ['patch', 'create']]);
  expect(requestsOfAudit([event(200) as never])[0]).toMatchObject({ apiGroup: 'policy', name: 'x' });
});

test('a watch of one object by a field selector is about that object', () => {
  const path = '/apis/coordination.k8s.io/v1/namespaces/jobs/leases?watch=true&fieldSelector=metadata.name%3Done';
  const passed = {
    verb: 'watch',
    resource: 'leases',
    namespace: 'jobs',
    name: undefined,
    subresource: undefined,
    path,
  };
  expect(requestsOfProxy([passed as never])).toEqual([
    { verb: 'watch', apiGroup: 'coordination.k8s.io', resource: 'leases', namespace: 'jobs', name: 'one' },
  ]);
});

test('what is no resource needs no right', () => {
  const version = { verb: 'get', resource: '/version', path: '/version' };
  expect(requestsOfProxy([version as never])).toEqual([]);
});
