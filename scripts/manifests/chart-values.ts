/** The values of the Helm chart: each with what it is for, its default from config/, and what may be written. */
import { stringify } from 'yaml';
import type { Fields, Json } from './kustomize.ts';

interface Value {
  readonly description: string;
  readonly fallback: Json;
  /** JSON schema of what may be written. */
  readonly schema: Fields;
}

/** What the defaults are taken from. */
export interface ValueFacts {
  readonly replicas: Json;
  readonly resources: Json;
  readonly nodeOptions: Json;
  readonly repository: string;
  /** Settings of operator.yaml, but for the image of jobs. */
  readonly configuration: Fields;
}

const TEXT = { type: 'string' };
const OBJECT = { type: 'object' };

function values(facts: ValueFacts): Readonly<Record<string, Value>> {
  return {
    replicas: {
      description: 'One works, the others wait with warm copies.',
      fallback: facts.replicas,
      schema: { type: 'integer', minimum: 1, maximum: 9 },
    },
    image: {
      description:
        "Of the operator, and of jobs that name none. Without a tag: the chart's version; a digest counts before a tag.",
      fallback: { repository: facts.repository, tag: '', digest: '', pullPolicy: 'IfNotPresent' },
      schema: {
        type: 'object',
        additionalProperties: false,
        properties: {
          repository: { type: 'string', minLength: 1 },
          tag: TEXT,
          digest: { type: 'string', pattern: '^(sha256:[0-9a-f]{64})?$' },
          pullPolicy: { enum: ['Always', 'IfNotPresent', 'Never'] },
        },
      },
    },
    imagePullSecrets: {
      description: 'Secrets of a private registry: a list of objects with a name.',
      fallback: [],
      schema: { type: 'array', items: { type: 'object', required: ['name'], properties: { name: TEXT } } },
    },
    clusterWide: {
      description: 'Look after the jobs of all namespaces, also of those that come later. Makes a ClusterRole.',
      fallback: false,
      schema: { type: 'boolean' },
    },
    namespaces: {
      description: "Namespaces whose jobs are looked after; each gets a Role. Empty: the release's own.",
      fallback: [],
      schema: {
        type: 'array',
        uniqueItems: true,
        items: { type: 'string', pattern: '^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$' },
      },
    },
    configuration: {
      description: 'Settings of the operator, as in operator.yaml; `flinkjob operator --help` tells all there are.',
      fallback: facts.configuration,
      schema: OBJECT,
    },
    resources: {
      description: 'What the operator takes. Where the limit of memory is another, nodeOptions should be too.',
      fallback: facts.resources,
      schema: OBJECT,
    },
    nodeOptions: { description: 'NODE_OPTIONS of the operator.', fallback: facts.nodeOptions, schema: TEXT },
    networkPolicy: {
      description: 'Nothing in but scrapers, nothing out but the API server, names, and the REST API of jobs.',
      fallback: { enabled: true },
      schema: { type: 'object', additionalProperties: false, properties: { enabled: { type: 'boolean' } } },
    },
    priorityClassName: { description: 'A PriorityClass that exists.', fallback: '', schema: TEXT },
    nodeSelector: { description: 'Where the operator may run.', fallback: {}, schema: OBJECT },
    tolerations: { description: 'Taints that it bears.', fallback: [], schema: { type: 'array', items: OBJECT } },
    affinity: {
      description: 'Where it should run; it is spread over nodes as it is.',
      fallback: {},
      schema: OBJECT,
    },
  };
}

/** values.yaml. */
export function valuesYaml(facts: ValueFacts): string {
  const parts = Object.entries(values(facts)).map(
    ([name, { description, fallback }]) => `# ${description}\n${stringify({ [name]: fallback })}`,
  );
  return parts.join('\n');
}

/** values.schema.json: a value that is misspelled is refused, and not passed over. */
export function valuesSchema(facts: ValueFacts): string {
  const properties = Object.fromEntries(
    Object.entries(values(facts)).map(([name, { description, schema }]) => [name, { description, ...schema }]),
  );
  // Helm itself puts `global` there.
  const schema = {
    $schema: 'http://json-schema.org/draft-07/schema#',
    type: 'object',
    additionalProperties: false,
    properties: { ...properties, global: OBJECT },
  };
  return `${JSON.stringify(schema, null, 2)}\n`;
}
