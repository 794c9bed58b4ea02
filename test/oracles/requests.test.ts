import { expect, test } from 'vitest';
import type { PassedRequest } from '../faults/api/api-proxy.ts';
import { creationsAndDeletions, isWrite, mostWithin } from './requests.ts';

const seen = (request: Partial<PassedRequest>): PassedRequest => ({
  verb: 'get',
  resource: 'services',
  namespace: 'flights',
  name: undefined,
  subresource: undefined,
  identity: 'operator',
  path: '/api/v1/namespaces/flights/services',
  body: '{"metadata":{"name":"counts-rest"}}',
  receivedAtMs: 0,
  status: 200,
  serverStatus: 200,
  answeredAtMs: 1,
  fault: undefined,
  ...request,
});

test('what the server made and removed is counted by name, also where its answer was lost', () => {
  const requests = [
    seen({ verb: 'create', serverStatus: 201, status: undefined }),
    seen({ verb: 'create', serverStatus: 409 }),
    seen({ verb: 'create', serverStatus: undefined, status: 500 }),
    seen({ verb: 'delete', name: 'counts-rest' }),
    seen({ verb: 'deletecollection', resource: 'pods', path: '/pods?labelSelector=job%3Dcounts' }),
    seen({ verb: 'apply', name: 'counts-rest' }),
  ];
  expect(creationsAndDeletions(requests)).toEqual({
    'create services counts-rest': 1,
    'delete services counts-rest': 1,
    'deletecollection pods job=counts': 1,
  });
});

test('reading changes nothing', () => {
  const verbs = ['get', 'list', 'watch', 'create', 'update', 'patch', 'apply', 'delete', 'deletecollection'] as const;
  expect(verbs.filter((verb) => isWrite(seen({ verb })))).toEqual(verbs.slice(3));
});

test('the busiest stretch is found wherever it begins', () => {
  const at = (...times: number[]) => times.map((receivedAtMs) => seen({ receivedAtMs }));
  expect(mostWithin(at(0, 900, 1_100, 1_200, 1_300, 9_000), 1_000)).toBe(4);
  expect(mostWithin([], 1_000)).toBe(0);
});
