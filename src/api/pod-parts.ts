/** `spec.jobManager` and `spec.taskManager`: what the pods of a job may use, and what is added to them. */
import * as z from 'zod';
import { parseQuantity, QUANTITY_PATTERN } from '../lib/quantities.ts';
import { free, integer, map } from './fields.ts';
import { celMatches, type Rule, withRules } from './rules.ts';

type Quantities = Readonly<Record<string, string | number>>;

const quantity = withRules(
  z.union([z.int(), z.string().max(32)]).meta({
    description: 'A Kubernetes quantity.',
    example: '512Mi',
    intOrString: { maxLength: 32 },
  }),
  {
    code: 'QUANTITY',
    must: 'must be a Kubernetes quantity that is not negative',
    remedy: 'Write e.g. cpu: 500m or memory: 512Mi',
    reads: [],
    cel: celMatches('string(self)', QUANTITY_PATTERN),
    holds: (self) => parseQuantity(self as string | number) !== undefined,
  },
);

const computeIsPositive: Rule<Quantities> = {
  code: 'QUANTITY_POSITIVE',
  must: 'must have cpu and memory above zero',
  remedy: 'Write e.g. { cpu: 500m, memory: 512Mi }',
  reads: ['cpu', 'memory'],
  cel: "['cpu', 'memory'].all(r, !(r in self) || !isQuantity(string(self[r])) || quantity(string(self[r])).compareTo(quantity('0')) != 0)",
  holds: (self) => namesAtZero(self).length === 0,
  offenders: (self) => namesAtZero(self).map((name) => [name]),
};

const requestsFitLimits: Rule<{ requests?: Quantities; limits?: Quantities }> = {
  code: 'REQUEST_ABOVE_LIMIT',
  must: 'must not be above limits',
  remedy: 'Lower requests or raise limits.',
  reads: ['requests', 'limits'],
  blames: 'requests',
  cel: '!has(self.requests) || !has(self.limits) || self.requests.all(r, !(r in self.limits) || !isQuantity(string(self.requests[r])) || !isQuantity(string(self.limits[r])) || !quantity(string(self.requests[r])).isGreaterThan(quantity(string(self.limits[r]))))',
  holds: (self) => namesAboveLimit(self).length === 0,
  offenders: (self) => namesAboveLimit(self).map((name) => ['requests', name]),
};

function namesAtZero(self: Quantities): string[] {
  return ['cpu', 'memory'].filter((name) => amount(self[name]) === 0n);
}

/** Undefined where there is none, or none that can be read: that is told of the value itself. */
function amount(value: string | number | undefined): bigint | undefined {
  return value === undefined ? undefined : parseQuantity(value);
}

function namesAboveLimit({ requests = {}, limits = {} }: { requests?: Quantities; limits?: Quantities }): string[] {
  return Object.keys(requests).filter((name) => {
    const [request, limit] = [amount(requests[name]), amount(limits[name])];
    return request !== undefined && limit !== undefined && request > limit;
  });
}

const quantities = (description: string) =>
  withRules(
    map(quantity, 16, { description, example: { cpu: '500m', memory: '512Mi' } }),
    computeIsPositive,
  ).optional();

const resources = withRules(
  z
    .strictObject({
      requests: quantities('What a pod is promised.'),
      limits: quantities('What a pod may use at most.'),
    })
    .meta({
      description: 'CPU, memory and other resources of the main container. Absent: the default of the runtime.',
      example: { requests: { cpu: '500m', memory: '512Mi' } },
    }),
  requestsFitLimits,
);

const podTemplate = z
  .strictObject({
    metadata: free(16, { description: 'Labels and annotations of the pods.' }).optional(),
    spec: free(64, {
      description: 'A PodSpec; containers, volumes and the like are merged by name. The main container is named job.',
    }).optional(),
  })
  .meta({
    description: 'Merged into the pods that the operator makes. Checked by the API server when the pod is made.',
    example: { spec: { nodeSelector: { 'kubernetes.io/arch': 'amd64' } } },
  });

const parts = { resources: resources.optional(), podTemplate: podTemplate.optional() };

/** `spec.jobManager`. */
export const jobManagerSchema = z.strictObject(parts).meta({
  description: 'Pods of the JobManager; with the TypeScript runtime, all pods of the job.',
  example: { resources: { limits: { memory: '512Mi' } } },
  clusterOnly: true,
});

/** `spec.taskManager`. */
export const taskManagerSchema = z
  .strictObject({
    replicas: integer(1, 10_000, {
      description: 'Number of TaskManagers. Absent: as many as the parallelism needs.',
      example: 2,
    }).optional(),
    ...parts,
  })
  .meta({ description: 'Pods of the TaskManagers; Flink runtime only.', example: { replicas: 2 } });
