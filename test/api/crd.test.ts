import { execFileSync } from 'node:child_process';
import { describe, expect, test } from 'vitest';
import { flinkJobNode, renderCrd, renderReference } from '../../src/api/index.ts';
import { celEnvironment, crd, crdText, nodes, rootSchema } from './api-server.ts';

const all = [...nodes(rootSchema)];

test('the checked-in definition is what the schema says', () => {
  expect(crdText).toBe(renderCrd(flinkJobNode()));
});

test('the scripts see drift', () => {
  for (const script of ['scripts/render-crds.ts', 'scripts/render-reference.ts']) {
    expect(execFileSync(process.execPath, [script, '--check'], { encoding: 'utf8' })).toContain('is current');
  }
});

test('the definition is smaller than 60 KB', () => {
  expect(Buffer.byteLength(crdText)).toBeLessThan(60 * 1024);
});

test('it names group, versions, short name, category and subresources', () => {
  expect(crd.metadata.name).toBe('flinkjobs.flinkjob.dev');
  expect(crd.spec).toMatchObject({ group: 'flinkjob.dev', scope: 'Namespaced' });
  expect(crd.spec.names).toMatchObject({ kind: 'FlinkJob', shortNames: ['fj'], categories: ['all'] });
  const [version] = crd.spec.versions;
  expect(version).toMatchObject({ name: 'v1alpha1', served: true, storage: true });
  expect(version.subresources).toEqual({
    status: {},
    scale: {
      specReplicasPath: '.spec.parallelism',
      statusReplicasPath: '.status.parallelism',
      labelSelectorPath: '.status.selector',
    },
  });
  expect(rootSchema.properties?.status?.default).toEqual({ observedGeneration: -1 });
});

test('the narrow columns are Ready, Phase, Runtime, Parallelism, Age', () => {
  const columns: { name: string; type: string; priority?: number }[] = crd.spec.versions[0].additionalPrinterColumns;
  expect(columns.filter(({ priority }) => !priority).map(({ name }) => name)).toEqual([
    'Ready',
    'Phase',
    'Runtime',
    'Parallelism',
    'Age',
  ]);
  expect(columns.find(({ name }) => name === 'Age')?.type).toBe('date');
});

describe('the schema is structural', () => {
  test('every node but metadata is described', () => {
    expect(all.filter(([, { description }]) => !description).map(([path]) => path)).toEqual(['.metadata']);
  });

  test('every node has a type, is an int or string, or is kept as it is', () => {
    const odd = all.filter(([, node]) => {
      const typed = node.type !== undefined;
      return typed === (node['x-kubernetes-int-or-string'] === true) && !node['x-kubernetes-preserve-unknown-fields'];
    });
    expect(odd.map(([path]) => path)).toEqual([]);
  });

  test('no node uses a keyword that Kubernetes refuses', () => {
    const allowed = [
      'type',
      'description',
      'default',
      'properties',
      'required',
      'items',
      'additionalProperties',
      'enum',
      'pattern',
      'format',
      'minimum',
      'maximum',
      'exclusiveMinimum',
      'minLength',
      'maxLength',
      'maxItems',
      'maxProperties',
      'x-kubernetes-int-or-string',
      'x-kubernetes-preserve-unknown-fields',
      'x-kubernetes-validations',
      'x-kubernetes-list-type',
      'x-kubernetes-list-map-keys',
    ];
    const strays = all.flatMap(([path, node]) =>
      Object.keys(node)
        .filter((key) => !allowed.includes(key))
        .map((key) => `${path} ${key}`),
    );
    expect(strays).toEqual([]);
  });

  test('lists have items, objects have either properties or values', () => {
    const odd = all.filter(
      ([, node]) =>
        (node.type === 'array') !== (node.items !== undefined) || (node.properties && node.additionalProperties),
    );
    expect(odd.map(([path]) => path)).toEqual([]);
  });

  test('metadata restricts nothing but the name', () => {
    expect(rootSchema.properties?.metadata).toMatchObject({ type: 'object', properties: { name: { maxLength: 45 } } });
    expect(Object.keys(rootSchema.properties?.metadata ?? {})).toEqual(['type', 'properties']);
  });

  test('every string, list and map is bounded, so that the cost of rules can be estimated', () => {
    const unbounded = all.filter(([path, node]) => {
      if (path === '.apiVersion' || path === '.kind' || node.enum || node.format === 'date-time') return false;
      if (node.type === 'string') return node.maxLength === undefined;
      if (node.type === 'array') return node.maxItems === undefined;
      return node.additionalProperties !== undefined && node.maxProperties === undefined;
    });
    expect(unbounded.map(([path]) => path)).toEqual([]);
  });

  test('patterns use nothing that RE2 lacks', () => {
    const odd = all.filter(([, { pattern }]) => pattern !== undefined && /\(\?[=!<]|\\[1-9]/.test(pattern));
    expect(odd.map(([path]) => path)).toEqual([]);
  });

  test('required fields and list keys exist', () => {
    const odd = all.filter(([, node]) => (node.required ?? []).some((name) => node.properties?.[name] === undefined));
    expect(odd.map(([path]) => path)).toEqual([]);
  });
});

describe('the CEL rules', () => {
  const rules = all.flatMap(([path, node]) =>
    (node['x-kubernetes-validations'] ?? []).map((rule) => ({ path, node, ...rule })),
  );

  test('are there', () => {
    expect(rules.length).toBeGreaterThan(25);
  });

  test.each(rules)('$path: $message', ({ node, rule, message, fieldPath, optionalOldSelf, reason }) => {
    const checked = celEnvironment(node, optionalOldSelf).check(rule);
    expect(checked.error?.message).toBeUndefined();
    expect(checked.type).toBe('bool');
    expect(message).toMatch(/^must [^\n]{1,2000}$/);
    expect([
      undefined,
      'FieldValueInvalid',
      'FieldValueForbidden',
      'FieldValueRequired',
      'FieldValueDuplicate',
    ]).toContain(reason);
    const blamed = (fieldPath ?? '')
      .split('.')
      .slice(1)
      .reduce<typeof node | undefined>((at, name) => at?.properties?.[name], node);
    expect(blamed).toBeDefined();
  });

  test('the check sees unknown fields and wrong types', () => {
    const spec = rootSchema.properties?.spec;
    expect(celEnvironment(spec!).check('self.paralelism == 1').valid).toBe(false);
    expect(celEnvironment(spec!).check("self.parallelism == 'x'").valid).toBe(false);
  });
});

describe('the reference page', () => {
  const page = renderReference(flinkJobNode());

  test('lists every field', () => {
    const names = all.map(([path]) => path.split(/[.{[]/).at(-1)!.replace(/[\]}]/g, '')).filter((name) => name !== '');
    expect(names.filter((name) => !page.includes(`\`${name}\``) && !page.includes(name))).toEqual([]);
  });

  test('tells defaults and bounds', () => {
    expect(page).toContain('| `parallelism` | an integer from 1 to 32768 | `1` |');
    expect(page).toContain('| `interval` | a duration of at least 10ms, or 0s |');
  });
});
