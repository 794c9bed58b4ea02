import fc from 'fast-check';
import { expect, test } from 'vitest';
import { configMapsIn } from '../../../src/flink/ha-data/config-map-list.ts';
import { inspectHaData } from '../../../src/flink/ha-data/inspection.ts';
import { FlinkDataError } from '../../../src/flink/wire/errors.ts';
import { captures } from '../captures.ts';

const one = { kind: 'ConfigMap', metadata: { name: 'a' }, data: { k: 'v' } };
const two = { kind: 'ConfigMap', metadata: { name: 'b', namespace: 'n' } };
const names = (document: unknown) => configMapsIn(document, 'the file').map(({ metadata }) => metadata.name);

test.each<[string, unknown, string[]]>([
  ['a single ConfigMap', one, ['a']],
  ['a List', { kind: 'List', items: [one, two] }, ['a', 'b']],
  ['a ConfigMapList', { kind: 'ConfigMapList', items: [one] }, ['a']],
  ['an array of documents', [one, { kind: 'List', items: [two] }], ['a', 'b']],
  ['a capture of a cluster', { stage: 'x', configMaps: { kind: 'List', items: [one] } }, ['a']],
  ['a list with other kinds', { kind: 'List', items: [{ kind: 'Secret', data: { k: 1 } }, two] }, ['b']],
])('%s holds ConfigMaps', (_, document, wanted) => {
  expect(names(document)).toEqual(wanted);
});

test.each<[string, unknown, RegExp]>([
  ['a text', 'x', /^the file cannot be read: an object is expected$/],
  ['nothing', null, /an object is expected$/],
  ['another document', { a: 1 }, /it is neither a ConfigMap nor a list of them$/],
  ['a ConfigMap without a name', { kind: 'ConfigMap', metadata: {} }, /at metadata: the name is missing$/],
  [
    'a value that is no text',
    { kind: 'List', items: [one, { ...two, data: { n: 5 } }] },
    /at items\[1\]\.data\.n: it is no text$/,
  ],
  ['endless lists', [[[[[[one]]]]]], /lists are nested more than 4 levels deep$/],
])('%s is refused', (_, document, reason) => {
  expect(() => names(document)).toThrow(FlinkDataError);
  expect(() => names(document)).toThrow(reason);
  expect(() => names(document)).toThrow(expect.objectContaining({ code: 'FLINK_CONFIG_MAPS_MALFORMED' }));
});

test('whatever a document holds, it is inspected or one clear error', () => {
  const texts = fc.dictionary(fc.string(), fc.string());
  const name = fc.constantFrom('c-cluster-config-map', `c-${'0'.repeat(32)}-config-map`, 'c-dispatcher-leader', 'x');
  const configMap = fc.record({
    kind: fc.constant('ConfigMap'),
    metadata: fc.record({ name, labels: texts, annotations: texts }),
    data: texts,
  });
  const property = fc.property(fc.oneof(fc.array(configMap), fc.anything()), (document) => {
    try {
      expect(inspectHaData(configMapsIn(document, 'it')).length).toBeGreaterThan(0);
    } catch (error) {
      expect(error).toBeInstanceOf(FlinkDataError);
    }
  });
  fc.assert(property, { seed: 5, numRuns: 500 });
});

test('a real capture with any one character changed is inspected or one clear error', () => {
  const texts = captures.map(({ configMaps }) => JSON.stringify(configMaps));
  const property = fc.property(
    fc.nat(texts.length - 1),
    fc.double({ min: 0, max: 0.999, noNaN: true }),
    fc.string({ maxLength: 2 }),
    (index, where, put) => {
      const text = texts[index]!;
      const at = Math.floor(where * text.length);
      try {
        inspectHaData(configMapsIn(JSON.parse(text.slice(0, at) + put + text.slice(at + 1)), 'it'));
      } catch (error) {
        expect(error instanceof FlinkDataError || error instanceof SyntaxError).toBe(true);
      }
    },
  );
  fc.assert(property, { seed: 6, numRuns: 1_000 });
});
