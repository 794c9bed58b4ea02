import { expect, test } from 'vitest';
import { appliedSpec } from '../../../src/cli/cluster-job/applied-spec.ts';
import type { FlinkJobObject } from '../../../src/kube/index.ts';

const spec = { parallelism: 3, args: ['a'], triggers: { savepoint: 2, restart: 1 }, restart: { none: {} } };
const there = (metadata: object = {}): FlinkJobObject => ({ metadata, spec }) as FlinkJobObject;
const written = { args: ['b'], triggers: { restart: 4 } };

test('what a file leaves out stays as it is', () => {
  expect(appliedSpec(written, there())).toEqual({
    ...spec,
    args: ['b'],
    triggers: { savepoint: 2, restart: 4 },
  });
});

const FIELDS = { 'f:spec': { 'f:restart': { 'f:none': {} }, 'f:triggers': { 'f:savepoint': {} } } };

test.each([
  [
    'kubectl',
    {
      annotations: {
        'kubectl.kubernetes.io/last-applied-configuration': JSON.stringify({
          spec: { restart: { none: {} }, triggers: { savepoint: 1 } },
        }),
      },
    },
  ],
  ['the server', { managedFields: [{ manager: 'kubectl', operation: 'Apply', fieldsV1: FIELDS }] }],
])('what was applied before by %s, and is left out now, goes', (_, metadata) => {
  expect(appliedSpec(written, there(metadata))).toEqual({ parallelism: 3, args: ['b'], triggers: { restart: 4 } });
});

test('what others wrote is nobody’s to take away', () => {
  const managedFields = [
    { manager: 'kubectl', operation: 'Update', fieldsV1: FIELDS },
    { manager: 'scaler', operation: 'Apply', subresource: 'scale', fieldsV1: FIELDS },
  ];
  const annotations = { 'kubectl.kubernetes.io/last-applied-configuration': '{' };
  expect(appliedSpec({}, there({ managedFields, annotations }))).toEqual(spec);
});
