/**
 * Makes the CustomResourceDefinition from the schema: a structural schema with defaults and CEL rules, as the API server
 * of Kubernetes 1.30 and later takes it. The same schema always gives the same bytes.
 */
import { stringify } from 'yaml';
import { withDefaults } from './defaults.ts';
import { API_GROUP, API_VERSION_NAME, CRD_NAME, KIND, PLURAL } from './names.ts';
import { type Rule, ruleMessage } from './rules.ts';
import type { SchemaNode } from './schema-node.ts';

/** A JSON object in the making. */
type Json = Record<string, unknown>;

/** The CustomResourceDefinition as an object. */
export function flinkJobCrd(root: SchemaNode): Json {
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: CRD_NAME },
    spec: {
      group: API_GROUP,
      names: {
        kind: KIND,
        listKind: `${KIND}List`,
        plural: PLURAL,
        singular: 'flinkjob',
        shortNames: ['fj'],
        categories: ['all'],
      },
      scope: 'Namespaced',
      versions: [
        {
          name: API_VERSION_NAME,
          served: true,
          storage: true,
          additionalPrinterColumns: PRINTER_COLUMNS.map(printerColumn),
          schema: { openAPIV3Schema: rootSchema(root) },
          subresources: {
            status: {},
            scale: {
              specReplicasPath: '.spec.parallelism',
              statusReplicasPath: '.status.parallelism',
              labelSelectorPath: '.status.selector',
            },
          },
        },
      ],
    },
  };
}

/** The CustomResourceDefinition as the file in `crds/`. */
export function renderCrd(root: SchemaNode): string {
  const header = '# Generated from src/api by scripts/render-crds.ts. Edit the schema there, then run: make crds\n';
  return (
    header + stringify(flinkJobCrd(root), { lineWidth: 0, indent: 1, indentSeq: false, aliasDuplicateObjects: false })
  );
}

type Column = readonly [name: string, type: string, path: string, description: string, wide?: 'wide'];

const PRINTER_COLUMNS: readonly Column[] = [
  ['Ready', 'string', '.status.conditions[?(@.type=="Ready")].status', 'Whether the job is as the spec asks'],
  ['Phase', 'string', '.status.phase', 'Where the job is in its life'],
  ['Runtime', 'string', '.status.runtime', 'What runs the job'],
  ['Parallelism', 'integer', '.spec.parallelism', 'Parallelism asked for'],
  ['Age', 'date', '.metadata.creationTimestamp', 'Time since the job was created'],
  ['Reason', 'string', '.status.conditions[?(@.type=="Ready")].reason', 'Why it is ready or not', 'wide'],
  ['Restarts', 'integer', '.status.restarts.count', 'Restarts so far', 'wide'],
  ['Checkpoint', 'date', '.status.checkpoint.latest.completed', 'Time since the newest checkpoint', 'wide'],
  ['Savepoint', 'string', '.status.savepoints[0].uri', 'The newest savepoint on record', 'wide'],
  ['Version', 'string', '.spec.flink.version', 'Line of Apache Flink', 'wide'],
  ['Revision', 'string', '.status.revision', 'Revision of the spec that runs', 'wide'],
];

function printerColumn([name, type, jsonPath, description, wide]: Column): Json {
  return { name, type, jsonPath, description, ...(wide === undefined ? {} : { priority: 1 }) };
}

/** Kubernetes fixes the first level: apiVersion and kind are plain strings, metadata restricts the name only. */
function rootSchema(root: SchemaNode): Json {
  const { metadata, spec, status } = root.properties ?? {};
  const name = metadata?.properties?.name;
  if (name === undefined || spec === undefined || status === undefined) throw new TypeError('the schema has no root');
  return {
    type: 'object',
    description: root.description,
    required: ['spec'],
    properties: {
      apiVersion: { type: 'string', description: root.properties?.apiVersion?.description },
      kind: { type: 'string', description: root.properties?.kind?.description },
      // Kubernetes owns metadata: a description or any other field here would make it refuse the definition.
      metadata: { type: 'object', properties: { name: structural(name) } },
      spec: structural(spec),
      status: structural(status),
    },
    ...validations(root.rules),
  };
}

/** The structural schema of one node. */
export function structural(node: SchemaNode): Json {
  return {
    ...typeOf(node),
    description: node.description,
    ...defaultOf(node),
    ...constraintsOf(node),
    ...childrenOf(node),
    ...validations(node.rules),
  };
}

/** The API server tries the rules of an object on its default as it is written, before it fills in what is below. */
function defaultOf(node: SchemaNode): Json {
  if (node.default === undefined) return {};
  return { default: node.rules.length === 0 ? node.default : withDefaults(node, undefined) };
}

function typeOf({ type }: SchemaNode): Json {
  if (type === 'intOrString') return { 'x-kubernetes-int-or-string': true };
  return type === 'any' ? { 'x-kubernetes-preserve-unknown-fields': true } : { type };
}

function constraintsOf({ constraints }: SchemaNode): Json {
  return Object.fromEntries(Object.entries(constraints).filter(([, value]) => value !== undefined));
}

function childrenOf(node: SchemaNode): Json {
  if (node.items !== undefined) return { items: structural(node.items) };
  if (node.values?.type === 'any') return { 'x-kubernetes-preserve-unknown-fields': true };
  if (node.values !== undefined) return { additionalProperties: structural(node.values) };
  if (node.properties === undefined) return {};
  const entries = Object.entries(node.properties);
  // An object without fields would have what is written into it dropped in silence; so it is kept, and refused.
  if (entries.length === 0) return { 'x-kubernetes-preserve-unknown-fields': true, maxProperties: 0 };
  const required = node.required === undefined || node.required.length === 0 ? {} : { required: node.required };
  return { ...required, properties: Object.fromEntries(entries.map(([name, field]) => [name, structural(field)])) };
}

function validations(rules: readonly Rule[]): Json {
  const checked = rules.filter(({ cel }) => cel !== undefined);
  return checked.length === 0 ? {} : { 'x-kubernetes-validations': checked.map(validation) };
}

function validation(rule: Rule): Json {
  const { cel, onlyOnCreate = false } = rule;
  return {
    ...(onlyOnCreate ? { rule: `oldSelf.hasValue() || ${cel}`, optionalOldSelf: true } : { rule: cel }),
    message: ruleMessage(rule),
    ...(rule.blames === undefined ? {} : { fieldPath: `.${rule.blames}` }),
    ...(rule.reason === undefined ? {} : { reason: rule.reason }),
  };
}
