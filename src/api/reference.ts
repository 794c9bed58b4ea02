/** Writes the reference page of the resource from the schema. */
import { stringify } from 'yaml';
import { requirement } from './describe.ts';
import { API_VERSION, KIND } from './names.ts';
import type { Rule } from './rules.ts';
import type { SchemaNode } from './schema-node.ts';
import { flowYaml } from './violation.ts';

/** `docs/reference/flinkjob.md`. */
export function renderReference(root: SchemaNode): string {
  const { metadata, spec, status } = root.properties ?? {};
  if (metadata === undefined || spec === undefined || status === undefined)
    throw new TypeError('the schema has no root');
  const smallest = { apiVersion: API_VERSION, kind: KIND, metadata: metadata.example, spec: spec.example };
  const lines = [
    '<!-- Generated from src/api by scripts/render-reference.ts. Edit the schema there, then run: make crds -->',
    `# ${KIND}`,
    '',
    `${root.description} This page lists every field of \`${API_VERSION}\`. \`flinkjob validate FILE\` checks a file against it; the API server checks the same rules ([who checks what](validation.md)).`,
    '',
    'The smallest job:',
    '',
    '```yaml',
    stringify(smallest).trim(),
    '```',
    '',
    'Durations are numbers with the units `h`, `m`, `s` and `ms`, largest first: `1h30m`, `10s`, `250ms`.',
    '',
    '## metadata.name',
    '',
    sentence(metadata.properties?.name),
    '',
    ...section('spec', spec),
    ...rules(spec),
    ...section('status', status),
  ];
  return `${lines.join('\n').trim()}\n`;
}

function sentence(node: SchemaNode | undefined): string {
  return node === undefined ? '' : `${node.description} It ${requirement(node)}.`;
}

/** A table of the fields of one object, then the same of the objects below it. */
function section(path: string, node: SchemaNode): string[] {
  const fields = Object.entries(node.properties ?? {});
  if (fields.length === 0) return [];
  return [
    `## ${path}`,
    '',
    node.description,
    '',
    '| field | value | default | meaning |',
    '|---|---|---|---|',
    ...fields.map(([name, field]) => row(name, field, node.required?.includes(name) ?? false)),
    '',
    ...fields.flatMap(([name, field]) => section(`${path}.${name}`, field)),
    ...fields.flatMap(([name, field]) => (field.items === undefined ? [] : section(`${path}.${name}[]`, field.items))),
  ];
}

function row(name: string, field: SchemaNode, required: boolean): string {
  const fallback = isPlain(field.default) ? `\`${flowYaml(field.default)}\`` : required ? '**required**' : '';
  return `| \`${name}\` | ${cell(value(field))} | ${fallback} | ${cell(field.description)}${field.clusterOnly ? ' On a cluster only.' : ''} |`;
}

function isPlain(value: unknown): boolean {
  return value !== undefined && typeof value !== 'object';
}

function value(field: SchemaNode): string {
  return requirement(field).replace(/^must be /, '');
}

function isScalar({ type }: SchemaNode): boolean {
  return type !== 'object' && type !== 'array';
}

function rules(spec: SchemaNode): string[] {
  return [
    '## Rules',
    '',
    'Besides the bounds of each field:',
    '',
    '| field | rule | code |',
    '|---|---|---|',
    ...objectRules('spec', spec).map(([path, rule]) => `| \`${path}\` | ${cell(rule.must)} | \`${rule.code}\` |`),
    '',
  ];
}

function objectRules(path: string, node: SchemaNode): [string, Rule][] {
  const own = isScalar(node) ? [] : node.rules.map((rule): [string, Rule] => [blamed(path, rule), rule]);
  const below = Object.entries(node.properties ?? {}).flatMap(([name, field]) => objectRules(`${path}.${name}`, field));
  return [...own, ...below];
}

function blamed(path: string, { blames }: Rule): string {
  return blames === undefined ? path : `${path}.${blames}`;
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll('{{', '`{{').replaceAll('}}', '}}`');
}
